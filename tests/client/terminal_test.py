"""The client with a person at a terminal: what is shown and what is not, and the terminal as it was afterwards."""

import os
import signal
import unittest

import client_case
from fake_server import closing, friendly, log_in, refusing, scripted, serve_commands

HELLO = "220 fake SecureLogin 1 ready\r\n330 Username:\r\n"
PASSWORD = "331 Password:\r\n"
CODE = "332 Code:\r\n"
YES = "230-user alice\r\n230 Login successful\r\n"


class Visit(client_case.ClientCase):
    def visit(self, server, *words, user="alice@"):
        return self.sit_down(*self.pin(), f"{user}localhost:{server.port}", *words)

    def test_logs_in_and_stays(self):
        server = self.serve(lambda peer: log_in(peer, facts=[
            "expires 2026-11-22T20:15:04Z", "last-login 2026-11-21T08:00:12Z 192.0.2.7"]) and serve_commands(peer))
        person = self.visit(server, user="")
        person.answer(f"(localhost:{server.port}) Username: ", "alice")
        person.answer(f"(alice@localhost:{server.port}) Password: ", "correct horse")
        person.answer(f"(alice@localhost:{server.port}) Code: ", "492039")
        person.expect("Login successful")
        person.expect("Last login: Sat 21 Nov 2026 08:00:12 UTC from 192.0.2.7")
        person.expect("Sun 22 Nov 2026 20:15:04 UTC")
        person.answer("securelogin> ", "whoami")
        person.expect("session 6f1c0a52")
        person.answer("securelogin> ", "bogus")
        person.expect("Unknown command")
        person.expect("securelogin> ")
        person.send("\x04")
        self.assertEqual(person.wait(), 0)
        self.assertEqual(server.lines(), ["alice", "correct horse", "492039", "whoami", "bogus", "QUIT"])
        self.assertNotIn(b"correct horse", person.output)
        self.assert_harmless(person.output)

    def test_leaves_with_logout(self):
        server = self.serve(friendly)
        person = self.visit(server)
        person.answer("Password: ", "pw")
        person.answer("Code: ", "492039")
        person.answer("securelogin> ", "logout")
        self.assertEqual(person.wait(), 0)

    def test_shows_names_and_codes_but_no_passwords(self):
        person = self.visit(self.serve(friendly), user="")
        person.expect("Username: ")
        self.assertTrue(person.echo())
        person.send("alice\n")
        person.expect("Password: ")
        self.assertFalse(person.echo())
        person.send("secret\n")
        person.expect("Code: ")
        self.assertTrue(person.echo())
        person.send("492039\n")
        person.expect("492039")
        person.expect("securelogin> ")
        self.assertTrue(person.echo())
        self.assertNotIn(b"secret", person.output)

    def test_asks_again_after_a_refusal(self):
        server = self.serve(refusing)
        person = self.visit(server)
        for attempt in "123":
            person.answer("Password: ", "pw" + attempt)
            person.answer("Code: ", "00000" + attempt)
            person.expect("Login failed")
        self.assertEqual(person.wait(), 77)
        self.assertIn(b"Too many attempts", person.output)
        self.assertEqual(server.lines(), ["alice", "pw1", "000001", "alice", "pw2", "000002", "alice", "pw3", "000003"])

    def test_runs_one_command(self):
        server = self.serve(friendly)
        person = self.visit(server, "whoami")
        person.answer("Password: ", "pw")
        person.answer("Code: ", "492039")
        self.assertEqual(person.wait(), 0)
        self.assertIn(b"session 6f1c0a52", person.output)
        self.assertNotIn(b"securelogin>", person.output)
        self.assertEqual(server.lines()[-2:], ["whoami", "QUIT"])

    def test_standard_output_gets_results_only(self):
        server = self.serve(friendly)
        results = os.path.join(self.home, "results")
        person = self.sit_down("-c", f'exec "$0" "$@" > "{results}"', client_case.PROGRAM, *self.pin(),
                               f"alice@localhost:{server.port}", "whoami", program="sh")
        person.answer("Password: ", "pw")
        person.answer("Code: ", "492039")
        self.assertEqual(person.wait(), 0)
        with open(results, encoding="utf-8") as file:
            self.assertEqual(file.read(), "user alice\nsession 6f1c0a52\n")

    def test_new_password_is_typed_twice(self):
        def script(peer):
            if not log_in(peer):
                return
            peer.line()
            for question in ("331 Password:", "332 Code:", "333 New password:"):
                peer.say(question)
                peer.line()
            peer.say("553 New password refused: too common", "333 New password:")
            peer.line()
            peer.say("250 Password changed")
            serve_commands(peer)

        server = self.serve(script)
        person = self.visit(server)
        person.answer("Password: ", "pw")
        person.answer("Code: ", "1")
        person.answer("securelogin> ", "passwd")
        person.answer("Password: ", "pw")
        person.answer("Code: ", "2")
        person.expect("New password: ")
        self.assertFalse(person.echo())
        person.send("first\n")
        person.expect("again: ")
        self.assertFalse(person.echo())
        person.send("other\n")
        person.expect("differ")
        person.answer("New password: ", "common")
        person.answer("again: ", "common")
        person.expect("too common")
        person.answer("New password: ", "better")
        person.answer("again: ", "better")
        person.expect("Password changed")
        person.expect("securelogin> ")
        person.send("\x04")
        self.assertEqual(person.wait(), 0)
        self.assertEqual(server.lines()[3:], ["passwd", "pw", "2", "common", "better", "QUIT"])
        for secret in (b"first", b"other", b"better"):
            self.assertNotIn(secret, person.output)

    def test_what_cannot_be_sent_is_asked_for_again(self):
        server = self.serve(friendly)
        person = self.visit(server, user="")
        person.answer("Username: ", "a\x16\x1b[31mb")  # ctrl-V quotes the escape
        person.expect("cannot be sent: control character")
        person.answer("Username: ", "alice")
        person.answer("Password: ", "p\x16\tw")
        person.expect("cannot be sent")
        person.answer("Password: ", "pw")
        person.expect("Code: ")
        self.assertEqual(server.lines(), ["alice", "pw"])

    def test_warns_of_failures_in_colour_unless_it_is_unwanted(self):
        for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            with self.subTest(**variables):
                server = self.serve(lambda peer: log_in(peer, facts=["failures-since 3"]) and serve_commands(peer))
                self.environment.update(variables)
                person = self.visit(server)
                person.answer("Password: ", "pw")
                person.answer("Code: ", "492039")
                person.expect("Warning: 3 failed attempts")
                person.expect("securelogin> ")
                self.assertEqual(b"\x1b[" in person.output, coloured)

    def test_writes_no_core_file(self):
        person = self.visit(self.serve(friendly))
        person.expect("Password: ")
        with open(f"/proc/{person.process}/limits", encoding="ascii") as limits:
            core = [line.split() for line in limits if line.startswith("Max core file size")]
        self.assertEqual(core[0][4:6], ["0", "0"])


class Restored(client_case.ClientCase):
    """Whatever happens while a password is typed, the terminal is afterwards as it was."""

    def at_the_password(self, then=None):
        """`then` is what the server does when it is told to go on."""

        def script(peer):
            closing(HELLO, PASSWORD)(peer)
            if then:
                peer.wait()
                then(peer)
            peer.listen_to_the_end()

        self.server = self.serve(script)
        person = self.sit_down(*self.pin(), f"alice@localhost:{self.server.port}")
        person.expect("Password: ")
        self.assertFalse(person.echo())
        return person

    def assert_restored(self, person):
        self.assertTrue(person.echo())
        self.assertEqual(self.server.lines(), ["alice"])

    def test_after_ctrl_c(self):
        person = self.at_the_password()
        person.send("half a pass\x03")
        self.assertEqual(person.wait(), -signal.SIGINT)
        self.assert_restored(person)
        self.assertNotIn(b"half", person.output)

    def test_after_ctrl_backslash(self):
        person = self.at_the_password()
        person.send("\x1c")
        self.assertEqual(person.wait(), -signal.SIGQUIT)
        self.assert_restored(person)

    def test_after_signals(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(signal=number):
                person = self.at_the_password()
                person.kill(number)
                self.assertEqual(person.wait(), -number)
                self.assert_restored(person)

    def test_after_ctrl_d(self):
        person = self.at_the_password()
        person.send("\x04")
        self.assertEqual(person.wait(), 77)
        self.assert_restored(person)

    def test_after_the_servers_farewell(self):
        person = self.at_the_password(lambda peer: peer.say("421 Timeout"))
        person.send("half a pass")
        self.server.go_on()
        self.assertEqual(person.wait(), 75)
        self.assert_restored(person)
        self.assertIn(b"Timeout", person.output)

    def test_after_the_server_is_gone(self):
        person = self.at_the_password(lambda peer: peer.cut())
        self.server.go_on()
        self.assertEqual(person.wait(), 69)
        self.assert_restored(person)
        self.assertIn(b"connection lost", person.output)

    def test_after_the_server_speaks_out_of_turn(self):
        person = self.at_the_password(lambda peer: peer.raw(b"\x1b[8m332 Code:\r\n"))
        self.server.go_on()
        self.assertEqual(person.wait(), 76)
        self.assert_restored(person)
        self.assert_harmless(person.output)

    def test_while_stopped_and_hidden_again_afterwards(self):
        self.server = self.serve(friendly)
        job = ('set -m; "$@"; echo "stopped with $?"; stty -a | grep -ow -e "-*echo"; fg; echo "ended with $?"')
        person = self.sit_down("-c", job, "bash", client_case.PROGRAM, *self.pin(),
                               f"alice@localhost:{self.server.port}", "whoami", program="bash")
        person.expect("Password: ")
        self.assertFalse(person.echo())
        person.send("half\x1a")
        person.expect("stopped with 148")
        person.expect("\necho\r\n")
        person.expect("Password: ")
        self.assertFalse(person.echo())
        person.send("secret\n")
        person.answer("Code: ", "492039")
        person.expect("ended with 0")
        self.assertEqual(self.server.lines()[:3], ["alice", "secret", "492039"])
        self.assertNotIn(b"secret", person.output)
        self.assertNotIn(b"half", person.output)


class AtThePrompt(client_case.ClientCase):
    def test_the_servers_farewell_is_told_at_once(self):
        def script(peer):
            log_in(peer)
            peer.wait()
            peer.say("421 Session ended")

        server = self.serve(script)
        person = self.sit_down(*self.pin(), f"alice@localhost:{server.port}")
        person.answer("Password: ", "pw")
        person.answer("Code: ", "492039")
        person.expect("securelogin> ")
        server.go_on()
        self.assertEqual(person.wait(), 75)
        self.assertIn(b"Session ended", person.output)


class HostileWords(client_case.ClientCase):
    """Nothing that a terminal would obey reaches it, wherever the server puts it."""

    ROWS = (
        # where           turns                                                                exit code
        ("greeting",      ("220 \x1b]0;owned\x07\r\n",),                                        76),
        ("question",      (HELLO, "331 \x1b[8mPassword:\r\n"),                                  76),
        ("C1 question",   (HELLO, "331 \x9b8mPassword:\r\n"),                                   76),
        ("raw C1",        (HELLO, b"331 \x9b8mPassword:\r\n"),                                  76),
        ("verdict",       (HELLO, PASSWORD, CODE, "530 \x1b[2J\r\n"),                           76),
        ("fact",          (HELLO, PASSWORD, CODE, "230-user \x1b[2J\r\n230 ok\r\n"),            76),
        ("fact's key",    (HELLO, PASSWORD, CODE, "230-\x1b[2J x\r\n230 ok\r\n"),               76),
        ("farewell",      ("421 \x1b[2J\r\n",),                                                 76),
        ("return",        (HELLO, PASSWORD, CODE, "530 x\rLogin successful\r\n"),               76),
        ("overrides",     ("421 \u202e\u2066\u200b\ufeff\u2028 gone\r\n",),                     75),
        ("fact overrides", (HELLO, PASSWORD, CODE,
                           "230-last-login \u202e 192.0.2.7\r\n230-failures-since \u202e\r\n230 \u202e\r\n",
                           "250-\u202ekey \u202evalue\r\n250 \u202e\r\n", "221 \u202e\r\n"),      0),
        ("endless line",  ("220 " + "x" * 100_000,),                                            76),
        ("endless facts", (HELLO, PASSWORD, CODE, "230-a b\r\n" * 5000),                        76),
    )

    def test_do_not_reach_the_terminal(self):
        self.environment["NO_COLOR"] = "1"
        for where, turns, code in self.ROWS:
            with self.subTest(where=where):
                server = self.serve(closing(*turns))
                person = self.sit_down("--password-file", self.password_file(), "--code-command", "echo 492039",
                                       *self.pin(), f"alice@localhost:{server.port}", "whoami")
                self.assertEqual(person.wait(), code)
                self.assert_harmless(person.output)
                self.assertLess(len(person.output), 4000)

    def password_file(self):
        path = os.path.join(self.home, "pw")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write("pw\n")
        return path


URI = "otpauth://totp/SecureLogin:carol?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=SecureLogin"
ENROLMENT = (HELLO, "333 New password:\r\n", f"332-otpauth {URI}\r\n332 Code:\r\n",
             "250-user carol\r\n250-recovery-code AAAA-BBBB-CCCC-DDDD\r\n250 Enrolled\r\n330 Username:\r\n")


class Enrolment(client_case.ClientCase):
    def enrol(self, server, *words):
        return self.sit_down("enrol", *self.pin(), *words, f"localhost:{server.port}")

    def test_with_a_person(self):
        server = self.serve(scripted(*ENROLMENT))
        person = self.enrol(server)
        person.expect("Invitation: ")
        self.assertTrue(person.echo())
        person.send("abcd-efgh\n")
        for prompt in ("New password: ", "again: "):
            person.expect(prompt)
            self.assertFalse(person.echo())
            person.send("a good one\n")
        person.expect("\u2580")
        person.expect(URI)
        person.answer("Code: ", "492039")
        person.expect("recovery-code AAAA-BBBB-CCCC-DDDD")
        person.expect("Keep the recovery codes")
        self.assertEqual(person.wait(), 0)
        self.assertEqual(server.lines(), ["ENROL abcd-efgh", "a good one", "492039"])
        self.assertNotIn(b"a good one", person.output)

    def test_the_picture_is_in_black_and_white_unless_not_wanted(self):
        base = self.environment
        for environment, escapes in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            with self.subTest(environment):
                self.environment = base | environment
                person = self.enrol(self.serve(scripted(*ENROLMENT)))
                person.answer("Invitation: ", "abcd-efgh")
                person.answer("New password: ", "a good one")
                person.answer("again: ", "a good one")
                person.expect("Code: ")
                self.assertEqual(b"\x1b[38;5;16;48;5;231m" in person.output, escapes)
                person.send("492039\n")
                self.assertEqual(person.wait(), 0)

    def test_passwords_that_differ_are_asked_for_again(self):
        server = self.serve(scripted(*ENROLMENT))
        person = self.enrol(server)
        person.answer("Invitation: ", "abcd-efgh")
        person.answer("New password: ", "a good one")
        person.answer("again: ", "a god one")
        person.expect("The two differ.")
        person.answer("New password: ", "a good one")
        person.answer("again: ", "a good one")
        person.answer("Code: ", "492039")
        self.assertEqual(person.wait(), 0)
        self.assertEqual(server.lines(), ["ENROL abcd-efgh", "a good one", "492039"])

    def test_standard_output_gets_no_key(self):
        server = self.serve(scripted(*ENROLMENT))
        results = os.path.join(self.home, "results")
        person = self.sit_down("-c", f'exec "$0" "$@" > "{results}"', client_case.PROGRAM, "enrol", *self.pin(),
                               f"localhost:{server.port}", program="sh")
        person.answer("Invitation: ", "abcd-efgh")
        person.answer("New password: ", "a good one")
        person.answer("again: ", "a good one")
        person.answer("Code: ", "492039")
        self.assertEqual(person.wait(), 0)
        with open(results, encoding="utf-8") as file:
            self.assertEqual(file.read(), "user carol\nrecovery-code AAAA-BBBB-CCCC-DDDD\n")

    def test_a_server_that_leaves_is_told_at_once(self):
        server = self.serve(closing(*ENROLMENT[:3]))
        person = self.enrol(server, "--qr", os.path.join(self.home, "key.png"))
        person.answer("Invitation: ", "abcd-efgh")
        person.answer("New password: ", "a good one")
        person.answer("again: ", "a good one")
        self.assertEqual(person.wait(), 69)
        self.assertFalse(os.path.exists(os.path.join(self.home, "key.png")))


if __name__ == "__main__":
    unittest.main()
