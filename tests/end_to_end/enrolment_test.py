#!/usr/bin/env python3
"""From an invitation to a login: with the real programs, and whatever may go wrong on the way."""
import json
import re
import subprocess
import threading

from harness import BIN, PATIENCE, OneDaemon, Terminal, TestCase, User, eventually, keep_clear_of_the_next_step, main, run

PASSWORD = "a heron reads the evening paper"


def invite(place, name, *options):
    """What the administrator hands over."""
    return json.loads(place.admin("user", "invite", name, "--json", *options).stdout)["invitation"]


def spelled_wrong(invitation):
    return ("1" if invitation[0] != "1" else "2") + invitation[1:]


def audit(place, event="enrol"):
    return place.query("SELECT outcome, reason FROM audit WHERE event = ? ORDER BY id", event)


def users(place):
    return [name for name, in place.query("SELECT name FROM users ORDER BY name")]


class Enrolling:
    """A connection that enrols, line by line."""

    def __init__(self, client, name):
        self.client, self.name = client, name
        client.expect(220, 330)

    def begin(self, invitation):
        return self.client.ask(f"ENROL {invitation}").code

    def choose(self, password=PASSWORD):
        """The user that this will be; the key is known."""
        reply = self.client.ask(password)
        assert reply.code == 332, reply
        return User(self.name, password, reply["otpauth"])

    def prove(self, code):
        return self.client.ask(code)


class Wire(OneDaemon):
    """What the protocol says, by a client that is not ours."""

    # All tests come from one address; what waits do has a test of its own.
    SETTINGS = "[waits]\nfree = 100\n"

    def enrolling(self, name):
        client = self.daemon.connect()
        self.addCleanup(client.close)
        return Enrolling(client, name)

    def fresh_name(self):
        OneDaemon.counter += 1
        return f"guest{OneDaemon.counter}"

    def assert_logs_in(self, user, code=None):
        with self.daemon.connect() as client:
            client.log_in(user, code)

    def test_enrols_and_logs_in(self):
        name = self.fresh_name()
        dialogue = self.enrolling(name)
        self.assertEqual(333, dialogue.begin(invite(self.place, name)))
        user = dialogue.choose()
        self.assertEqual([], self.place.query("SELECT 1 FROM users WHERE name = ?", name), "nothing is active yet")
        reply = dialogue.prove(user.next_code())
        self.assertEqual(250, reply.code)
        self.assertEqual(name, reply["user"])
        recovery = [value for key, value in reply.facts if key == "recovery-code"]
        self.assertEqual(10, len(set(recovery)))
        # On the same connection, with a code that is newer; then without the app.
        self.assertEqual(230, dialogue.client.attempt(name, PASSWORD, user.next_code()).code)
        for code in (230, 530):
            with self.daemon.connect() as client:
                client.expect(220)
                self.assertEqual(code, client.attempt(name, PASSWORD, recovery[3]).code)
        self.daemon.wait_for_event("enrol", outcome="granted", user=name)

    def test_the_proving_code_does_not_log_in(self):
        keep_clear_of_the_next_step()
        name = self.fresh_name()
        dialogue = self.enrolling(name)
        dialogue.begin(invite(self.place, name))
        user = dialogue.choose()
        code = user.next_code()
        self.assertEqual(250, dialogue.prove(code).code)
        self.assertEqual(530, dialogue.client.attempt(name, PASSWORD, code).code)
        self.assert_logs_in(user)

    def test_mistyped(self):
        name = self.fresh_name()
        invitation = invite(self.place, name)
        dialogue = self.enrolling(name)
        self.assertEqual(530, dialogue.begin(spelled_wrong(invitation)))
        dialogue.client.expect(330)
        self.assertEqual(333, dialogue.begin(invitation.lower().replace("-", "")))
        self.assertIn(("refused", "unknown_invitation"), audit(self.place))

    def test_three_wrong_ones_and_the_door(self):
        dialogue = self.enrolling("nobody")
        for _ in range(3):
            self.assertEqual(530, dialogue.begin("0000-0000-0000-0000-0000-0000-00"))
            code = dialogue.client.read_reply().code
        self.assertEqual(421, code)
        dialogue.client.expect_closed()

    def test_used_again(self):
        name = self.fresh_name()
        invitation = invite(self.place, name)
        dialogue = self.enrolling(name)
        dialogue.begin(invitation)
        user = dialogue.choose()
        dialogue.prove(user.next_code())
        self.assertEqual(530, self.enrolling(name).begin(invitation))
        self.assert_logs_in(user)

    def test_expired(self):
        name = self.fresh_name()
        invitation = invite(self.place, name, "--expires", "2s")
        dialogue = self.enrolling(name)
        begun = dialogue.begin(invitation) == 333
        eventually(lambda: self.place.admin("user", "show", name, check=False).returncode == 67, "the invitation expires")
        self.assertEqual(530, self.enrolling(name).begin(invitation))
        if begun:  # one that was under way is too late as well
            user = dialogue.choose()
            self.assertEqual(530, dialogue.prove(user.next_code()).code)
        self.assertNotIn(name, users(self.place))

    def test_withdrawn_and_replaced(self):
        name = self.fresh_name()
        first = invite(self.place, name)
        second = invite(self.place, name)
        self.assertEqual(530, self.enrolling(name).begin(first))
        dialogue = self.enrolling(name)
        self.assertEqual(333, dialogue.begin(second))
        user = dialogue.choose()
        self.place.admin("user", "remove", name)
        self.assertEqual(530, dialogue.prove(user.next_code()).code)
        self.assertEqual(530, self.enrolling(name).begin(second))
        self.assertNotIn(name, users(self.place))

    def test_raced_by_two(self):
        name = self.fresh_name()
        invitation = invite(self.place, name)
        dialogues = [self.enrolling(name) for _ in range(4)]
        people = []
        for dialogue in dialogues:
            self.assertEqual(333, dialogue.begin(invitation))
            people.append(dialogue.choose())
        keep_clear_of_the_next_step()
        codes = [user.code() for user in people]
        together = threading.Barrier(len(dialogues))
        answers = [None] * len(dialogues)

        def prove(number):
            together.wait(PATIENCE)
            answers[number] = dialogues[number].prove(codes[number]).code

        threads = [threading.Thread(target=prove, args=(number,)) for number in range(len(dialogues))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual([250, 530, 530, 530], sorted(answers))
        # The key that counts is the winner's.
        winner = people[answers.index(250)]
        with self.daemon.connect() as client:
            client.expect(220)
            self.assertEqual(230, client.attempt(name, PASSWORD, winner.code(1)).code)

    def test_abandoned(self):
        name = self.fresh_name()
        invitation = invite(self.place, name)
        for steps in range(3):
            client = self.daemon.connect()
            dialogue = Enrolling(client, name)
            if steps > 0:
                dialogue.begin(invitation)
            if steps > 1:
                dialogue.choose()
            client.reset()
            self.assertNotIn(name, users(self.place))
        dialogue = self.enrolling(name)
        self.assertEqual(333, dialogue.begin(invitation))
        self.assertEqual(250, dialogue.prove(dialogue.choose().next_code()).code)

    def test_wrong_codes(self):
        name = self.fresh_name()
        invitation = invite(self.place, name)
        dialogue = self.enrolling(name)
        dialogue.begin(invitation)
        user = dialogue.choose()
        for wrong in (user.wrong_code(), "", "12345"):
            self.assertEqual(530, dialogue.prove(wrong).code)
            after = dialogue.client.read_reply()
        self.assertEqual(330, after.code, "three in all")
        self.assertIn(("refused", "wrong_code"), audit(self.place))
        # Another key, and the invitation is good.
        self.assertEqual(333, dialogue.begin(invitation))
        again = dialogue.choose()
        self.assertNotEqual(user.secret, again.secret)
        self.assertEqual(530, dialogue.prove(again.wrong_code()).code)
        dialogue.client.expect(332)
        self.assertEqual(250, dialogue.prove(again.next_code()).code)

    def test_password_refused(self):
        name = self.fresh_name()
        dialogue = self.enrolling(name)
        dialogue.begin(invite(self.place, name))
        for weak in ("short", "password1"):
            self.assertEqual(553, dialogue.client.ask(weak).code)
            dialogue.client.expect(333)
        self.assertEqual(250, dialogue.prove(dialogue.choose().next_code()).code)

    def test_cancelled(self):
        name = self.fresh_name()
        invitation = invite(self.place, name)
        dialogue = self.enrolling(name)
        dialogue.begin(invitation)
        self.assertEqual(501, dialogue.client.ask("").code)
        dialogue.client.expect(330)
        self.assertEqual(333, dialogue.begin(invitation))

    def test_all_in_one_packet(self):
        """The code cannot be known before the key: the last answer is wrong, and nothing is lost on the way."""
        name = self.fresh_name()
        with self.daemon.connect() as client:
            client.send(f"enrol {invite(self.place, name)}", "short", PASSWORD, "000000")
            client.expect(220, 330, 333, 553, 333, 332)

    def test_a_user_who_is_called_enrol(self):
        user = self.place.add_user("enrol")
        self.assert_logs_in(user)

    def test_a_lost_phone(self):
        user = self.fresh_user()
        with self.daemon.connect() as client:
            client.log_in(user)
            invitation = json.loads(self.place.admin("user", "reset-totp", user.name, "--json").stdout)["invitation"]
            self.assertEqual(421, client.ask("WHOAMI").code, "the old sessions have ended")
        with self.daemon.connect() as client:
            client.expect(220)
            self.assertEqual(530, client.attempt(user.name, user.password, user.next_code()).code)
        dialogue = self.enrolling(user.name)
        self.assertEqual(333, dialogue.begin(invitation))
        again = dialogue.choose("another long and quiet evening")
        self.assertEqual(250, dialogue.prove(again.next_code()).code)
        self.assert_logs_in(again)
        with self.daemon.connect() as client:
            client.expect(220)
            self.assertEqual(530, client.attempt(user.name, user.password, again.code()).code, "the password is the new one")

    def test_a_disabled_user_does_not_enrol(self):
        user = self.fresh_user()
        invitation = json.loads(self.place.admin("user", "reset-totp", user.name, "--json").stdout)["invitation"]
        self.place.admin("user", "disable", user.name)
        self.assertEqual(530, self.enrolling(user.name).begin(invitation))
        self.place.admin("user", "enable", user.name)
        self.assertEqual(333, self.enrolling(user.name).begin(invitation))

    def test_no_secret_is_logged(self):
        name = self.fresh_name()
        invitation = invite(self.place, name)
        dialogue = self.enrolling(name)
        dialogue.begin(invitation)
        user = dialogue.choose()
        dialogue.prove(user.next_code())
        self.daemon.wait_for_event("enrol", outcome="granted", user=name)
        log = self.daemon.stderr.text()
        for secret in (invitation, user.secret, PASSWORD):
            self.assertNotIn(secret, log)
        self.assertEqual([], self.place.query("SELECT 1 FROM audit WHERE reason LIKE ?", f"%{invitation}%"))


class Waits(TestCase):
    def test_who_guesses_waits_and_others_do_not(self):
        self.place.write_settings("[waits]\nfirst = 600\nlongest = 900\n")
        daemon = self.start()
        invitation = invite(self.place, "carol")
        codes = []
        for _ in range(2):
            with daemon.connect("127.0.0.2") as client:
                dialogue = Enrolling(client, "carol")
                for _ in range(3):
                    codes.append(dialogue.begin(spelled_wrong(invitation)))
                    client.read_reply()
        self.assertEqual([530] * 5 + [450], codes)
        with daemon.connect("127.0.0.2") as client:
            self.assertEqual(450, Enrolling(client, "carol").begin(invitation))
        # It lasts: the failures are on disk.
        self.assertEqual(0, daemon.stop())
        daemon = self.start()
        with daemon.connect("127.0.0.2") as client:
            self.assertEqual(450, Enrolling(client, "carol").begin(invitation))
        with daemon.connect("127.0.0.3") as client:
            self.assertEqual(333, Enrolling(client, "carol").begin(invitation))

    def test_a_restart_between(self):
        daemon = self.start()
        invitation = invite(self.place, "carol")
        with daemon.connect() as client:
            dialogue = Enrolling(client, "carol")
            dialogue.begin(invitation)
            dialogue.choose()
            daemon.kill()
        daemon = self.start()
        with daemon.connect() as client:
            dialogue = Enrolling(client, "carol")
            self.assertEqual(333, dialogue.begin(invitation))
            user = dialogue.choose()
            self.assertEqual(250, dialogue.prove(user.next_code()).code)
        daemon.kill()  # what was acknowledged is on disk
        daemon = self.start()
        self.log_in(daemon, user)

    def test_has_its_own_patience(self):
        self.place.write_settings("[deadlines]\nanswer = 2\nlogin = 2\nenrolment = 30\n")
        daemon = self.start()
        invitation = invite(self.place, "carol")
        with daemon.connect() as client, daemon.connect() as idle:
            dialogue = Enrolling(client, "carol")
            dialogue.begin(invitation)
            idle.expect(220, 330, 421)  # whoever has shown none has had no longer than this
            user = dialogue.choose()
            self.assertEqual(250, dialogue.prove(user.next_code()).code)
            self.assertEqual(230, client.attempt("carol", PASSWORD, user.next_code()).code)

    def test_a_rotated_master_key_leaves_invitations(self):
        daemon = self.start()
        invitation = invite(self.place, "carol")
        self.place.admin("key", "rotate")
        with daemon.connect() as client:
            dialogue = Enrolling(client, "carol")
            self.assertEqual(333, dialogue.begin(invitation))
            self.assertEqual(250, dialogue.prove(dialogue.choose().next_code()).code)


class Client(TestCase):
    """The command that `user invite` prints, typed by a person and by a script."""

    def setUp(self):
        super().setUp()
        self.place.write_settings('name = "127.0.0.1"\n')
        self.daemon = self.start()
        made = json.loads(self.place.admin("user", "invite", "carol", "--json").stdout)
        self.invitation = made["invitation"]
        # The settings do not know the port that the test has.
        self.command = made["command"].split()
        self.command[-1] += f":{self.daemon.port}"

    def test_the_command_pins_the_server(self):
        self.assertEqual(["securelogin", "enrol", "--fingerprint", self.daemon.fingerprint, f"127.0.0.1:{self.daemon.port}"],
                         self.command)

    def test_a_person_at_a_terminal(self):
        picture = self.place.root / "key.png"
        terminal = Terminal([BIN / "securelogin", *self.command[1:], "--qr", picture], self.place.environment, self.place.root)
        with terminal:
            terminal.expect("Invitation: ")
            terminal.send_line(spelled_wrong(self.invitation))
            terminal.expect("Enrolment failed")
            terminal.expect("Invitation: ")
            terminal.send_line(self.invitation)
            for weak in ("password1", PASSWORD):
                terminal.expect("New password: ")
                terminal.send_line(weak)
                terminal.expect("again: ")
                terminal.send_line(weak)
            uri = terminal.expect(r"(otpauth://\S+)")[1]
            user = User("carol", PASSWORD, uri)
            terminal.expect("Code: ")
            terminal.send_line(user.wrong_code())
            terminal.expect("Code: ")
            terminal.send_line(user.next_code())
            terminal.expect(r"user carol")
            self.assertEqual(0, terminal.wait())
        self.assertNotIn(PASSWORD, terminal.transcript)
        self.assertEqual(0o600, picture.stat().st_mode & 0o777)
        self.assertEqual(uri, run("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture).stdout.strip())
        self.log_in(self.daemon, user)

    def test_a_script_line_by_line(self):
        with subprocess.Popen([BIN / "securelogin", *self.command[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=self.place.environment) as client:
            client.stdin.write(f"{self.invitation}\n{PASSWORD}\n")
            client.stdin.flush()
            key, uri = client.stdout.readline().split()
            self.assertEqual("otpauth", key)
            user = User("carol", PASSWORD, uri)
            out, err = client.communicate(user.next_code() + "\n", timeout=PATIENCE)
        self.assertEqual((0, ""), (client.returncode, err))
        self.assertTrue(out.startswith("user carol\n"), out)
        self.log_in(self.daemon, user)

    def test_what_fails_leaves_the_invitation(self):
        def enrol(*lines):
            return self.place.securelogin(*self.command[1:], stdin="".join(f"{line}\n" for line in lines), check=False)

        for lines, code in (((), 77), ((spelled_wrong(self.invitation),), 77), ((self.invitation,), 77),
                            ((self.invitation, ""), 77), ((self.invitation, "short", "password1", "12345678"), 77),
                            ((self.invitation, PASSWORD, "000000", "x", ""), 77)):
            with self.subTest(lines):
                done = enrol(*lines)
                self.assertEqual(code, done.returncode, done.stderr)
        self.assertEqual([], users(self.place))
        self.assertEqual(1, len(self.place.query("SELECT 1 FROM invitations")))

    def test_when_the_daemon_stops(self):
        terminal = Terminal([BIN / "securelogin", *self.command[1:]], self.place.environment, self.place.root)
        with terminal:
            terminal.expect("Invitation: ")
            terminal.send_line(self.invitation)
            terminal.expect("New password: ")
            self.assertEqual(0, self.daemon.stop())
            self.assertEqual(75, terminal.wait())
            self.assertTrue(re.search(r"enrolling at \S+: the server closes", terminal.transcript), terminal.transcript)


if __name__ == "__main__":
    main()
