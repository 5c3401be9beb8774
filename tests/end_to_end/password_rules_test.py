#!/usr/bin/env python3
"""Passwords that must be changed, and passwords that have been stolen elsewhere."""
import hashlib
import os
import signal
import unittest

from harness import BIN, Daemon, Terminal, TestCase, main, run

GOOD = "seventeen purple lampposts"
BREACHED = "violet tractors prefer mud"


def line_of(password):
    return hashlib.sha1(password.encode()).hexdigest().upper() + ":3\r\n"


class MustChange(TestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.start()

    def must_change(self, name="alice"):
        return self.place.add_user(name, "--must-change")

    def test_nothing_else_until_there_is_a_new_password(self):
        user = self.must_change()
        client, reply = self.daemon.log_in(user)
        with client:
            self.assertEqual("yes", reply["must-change-password"])
            for command in ("WHOAMI", "CODES", "whoami"):
                self.assertEqual(b"530 Password must be changed first\r\n", client.ask(command).raw)
            self.assertEqual(214, client.ask("HELP").code)
            self.assertEqual(333, client.ask("PASSWD").code)
            for bad in ("password1", user.password):
                self.assertEqual(553, client.ask(bad).code)
                client.expect(333)
            self.assertEqual(250, client.ask(GOOD).code)
            self.assertEqual(250, client.ask("WHOAMI").code, "its own session stays")
        user.password = GOOD
        with self.daemon.log_in(user)[0] as client:
            self.assertEqual(250, client.ask("WHOAMI").code)
        self.assertEqual([("user.add",), ("user.must-change",), ("login",), ("password.change",), ("login",)],
                         self.place.query("SELECT event FROM audit WHERE event NOT LIKE 'audit.%' ORDER BY id"))

    def test_it_stays_so_until_it_is_done(self):
        user = self.must_change()
        with self.daemon.log_in(user)[0] as client:
            client.ask("PASSWD")
            self.assertEqual(501, client.ask("").code)
            self.assertEqual(530, client.ask("WHOAMI").code)
            self.assertEqual(221, client.ask("QUIT").code)
        with self.daemon.log_in(user)[0] as client:
            self.assertEqual(530, client.ask("WHOAMI").code)
            self.assertEqual(221, client.ask("LOGOUT").code)

    def test_set_by_the_administrator(self):
        user = self.place.add_user("alice")
        client = self.log_in(self.daemon, user)
        self.place.admin("user", "passwd", "alice", "--password-stdin", "--must-change", stdin=BREACHED + "\n")
        self.assertEqual(421, client.ask("WHOAMI").code, "sessions have ended")
        user.password = BREACHED
        with self.daemon.log_in(user)[0] as client:
            self.assertEqual(530, client.ask("WHOAMI").code)
            self.assertEqual(333, client.ask("PASSWD").code)
            self.assertEqual(250, client.ask(GOOD).code)
        self.assertNotIn("must-change-password", self.place.admin("user", "show", "alice").stdout)

    def test_the_old_password_is_no_new_one_for_anybody(self):
        user = self.place.add_user("alice")
        client = self.log_in(self.daemon, user)
        client.ask("PASSWD")
        client.ask(user.password)
        self.assertEqual(333, client.ask(user.next_code()).code)
        reply = client.ask(user.password)
        self.assertEqual(553, reply.code)
        self.assertIn("the one that you have", reply.text)

    def test_a_person_at_a_terminal_is_asked_at_once(self):
        user = self.must_change()
        command = [BIN / "securelogin", "--fingerprint", self.daemon.fingerprint, f"alice@127.0.0.1:{self.daemon.port}"]
        with Terminal(command, self.place.environment, self.place.root) as terminal:
            terminal.expect("Password: ")
            terminal.send_line(user.password)
            terminal.expect("Code: ")
            terminal.send_line(user.next_code())
            terminal.expect("has to be changed")
            for answer in (GOOD, GOOD):
                terminal.expect("New password: |The same again: ")
                self.assertFalse(terminal.echoes())
                terminal.send_line(answer)
            terminal.expect("Password changed")
            terminal.expect("securelogin> ")
            terminal.send_line("whoami")
            terminal.expect("user alice")
            terminal.send_line("quit")
            self.assertEqual(0, terminal.wait())

    def test_a_script_is_told(self):
        user = self.must_change()
        done = self.place.securelogin("--fingerprint", self.daemon.fingerprint, f"alice@127.0.0.1:{self.daemon.port}",
                                      stdin="\n".join([user.password, user.next_code(), "whoami", "passwd", GOOD, "whoami"]) + "\n")
        self.assertIn("must-change-password yes\n", done.stdout)
        self.assertEqual(2, done.stdout.count("user alice\n"), "the login's, and the second whoami's")
        self.assertIn("Password must be changed first", done.stderr)


class Breached(TestCase):
    """The list is searched where it lies, by a daemon that has confined itself."""

    def setUp(self):
        super().setUp()
        self.lists = self.place.root / "lists"
        self.lists.mkdir()
        self.list = self.lists / "breached.txt"

    def write_list(self, *passwords, file=None):
        made_up = (f"password number {number}" for number in range(20000))
        text = "".join(sorted(line_of(password) for password in (*passwords, *made_up)))
        (file or self.list).write_bytes(text.encode())

    def use_list(self, file=None):
        self.place.write_settings(f'[password]\nbreached_passwords = "{file or self.list}"\n')

    def change(self, client, password):
        """Of who must change it: nothing is asked for first."""
        self.assertEqual(333, client.ask("PASSWD").code)
        return client.ask(password)

    def holder(self, daemon, name="alice"):
        return self.log_in(daemon, self.place.add_user(name, "--must-change"))

    def test_a_breached_password_is_refused_and_another_taken(self):
        self.write_list(BREACHED)
        self.use_list()
        daemon = self.start()
        daemon.wait_for_event("confined")
        client = self.holder(daemon)
        reply = self.change(client, BREACHED)
        self.assertEqual(553, reply.code)
        self.assertIn("stolen elsewhere", reply.text)
        client.expect(333)
        self.assertEqual(250, client.ask(GOOD).code)

    def test_no_list_no_look(self):
        daemon = self.start()
        self.assertEqual(250, self.change(self.holder(daemon), BREACHED).code)

    def test_a_list_that_is_cut_short_refuses_every_change(self):
        self.write_list(BREACHED)
        self.use_list()
        daemon = self.start()
        client = self.holder(daemon)
        os.truncate(self.list, 0)
        self.assertEqual(450, self.change(client, GOOD).code)
        event = daemon.wait_for_event("password_not_changed", user="alice")
        self.assertIn(str(self.list), event["error"])
        self.assertIn("cut short", event["error"])
        self.assertEqual("error", event["level"])
        self.assertEqual([(0,)], self.place.query("SELECT password_epoch FROM users"))
        # The old settings stay while the list is none; a good one in its place, and a reload, and all is well.
        daemon.signal(signal.SIGHUP)
        self.assertIn("it is empty", daemon.wait_for_event("reload_refused")["error"])
        fresh = self.lists / "fresh.txt"
        self.write_list(GOOD, file=fresh)
        fresh.rename(self.list)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_event("reloaded")
        client = self.holder(daemon, "bob")
        self.assertEqual(553, self.change(client, GOOD).code)
        client.expect(333)
        self.assertEqual(250, client.ask(BREACHED).code)

    def test_a_list_that_is_replaced_is_the_old_one_until_the_reload(self):
        self.write_list(BREACHED)
        self.use_list()
        daemon = self.start()
        fresh = self.lists / "fresh.txt"
        self.write_list(file=fresh)
        fresh.rename(self.list)
        client = self.holder(daemon)
        self.assertEqual(553, self.change(client, BREACHED).code)
        client.expect(333)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_event("reloaded")
        self.assertEqual(553, client.ask(BREACHED).code, "a connection goes on as it began")
        self.assertEqual(250, self.change(self.holder(daemon, "bob"), BREACHED).code)

    def test_a_list_elsewhere_needs_a_restart(self):
        self.write_list(BREACHED)
        settings = self.place.root / "settings"
        settings.mkdir()
        self.place.settings_file = settings / "securelogind.toml"
        self.place.write_settings("")
        daemon = self.start()
        self.use_list()
        daemon.signal(signal.SIGHUP)
        refusal = daemon.wait_for_event("reload_refused")["error"]
        self.assertIn(f"{self.list}: ", refusal)
        self.assertIn("restart it", refusal)

    def test_what_is_no_list_is_found_by_check_and_stops_a_start(self):
        rows = {"not sorted": (line_of("b") + line_of("a") + line_of("c"), "it is not sorted"),
                "lower case": (line_of("a").lower(), "not 40 hexadecimal digits"),
                "other hashes": ("8846F7EAEE8FB117AD06BDD830B7586C:3\r\n", "not 40 hexadecimal digits"),
                "passwords": ("123456\npassword\n", "not 40 hexadecimal digits"),
                "empty": ("", "it is empty"),
                "missing": (None, "No such file")}
        self.use_list()
        for what, (text, why) in rows.items():
            with self.subTest(what):
                self.list.unlink(missing_ok=True)
                if text is not None:
                    self.list.write_bytes(text.encode())
                done = run(BIN / "securelogind", "--data", self.place.data, "--config", self.place.settings_file, "--check",
                           check=False, env=self.place.environment, cwd=self.place.root)
                self.assert_one_line_error(done, "securelogind", str(self.list), why)
                self.assertEqual(78, done.returncode)
                with self.assertRaises(AssertionError), Daemon(self.place):
                    pass
        self.write_list()
        run(BIN / "securelogind", "--data", self.place.data, "--config", self.place.settings_file, "--check",
            env=self.place.environment, cwd=self.place.root)

    def test_the_administrators_passwords_are_held_to_it_too(self):
        self.write_list(BREACHED)
        self.use_list()
        done = self.place.admin("user", "add", "alice", "--password-stdin", stdin=BREACHED + "\n", check=False)
        self.assertEqual(65, done.returncode)
        self.assertIn("stolen elsewhere", done.stderr)
        self.place.add_user("alice", password=GOOD)
        self.assertEqual(65, self.place.admin("user", "passwd", "alice", "--password-stdin", stdin=BREACHED + "\n",
                                              check=False).returncode)

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_a_list_that_the_daemons_user_cannot_read_stops_the_start(self):
        self.place.root.chmod(0o755)
        self.place.data.mkdir(0o700)
        os.chown(self.place.data, 65534, 65534)
        self.write_list(BREACHED)
        self.list.chmod(0o600)
        self.use_list()
        self.place.settings_file.chmod(0o644)
        with self.assertRaises(AssertionError) as failed, Daemon(self.place):
            pass
        self.assertIn("Permission denied", str(failed.exception))
        self.list.chmod(0o644)
        self.start()


if __name__ == "__main__":
    main()
