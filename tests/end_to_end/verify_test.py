#!/usr/bin/env python3
"""The verify socket: another program of this host asks whose token it is, a line in, a JSON line out."""
import contextlib
import json
import shutil
import signal
import stat
import time
import unittest

from harness import PATIENCE, SANITIZED, TestCase, connect_unix, eventually, main, run

NOBODYS = "slt_" + "A" * 43
NO = {"valid": False}
MALFORMED = {"valid": False, "error": "not a token"}


class Asker:
    """One connection."""

    def __init__(self, path):
        self.socket = connect_unix(path)
        self.unread = b""

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        """The next answer; nothing when the server has closed."""
        while b"\n" not in self.unread:
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                assert self.unread == b"", self.unread
                return None
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        return json.loads(line)

    def ask(self, token):
        self.send(token.encode() + b"\n")
        return self.line()


class VerifyCase(TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.place.root / "verify.sock"

    def start_door(self, **how):
        daemon = self.start("--listen-verify", f"unix:{self.path}", **how)
        daemon.stderr.wait_for(lambda line: line == f"listening on unix:{self.path} (verify)", "the announcement")
        return daemon

    def asker(self):
        asker = Asker(self.path)
        self.addCleanup(asker.close)
        return asker

    def token_of(self, daemon, user, **how):
        """(its connection, the session's id, a token)"""
        client, reply = daemon.log_in(user, **how)
        self.addCleanup(client.close)
        return client, reply["session"], client.ask("TOKEN")["token"]


class Answers(VerifyCase):
    def test_whose_token_it_is(self):
        daemon = self.start_door()
        alice = self.place.add_user("alice")
        client, session, token = self.token_of(daemon, alice)
        asker = self.asker()
        expires = client.ask("WHOAMI")["expires"]
        self.assertEqual({"valid": True, "user": "alice", "session": session, "expires": expires}, asker.ask(token))
        self.assertEqual(NO, asker.ask(NOBODYS))
        for text in ("", "alice", token[:-1], token + "A", token.upper(), " " + token, token + " ", "GET / HTTP/1.1", '{"token":1}'):
            self.assertEqual(MALFORMED, asker.ask(text), text)
        asker.send(b"\x00\xff\x1b[2J\n")
        self.assertEqual(MALFORMED, asker.line())
        asker.send(token.encode() + b"\r\n")
        self.assertTrue(asker.line()["valid"])
        self.assertEqual(json.loads(self.place.admin("session", "verify", stdin=token + "\n").stdout), asker.ask(token),
                         "both say the same")
        self.assertNotIn(token[4:], daemon.stderr.text())

    def test_what_is_revoked_is_refused_at_once(self):
        daemon = self.start_door()
        asker = self.asker()
        endings = {
            "logout": lambda user, client: self.assertEqual(221, client.ask("LOGOUT").code),
            "a new token": lambda user, client: client.ask("TOKEN"),
            "revoked": lambda user, client: self.place.admin("session", "revoke", user.name, "all"),
            "disabled": lambda user, client: self.place.admin("user", "disable", user.name),
            "removed": lambda user, client: self.place.admin("user", "remove", user.name),
            "a new password": lambda user, client: self.place.admin("user", "passwd", user.name, "--generate-password"),
            "a new key": lambda user, client: self.place.admin("user", "reset-totp", user.name),
        }
        for number, (what, end) in enumerate(endings.items()):
            with self.subTest(what):
                user = self.place.add_user(f"user{number}")
                client, _, token = self.token_of(daemon, user)
                self.assertTrue(asker.ask(token)["valid"])
                end(user, client)
                self.assertEqual(NO, asker.ask(token))

    def test_many_questions_in_one_write(self):
        daemon = self.start_door()
        _, _, token = self.token_of(daemon, self.place.add_user("alice"))
        asker = self.asker()
        asker.send(b"".join(line.encode() + b"\n" for line in (token, NOBODYS, "x") * 300))
        self.assertEqual([True, False, False] * 300, [asker.line()["valid"] for _ in range(900)])

    def test_it_survives_a_restart(self):
        daemon = self.start_door()
        _, _, token = self.token_of(daemon, self.place.add_user("alice"))
        asker = self.asker()
        self.assertTrue(asker.ask(token)["valid"])
        self.assertEqual(0, daemon.stop())
        self.assertIsNone(asker.line(), "the daemon has closed")
        self.assertFalse(self.path.exists())
        daemon = self.start_door()
        self.assertTrue(self.asker().ask(token)["valid"])
        daemon.kill()
        self.start_door()
        self.assertTrue(self.asker().ask(token)["valid"], "after a kill, too: what it left behind is removed")

    def test_while_logins_go_on(self):
        """What one thread writes, the readers see; none of them stumbles."""
        daemon = self.start_door()
        users = [self.place.add_user(f"user{number}") for number in range(4)]
        asker = self.asker()
        for user in users:
            _, session, token = self.token_of(daemon, user)
            for _ in range(50):
                self.assertEqual(session, asker.ask(token)["session"])

    @unittest.skipUnless(shutil.which("socat"), "needs socat")
    def test_from_a_shell(self):
        daemon = self.start_door()
        _, _, token = self.token_of(daemon, self.place.add_user("alice"))
        said = run("socat", "-t5", "-", f"UNIX-CONNECT:{self.path}", stdin=token + "\n").stdout
        self.assertEqual("alice", json.loads(said)["user"])


class Bounds(VerifyCase):
    def test_an_over_long_line_is_told_and_closes(self):
        self.start_door()
        for line in (b"x" * 257 + b"\n", b"x" * 258, b"x" * 100_000):
            with self.subTest(len(line)):
                asker = self.asker()
                with contextlib.suppress(ConnectionError):
                    asker.send(line)
                said = asker.line()
                self.assertIn(said, ({"valid": False, "error": "the line is too long"}, None))
                if said:
                    self.assertIsNone(asker.line())
        asker = self.asker()
        self.assertEqual(MALFORMED, asker.ask("x" * 256))

    def test_who_does_not_ask_is_left(self):
        self.place.write_settings("[deadlines]\nidle = 2\n")
        daemon = self.start_door()
        before = daemon.descriptors()
        silent, slow, active = self.asker(), self.asker(), self.asker()
        began = time.monotonic()
        slow.send(b"slt_")
        while time.monotonic() - began < 1:
            self.assertEqual(NO, active.ask(NOBODYS))
        self.assertIsNone(silent.line())
        self.assertGreater(time.monotonic() - began, 1)
        self.assertIsNone(slow.line(), "half a line is no question")
        self.assertLess(time.monotonic() - began, 20 if SANITIZED else 6)
        eventually(lambda: daemon.descriptors() <= before + 1, "the descriptors")

    def test_crowds_are_bounded(self):
        daemon = self.start_door()
        crowd = []
        for _ in range(256):
            crowd.append(self.asker())
            self.assertEqual(NO, crowd[-1].ask(NOBODYS))
        late = self.asker()
        with contextlib.suppress(ConnectionError):
            late.send(NOBODYS.encode() + b"\n")
        self.assertIsNone(late.line())
        self.assertEqual(NO, crowd[0].ask(NOBODYS))
        self.log_in(daemon, self.place.add_user("alice"))
        for asker in crowd:
            asker.close()

        def is_served_again():
            with contextlib.suppress(ConnectionError):
                return self.asker().ask(NOBODYS) == NO

        eventually(is_served_again, "room for others")

    def test_who_takes_no_answers_holds_nobody_up(self):
        self.place.write_settings("[threads]\nio = 1\n")
        self.start_door()
        deaf = self.asker()
        deaf.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                deaf.socket.send(b"x\n" * 10_000)
        other = self.asker()
        for _ in range(100):
            self.assertEqual(NO, other.ask(NOBODYS))


class Settings(VerifyCase):
    def test_in_the_settings(self):
        self.place.write_settings(f'[listen]\nverify = "unix:{self.path}"\n')
        daemon = self.start()
        daemon.stderr.wait_for(lambda line: line == f"listening on unix:{self.path} (verify)", "the announcement")
        self.assertEqual(0o660, stat.S_IMODE(self.path.stat().st_mode))
        self.assertEqual(NO, self.asker().ask(NOBODYS))
        daemon.wait_for_event("confined")

    def test_off_by_default(self):
        self.assertNotIn("(verify)", self.start().stderr.text())

    def test_an_option_takes_the_settings_place(self):
        self.place.write_settings('[listen]\nverify = "unix:/nonexistent/socket"\n')
        self.start_door()
        self.assertEqual(NO, self.asker().ask(NOBODYS))

    def test_what_is_refused(self):
        settings = {"a port": "127.0.0.1:9101", "a relative path": "unix:verify.sock", "a path alone": "/run/verify.sock",
                    "nothing": ""}
        for what, value in settings.items():
            with self.subTest(what):
                self.place.write_settings(f'[listen]\nverify = "{value}"\n')
                done = self.place.admin("status", check=False)
                self.assertEqual(78, done.returncode)
                self.assertIn("listen.verify", done.stderr)
        self.place.settings_file.unlink()
        for what, value in (("a port", "127.0.0.1:0"), ("no path", "unix:"), ("a long path", "unix:/" + "a" * 108)):
            with self.subTest(what), self.assertRaises(AssertionError) as failed:
                self.start("--listen-verify", value)
            self.assertRegex(str(failed.exception), "securelogind: listening on .*unix:|securelogind: listening on .*path")

    def test_a_reload_changes_how_long_tokens_stand(self):
        daemon = self.start_door()
        user = self.place.add_user("alice")
        _, _, token = self.token_of(daemon, user)
        asker = self.asker()
        self.assertTrue(asker.ask(token)["valid"])
        self.assertEqual(0, daemon.stop())
        self.place.write_settings("[session]\nidle = 3600\n")
        daemon = self.start_door()
        asker = self.asker()
        self.assertTrue(asker.ask(token)["valid"])
        self.place.write_settings("[session]\nidle = 1\nabsolute = 3600\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_event("reloaded")
        eventually(lambda: asker.ask(token) == NO, "the idle limit of one second")


if __name__ == "__main__":
    main()
