#!/usr/bin/env python3
"""`export` and `unseal`: all accounts, in a form that others read, and in nobody's hands who has not the passphrase."""
import json
import stat
import subprocess
import urllib.parse

from harness import BIN, PATIENCE, Terminal, TestCase, main

PASSPHRASE = "winter rowing boat lantern"
DONE, USAGE, REFUSED, CANNOT_CREATE, CONFIGURATION = 0, 64, 65, 73, 78
FIELDS = {"name", "state", "created_at", "password_set_at", "password_hash", "otpauth_uri", "totp_enrolled_at",
          "totp_last_step", "totp_failures", "must_change_password"}


class Export(TestCase):
    def setUp(self):
        super().setUp()
        self.users = [self.place.add_user("alice"), self.place.add_user("bob", "--digits", "8", "--period", "60")]
        self.passphrase = self.place.root / "passphrase"
        self.write_passphrase(PASSPHRASE)
        self.file = self.place.root / "accounts.sealed"

    def write_passphrase(self, text):
        self.passphrase.write_text(text + "\n")
        self.passphrase.chmod(0o600)

    def export(self, *words, check=True):
        return self.place.admin("export", *words, check=check)

    def seal(self):
        return self.export(self.file, "--passphrase-file", self.passphrase)

    def unseal(self, *words, check=True):
        return self.place.admin("unseal", self.file, "--passphrase-file", self.passphrase, *words, check=check)

    def refuse(self, done, code, *says):
        self.assertEqual(code, done.returncode, done.stderr)
        for word in says:
            self.assertRegex(done.stderr, word)

    def test_plain_is_what_the_accounts_are(self):
        self.place.admin("user", "disable", "bob")
        lines = [json.loads(line) for line in self.export("--plain").stdout.splitlines()]
        self.assertEqual(["alice", "bob"], [line["name"] for line in lines])
        self.assertEqual(["active", "disabled"], [line["state"] for line in lines])
        for line, user in zip(lines, self.users):
            self.assertEqual(FIELDS, set(line))
            self.assertEqual(user.uri, line["otpauth_uri"])
            self.assertRegex(line["password_hash"], r"\A\$argon2id\$v=19\$m=\d+,t=\d+,p=1\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+\Z")
            self.assertRegex(line["created_at"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(lines[1]["otpauth_uri"]).query)
        self.assertEqual((["8"], ["60"]), (query["digits"], query["period"]))

    def test_sealed_by_default_and_the_same_when_it_is_opened(self):
        plain = self.export("--plain").stdout
        self.seal()
        self.assertEqual(0o600, stat.S_IMODE(self.file.stat().st_mode))
        content = self.file.read_bytes()
        self.assertTrue(content.startswith(b"SECURELOGIN-EXPORT-1\n"))
        for word in (b"alice", b"argon2id", b"otpauth", self.users[0].secret.encode()):
            self.assertNotIn(word, content)
        self.assertEqual(plain, self.unseal().stdout)
        clear = self.place.root / "clear"
        self.unseal("--to", clear)
        self.assertEqual(plain, clear.read_text())
        self.assertEqual(0o600, stat.S_IMODE(clear.stat().st_mode))

    def test_is_in_the_audit_before_it_leaves(self):
        self.seal()
        self.export("--plain")
        self.assertEqual([("sealed",), ("plain",)], self.place.query("SELECT reason FROM audit WHERE event = 'export' ORDER BY id"))

    def test_while_the_daemon_runs(self):
        daemon = self.start()
        self.seal()
        self.log_in(daemon, self.users[0])
        self.assertEqual(2, len(self.unseal().stdout.splitlines()))

    def test_another_passphrase_and_what_was_changed_open_nothing(self):
        self.seal()
        good = self.file.read_bytes()
        clear = self.place.root / "clear"
        for name, content, passphrase in (("another passphrase", good, PASSPHRASE + "s"),
                                          ("a bit", good[:-40] + bytes([good[-40] ^ 1]) + good[-39:], PASSPHRASE),
                                          ("cut off", good[:-1], PASSPHRASE),
                                          ("another's file", b"{}\n" * 100, PASSPHRASE)):
            with self.subTest(name):
                self.file.write_bytes(content)
                self.write_passphrase(passphrase)
                self.refuse(self.unseal("--to", clear, check=False), REFUSED, str(self.file))
                self.assertFalse(clear.exists())

    def test_never_over_a_file(self):
        self.file.write_text("precious")
        self.refuse(self.export(self.file, "--plain", check=False), CANNOT_CREATE, "it exists")
        self.assertEqual("precious", self.file.read_text())

    def test_refused_passphrases(self):
        for text, code, says in (("password1", REFUSED, "(?i)guess|common|weak"), ("", REFUSED, "passphrase")):
            with self.subTest(text):
                self.write_passphrase(text)
                self.refuse(self.export(self.file, "--passphrase-file", self.passphrase, check=False), code, says)
                self.assertFalse(self.file.exists())
        self.write_passphrase(PASSPHRASE)
        self.passphrase.chmod(0o644)
        self.refuse(self.export(self.file, "--passphrase-file", self.passphrase, check=False), CONFIGURATION, "chmod 600")
        self.assertEqual([], self.place.query("SELECT 1 FROM audit WHERE event = 'export'"))

    def test_both_ways_at_once_are_a_mistake(self):
        self.refuse(self.export("--plain", "--passphrase-file", self.passphrase, check=False), USAGE)

    def test_without_a_terminal_it_needs_a_file(self):
        done = subprocess.run([str(BIN / "securelogin-admin"), "--data", str(self.place.data), "export", str(self.file)],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True,
                              timeout=PATIENCE, env=self.place.environment)
        self.refuse(done, USAGE, "--passphrase-file")
        self.assertFalse(self.file.exists())

    def test_asked_for_twice_on_a_terminal_and_not_shown(self):
        command = [BIN / "securelogin-admin", "--data", self.place.data, "export", self.file]
        with Terminal(command, self.place.environment, self.place.root) as terminal:
            for prompt in ("Passphrase for the export: ", "The same again: "):
                terminal.expect(prompt)
                self.assertFalse(terminal.echoes())
                terminal.send_line(PASSPHRASE)
            self.assertEqual(DONE, terminal.wait())
            self.assertNotIn(PASSPHRASE, terminal.transcript)
        self.assertEqual(2, len(self.unseal().stdout.splitlines()))

    def test_sealed_octets_are_not_put_on_a_terminal(self):
        command = [BIN / "securelogin-admin", "--data", self.place.data, "export", "--passphrase-file", self.passphrase]
        with Terminal(command, self.place.environment, self.place.root) as terminal:
            terminal.expect("name a file")
            self.assertEqual(USAGE, terminal.wait())

    def test_killed_it_leaves_nothing(self):
        process = subprocess.Popen([str(BIN / "securelogin-admin"), "--data", str(self.place.data), "export", str(self.file),
                                    "--passphrase-file", str(self.passphrase)], env=self.place.environment)
        process.kill()
        process.wait(PATIENCE)
        # The child that gives the name back ends by itself; a second export needs the name.
        for _ in range(100):
            done = self.export(self.file, "--passphrase-file", self.passphrase, check=False)
            if done.returncode == DONE:
                break
        self.assertEqual(DONE, done.returncode, done.stderr)


if __name__ == "__main__":
    main()
