#!/usr/bin/env python3
"""After login: the commands, and what an administrator does meanwhile."""
import contextlib
import json
import sqlite3

from harness import PATIENCE, OneDaemon, User, keep_clear_of_the_next_step, main

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
BUILT = ["HELP", "WHOAMI", "PASSWD", "CODES", "SESSIONS", "REVOKE", "TOKEN", "LOGOUT", "QUIT"]
GOOD_PASSWORD = "seventeen purple lampposts"


class Commands(OneDaemon):
    SETTINGS = "[waits]\nfirst = 100\nlongest = 900\n"  # a slow machine is not to have waited by itself

    def logged_in(self, user=None, **how):
        client, reply = self.daemon.log_in(user or self.fresh_user(), **how)
        self.addCleanup(client.close)
        return client, reply

    def sessions(self, user):
        return [row[0] for row in self.place.query(
            "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.name = ?", user.name)]

    def test_help_lists_what_there_is(self):
        client, _ = self.logged_in()
        reply = client.ask("HELP")
        self.assertEqual(214, reply.code)
        self.assertEqual(BUILT, [key for key, _ in reply.facts])

    def test_whoami_says_what_the_login_said(self):
        user = self.fresh_user()
        client, login = self.logged_in(user)
        reply = client.ask("WHOAMI")
        self.assertEqual(f"250-user {user.name}\r\n250-session {login['session']}\r\n250-expires {login['expires']}\r\n250 OK\r\n",
                         reply.raw.decode())
        self.assertRegex(login["expires"], rf"\A{RFC3339}\Z")

    def test_verbs_in_any_case(self):
        client, _ = self.logged_in()
        for line, code in (("whoami", 250), ("WhoAmI", 250), ("help", 214), ("hElP", 214), ("quit", 221)):
            self.assertEqual(code, client.ask(line).code, line)
        client.expect_closed()

    def test_what_is_not_a_command(self):
        client, _ = self.logged_in()
        for line in ["", " ", " HELP", "HELPX", "EHLO example.net", "\u212aELP", "passwd\u2028", "\U0001f600",
                                 "GET / HTTP/1.1", "x" * 1024]:
            with self.subTest(line[:40]):
                self.assertEqual(502, client.ask(line).code)
        for line in ("HELP me", "WHOAMI I", "QUIT ", "LOGOUT  ", "PASSWD alice", "help \u00a0", "SESSIONS all", "REVOKE",
                     "REVOKE ", "REVOKE all of them", "REVOKE 0badcafe", "TOKEN now"):
            with self.subTest(line):
                self.assertEqual(501, client.ask(line).code)
        self.assertEqual(250, client.ask("WHOAMI").code)

    def test_commands_before_login_are_answers(self):
        with self.daemon.connect("127.0.6.1") as client:
            client.expect(220)
            self.assertEqual(530, client.attempt("HELP", "WHOAMI", "QUIT").code)

    def test_logout_ends_the_session_and_quit_does_not(self):
        user = self.fresh_user()
        first, reply = self.logged_in(user)
        self.assertEqual(221, first.ask("QUIT").code)
        first.expect_closed()
        self.assertEqual([reply["session"]], self.sessions(user))
        second, _ = self.logged_in(user)
        self.assertEqual(221, second.ask("LOGOUT").code)
        second.expect_closed()
        self.assertEqual([reply["session"]], self.sessions(user))

    def test_hanging_up_leaves_the_session(self):
        user = self.fresh_user()
        client, reply = self.logged_in(user)
        client.reset()
        self.assertEqual([reply["session"]], self.sessions(user))

    def ask_for_new_password(self, client, user):
        self.assertEqual(331, client.ask("PASSWD").code)
        reply = client.ask(user.password)
        self.assertEqual(332, reply.code)
        self.assertIn("newer", reply.text)
        return client.ask(user.next_code())

    def test_a_new_password(self):
        user = self.fresh_user()
        client, reply = self.logged_in(user, source="127.0.6.2")
        self.add_session(user, "deadbeef")
        self.assertEqual(333, self.ask_for_new_password(client, user).code)
        self.assertEqual(250, client.ask(GOOD_PASSWORD).code)
        self.assertEqual(250, client.ask("WHOAMI").code, "its own session stays")
        self.assertEqual([reply["session"]], self.sessions(user), "the other one has ended")
        with self.daemon.connect("127.0.6.3") as old:
            old.expect(220)
            self.assertEqual(530, old.attempt(user.name, user.password, user.code(1)).code)
        self.assertEqual([("login", "granted"), ("confirm", "granted"), ("password.change", "done"), ("login", "refused")],
                         self.place.query("SELECT a.event, a.outcome FROM audit a JOIN users u ON u.id = a.user_id"
                                          " WHERE u.name = ? AND a.source <> 'admin' ORDER BY a.id", user.name))

    def add_session(self, user, session):
        """Another of the user's, without spending one of the codes that the test needs."""
        with contextlib.closing(sqlite3.connect(self.place.database, timeout=PATIENCE)) as database, database:
            database.execute("INSERT INTO sessions SELECT user_id, ?, opened_at, expires_at, last_used_at, source, NULL"
                             " FROM sessions WHERE user_id = (SELECT id FROM users WHERE name = ?)", (session, user.name))

    def test_a_password_set_by_the_administrator_ends_all_sessions(self):
        user = self.fresh_user()
        first, _ = self.logged_in(user)
        second, _ = self.logged_in(user)
        self.place.admin("user", "passwd", user.name, "--password-stdin", stdin=GOOD_PASSWORD + "\n")
        for client in (first, second):
            self.assertEqual(421, client.ask("WHOAMI").code)
            client.expect_closed()

    def test_a_login_with_the_new_password(self):
        user = self.fresh_user()
        # The login spends this step's code, the confirmation the next one's: so it begins with the step before.
        keep_clear_of_the_next_step()
        client, _ = self.logged_in(user, code=user.code(-1))
        self.assertEqual(333, self.ask_for_new_password(client, user).code)
        self.assertEqual(250, client.ask(GOOD_PASSWORD).code)
        user.password = GOOD_PASSWORD
        self.logged_in(user)

    def test_weak_passwords_are_refused_with_the_reason_three_times(self):
        user = self.fresh_user()
        client, _ = self.logged_in(user)
        self.assertEqual(333, self.ask_for_new_password(client, user).code)
        for weak in ("password", "short"):
            reply = client.ask(weak)
            self.assertEqual(553, reply.code)
            self.assertGreater(len(reply.text), 10)
            client.expect(333)
        self.assertEqual(553, client.ask("qwertyuiop").code)
        self.assertEqual(250, client.ask("WHOAMI").code, "three in all, and then commands again")
        with self.daemon.connect("127.0.6.4") as again:
            again.expect(220)  # the old one is still the one

    def test_which_passwords_are_weak(self):
        rows = {"short": "x7$kQ2!", "common": "iloveyou123", "keyboard walk": "qwertyuiop", "repeats": "aaaaaaaaaaaaaaa",
                "date": "20011122", "product": "SecureLogin", "too long": "\u00e4\u00f6" * 150, "blanks": "        "}
        for what, weak in rows.items():
            with self.subTest(what):
                user = self.fresh_user()
                client, _ = self.logged_in(user)
                self.assertEqual(333, self.ask_for_new_password(client, user).code)
                self.assertEqual(553, client.ask(weak).code)

    def test_an_empty_line_cancels(self):
        user = self.fresh_user()
        client, _ = self.logged_in(user)
        self.assertEqual(333, self.ask_for_new_password(client, user).code)
        self.assertEqual(501, client.ask("").code)
        self.assertEqual(250, client.ask("WHOAMI").code)
        self.assertEqual([], self.place.query("SELECT 1 FROM users WHERE name = ? AND password_epoch > 0", user.name))

    def test_a_failed_confirmation_is_530_and_the_session_stays(self):
        user = self.fresh_user()
        used = user.next_code()
        client, _ = self.logged_in(user, code=used)
        rows = {"wrong password": ("wrong", user.code(1)), "wrong code": (user.password, user.wrong_code()),
                "the login's own code": (user.password, used)}
        said = []
        for what, (password, code) in rows.items():
            with self.subTest(what):
                self.assertEqual(331, client.ask("PASSWD").code)
                self.assertEqual(332, client.ask(password).code)
                said.append(client.ask(code).raw)
                self.assertEqual(250, client.ask("WHOAMI").code)
        self.assertEqual([b"530 Login failed\r\n"] * 3, said)

    def test_confirmations_are_counted_in_the_same_budget(self):
        user = self.fresh_user()
        client, _ = self.logged_in(user, source="127.0.6.5")
        codes = []
        for _ in range(6):
            client.ask("PASSWD")
            client.ask("wrong")
            codes.append(client.ask("000000").code)
        self.assertEqual([530] * 5 + [450], codes)
        with self.daemon.connect("127.0.6.5") as other:
            other.expect(220)
            self.assertEqual(450, other.attempt(user.name, user.password, user.code(1)).code)

    # ---- an administrator at work ----

    def expect_ended(self, client):
        self.assertEqual(421, client.ask("WHOAMI").code)
        client.expect_closed()

    def test_disable_and_enable(self):
        user = self.fresh_user()
        client, _ = self.logged_in(user)
        self.place.admin("user", "disable", user.name)
        self.expect_ended(client)
        code = user.next_code()
        with self.daemon.connect() as again:
            again.expect(220)
            self.assertEqual(b"530 Login failed\r\n", again.attempt(user.name, user.password, code).raw)
        self.place.admin("user", "enable", user.name)
        self.logged_in(user, code=code)

    def test_remove(self):
        user = self.fresh_user()
        client, _ = self.logged_in(user)
        self.place.admin("user", "remove", user.name)
        self.expect_ended(client)
        with self.daemon.connect() as again:
            again.expect(220)
            self.assertEqual(b"530 Login failed\r\n", again.attempt(user.name, user.password, user.next_code()).raw)
        # The name may be given again, and is somebody else's then.
        successor = self.place.add_user(user.name)
        self.assertEqual([], self.sessions(successor))
        self.logged_in(successor)

    def test_reset_totp(self):
        user = self.fresh_user()
        client, _ = self.logged_in(user)
        made = json.loads(self.place.admin("user", "reset-totp", user.name, "--qr", self.place.root / f"{user.name}.png", "--json").stdout)
        self.expect_ended(client)
        fresh = User(user.name, user.password, made["otpauth_uri"])
        self.assertNotEqual(user.secret, fresh.secret)
        with self.daemon.connect() as again:
            again.expect(220)
            self.assertEqual(530, again.attempt(user.name, user.password, user.next_code()).code)
        self.logged_in(fresh)

    def test_a_change_between_password_and_code_counts(self):
        """The hash was right when it was computed; the verdict is about what is true when it is given."""
        for what, command in (("disabled", ("disable",)), ("removed", ("remove",)), ("new password", ("passwd", "--generate-password")),
                              ("new key", ("reset-totp",))):
            with self.subTest(what):
                user = self.fresh_user()
                with self.daemon.connect() as client:
                    client.expect(220, 330)
                    client.ask(user.name)
                    client.ask(user.password)
                    self.place.admin("user", command[0], user.name, *command[1:])
                    self.assertEqual(b"530 Login failed\r\n", client.ask(user.next_code()).raw)

    def test_a_user_added_meanwhile_can_log_in(self):
        self.logged_in(self.fresh_user())


if __name__ == "__main__":
    main()
