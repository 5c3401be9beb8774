#!/usr/bin/env python3
"""`backup` while people log in, and `restore`: nothing that was used up can be used again, and nothing is ever lost."""
import contextlib
import fcntl
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
import time
import unittest

from harness import BIN, PATIENCE, Place, TestCase, current_step, eventually, main, run

KILLS = 12
PERIOD = 10  # seconds a code stands here: for less waiting
DONE, TAMPERED, REFUSED, CANNOT_CREATE, INPUT_OUTPUT, TRY_LATER, CONFIGURATION = 0, 1, 65, 73, 74, 75, 78
SCHEMA_1 = pathlib.Path(__file__).resolve().parents[1] / "server/store/schema_1.sql"


def fill_the_disk():
    """As a full disk would: no file grows beyond 48 KiB."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (49152, 49152))


class Moving(TestCase):
    def setUp(self):
        super().setUp()
        self.backup_file = self.place.root / "backup.db"

    def command(self, *words):
        return [str(word) for word in (BIN / "securelogin-admin", "--data", self.place.data, *words)]

    def backup(self, file=None):
        return json.loads(self.place.admin("backup", file or self.backup_file, "--json").stdout)

    def restore(self, *words, check=True, place=None):
        return (place or self.place).admin("restore", self.backup_file, *words, check=check)

    def verdict(self, daemon, user, code):
        with daemon.connect() as client:
            client.expect(220)
            return client.attempt(user.name, user.password, code).code

    def files(self):
        """What is in the data directory, without SQLite's own and the lock."""
        return {path.name: path.read_bytes() for path in self.place.data.iterdir()
                if path.is_file() and not path.name.endswith(("-shm", "-wal")) and path.name != "lock"}

    def assert_whole(self):
        self.assertEqual([("ok",)], self.place.query("PRAGMA integrity_check"))
        self.assertEqual("yes", dict(line.split(" ", 1) for line in
                                     self.place.admin("audit", "verify").stdout.splitlines())["intact"])

    def make_large(self, users=4000):
        """Rows that nobody logs in with, so that a copy takes its time."""
        with contextlib.closing(sqlite3.connect(self.place.database, timeout=PATIENCE)) as database, database:
            database.executemany("INSERT INTO failures VALUES (?, ?, 1, 0, NULL, 1)",
                                 ((os.urandom(16), "x" * 400) for _ in range(users)))


class Backup(Moving):
    def test_is_private_whole_and_without_the_key(self):
        alice = self.place.add_user("alice")
        self.start()
        done = self.place.admin("backup", self.backup_file)
        self.assertEqual(0o600, stat.S_IMODE(self.backup_file.stat().st_mode))
        with contextlib.closing(sqlite3.connect(self.backup_file)) as copy:
            self.assertEqual([("ok",)], copy.execute("PRAGMA integrity_check").fetchall())
            self.assertEqual([("alice",)], copy.execute("SELECT name FROM users").fetchall())
            self.assertEqual([("backup",)], copy.execute("SELECT event FROM audit ORDER BY id DESC LIMIT 1").fetchall())
        key = (self.place.data / "master.key").read_text().split()[-1]
        content = self.backup_file.read_bytes()
        for secret in (key.encode(), alice.secret.encode(), alice.password.encode(), b"$argon2id$"):
            self.assertNotIn(secret, content)
        key_id = json.loads(self.place.admin("status", "--json").stdout)["master_key_id"]
        self.assertIn(f"master-key-id {key_id}\n", done.stdout)
        self.assertIn(f"the master key ({key_id}) is not in it", done.stderr)
        self.assertIn("master.key", done.stderr)

    def test_never_over_a_file_nor_through_a_link(self):
        self.place.add_user("alice")
        self.backup_file.write_text("precious")
        refused = self.place.admin("backup", self.backup_file, check=False)
        self.assertEqual(CANNOT_CREATE, refused.returncode)
        self.assert_one_line_error(refused, "securelogin-admin", "it exists")
        self.assertEqual("precious", self.backup_file.read_text())
        link = self.place.root / "link"
        link.symlink_to(self.place.root / "elsewhere")
        self.assertEqual(CANNOT_CREATE, self.place.admin("backup", link, check=False).returncode)
        self.assertFalse((self.place.root / "elsewhere").exists())

    def test_logins_go_on(self):
        daemon = self.start()
        users = [self.place.add_user(f"user{number}") for number in range(12)]
        self.make_large()
        verdicts = []

        def log_in(mine):
            try:
                for user in mine:
                    for _ in range(2):
                        verdicts.append(self.verdict(daemon, user, user.next_code()))
            except Exception as error:  # it is the main thread that fails the test
                verdicts.append(repr(error))

        threads = [threading.Thread(target=log_in, args=(users[start::3],)) for start in range(3)]
        for thread in threads:
            thread.start()
        made = []
        while any(thread.is_alive() for thread in threads) or not made:
            made.append(self.place.root / f"copy{len(made)}")
            self.backup(made[-1])
        for thread in threads:
            thread.join()
        self.assertEqual({230}, set(verdicts), verdicts)
        self.assertEqual(24, len(verdicts))
        for copy in made:
            with contextlib.closing(sqlite3.connect(copy)) as database:
                self.assertEqual([("ok",)], database.execute("PRAGMA integrity_check").fetchall())
        self.assert_whole()

    def test_on_a_full_disk_nothing_is_left(self):
        self.place.add_user("alice")
        self.make_large(500)
        done = subprocess.run(self.command("backup", self.backup_file), capture_output=True, text=True, timeout=PATIENCE,
                              preexec_fn=fill_the_disk, env=self.place.environment)
        self.assertEqual(INPUT_OUTPUT, done.returncode, done.stderr)
        self.assertFalse(self.backup_file.exists())
        self.assert_whole()

    def test_killed_it_leaves_nothing(self):
        self.place.add_user("alice")
        self.make_large()
        for _ in range(3):
            process = subprocess.Popen(self.command("backup", self.backup_file), stderr=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, env=self.place.environment)
            eventually(lambda: process.poll() is not None or
                       self.backup_file.exists() and self.backup_file.stat().st_size > 262144, "it is at work")
            process.kill()
            process.wait(PATIENCE)
            eventually(lambda: not self.backup_file.exists() or process.returncode == 0, "the name is given back")
            self.backup_file.unlink(missing_ok=True)
        self.assert_whole()
        self.backup()

    @unittest.skipUnless(os.geteuid() == 0, "only root gives up rights")
    def test_root_gets_it_where_the_daemons_user_may_not_write(self):
        nobody = 65534
        self.place.root.chmod(0o755)
        self.place.add_user("alice")
        for path in (self.place.data, *self.place.data.iterdir()):
            os.chown(path, nobody, nobody)
        private = self.place.root / "roots"
        private.mkdir(0o700)
        self.backup(private / "copy.db")
        self.assertEqual(0, (private / "copy.db").stat().st_uid)
        self.backup_file = private / "copy.db"
        self.restore()
        self.assertEqual({nobody}, {path.stat().st_uid for path in self.place.data.iterdir()})


class Restore(Moving):
    def test_nothing_that_was_used_is_good_again(self):
        alice = self.place.add_user("alice", "--period", str(PERIOD))
        bob = self.place.add_user("bob", "--period", str(PERIOD))
        daemon = self.start()
        before = alice.next_code()
        held = self.connect(daemon)
        held.log_in(alice, before)
        session = held.ask("WHOAMI")["session"]
        self.backup()
        after = alice.next_code()
        self.assertEqual(230, self.verdict(daemon, alice, after))
        bobs = bob.next_code()
        self.assertEqual(230, self.verdict(daemon, bob, bobs), "his first login came after the backup")
        self.assertEqual(0, daemon.stop())
        self.restore()
        step = current_step(PERIOD)
        self.assertEqual([(0,)], self.place.query("SELECT COUNT(*) FROM sessions"))
        daemon = self.start()
        for user, code in ((alice, before), (alice, after), (bob, bobs)):
            self.assertEqual(530, self.verdict(daemon, user, code))
        self.assertNotIn((session,), self.place.query("SELECT id FROM sessions"))
        # The first step that nobody can have used yet.
        time.sleep(max(0, (step + 2) * PERIOD + 0.2 - time.time()))
        self.assertEqual(230, self.verdict(daemon, alice, alice.code(+1)))
        self.assert_whole()

    def test_the_audit_goes_on_and_tells(self):
        self.place.add_user("alice")
        self.backup()
        daemon = self.start()
        daemon.wait_for_event("audit_checkpoint", reason="start")
        self.assertEqual(0, daemon.stop())
        later = daemon.wait_for_event("audit_checkpoint", reason="stop")["checkpoint"]
        self.restore()
        told = json.loads(self.place.admin("audit", "verify", "--json").stdout)
        self.assertTrue(told["intact"])
        events = [json.loads(line) for line in self.place.admin("audit", "export").stdout.splitlines()]
        self.assertEqual(["user.add", "backup", "restored"], [event["event"] for event in events])
        self.assertEqual(events[-1]["id"], told["restored"])
        self.assertEqual(f"instead of {later}", events[-1]["reason"])
        self.assertIn("restored 3 ", self.place.admin("audit", "verify").stdout)
        refused = self.place.admin("audit", "verify", "--checkpoint", later, check=False)
        self.assertEqual(TAMPERED, refused.returncode)
        self.assertIn("record 3 says that a backup was restored", refused.stderr)

    def test_what_has_happened_since_is_told(self):
        for name in ("alice", "bob", "carol"):
            self.place.add_user(name)
        self.backup()
        self.place.admin("user", "disable", "alice")
        self.place.admin("user", "remove", "bob")
        self.place.admin("user", "passwd", "carol", "--generate-password")
        self.place.add_user("dave")
        done = self.restore()
        self.assertIn("disabled or removed since the backup, and disabled now: 2 (user enable, user remove):\n  alice\n  bob\n",
                      done.stderr)
        self.assertIn("from before a change: 1 (user passwd, user reset-totp):\n  carol\n", done.stderr)
        users = {user["username"]: user["state"] for user in json.loads(self.place.admin("user", "list", "--json").stdout)}
        self.assertEqual({"alice": "disabled", "bob": "disabled", "carol": "active"}, users)
        kept = [path for path in self.place.data.iterdir() if ".db.replaced-" in path.name]
        self.assertEqual(1, len(kept))
        self.assertIn(kept[0].name, done.stderr)
        self.assertEqual(0o600, stat.S_IMODE(kept[0].stat().st_mode))

    def test_refused_while_the_daemon_runs(self):
        alice = self.place.add_user("alice")
        self.backup()
        daemon = self.start()
        refused = self.restore(check=False)
        self.assertEqual(TRY_LATER, refused.returncode)
        self.assert_one_line_error(refused, "securelogin-admin", f"securelogind \\(process {daemon.pid}\\) runs")
        self.assertEqual(230, self.verdict(daemon, alice, alice.next_code()))

    def test_nobody_comes_in_while_it_is_at_work(self):
        self.place.add_user("alice")
        lock = os.open(self.place.data / "lock", os.O_RDWR)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = self.place.admin("user", "list", check=False)
        self.assertEqual(TRY_LATER, refused.returncode)
        self.assert_one_line_error(refused, "securelogin-admin", "being restored")
        daemon = run(BIN / "securelogind", "--data", self.place.data, "--listen", "127.0.0.1:0", check=False,
                     env=self.place.environment)
        self.assertEqual(1, daemon.returncode, "one that passes: systemd tries again")
        self.assert_one_line_error(daemon, "securelogind", "being restored")

    def test_moves_to_another_machine(self):
        alice = self.place.add_user("alice", "--period", str(PERIOD))
        self.backup()
        (self.place.root / "there").mkdir()
        there = Place(self.place.root / "there")
        there.data.mkdir(0o700)
        refused = self.restore(check=False, place=there)
        self.assertEqual(CONFIGURATION, refused.returncode)
        self.assertIn("master.key", refused.stderr)
        self.assertEqual([], [path.name for path in there.data.iterdir() if path.name != "lock"])
        shutil.copy(self.place.data / "master.key", there.data)
        step = current_step(PERIOD) + 1
        self.restore(place=there)
        self.place = there
        daemon = self.start()
        time.sleep(max(0, (step + 2) * PERIOD + 0.2 - time.time()))
        self.assertEqual(230, self.verdict(daemon, alice, alice.code(+1)))

    def refuse(self, code, *says):
        before = self.files()
        refused = self.restore(check=False)
        self.assertEqual(code, refused.returncode, refused.stderr)
        self.assert_one_line_error(refused, "securelogin-admin", *says)
        self.assertEqual(before, self.files())

    def test_what_is_no_backup_of_ours_is_refused(self):
        self.place.add_user("alice")
        self.backup()
        good = self.backup_file.read_bytes()
        key_file = self.place.data / "master.key"

        def foreign():
            self.backup_file.unlink()
            with contextlib.closing(sqlite3.connect(self.backup_file)) as database, database:
                database.execute("CREATE TABLE users (name TEXT)")

        for name, spoil, says in (
                ("foreign", foreign, "another program's"),
                ("text", lambda: self.backup_file.write_bytes(b"text\n" * 4000), "not a database"),
                ("empty", lambda: self.backup_file.write_bytes(b""), "empty"),
                ("cut off", lambda: self.backup_file.write_bytes(good[:len(good) // 2]), "damaged"),
                ("damaged", lambda: self.backup_file.write_bytes(good[:8192] + b"\xff" * 4096 + good[12288:]), "damaged"),
                ("a key file", lambda: self.backup_file.write_bytes(key_file.read_bytes()), "not a database")):
            with self.subTest(name):
                self.backup_file.write_bytes(good)
                spoil()
                self.refuse(INPUT_OUTPUT, says, str(self.backup_file))
        self.backup_file.unlink()
        self.refuse(INPUT_OUTPUT, "No such file")
        self.backup_file.mkdir()
        self.refuse(64, "not a file")

    def test_another_master_key_is_refused_and_named(self):
        self.place.add_user("alice")
        self.backup()
        old = json.loads(self.place.admin("status", "--json").stdout)["master_key_id"]
        key = (self.place.data / "master.key").read_bytes()
        self.place.admin("key", "rotate")
        new = json.loads(self.place.admin("status", "--json").stdout)["master_key_id"]
        self.refuse(INPUT_OUTPUT, f"under the master key {old}, and at hand is {new}", "master.key")
        (self.place.data / "master.key").write_bytes(key)
        self.restore()
        self.assert_whole()

    def test_in_the_place_of_a_damaged_database(self):
        self.place.add_user("alice")
        self.backup()
        self.place.database.write_bytes(b"\xff" * 20000)
        done = self.restore()
        self.assertIn("could not be read", done.stderr)
        self.assert_whole()
        self.assertEqual([("alice",)], self.place.query("SELECT name FROM users"))

    def test_a_file_that_was_copied_with_its_log(self):
        self.place.add_user("alice")
        daemon = self.start()
        self.place.add_user("bob")
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.place.database}{suffix}", f"{self.backup_file}{suffix}")
        self.assertEqual(0, daemon.stop())
        self.restore()
        self.assertEqual([("alice",), ("bob",)], self.place.query("SELECT name FROM users ORDER BY name"))

    def test_on_a_full_disk_nothing_is_changed(self):
        self.place.add_user("alice")
        self.make_large(500)
        self.backup()
        before = self.files()
        done = subprocess.run(self.command("restore", self.backup_file), capture_output=True, text=True, timeout=PATIENCE,
                              preexec_fn=fill_the_disk, env=self.place.environment)
        self.assertNotEqual(0, done.returncode)
        self.assertEqual(before, self.files())
        self.assert_whole()

    def test_killed_at_any_moment_nothing_is_lost(self):
        self.place.add_user("alice")
        self.make_large(1500)
        self.backup()
        begun = time.monotonic()
        self.restore()
        whole = time.monotonic() - begun
        chance = random.Random(7)
        for number in range(KILLS):
            process = subprocess.Popen(self.command("restore", self.backup_file), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=self.place.environment)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0, 1.2 * whole))  # the moment is what is tried
            process.kill()
            process.wait(PATIENCE)
            with self.subTest(number):
                self.place.admin("status")  # whoever comes next lets SQLite finish, which a reader may not
                self.assert_whole()
                self.assertEqual([("alice",)], self.place.query("SELECT name FROM users"))
        self.restore()
        self.assert_whole()
        self.assertFalse([path.name for path in self.place.data.iterdir() if ".restoring" in path.name])


class OlderSchema(Moving):
    def setUp(self):
        super().setUp()
        self.place.add_user("alice")
        old = self.place.root / "old.db"
        with contextlib.closing(sqlite3.connect(old)) as database:
            database.executescript(SCHEMA_1.read_text())
            database.executescript(f"PRAGMA application_id = {0x534C4442};"
                                   f"ATTACH '{self.place.database}' AS newer;"
                                   "INSERT INTO installation SELECT single, 1, key_id, key_check FROM newer.installation;"
                                   "INSERT INTO users SELECT name, id, state, password_hash, password_epoch, created_at,"
                                   " password_set_at, last_login_at, last_login_source FROM newer.users; INSERT INTO totp SELECT * FROM newer.totp;"
                                   "DETACH newer")
        self.old = old.read_bytes()

    def version(self):
        return self.place.query("SELECT schema_version FROM installation")[0][0]

    def test_a_backup_of_it_is_migrated_by_the_restore(self):
        self.backup_file.write_bytes(self.old)
        self.restore()
        self.assertEqual(2, self.version())
        self.assert_whole()
        self.assertEqual([("alice",)], self.place.query("SELECT name FROM users"))

    def test_who_only_looks_leaves_it_as_it_is(self):
        self.place.database.write_bytes(self.old)
        for words in (("user", "list"), ("status",), ("audit", "show"), ("audit", "verify"), ("export", "--plain")):
            with self.subTest(words):
                done = self.place.admin(*words, check=False)
                self.assertEqual(INPUT_OUTPUT, done.returncode)
                self.assert_one_line_error(done, "securelogin-admin", "would be migrated to 2")
        done = subprocess.run([str(BIN / "securelogind"), "--data", str(self.place.data), "--check"], capture_output=True,
                              text=True, timeout=PATIENCE, env=self.place.environment)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("schema version 1, and would be migrated to 2", done.stderr)
        self.assertEqual(0, self.place.admin("doctor", check=False).returncode)
        self.assertEqual(1, self.backup()["schema_version"])
        self.assertEqual(1, self.version())
        self.place.admin("user", "disable", "alice")
        self.assertEqual(2, self.version())


class Locked(Moving):
    def test_every_command_says_to_try_again(self):
        self.place.add_user("alice")
        self.backup()
        holder = sqlite3.connect(self.place.database, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("UPDATE users SET state = 'active'")
        for words in (("user", "list"), ("user", "show", "alice"), ("user", "disable", "alice"), ("status",),
                      ("audit", "show"), ("audit", "verify"), ("audit", "export"), ("key", "rotate"), ("export", "--plain"),
                      ("backup", self.place.root / "another"), ("restore", self.backup_file)):
            with self.subTest(words):
                done = self.place.admin(*words, check=False)
                self.assertEqual(TRY_LATER, done.returncode, done.stderr)
                self.assert_one_line_error(done, "securelogin-admin", "locked")


if __name__ == "__main__":
    main()
