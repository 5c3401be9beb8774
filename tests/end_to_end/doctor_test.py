#!/usr/bin/env python3
"""`doctor` finds what is wrong, says what to do, changes nothing, and is content with what is right."""
import json
import re
import shutil

from harness import TestCase, main, run

OK, PROBLEMS = 0, 1


class Doctor(TestCase):
    def setUp(self):
        super().setUp()
        self.place.write_settings('name = "localhost"\n')
        self.place.add_user("alice")
        self.start().stop()

    def examine(self):
        done = self.place.admin("doctor", "--json", check=False)
        self.assertIn(done.returncode, (OK, PROBLEMS), done.stderr)
        told = json.loads(done.stdout)
        problems = [check for check in told["checks"] if check["result"] == "problem"]
        self.assertEqual(told["problems"], len(problems))
        self.assertEqual(done.returncode, PROBLEMS if problems else OK, done.stderr)
        return told["checks"]

    def assert_found(self, result, check, what, remedy=""):
        """One of this kind, and what to do about it."""
        found = [entry for entry in self.examine() if entry["check"] == check and entry["result"] == result]
        said = [f"{entry['what']}: {entry['remedy'] or ''}" for entry in found]
        self.assertTrue(any(re.search(what, text) and re.search(remedy, text) for text in said),
                        f"{result} {check} {what!r} {remedy!r} in {self.examine()}")

    def test_nothing_is_wrong(self):
        checks = self.examine()
        self.assertEqual([], [check for check in checks if check["result"] == "problem"])
        self.assertEqual({"settings", "data directory", "daemon", "master key", "database", "audit", "clock", "certificate", "disk"},
                         {check["check"] for check in checks})
        text = self.place.admin("doctor").stdout
        for line in text.splitlines():
            self.assertRegex(line, r"\A(ok|warning) +[a-z ]+: .")

    def test_changes_nothing(self):
        before = {path.name: path.read_bytes() for path in self.place.data.iterdir() if path.is_file()}
        self.examine()
        after = {path.name: path.read_bytes() for path in self.place.data.iterdir() if path.is_file()}
        for name in ("securelogin.db", "master.key", "lock"):
            self.assertEqual(before[name], after[name])

    def test_tells_whether_the_daemon_runs(self):
        self.assert_found("ok", "daemon", "does not run")
        daemon = self.start()
        self.assert_found("ok", "daemon", f"process {daemon.pid}")
        daemon.kill()
        self.assert_found("ok", "daemon", "does not run")

    def test_settings(self):
        self.place.write_settings('name = "localhost"\n[process]\nconfine = "off"\n[totp]\nwindow = 5\n[metrics]\nreasons = true\n'
                                  '[tls]\nminimum_version = "1.2"\n[log]\nlevel = "error"\n')
        for what in ("confine", "window", "reasons", "1.2", "log.level"):
            with self.subTest(what):
                self.assert_found("warning", "settings", what)
        self.place.write_settings("nonsense = 1\n")
        self.assert_found("problem", "settings", "nonsense")

    def test_modes(self):
        self.place.database.chmod(0o644)
        self.assert_found("problem", "data directory", "mode 644", "chmod 600")
        self.place.database.chmod(0o600)
        (self.place.data / "master.key").chmod(0o644)
        self.assert_found("problem", "master key", "master.key", "chmod")
        (self.place.data / "master.key").chmod(0o600)
        self.place.data.chmod(0o755)
        self.assert_found("problem", "data directory", "data", "chmod")
        self.place.data.chmod(0o700)

    def test_no_directory(self):
        shutil.rmtree(self.place.data)
        self.assert_found("problem", "data directory", "no such data directory")

    def test_no_key(self):
        (self.place.data / "master.key").unlink()
        self.assert_found("problem", "master key", "is missing")

    def test_another_key(self):
        shutil.move(self.place.data, self.place.root / "first")
        self.place.add_user("bob")
        shutil.copy(self.place.root / "first" / "securelogin.db", self.place.database)
        for suffix in ("-wal", "-shm"):
            self.place.database.with_name(self.place.database.name + suffix).unlink(missing_ok=True)
        self.assert_found("problem", "database", "under the master key [0-9a-f]{8}, which is not at hand", "master.key")

    def test_damage(self):
        size = self.place.database.stat().st_size
        with open(self.place.database, "r+b") as file:
            file.seek(size // 2 // 4096 * 4096)
            file.write(b"\xff" * 4096)
        self.assert_found("problem", "database", "damaged", "restore")
        self.place.database.write_text("no database\n" * 1000)
        self.assert_found("problem", "database", "not a database")
        self.place.database.write_bytes(b"")
        self.assert_found("problem", "database", "empty")

    def test_a_forged_end_of_the_audit(self):
        import contextlib
        import sqlite3
        with contextlib.closing(sqlite3.connect(self.place.database)) as database:
            database.executescript("DROP TRIGGER audit_head_only_grows; UPDATE audit_head SET last_mac = zeroblob(32)")
        self.assert_found("problem", "audit", "tampered with", "restore")

    def make_certificate(self, days, name):
        folder = self.place.root / f"tls{days}{name}"
        folder.mkdir()
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
        (folder / "key.pem").chmod(0o600)
        return folder

    def use_certificate(self, certificate, key):
        self.place.write_settings(f'name = "localhost"\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')

    def test_certificates(self):
        good, soon, other = (self.make_certificate(*which) for which in ((90, "localhost"), (3, "localhost"), (90, "elsewhere")))
        self.use_certificate(good / "cert.pem", good / "key.pem")
        self.assert_found("ok", "certificate", "is good until")
        self.use_certificate(soon / "cert.pem", soon / "key.pem")
        self.assert_found("warning", "certificate", "is good until", "renew it")
        self.use_certificate(other / "cert.pem", other / "key.pem")
        self.assert_found("warning", "certificate", "not for the name localhost")
        self.use_certificate(good / "cert.pem", other / "key.pem")
        self.assert_found("problem", "certificate", "not the certificate's key")
        self.use_certificate(good / "missing.pem", good / "key.pem")
        self.assert_found("problem", "certificate", "missing.pem")
        (good / "key.pem").chmod(0o644)
        self.use_certificate(good / "cert.pem", good / "key.pem")
        self.assert_found("problem", "certificate", "key.pem")

    def test_what_a_restore_leaves(self):
        backup = self.place.root / "backup.db"
        self.place.admin("backup", backup)
        self.place.admin("restore", backup)
        self.assert_found("warning", "data directory", "replaced-", "remove it")


if __name__ == "__main__":
    main()
