#!/usr/bin/env python3
"""securelogin against the real daemon: what tests/client shows with a scripted server, and what only both together can."""
import signal
import unicodedata

from harness import BIN, OneDaemon, Terminal, TestCase, main


class Scripts(OneDaemon):
    SETTINGS = 'name = "localhost"\n'

    def to(self, user=None, host="localhost"):
        return (f"{user.name}@" if user else "") + f"{host}:{self.daemon.port}"

    def pin(self):
        return ("--fingerprint", self.daemon.fingerprint)

    def test_password_file_and_code_command(self):
        user = self.fresh_user()
        password = self.place.root / f"{user.name}.password"
        password.touch(0o600)
        password.write_text(user.password + "\n")
        secret = self.place.root / f"{user.name}.secret"
        secret.write_text(user.secret)
        done = self.place.securelogin("--password-file", password, "--code-command", f"oathtool --totp --base32 - < {secret}",
                                      *self.pin(), self.to(user, "127.0.0.1"), "whoami")
        self.assertRegex(done.stdout, rf"\Auser {user.name}\nsession [0-9a-f]{{8}}\nexpires \S+Z\n\Z")
        self.assertEqual("", done.stderr)

    def test_second_attempt_in_a_pipe(self):
        user = self.fresh_user()
        done = self.place.securelogin(*self.pin(), self.to(host="127.0.0.1"), stdin="\n".join([
            user.name, "wrong", user.wrong_code(), user.name, user.password, user.next_code(), "whoami", ""]))
        self.assertIn("Login failed", done.stderr)
        self.assertRegex(done.stdout, rf"(?m)^user {user.name}$")

    def test_three_refusals(self):
        user = self.fresh_user()
        attempt = f"{user.password}\n{user.wrong_code()}\n"
        done = self.place.securelogin(*self.pin(), self.to(user, "127.0.0.1"), stdin=4 * attempt, check=False)
        self.assertEqual(77, done.returncode, done.stderr)
        self.assertEqual(3, done.stderr.count("Login failed"))

    def test_help_is_what_the_server_says(self):
        user = self.fresh_user()
        done = self.place.securelogin(*self.pin(), self.to(user, "127.0.0.1"), "help",
                                      stdin=f"{user.password}\n{user.next_code()}\n")
        for verb in ("HELP", "WHOAMI", "PASSWD", "LOGOUT", "QUIT"):
            self.assertRegex(done.stdout, rf"(?m)^{verb} ")

    def test_unknown_command(self):
        user = self.fresh_user()
        done = self.place.securelogin(*self.pin(), self.to(user, "127.0.0.1"), "bogus", check=False,
                                      stdin=f"{user.password}\n{user.next_code()}\n")
        self.assertEqual((64, ""), (done.returncode, done.stdout))

    def test_new_password_in_a_pipe(self):
        user = self.fresh_user()
        new = "an entirely different staple 43"
        self.place.securelogin(*self.pin(), self.to(user, "127.0.0.1"), "passwd", stdin="\n".join([
            user.password, user.next_code(), user.password, user.next_code(), new, ""]))
        # A third code would have to be waited for: the daemon's own word must do.
        self.daemon.wait_for_event("password_changed", user=user.name)

    def test_new_password_refused(self):
        user = self.fresh_user()
        done = self.place.securelogin(*self.pin(), self.to(user, "127.0.0.1"), "passwd", check=False, stdin="\n".join([
            user.password, user.next_code(), user.password, user.next_code(), "password", "12345678", "qwertyuiop", ""]))
        self.assertEqual(77, done.returncode, done.stderr)
        self.assertEqual(3, done.stderr.count("New password refused"))

    def test_composed_and_decomposed_passwords_are_the_same(self):
        password = "Grüße aus Zürich, siebenmal"
        user = self.fresh_user(password=unicodedata.normalize("NFC", password))
        done = self.place.securelogin(*self.pin(), self.to(user, "127.0.0.1"), stdin="\n".join([
            unicodedata.normalize("NFD", password), user.next_code(), ""]))
        self.assertRegex(done.stdout, rf"(?m)^user {user.name}$")

    def test_the_servers_own_certificate_as_ca(self):
        user = self.fresh_user()
        done = self.place.securelogin("--ca", self.place.data / "tls" / "cert.pem", self.to(user), "whoami",
                                      stdin=f"{user.password}\n{user.next_code()}\n")
        self.assertRegex(done.stdout, rf"(?m)^user {user.name}$")

    def test_accepted_once(self):
        user = self.fresh_user()
        for options in (("--accept-new",), ()):
            done = self.place.securelogin(*options, self.to(user, "127.0.0.1"), stdin=f"{user.password}\n{user.next_code()}\n")
            self.assertRegex(done.stdout, rf"(?m)^user {user.name}$")


class Ipv6(TestCase):
    def test_an_address_in_brackets(self):
        daemon = self.start(listen=("[::1]:0",))
        user = self.place.add_user("alice")
        done = self.place.securelogin("--fingerprint", daemon.fingerprint, f"alice@[::1]:{daemon.port}", "whoami",
                                      stdin=f"{user.password}\n{user.next_code()}\n")
        self.assertRegex(done.stdout, r"(?m)^user alice$")


class Throttled(TestCase):
    def test_try_later(self):
        self.place.write_settings("[waits]\nfree = 1\nfirst = 600\nlongest = 900\n")
        daemon = self.start()
        user = self.place.add_user("alice")
        attempt = f"wrong\n{user.wrong_code()}\n"
        where = ("--fingerprint", daemon.fingerprint, f"alice@127.0.0.1:{daemon.port}")
        for _ in range(2):
            self.assertEqual(77, self.place.securelogin(*where, stdin=attempt, check=False).returncode)
        done = self.place.securelogin(*where, stdin=attempt, check=False)
        self.assertEqual(75, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"in \d+ seconds?")


class OtherServer(TestCase):
    def test_a_server_with_a_new_key_is_refused(self):
        daemon = self.start()
        user = self.place.add_user("alice")
        where = f"alice@127.0.0.1:{daemon.port}"
        self.place.securelogin("--accept-new", where, stdin=f"{user.password}\n{user.next_code()}\n")
        self.assertEqual(0, daemon.stop())
        for file in ("cert.pem", "key.pem"):
            (self.place.data / "tls" / file).unlink()
        changed = self.start(listen=(f"127.0.0.1:{daemon.port}",))
        done = self.place.securelogin("--accept-new", where, stdin=f"{user.password}\n{user.next_code()}\n", check=False)
        self.assertEqual(78, done.returncode, done.stderr)
        for fingerprint in (daemon.fingerprint, changed.fingerprint):
            self.assertIn(fingerprint, done.stderr)


class WhenTheDaemonStops(TestCase):
    def at_the_prompt(self):
        self.daemon = self.start()
        user = self.place.add_user("alice")
        terminal = Terminal([BIN / "securelogin", "--fingerprint", self.daemon.fingerprint,
                             f"alice@127.0.0.1:{self.daemon.port}"], self.place.environment, self.place.root)
        self.enterContext(terminal)
        terminal.expect("[Pp]assword: ")
        terminal.send_line(user.password)
        terminal.expect("[Cc]ode: ")
        terminal.send_line(user.next_code())
        terminal.expect("securelogin> ")
        return terminal

    def test_a_person_is_told_at_once(self):
        terminal = self.at_the_prompt()
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(75, terminal.wait())
        self.assertRegex(terminal.transcript, r"securelogin: being logged in to \S+: the server closes: ")

    def test_also_when_it_is_killed(self):
        terminal = self.at_the_prompt()
        self.daemon.kill()
        self.assertEqual(69, terminal.wait())
        self.assertIn("connection lost", terminal.transcript)


if __name__ == "__main__":
    main()
