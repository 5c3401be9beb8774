#!/usr/bin/env python3
"""An account's life, as docs/life-of-an-account.md tells it: from the invitation to another machine, with the real programs."""
import json
import re
import shutil
import time

from harness import BIN, Daemon, Place, Terminal, TestCase, User, current_step, main, run

FIRST, SECOND, THIRD = "a heron reads the evening paper", "tundra velvet orbit mango", "nine lamps above the harbour"
PASSPHRASE = "winter rowing boat lantern"
RECOVERY_CODE = r"recovery-code (\w{4}-\w{4}-\w{4}-\w{4})"


class Life(TestCase):
    def setUp(self):
        super().setUp()
        self.place.write_settings('name = "127.0.0.1"\n')
        self.daemon = self.start()

    def client(self, *words):
        """The client in a terminal, with the server's key pinned."""
        return Terminal([BIN / "securelogin", *words], self.place.environment, self.place.root)

    def host(self, daemon=None):
        return f"127.0.0.1:{(daemon or self.daemon).port}"

    def enrol(self, invitation, password):
        """At a terminal; the key off the picture, as a phone takes it.  The user, and the recovery codes."""
        picture = self.place.root / f"{invitation[:4]}.png"
        with self.client("enrol", "--fingerprint", self.daemon.fingerprint, "--qr", picture, self.host()) as terminal:
            terminal.expect("Invitation: ")
            terminal.send_line(invitation)
            for _ in range(2):
                terminal.expect("(New password|again): ")
                terminal.send_line(password)
            terminal.expect("Code: ")
            uri = run("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture).stdout.strip()
            user = User("carol", password, uri)
            terminal.send_line(user.next_code())
            self.assertEqual(0, terminal.wait(), terminal.transcript)
            return user, re.findall(RECOVERY_CODE, terminal.transcript)

    def at_the_prompt(self, terminal, user, code):
        terminal.expect("[Pp]assword: ")
        terminal.send_line(user.password)
        terminal.expect("[Cc]ode: ")
        terminal.send_line(code)
        terminal.expect("securelogin> ")

    def log_in_at_a_terminal(self, user, code):
        terminal = self.enterContext(self.client("--fingerprint", self.daemon.fingerprint, f"{user.name}@{self.host()}"))
        self.at_the_prompt(terminal, user, code)
        return terminal

    def verdict(self, daemon, user, code):
        with daemon.connect() as client:
            client.expect(220)
            return client.attempt(user.name, user.password, code).code

    def verify(self, place, token):
        done = place.admin("session", "verify", stdin=token + "\n", check=False)
        return done.returncode, json.loads(done.stdout)["valid"]

    def test_from_the_invitation_to_another_machine(self):
        made = json.loads(self.place.admin("user", "invite", "carol", "--json").stdout)
        carol, recovery = self.enrol(made["invitation"], FIRST)
        self.assertEqual(10, len(set(recovery)))

        terminal = self.log_in_at_a_terminal(carol, carol.next_code())
        terminal.send_line("passwd")
        terminal.expect("[Pp]assword: ")
        terminal.send_line(FIRST)
        terminal.expect("[Cc]ode.*: ")
        terminal.send_line(recovery[0])
        for _ in range(2):
            terminal.expect("([Nn]ew password|again): ")
            terminal.send_line(SECOND)
        terminal.expect("Password changed")
        terminal.send_line("logout")
        self.assertEqual(0, terminal.wait())
        self.assertEqual(530, self.verdict(self.daemon, carol, recovery[1]), "the old password")
        carol.password = SECOND

        # The phone is lost: in with a code from paper; then a new enrolment.
        terminal = self.log_in_at_a_terminal(carol, recovery[2])
        self.assertIn("8 recovery codes are left", terminal.transcript)
        made = json.loads(self.place.admin("user", "reset-totp", "carol", "--json").stdout)
        terminal.send_line("whoami")
        terminal.expect("Session ended")
        self.assertEqual(530, self.verdict(self.daemon, carol, recovery[3]), "recovery codes end with the key")
        carol, _ = self.enrol(made["invitation"], THIRD)

        spent = carol.next_code()
        with self.daemon.connect() as client:
            client.expect(220)
            login = client.attempt("carol", THIRD, spent)
            self.assertEqual(230, login.code)
            token = client.ask("TOKEN")["token"]
        self.assertEqual((0, True), self.verify(self.place, token))
        listed = json.loads(self.place.admin("session", "list", "carol", "--json").stdout)
        self.assertEqual([login["session"]], [session["session"] for session in listed])
        self.place.admin("session", "revoke", "carol", "all")
        self.assertEqual((77, False), self.verify(self.place, token))

        self.move_out_and_in(carol, spent)

    def move_out_and_in(self, carol, spent):
        passphrase = self.place.root / "passphrase"
        passphrase.write_text(PASSPHRASE + "\n")
        passphrase.chmod(0o600)
        self.place.admin("export", self.place.root / "accounts.sealed", "--passphrase-file", passphrase)
        line = self.place.admin("unseal", self.place.root / "accounts.sealed", "--passphrase-file", passphrase).stdout
        self.assertEqual(("carol", carol.uri), (json.loads(line)["name"], json.loads(line)["otpauth_uri"]))

        backup = self.place.root / "backup.db"
        self.assertEqual(0, self.daemon.stop())
        self.place.admin("backup", backup)
        elsewhere = Place(self.new_root("elsewhere"))
        elsewhere.data.mkdir(mode=0o700)
        shutil.copy2(self.place.data / "master.key", elsewhere.data)
        shutil.copytree(self.place.data / "tls", elsewhere.data / "tls")
        elsewhere.admin("restore", backup)
        self.assertEqual(0, elsewhere.admin("doctor", check=False).returncode)
        with Daemon(elsewhere) as daemon:
            self.assertEqual(self.daemon.fingerprint, daemon.fingerprint)
            self.assertEqual(530, self.verdict(daemon, carol, spent))
            (last,) = elsewhere.query("SELECT last_step FROM totp")
            while current_step() < last[0]:
                time.sleep(1)  # no code of before the restore counts, whatever it was used for
            self.assertEqual(230, self.verdict(daemon, carol, carol.code_of(last[0] + 1)))

        # Or without the database: the accounts alone, and what was spent stays spent.
        self.import_elsewhere(carol, line)

    def import_elsewhere(self, carol, line):
        anew = Place(self.new_root("anew"))
        file = anew.root / "accounts.jsonl"
        file.write_text(line)
        anew.admin("import", file, "--apply")
        with Daemon(anew) as daemon:
            exported = json.loads(line)["totp_last_step"]
            self.assertEqual(530, self.verdict(daemon, carol, carol.code_of(exported)))
            now = max(current_step(), exported + 1)
            self.assertEqual(230, self.verdict(daemon, carol, carol.code_of(now)))

    def new_root(self, name):
        root = self.place.root / name
        root.mkdir()
        return root


if __name__ == "__main__":
    main()
