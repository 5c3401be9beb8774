#!/usr/bin/env python3
"""What is wrong is told at the start: one line that names the file and the remedy, and no exit with 0."""
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import unittest

from harness import BIN, TestCase, main, run

NOBODY = 65534


class StartUp(TestCase):
    def securelogind(self, *options, listen="127.0.0.1:0", **more):
        listening = ("--listen", listen) if listen else ()
        settings = ("--config", self.place.settings_file) if self.place.settings_file.exists() else ()
        return run(BIN / "securelogind", "--data", self.place.data, *settings, *listening, *options, check=False,
                   env=self.place.environment, cwd=self.place.root, **more)

    def make_installation(self):
        self.place.add_user("alice")
        self.start().stop()

    def refused(self, *words, options=()):
        """At the start and by --check alike."""
        self.assert_one_line_error(self.securelogind(*options), "securelogind", *words)
        self.assert_one_line_error(self.securelogind("--check", *options), "securelogind", *words)

    def test_first_start_makes_everything_and_says_so(self):
        daemon = self.start()
        self.assertEqual({"securelogin.db", "master.key", "tls", "lock"},
                         {name for name in os.listdir(self.place.data) if not name.endswith(("-wal", "-shm"))})
        self.assertIn(str(self.place.data), daemon.stderr.text().replace("\\/", "/"))

    # ---- the master key ----

    def test_key_missing(self):
        self.make_installation()
        (self.place.data / "master.key").unlink()
        self.refused(re.escape(str(self.place.data / "master.key")), "(?i)restore|backup")
        self.assertFalse((self.place.data / "master.key").exists(), "a new one would turn every secret into noise")

    def test_key_that_others_can_read(self):
        self.make_installation()
        for mode in (0o640, 0o604, 0o644, 0o660, 0o602):
            with self.subTest(oct(mode)):
                (self.place.data / "master.key").chmod(mode)
                self.refused(re.escape(str(self.place.data / "master.key")), "chmod 600|chmod 0600")

    def test_key_garbage(self):
        self.make_installation()
        key = self.place.data / "master.key"
        good = key.read_bytes()
        for what, content in {"empty": b"", "short": good[:10], "long": good * 2, "text": b"my master key\n",
                              "zeros": bytes(len(good)), "binary": bytes(range(256))}.items():
            with self.subTest(what):
                key.write_bytes(content)
                self.refused(re.escape(str(self.place.data)))

    def test_key_of_another_installation(self):
        self.make_installation()
        other = self.place.root / "other"
        run(BIN / "securelogin-admin", "--data", other, "user", "add", "bob", "--generate-password", env=self.place.environment)
        (self.place.data / "master.key").write_bytes((other / "master.key").read_bytes())
        self.refused(re.escape(str(self.place.data)), "key")

    def test_key_is_a_symlink_or_a_directory(self):
        self.make_installation()
        key = self.place.data / "master.key"
        key.rename(self.place.data / "elsewhere")
        key.mkdir()
        self.refused(re.escape(str(key)))

    # ---- the database ----

    def test_database_is_a_text_file(self):
        self.make_installation()
        for suffix in ("-wal", "-shm"):
            pathlib.Path(str(self.place.database) + suffix).unlink(missing_ok=True)
        for text in ("Dear diary,\n" * 500, "hello", "SQLite format 3, or is it?" * 400):
            with self.subTest(text[:20]):
                self.place.database.write_text(text)
                self.refused(re.escape(str(self.place.database)), "(?i)not a database")
                self.assertEqual(text, self.place.database.read_text())

    def test_database_of_another_program(self):
        self.make_installation()
        self.place.database.unlink()
        with sqlite3.connect(self.place.database) as database:
            database.execute("CREATE TABLE recipes (name TEXT)")
        database.close()
        self.place.database.chmod(0o600)
        self.refused(re.escape(str(self.place.database)))

    def test_database_of_a_newer_version(self):
        self.make_installation()
        subprocess.run(["sqlite3", self.place.database, "UPDATE installation SET schema_version = 999"], check=True)
        self.refused(re.escape(str(self.place.database)), "999|newer", "(?i)upgrade|update|newer")

    def test_database_without_its_end(self):
        self.make_installation()
        whole = self.place.database.read_bytes()
        self.place.database.write_bytes(whole[:5000])
        done = self.securelogind()
        self.assert_one_line_error(done, "securelogind", re.escape(str(self.place.database)))

    def test_database_locked(self):
        self.make_installation()
        with sqlite3.connect(self.place.database, isolation_level=None) as holder:
            holder.execute("PRAGMA locking_mode = EXCLUSIVE")
            holder.execute("BEGIN EXCLUSIVE")
            self.assert_one_line_error(self.securelogind(), "securelogind", re.escape(str(self.place.database)), "(?i)locked|in use")
        holder.close()

    def test_database_is_a_directory(self):
        self.make_installation()
        self.place.database.unlink()
        for suffix in ("-wal", "-shm"):
            pathlib.Path(str(self.place.database) + suffix).unlink(missing_ok=True)
        self.place.database.mkdir()
        self.refused(re.escape(str(self.place.database)))

    # ---- the directory ----

    def test_directory_that_others_can_enter(self):
        self.make_installation()
        self.place.data.chmod(0o755)
        self.refused(re.escape(str(self.place.data)), "chmod 700|chmod 0700")

    def test_directory_is_a_file(self):
        self.place.data.write_text("in the way\n")
        self.refused(re.escape(str(self.place.data)))

    def test_directory_cannot_be_made(self):
        options = ("--data", self.place.root / "no" / "such" / "parent" / "data")
        (self.place.root / "no").write_text("a file in the way\n")
        done = run(BIN / "securelogind", *options, "--listen", "127.0.0.1:0", check=False, env=self.place.environment)
        self.assert_one_line_error(done, "securelogind", re.escape(str(self.place.root / "no")))

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_directory_of_somebody_else(self):
        self.make_installation()
        self.place.root.chmod(0o755)
        self.place.data.chmod(0o777)
        as_nobody = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups")
        done = run(*as_nobody, BIN / "securelogind", "--data", self.place.data, "--listen", "127.0.0.1:0", check=False,
                   env=self.place.environment)
        self.assert_one_line_error(done, "securelogind", re.escape(str(self.place.data)))

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_read_only_directory(self):
        """For somebody who is not root: to root all directories are writable."""
        self.place.root.chmod(0o755)
        home = self.place.root / "theirs"
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        as_nobody = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups")
        data = home / "data"
        first = run(*as_nobody, BIN / "securelogind", "--data", data, "--check", check=False, env=self.place.environment)
        self.assertEqual(0, first.returncode, first.stderr)
        home.chmod(0o555)
        done = run(*as_nobody, BIN / "securelogind", "--data", data, "--listen", "127.0.0.1:0", check=False,
                   env=self.place.environment)
        self.assert_one_line_error(done, "securelogind", re.escape(str(data)), "(?i)permission denied")
        home.chmod(0o755)
        run(*as_nobody, BIN / "securelogin-admin", "--data", data, "user", "add", "alice", "--generate-password",
            env=self.place.environment)
        data.chmod(0o500)
        done = run(*as_nobody, BIN / "securelogind", "--data", data, "--listen", "127.0.0.1:0", check=False,
                   env=self.place.environment)
        self.assert_one_line_error(done, "securelogind", re.escape(str(data)))

    @unittest.skipIf(os.geteuid() != 0, "needs root to give files away")
    def test_root_becomes_the_owner_and_leaves_nothing_of_roots(self):
        self.place.root.chmod(0o755)
        self.place.data.mkdir(mode=0o700)
        os.chown(self.place.data, NOBODY, NOBODY)
        self.place.add_user("alice")
        daemon = self.start()
        with open(f"/proc/{daemon.pid}/status") as status:
            ids = next(line.split()[1:] for line in status if line.startswith("Uid:"))
        self.assertEqual([str(NOBODY)] * 4, ids)
        owners = {path.stat().st_uid for path in [self.place.data, *self.place.data.rglob("*")]}
        self.assertEqual({NOBODY}, owners)

    # ---- the certificate ----

    def test_certificate_trouble(self):
        self.make_installation()
        key, certificate = self.place.data / "tls" / "key.pem", self.place.data / "tls" / "cert.pem"
        good_key = key.read_bytes()
        key.chmod(0o644)
        self.refused(re.escape(str(key)), "chmod 600|chmod 0600")
        key.chmod(0o600)
        for content in (b"", b"garbage\n", good_key[:60]):
            with self.subTest(content):
                key.write_bytes(content)
                self.refused(re.escape(str(key)))
        key.write_bytes(good_key)
        certificate.write_text("garbage\n")
        self.refused(re.escape(str(certificate)))

    def test_settings_name_a_certificate_that_is_not_there(self):
        self.place.write_settings('[tls]\ncertificate = "/nowhere/cert.pem"\nkey = "/nowhere/key.pem"\n')
        self.refused("/nowhere/")

    # ---- settings ----

    def test_settings(self):
        self.make_installation()
        rows = {
            "unknown key": ('name = "a"\n\n[limits]\nconections = 5\n', 4, "conections"),
            "unknown table": ("[limit]\nconnections = 5\n", 1, "limit"),
            "unknown key on top": ("nmae = \"a\"\n", 1, "nmae"),
            "wrong type": ("[limits]\nconnections = \"many\"\n", 2, "connections"),
            "negative": ("[limits]\nconnections = -1\n", 2, "connections"),
            "nought": ("[deadlines]\nanswer = 0\n", 2, "answer"),
            "too large": ("[deadlines]\nanswer = 99999999999\n", 2, "answer"),
            "fraction": ("[deadlines]\nanswer = 1.5\n", 2, "answer"),
            "weak hash": ("[password]\npasses = 0\n", 2, "passes"),
            "bad name": ('name = "two words"\n', 1, "name"),
            "listener in clear": ('[listen]\nplain = ["0.0.0.0:9999"]\n', 2, "0\\.0\\.0\\.0|loopback"),
            "bad listener": ('[listen]\ntls = ["localhost"]\n', 2, "localhost|address"),
            "certificate without key": ('[tls]\ncertificate = "/a"\n', 2, "key"),
            "bad level": ('[log]\nlevel = "loud"\n', 2, "level|loud"),
            "not TOML": ('name = "a\n', 1, "string"),
            "twice": ('name = "a"\nname = "b"\n', 2, "name"),
        }
        for what, (text, line, word) in rows.items():
            with self.subTest(what):
                self.place.write_settings(text)
                self.refused(rf"{re.escape(str(self.place.settings_file))}:{line}\b", word)

    def test_settings_file_trouble(self):
        self.place.write_settings("")
        self.place.settings_file.chmod(0o666)
        self.refused(re.escape(str(self.place.settings_file)), "chmod")
        self.place.settings_file.unlink()
        done = self.securelogind("--config", self.place.root / "missing.toml")
        self.assert_one_line_error(done, "securelogind", re.escape(str(self.place.root / "missing.toml")))

    # ---- addresses and words ----

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = self.securelogind(listen=address)
        self.assert_one_line_error(done, "securelogind", re.escape(address), "(?i)in use")

    def test_address_of_another_host(self):
        self.assert_one_line_error(self.securelogind(listen="192.0.2.1:9999"), "securelogind", r"192\.0\.2\.1:9999")

    def test_bad_listen(self):
        for address in ("localhost:9999", "9999", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
                        "::1:9999", "::1", "[127.0.0.1]:9999", "unix:/tmp/x", "256.0.0.1:1", ":0"):
            with self.subTest(address):
                self.assert_one_line_error(self.securelogind(listen=address), "securelogind", re.escape(address))

    def test_command_line(self):
        for options in (("--lisen", "127.0.0.1:0"), ("serve",), ("--log-format", "xml"), ("--listen",)):
            with self.subTest(options):
                done = self.securelogind(*options, listen=None)
                self.assertEqual(64, done.returncode)
                self.assertEqual("", done.stdout)
                self.assertIn("--help", done.stderr)
        version = self.securelogind("--version", listen=None)
        self.assertEqual((0, ""), (version.returncode, version.stderr))
        self.assertRegex(version.stdout, r"\Asecurelogind \d+\.\d+\.\d+\n\Z")
        usage = self.securelogind("--help", listen=None)
        self.assertEqual((0, ""), (usage.returncode, usage.stderr))
        for word in ("--listen", "--listen-plain", "--data", "--config", "--check", "127.0.0.1:9999", "Examples"):
            self.assertIn(word, usage.stdout)

    def test_check_says_good_and_makes_nothing(self):
        done = self.securelogind("--check")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertFalse(self.place.data.exists())
        self.make_installation()
        before = {path: path.read_bytes() for path in self.place.data.rglob("*") if path.is_file()}
        done = self.securelogind("--check")
        self.assertEqual(0, done.returncode, done.stderr)
        after = {path: path.read_bytes() for path in self.place.data.rglob("*") if path.is_file()}
        self.assertEqual({p: c for p, c in before.items() if not p.name.endswith(("-wal", "-shm"))},
                         {p: c for p, c in after.items() if not p.name.endswith(("-wal", "-shm"))})

    def test_check_with_the_daemon_running(self):
        self.start()
        self.assertEqual(0, self.securelogind("--check").returncode)

    def test_where_the_data_directory_is(self):
        """--data, else the settings', else $STATE_DIRECTORY, else (as nobody in particular) $XDG_STATE_HOME."""
        root = self.place.root
        rows = [({"STATE_DIRECTORY": str(root / "systemd")}, root / "systemd")]
        if os.geteuid() != 0:
            rows.append(({}, root / "state" / "securelogin"))
        for environment, expected in rows:
            with self.subTest(environment):
                made = run(BIN / "securelogin-admin", "user", "add", "alice", "--generate-password",
                           env=self.place.environment | environment)
                self.assertTrue((expected / "securelogin.db").exists(), made.stderr)
                self.assertIn(str(expected), made.stderr)
        self.place.write_settings(f'data = "{root}/by-settings"\n')
        done = run(BIN / "securelogind", "--config", self.place.settings_file, "--check", check=False, env=self.place.environment)
        self.assertIn(str(root / "by-settings"), done.stderr)

    def test_two_daemons_may_share_a_directory(self):
        """As an upgrade does for a moment: both serve, and a code still works once."""
        first, second = self.start(), self.start()
        user = self.place.add_user("alice")
        code = user.next_code()
        self.log_in(first, user, code=code)
        client = self.connect(second)
        client.expect(220)
        self.assertEqual(530, client.attempt(user.name, user.password, code).code)
        self.log_in(second, user)


if __name__ == "__main__":
    main()
