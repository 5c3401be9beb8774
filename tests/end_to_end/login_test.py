#!/usr/bin/env python3
"""Logging in: the exchange to the octet, every way to be refused, and every program that can do it."""
import json
import re
import subprocess
import threading

from doors import GRANTED, REFUSED, Line, Pages, at_each_door
from harness import OneDaemon, TestCase, Terminal, BIN, PATIENCE, keep_clear_of_the_next_step, eventually, main

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


class TheExchange(TestCase):
    """docs/protocol.md's example."""

    def setUp(self):
        super().setUp()
        self.place.write_settings('name = "auth.example.net"\n')
        self.daemon = self.start()
        self.alice = self.place.add_user("alice", password="correct horse battery staple")

    def test_first_and_second_login_are_the_documented_octets(self):
        first = self.connect(self.daemon)
        self.assertEqual(b"220 auth.example.net SecureLogin 1 ready\r\n", first.read_line())
        self.assertEqual(b"330 Username:\r\n", first.read_line())
        first.send("alice")
        self.assertEqual(b"331 Password:\r\n", first.read_line())
        first.send("correct horse battery staple")
        self.assertEqual(b"332 Code:\r\n", first.read_line())
        first.send(self.alice.next_code())
        self.assertRegex(first.read_reply().raw.decode(),
                         rf"\A230-user alice\r\n230-session [0-9a-f]{{8}}\r\n230-expires {RFC3339}\r\n"
                         r"230 Login successful\r\n\Z")

        failing = self.connect(self.daemon)
        failing.expect(220)
        for _ in range(3):
            self.assertEqual(b"530 Login failed\r\n", failing.attempt("alice", "wrong", "000000").raw)
        self.assertEqual(421, failing.read_reply().code)
        failing.expect_closed()

        second = self.connect(self.daemon)
        reply = second.log_in(self.alice)
        self.assertRegex(reply.raw.decode(),
                         rf"\A230-user alice\r\n230-session [0-9a-f]{{8}}\r\n230-expires {RFC3339}\r\n"
                         rf"230-last-login {RFC3339} 127\.0\.0\.1\r\n230-failures-since 3\r\n230 Login successful\r\n\Z")

    def test_several_answers_in_one_packet_are_answered_in_order(self):
        for ending in ("\n", "\r\n"):
            with self.subTest(repr(ending)):
                client = self.connect(self.daemon)
                client.send_raw(ending.join(["alice", "correct horse battery staple", self.alice.next_code(), "WHOAMI",
                                             "help", "QUIT", ""]).encode())
                client.expect(220, 330, 331, 332, 230)
                self.assertEqual("alice", client.expect(250)["user"])
                client.expect(214, 221)
                client.expect_closed()

    def test_an_answer_may_come_octet_by_octet(self):
        client = self.connect(self.daemon)
        for octet in f"alice\ncorrect horse battery staple\n{self.alice.next_code()}\n".encode():
            client.send_raw(bytes([octet]))
        client.expect(220, 330, 331, 332, 230)


@at_each_door
class Codes(OneDaemon):
    OPTIONS = {"web": 1}

    def attempt(self, *answers, **how):
        return self.Door(self.daemon).attempt(*answers, **how).outcome

    def test_the_window_is_one_step_each_side_and_only_forwards(self):
        user = self.fresh_user()
        keep_clear_of_the_next_step()
        for offset, outcome in ((-3, REFUSED), (3, REFUSED), (-1, GRANTED), (-1, REFUSED), (0, GRANTED), (-1, REFUSED), (1, GRANTED),
                                (0, REFUSED), (1, REFUSED)):
            with self.subTest(offset):
                self.assertEqual(outcome, self.attempt(user.name, user.password, user.code(offset)))

    def test_every_kind_of_enrolment_works(self):
        for options in (("--algorithm", "sha256"), ("--algorithm", "sha512", "--digits", "8"), ("--digits", "8"),
                        ("--period", "60")):
            with self.subTest(options):
                self.Door(self.daemon).log_in(self.fresh_user(*options))

    def test_right_code_with_wrong_password_is_not_spent(self):
        user = self.fresh_user()
        code = user.next_code()
        self.assertEqual(REFUSED, self.attempt(user.name, "not " + user.password, code))
        self.assertEqual(GRANTED, self.attempt(user.name, user.password, code))

    def test_a_name_and_a_password_have_one_spelling(self):
        """Composed at enrolment, decomposed at login: NFC makes them one."""
        user = self.fresh_user(password="caf\u00e9 noisette \u00e0 volont\u00e9")
        self.assertEqual(GRANTED, self.attempt(user.name.upper(), "cafe\u0301 noisette a\u0300 volonte\u0301", user.next_code()))

    def test_a_recovery_code_works_once_in_the_place_of_a_code(self):
        made = json.loads(self.place.admin("user", "add", f"r{self.Door.__name__.lower()}", "--generate-password",
                                           "--recovery-codes", "--json").stdout)
        answers = made["username"], made["password"], made["recovery_codes"][0]
        self.assertEqual([GRANTED, REFUSED], [self.attempt(*answers) for _ in range(2)])
        self.daemon.wait_for_event("alarm.recovery-code", user=made["username"], **self.Door.LOG)

    def test_who_must_change_the_password_gets_in_and_who_is_disabled_does_not(self):
        user = self.fresh_user()
        self.place.admin("user", "passwd", user.name, "--password-stdin", "--must-change", stdin=user.password + "\n")
        self.assertEqual(GRANTED, self.attempt(user.name, user.password, user.next_code()))
        self.place.admin("user", "disable", user.name)
        self.assertEqual(REFUSED, self.attempt(user.name, user.password, user.next_code()))
        self.daemon.wait_for_event("login", reason="disabled", user=user.name, **self.Door.LOG)


@at_each_door
class OneWayToSayNo(OneDaemon):
    """The same octets, whatever was wrong; each from a source of its own, so that no wait is in the way."""

    OPTIONS = {"web": 1}

    def verdict(self, name, password, code):
        self.sources = getattr(type(self), "sources", 0) + 1
        type(self).sources = self.sources
        return self.Door(self.daemon).attempt(name, password, code, f"127.0.3.{self.sources}")

    def test_the_octets_are_the_same(self):
        good = self.fresh_user()
        disabled = self.fresh_user()
        self.place.admin("user", "disable", disabled.name)
        spent = self.fresh_user()
        used = spent.next_code()
        door = self.Door(self.daemon)
        door.log_in(spent, used)
        word, code = good.password, good.next_code()
        rows = {
            "wrong password": (good.name, "wrong password", code),
            "wrong code": (good.name, word, good.wrong_code()),
            "wrong both": (good.name, "wrong password", good.wrong_code()),
            "unknown user": ("nobody", word, code),
            "a name that can be nobody's": ("../../etc/passwd", word, code),
            "a name with a blank": (good.name + " ", word, code),
            "a name not in ASCII": ("\u00e4gypten", word, code),
            "a long name": ("n" * 1024, word, code),
            "empty name": ("", word, code),
            "disabled user": (disabled.name, disabled.password, disabled.next_code()),
            "replayed code": (spent.name, spent.password, used),
            "empty password": (good.name, "", code),
            "over-long password": (good.name, word + "x" * (1024 - len(word)), code),
            "password with a blank": (good.name, word + " ", code),
            "password in capitals": (good.name, word.upper(), code),
            "empty code": (good.name, word, ""),
            "blank before the code": (good.name, word, " " + code),
            "blank behind the code": (good.name, word, code + " "),
            "blank within the code": (good.name, word, code[:3] + " " + code[3:]),
            "code one digit short": (good.name, word, code[:-1]),
            "code one digit long": (good.name, word, "0" + code),
            "code with a sign": (good.name, word, "+" + code[1:]),
            "code in full-width digits": (good.name, word, "".join(chr(0xFF10 + int(digit)) for digit in code)),
            "code in letters": (good.name, word, "abcdef"),
            "a long code": (good.name, word, code * 170),
        }
        if self.Door is not Line:  # where a line ends there, and these are no line
            rows |= {
                "a name longer than a line": ("n" * 4000, word, code),
                "a password longer than a line": (good.name, word + "x" * 4000, code),
                "a code longer than a line": (good.name, word, code * 600),
                "a name with a line's end": (good.name + "\n", word, code),
                "a name with a nought": (good.name + "\0", word, code),
                "password with a line's end": (good.name, word + "\r\n", code),
                "password with a nought": (good.name, word + "\0", code),
                "code with a line's end": (good.name, word, code + "\n"),
                "code with a nought": (good.name, word, code + "\0"),
            }
        if self.Door is Pages:
            rows |= {
                "a name that is no UTF-8": (good.name.encode() + b"\xff", word, code),
                "password that is no UTF-8": (good.name, word.encode() + b"\xff", code),
                "code that is no UTF-8": (good.name, word, code.encode() + b"\xff"),
            }
        usual = self.verdict("nobody at all", "wrong password", "000000").said
        for what, answers in rows.items():
            with self.subTest(what):
                verdict = self.verdict(*answers)
                self.assertEqual((REFUSED, usual), (verdict.outcome, verdict.said))
        # None of them has spent it.
        door.log_in(good, code, source="127.0.4.1")

    def test_a_password_is_never_cut(self):
        """Longer than any machine's word and than bcrypt's 72: each octet counts."""
        long_one = "correct horse battery staple, " * 8
        user = self.fresh_user(password=long_one[:240])
        self.assertEqual(REFUSED, self.verdict(user.name, long_one[:239], user.code()).outcome)
        self.assertEqual(REFUSED, self.verdict(user.name, long_one[:239] + "X", user.code()).outcome)
        self.Door(self.daemon).log_in(user, source="127.0.4.3")


class OneConnection(OneDaemon):
    def test_the_yes_has_the_names_one_spelling(self):
        user = self.fresh_user()
        with self.daemon.connect("127.0.4.2") as client:
            client.expect(220)
            self.assertEqual(user.name, client.attempt(user.name.upper(), user.password, user.next_code())["user"])

    def test_the_octets_of_a_no(self):
        """All that the server says between the code and its next question."""
        with self.daemon.connect("127.0.4.1") as client:
            client.expect(220)
            self.assertEqual(b"530 Login failed\r\n", client.attempt("nobody", "wrong", "000000").raw)
            self.assertEqual(b"330 Username:\r\n", client.read_line())

    def test_three_attempts_then_421(self):
        rows = {"known": self.fresh_user().name, "unknown": "nobody-at-all"}
        said = {}
        for what, name in rows.items():
            with self.daemon.connect("127.0.4.2") as client:
                client.expect(220)
                for _ in range(3):
                    self.assertEqual(530, client.attempt(name, "wrong", "000000").code)
                said[what] = client.read_rest()
        self.assertEqual(b"421 Too many attempts\r\n", said["known"])
        self.assertEqual(said["known"], said["unknown"])


class Renewal(TestCase):
    def test_a_weaker_hash_is_renewed_at_login(self):
        user = self.place.add_user("alice")  # with the default parameters
        sealed = "SELECT password_hash FROM users"
        before = self.place.query(sealed)
        self.place.write_settings("[password]\npasses = 3\n")
        daemon = self.start()
        outdated = lambda: '"outdated_hashes":1' in self.place.admin("status", "--json").stdout
        self.assertTrue(outdated())
        self.log_in(daemon, user)
        eventually(lambda: self.place.query("SELECT 1 FROM audit WHERE event = 'password.renew'"), "the renewed hash")
        self.assertFalse(outdated())
        self.assertNotEqual(before, self.place.query(sealed))
        client = self.log_in(daemon, user)  # by the new hash
        self.assertEqual(250, client.ask("WHOAMI").code)

    def test_a_wrong_password_renews_nothing(self):
        user = self.place.add_user("alice")
        before = self.place.query("SELECT password_hash FROM users")
        self.place.write_settings("[password]\npasses = 3\n")
        daemon = self.start()
        client = self.connect(daemon)
        client.expect(220)
        self.assertEqual(530, client.attempt("alice", "wrong", user.next_code()).code)
        self.assertEqual(530, client.attempt("alice", user.password, user.wrong_code()).code)
        self.assertEqual(0, daemon.stop())
        self.assertEqual(before, self.place.query("SELECT password_hash FROM users"))


class OtherPrograms(OneDaemon):
    def test_openssl_s_client_by_hand(self):
        """Reading the prompts and typing, as docs/protocol.md promises."""
        user = self.fresh_user()
        with subprocess.Popen(["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{self.daemon.port}"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as hand:
            watch = threading.Timer(PATIENCE, hand.kill)
            watch.start()
            self.addCleanup(watch.cancel)
            shown = []

            def until(prompt):
                while True:
                    line = hand.stdout.readline()
                    self.assertNotEqual(b"", line, shown)
                    shown.append(line)
                    if line.startswith(prompt):
                        return

            def type_in(text):
                hand.stdin.write(text.encode() + b"\n")
                hand.stdin.flush()

            for prompt, answer in ((b"330 ", user.name), (b"331 ", user.password), (b"332 ", user.next_code()),
                                   (b"230 ", "WHOAMI"), (b"250 OK", "QUIT"), (b"221 ", None)):
                until(prompt)
                if answer is not None:
                    type_in(answer)
            hand.stdin.close()
            self.assertEqual(0, hand.wait(PATIENCE))
        self.assertIn(f"250-user {user.name}\r\n".encode(), shown)

    def destination(self):
        return f"127.0.0.1:{self.daemon.port}"

    def test_securelogin_from_a_pipe(self):
        user = self.fresh_user()
        done = self.place.securelogin("--fingerprint", self.daemon.fingerprint, self.destination(),
                                      stdin=f"{user.name}\n{user.password}\n{user.next_code()}\nwhoami\n")
        self.assertRegex(done.stdout, rf"(?m)^user {user.name}$")
        self.assertRegex(done.stdout, r"(?m)^session [0-9a-f]{8}$")

    def test_securelogin_refused_from_a_pipe(self):
        user = self.fresh_user()
        done = self.place.securelogin("--fingerprint", self.daemon.fingerprint, self.destination(), check=False,
                                      stdin=f"{user.name}\n{user.password}\n{user.wrong_code()}\n")
        self.assertEqual(77, done.returncode, done.stderr)

    def test_securelogin_sends_nothing_to_a_server_with_another_key(self):
        user = self.fresh_user()
        done = self.place.securelogin("--fingerprint", "SHA256:" + "A" * 43, self.destination(), check=False,
                                      stdin=f"{user.name}\n{user.password}\n{user.next_code()}\n")
        self.assertEqual(78, done.returncode, done.stderr)

    def test_securelogin_in_a_terminal(self):
        user = self.fresh_user()
        command = [BIN / "securelogin", f"{user.name}@{self.destination()}"]
        with Terminal(command, self.place.environment, self.place.root) as terminal:
            # First contact: the key's fingerprint is shown, and asked about.
            terminal.expect(re.escape(self.daemon.fingerprint))
            terminal.expect(r"\?[^?]*$")
            terminal.send_line("yes")
            terminal.expect(r"[Pp]assword: ")
            self.assertFalse(terminal.echoes(), "the password would be shown")
            terminal.send_line(user.password)
            terminal.expect("[Cc]ode: ")
            self.assertTrue(terminal.echoes())
            terminal.send_line(user.next_code())
            terminal.expect("securelogin> ")
            terminal.send_line("whoami")
            terminal.expect(rf"user {user.name}\b")
            terminal.expect("securelogin> ")

            new_password = "an entirely different staple 42"
            terminal.send_line("passwd")
            terminal.expect("[Pp]assword: ")
            self.assertFalse(terminal.echoes())
            terminal.send_line(user.password)
            terminal.expect("[Cc]ode[^:]*: ")
            terminal.send_line(user.next_code())
            terminal.expect("[Nn]ew password: ")
            self.assertFalse(terminal.echoes())
            terminal.send_line("password")  # one of the first that anyone tries
            terminal.expect(": ")
            terminal.send_line("password")
            terminal.expect("[Nn]ew password: ")
            terminal.send_line(new_password)
            terminal.expect(": ")
            self.assertFalse(terminal.echoes())
            terminal.send_line(new_password)
            terminal.expect("securelogin> ")
            self.assertTrue(terminal.echoes())
            terminal.send("\x04")
            self.assertEqual(0, terminal.wait())
            for secret in (user.password, new_password):
                self.assertNotIn(secret, terminal.transcript)

        # The second time the server is known, and the new password is the one.
        with Terminal(command, self.place.environment, self.place.root) as terminal:
            terminal.expect("[Pp]assword: ")
            self.assertNotIn("SHA256:", terminal.transcript)
            terminal.send("\x03")
            self.assertNotEqual(0, terminal.wait())


if __name__ == "__main__":
    main()
