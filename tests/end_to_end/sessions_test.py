#!/usr/bin/env python3
"""Sessions from their opening to their end: listed, revoked, idle, over; and the tokens that end with them."""
import json
import re
import time

from harness import OneDaemon, TestCase, eventually, main

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
LISTED = re.compile(rf"([0-9a-f]{{8}}) opened=({RFC3339}) last-used=({RFC3339}) expires=({RFC3339}) source=(\S+)((?: \S+)*)")
TOKEN = re.compile(r"slt_[A-Za-z0-9_-]{43}")
PASSWORD = "seventeen purple lampposts"


def verify(place, token):
    """(exit code, what it says)."""
    done = place.admin("session", "verify", stdin=token + "\n", check=False)
    return done.returncode, json.loads(done.stdout)


class Sessions(OneDaemon):
    def logged_in(self, user, **how):
        client, reply = self.daemon.log_in(user, **how)
        self.addCleanup(client.close)
        return client, reply["session"]

    def listed(self, client):
        """{id: (source, flags)}, in order."""
        reply = client.ask("SESSIONS")
        self.assertEqual(250, reply.code)
        found = {}
        for key, value in reply.facts:
            self.assertEqual("session", key)
            match = LISTED.fullmatch(value)
            self.assertTrue(match, value)
            found[match[1]] = (match[5], match[6].split())
        return found

    def token_of(self, client):
        reply = client.ask("TOKEN")
        self.assertEqual(250, reply.code)
        self.assertEqual(["token", "expires"], [key for key, _ in reply.facts])
        self.assertRegex(reply["token"], rf"\A{TOKEN.pattern}\Z")
        self.assertRegex(reply["expires"], rf"\A{RFC3339}\Z")
        return reply["token"]

    def assert_valid(self, token, user, session):
        code, said = verify(self.place, token)
        self.assertEqual(0, code, said)
        self.assertEqual((True, user.name, session), (said["valid"], said["user"], said["session"]))
        self.assertEqual({"valid", "user", "session", "expires"}, set(said))

    def assert_not_valid(self, token):
        self.assertEqual((77, {"valid": False}), verify(self.place, token))

    def expect_ended(self, client):
        self.assertEqual(421, client.ask("WHOAMI").code)
        client.expect_closed()

    def test_listed_and_revoked_by_the_holder(self):
        user = self.fresh_user()
        first, first_id = self.logged_in(user, source="127.0.7.1")
        second, second_id = self.logged_in(user, source="127.0.7.2")
        self.assertEqual({second_id: ("127.0.7.2", ["current"]), first_id: ("127.0.7.1", [])}, self.listed(second))
        self.assertEqual([second_id, first_id], list(self.listed(second)), "this one first")
        self.assertEqual([first_id, second_id], list(self.listed(first)))
        reply = second.ask(f"revoke {first_id}")
        self.assertEqual((250, "1"), (reply.code, reply["revoked"]))
        self.expect_ended(first)
        self.assertEqual(501, second.ask(f"REVOKE {first_id}").code)
        self.assertEqual([second_id], list(self.listed(second)))
        self.assertEqual(221, second.ask(f"REVOKE {second_id}").code, "one's own is a LOGOUT")
        second.expect_closed()
        self.assertEqual([("session.revoke", first_id, "127.0.7.2"), ("logout", None, "127.0.7.2")], self.place.query(
            "SELECT a.event, a.reason, a.source FROM audit a JOIN users u ON u.id = a.user_id"
            " WHERE u.name = ? AND a.event IN ('session.revoke', 'logout') ORDER BY a.id", user.name))
        self.daemon.wait_for_event("sessions_revoked", user=user.name, sessions="1")

    def test_all_others_are_revoked(self):
        user, other = self.fresh_user(), self.fresh_user()
        first, _ = self.logged_in(user)
        second, second_id = self.logged_in(user)
        bystander, bystander_id = self.logged_in(other)
        self.assertEqual(501, bystander.ask(f"REVOKE {second_id}").code, "nobody ends another user's")
        self.assertEqual("1", second.ask("REVOKE all")["revoked"])
        self.expect_ended(first)
        self.assertEqual([second_id], list(self.listed(second)))
        self.assertEqual([bystander_id], list(self.listed(bystander)))

    def test_a_token_ends_with_its_session(self):
        user = self.fresh_user()
        client, session = self.logged_in(user)
        old = self.token_of(client)
        token = self.token_of(client)
        self.assertNotEqual(old, token)
        self.assert_not_valid(old)
        self.assert_valid(token, user, session)
        self.assertEqual(["token", "current"], self.listed(client)[session][1])
        self.assertEqual(221, client.ask("QUIT").code)
        self.assert_valid(token, user, session)
        other, _ = self.logged_in(user)
        self.assertEqual(250, other.ask(f"REVOKE {session}").code)
        self.assert_not_valid(token)

    def test_what_ends_a_token(self):
        """By the administrator, who ends everything; each with two sessions that have one."""
        commands = {
            "disabled": ("user", "disable", "NAME"), "removed": ("user", "remove", "NAME"),
            "a new password": ("user", "passwd", "NAME", "--generate-password"),
            "a new key": ("user", "reset-totp", "NAME"), "revoked": ("session", "revoke", "NAME", "all"),
        }
        for what, command in commands.items():
            with self.subTest(what):
                user = self.fresh_user()
                clients = [self.logged_in(user) for _ in range(2)]
                tokens = [self.token_of(client) for client, _ in clients]
                for token, (_, session) in zip(tokens, clients):
                    self.assert_valid(token, user, session)
                self.place.admin(*(user.name if word == "NAME" else word for word in command))
                for token in tokens:
                    self.assert_not_valid(token)
                for client, _ in clients:
                    self.expect_ended(client)

    def test_enabled_again_a_token_stays_ended(self):
        user = self.fresh_user()
        client, _ = self.logged_in(user)
        token = self.token_of(client)
        self.place.admin("user", "disable", user.name)
        self.place.admin("user", "enable", user.name)
        self.assert_not_valid(token)

    def test_nothing_of_a_token_is_kept(self):
        user = self.fresh_user()
        client, session = self.logged_in(user)
        token = self.token_of(client)
        self.assertEqual([(32,)], self.place.query("SELECT length(token_hash) FROM sessions WHERE id = ?", session))
        for file in self.place.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(token[4:].encode(), file.read_bytes(), file)
        self.assertNotIn(token[4:], self.daemon.stderr.text())
        self.assertEqual([("done", session)], self.place.query(
            "SELECT outcome, reason FROM audit WHERE event = 'session.token' AND reason = ?", session))

    def test_the_administrators_list(self):
        user = self.fresh_user()
        client, session = self.logged_in(user, source="127.0.7.3")
        self.token_of(client)
        listed = json.loads(self.place.admin("session", "list", user.name, "--json").stdout)
        self.assertEqual([(user.name, session, "127.0.7.3", True)],
                         [(s["username"], s["session"], s["source"], s["token"]) for s in listed])
        line = self.place.admin("session", "list", user.name.upper()).stdout
        self.assertRegex(line, rf"\A{user.name} {LISTED.pattern}\n\Z")
        everybodys = json.loads(self.place.admin("session", "list", "--json").stdout)
        self.assertIn((user.name, session), [(s["username"], s["session"]) for s in everybodys])
        self.place.admin("session", "revoke", user.name, session)
        self.assertEqual("", self.place.admin("session", "list", user.name).stdout)
        self.expect_ended(client)
        self.assertEqual(self.place.query("SELECT event, reason, source FROM audit ORDER BY id DESC LIMIT 1"),
                         [("session.revoke", session, "admin")])

    def test_what_the_administrators_program_refuses(self):
        user = self.fresh_user()
        rows = {
            "no such user": (67, ("session", "list", "nobody"), "no user nobody"),
            "no such user to revoke of": (67, ("session", "revoke", "nobody", "all"), "no user nobody"),
            "no such session": (67, ("session", "revoke", user.name, "0badcafe"), "no session 0badcafe"),
            "no name": (64, ("session", "list", "no name"), "not a user name"),
        }
        for what, (code, command, says) in rows.items():
            with self.subTest(what):
                done = self.place.admin(*command, check=False)
                self.assertEqual(code, done.returncode, done.stderr)
                self.assert_one_line_error(done, "securelogin-admin", re.escape(says))
        self.assertEqual("", self.place.admin("session", "revoke", user.name, "all").stdout, "there are none: done")

    def test_what_is_not_a_token(self):
        malformed = {"valid": False, "error": "not a token"}
        for text in ("x", "slt_", "slt_" + "a" * 42, "slt_" + "a" * 44, "SLT_" + "a" * 43, " slt_" + "a" * 43, "slt_" + "\u00e4" * 43):
            with self.subTest(text):
                self.assertEqual((77, malformed), verify(self.place, text))
        self.assert_not_valid("slt_" + "a" * 43)
        done = self.place.admin("session", "verify", check=False)
        self.assertEqual(65, done.returncode)
        self.assertIn("reading the token from stdin", done.stderr)

    def test_the_client_passes_them_on(self):
        user = self.fresh_user()

        def run(*command):
            return self.place.securelogin("--fingerprint", self.daemon.fingerprint,
                                          f"{user.name}@127.0.0.1:{self.daemon.port}", *command, check=False,
                                          stdin=f"{user.password}\n{user.next_code()}\n")

        done = run("token")
        self.assertEqual(0, done.returncode, done.stderr)
        token = re.fullmatch(rf"token ({TOKEN.pattern})\nexpires {RFC3339}\n", done.stdout)
        self.assertTrue(token, done.stdout)
        code, said = verify(self.place, token[1])
        self.assertEqual(0, code, "the client has left with QUIT: the session stands")
        done = run("revoke", said["session"])
        self.assertEqual((0, "revoked 1\n"), (done.returncode, done.stdout), done.stderr)
        self.assert_not_valid(token[1])

    def test_the_client_lists(self):
        user = self.fresh_user()
        address = f"{user.name}@127.0.0.1:{self.daemon.port}"
        done = self.place.securelogin("--fingerprint", self.daemon.fingerprint, address, "sessions",
                                      stdin=f"{user.password}\n{user.next_code()}\n")
        self.assertRegex(done.stdout, rf"\Asession {LISTED.pattern}\n\Z")
        done = self.place.securelogin("--fingerprint", self.daemon.fingerprint, address, "revoke", "0badcafe", check=False,
                                      stdin=f"{user.password}\n{user.next_code()}\n")
        self.assertEqual((64, ""), (done.returncode, done.stdout))


class Passwd(TestCase):
    def test_the_holders_new_password_ends_the_tokens_of_all_sessions(self):
        self.place.write_settings("[totp]\nwindow = 2\n")  # three codes are wanted
        daemon = self.start()
        user = self.place.add_user("alice")
        clients = [self.log_in(daemon, user, code=user.code(number)) for number in range(2)]
        tokens = [client.ask("TOKEN")["token"] for client in clients]
        client = clients[1]
        self.assertEqual(331, client.ask("PASSWD").code)
        self.assertEqual(332, client.ask(user.password).code)
        self.assertEqual(333, client.ask(user.code(2)).code)
        self.assertEqual(250, client.ask(PASSWORD).code)
        for token in tokens:
            self.assertEqual((77, {"valid": False}), verify(self.place, token))
        fresh = client.ask("TOKEN")["token"]
        self.assertEqual(0, verify(self.place, fresh)[0], "this session stays, and may have a new one")


class Limits(TestCase):
    IDLE, ABSOLUTE = 4, 9  # seconds

    def setUp(self):
        super().setUp()
        self.place.write_settings(f"[session]\nidle = {self.IDLE}\nabsolute = {self.ABSOLUTE}\n")

    def test_a_session_ends_idle_and_a_session_in_use_at_its_absolute_limit(self):
        daemon = self.start()
        user = self.place.add_user("alice")
        began = time.monotonic()
        used, unused = self.log_in(daemon, user), self.log_in(daemon, user)
        used_token, unused_token = used.ask("TOKEN")["token"], unused.ask("TOKEN")["token"]

        def ended(stands):
            """When that was, since the login."""
            eventually(lambda: not stands(), "the end of a session")
            return time.monotonic() - began

        # Whoever asks about the token of the second one would use it: its end is seen by the first one's list.
        listed = ended(lambda: unused_id(used) is not None)
        self.assertGreater(listed, self.IDLE - 2)
        self.assertLess(time.monotonic() - began, self.ABSOLUTE, "a machine too slow for this test")
        self.assertEqual((77, {"valid": False}), verify(self.place, unused_token))
        self.assertEqual(421, unused.ask("WHOAMI").code)
        self.assertEqual(0, verify(self.place, used_token)[0], "used meanwhile, beyond the idle limit")

        over = ended(lambda: used.ask("WHOAMI").code == 250)
        self.assertGreater(over, self.ABSOLUTE - 2)
        self.assertEqual((77, {"valid": False}), verify(self.place, used_token))

    def test_a_tokens_use_keeps_its_session(self):
        daemon = self.start()
        user = self.place.add_user("alice")
        client = self.log_in(daemon, user)
        token = client.ask("TOKEN")["token"]
        self.assertEqual(221, client.ask("QUIT").code)
        began = time.monotonic()
        while time.monotonic() - began < self.IDLE + 1:
            self.assertEqual(0, verify(self.place, token)[0], f"{time.monotonic() - began:.1f} s after the login")
        eventually(lambda: verify(self.place, token)[0] == 77, "the absolute limit")
        self.assertGreater(time.monotonic() - began, self.ABSOLUTE - 2)


def unused_id(client):
    """The id of the other session that stands, as this one's list has it."""
    reply = client.ask("SESSIONS")
    return next((value.split()[0] for key, value in reply.facts if "current" not in value.split()), None)


if __name__ == "__main__":
    main()
