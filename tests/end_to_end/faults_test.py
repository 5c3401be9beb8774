#!/usr/bin/env python3
"""The machine breaks while the daemon runs: 450 or 421, never a yes that is not on disk, and all is well afterwards."""
import contextlib
import os
import re
import resource
import signal
import sqlite3
import threading
import unittest

from harness import BIN, SANITIZED, Closed, TestCase, User, eventually, main, run


class Faults(TestCase):
    def verdict(self, daemon, user, code, source="127.0.0.1"):
        """The code of the reply to a login, whatever is broken."""
        with daemon.connect(source) as client:
            try:
                client.expect(220)
                return client.attempt(user.name, user.password, code).code
            except Closed:
                return None
            except AssertionError:  # something else than the question that was due: a 421
                return 421

    def sessions(self):
        return self.place.query("SELECT count(*) FROM sessions")[0][0]

    def assert_all_well(self, daemon, user):
        """As soon as the fault has gone, and with the code that the fault did not spend."""
        code = user.next_code()
        eventually(lambda: self.verdict(daemon, user, code) == 230, "a login after the fault")

    def holder(self):
        """A second program that holds the database's lock; give it back by closing."""
        holder = sqlite3.connect(self.place.database, isolation_level=None, timeout=30)
        holder.execute("BEGIN EXCLUSIVE")
        return contextlib.closing(holder)

    def test_locked_database(self):
        daemon = self.start()
        alice, bob = self.place.add_user("alice"), self.place.add_user("bob")
        held = self.log_in(daemon, bob)
        before = self.sessions()
        code = alice.next_code()
        with self.holder():
            self.assertIn(self.verdict(daemon, alice, code), (450, 421))
            reply = held.ask("WHOAMI")
            self.assertIn(reply.code, (450, 421))
        self.assertEqual(before, self.sessions())
        self.assertEqual(230, self.verdict(daemon, alice, code), "the code was not spent")
        self.assertEqual(250, held.ask("WHOAMI").code)

    def test_locked_between_password_and_code(self):
        daemon = self.start()
        alice = self.place.add_user("alice")
        code = alice.next_code()
        with daemon.connect() as client:
            client.expect(220, 330)
            client.ask(alice.name)
            client.ask(alice.password)
            with self.holder():
                reply = client.ask(code)
                self.assertEqual(450, reply.code)
                self.assertGreaterEqual(int(reply["retry-after"]), 1)
            self.assertEqual(0, self.sessions())
            self.assertEqual(230, client.attempt(alice.name, alice.password, code).code)

    def test_a_lock_that_is_given_back_in_time_is_waited_for(self):
        daemon = self.start()
        alice = self.place.add_user("alice")
        with daemon.connect() as client:
            client.expect(220, 330)
            client.ask(alice.name)
            client.ask(alice.password)
            with self.holder():
                client.send(alice.next_code())
                threading.Event().wait(0.3)  # less than the store's patience
            self.assertEqual(230, client.read_reply().code)

    def break_file_size(self, daemon):
        """No file grows any more: EFBIG where a full disk has ENOSPC."""
        size = max(path.stat().st_size for path in self.place.data.iterdir() if path.is_file())
        hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, hard))
        return lambda: resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (hard, hard))

    def test_files_that_cannot_grow(self):
        # A signal that says so would end the program; ignored, it is an error of write(2) like a full disk's.
        daemon = self.start(before_start=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        users = [self.place.add_user(f"user{number}") for number in range(30)]
        last = self.place.add_user("last")
        mend = self.break_file_size(daemon)
        granted = 0
        verdicts = []
        for number, user in enumerate(users):
            before = self.sessions()
            verdict = self.verdict(daemon, user, user.next_code(), f"127.0.8.{number + 1}")
            verdicts.append(verdict)
            self.assertIn(verdict, (230, 450, 421))
            self.assertEqual(before + (verdict == 230), self.sessions(), "a yes is on disk, and nothing else is")
            granted += verdict == 230
        self.assertTrue({450, 421} & set(verdicts), verdicts)
        mend()
        self.assert_all_well(daemon, last)

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount a small file system")
    def test_full_disk(self):
        disk = self.place.root / "disk"
        disk.mkdir()
        mounted = run("mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "none", disk, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"may not mount here: {mounted.stderr}")
        self.addCleanup(run, "umount", "--lazy", disk)
        self.place.data = disk / "data"
        daemon = self.start()
        users = [self.place.add_user(f"user{number}") for number in range(12)]
        last = self.place.add_user("last")
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        verdicts = []
        for number, user in enumerate(users):
            before = self.sessions()
            verdicts.append(self.verdict(daemon, user, user.next_code(), f"127.0.8.{number + 1}"))
            self.assertIn(verdicts[-1], (230, 450, 421))
            self.assertEqual(before + (verdicts[-1] == 230), self.sessions(), "a yes is on disk, and nothing else is")
        # The log that was there already may still have room for some; in the end there is none.
        number = len(users)
        while not {450, 421} & set(verdicts[-3:]) and number < 200:
            number += 1
            verdicts.append(self.verdict(daemon, User("nobody", "x", users[0].uri), "000000", f"127.0.8.{number + 1}"))
        self.assertTrue({450, 421} & set(verdicts), verdicts)
        # An enrolment is refused in one line, and there afterwards not at all.
        refused = self.place.admin("user", "add", "late", "--generate-password", "--json", check=False)
        self.assert_one_line_error(refused, "securelogin-admin", re.escape(str(self.place.data)))
        filler.unlink()
        self.assert_all_well(daemon, last)
        self.assertEqual([], self.place.query("SELECT 1 FROM users WHERE name = 'late'"))
        self.place.add_user("late")

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount a small file system")
    def test_full_disk_at_the_start(self):
        disk = self.place.root / "disk"
        disk.mkdir()
        mounted = run("mount", "-t", "tmpfs", "-o", "size=16k,mode=0755", "none", disk, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"may not mount here: {mounted.stderr}")
        self.addCleanup(run, "umount", "--lazy", disk)
        done = run(BIN / "securelogind", "--data", disk / "data", "--listen", "127.0.0.1:0", check=False,
                   env=self.place.environment)
        self.assert_one_line_error(done, "securelogind", re.escape(str(disk / "data")), "(?i)no space|full|disk")

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount")
    def test_directory_that_becomes_read_only(self):
        disk = self.place.root / "disk"
        disk.mkdir()
        mounted = run("mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "none", disk, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"may not mount here: {mounted.stderr}")
        self.addCleanup(run, "umount", "--lazy", disk)
        self.place.data = disk / "data"
        self.place.add_user("alice")
        run("mount", "-o", "remount,ro", disk)
        done = run(BIN / "securelogind", "--data", self.place.data, "--listen", "127.0.0.1:0", check=False,
                   env=self.place.environment)
        self.assert_one_line_error(done, "securelogind", re.escape(str(self.place.data)), "(?i)read-only")
        run("mount", "-o", "remount,rw", disk)
        self.start()

    def test_database_removed_or_replaced_while_running(self):
        """What was acknowledged cannot be kept any more: no answer may be a yes that a restart would not know."""
        daemon = self.start()
        alice = self.place.add_user("alice")
        self.place.database.rename(self.place.root / "gone.db")
        verdict = self.verdict(daemon, alice, alice.next_code())
        if verdict == 230:  # the open file is still the database, and has it
            with contextlib.closing(sqlite3.connect(self.place.root / "gone.db")) as moved:
                self.assertEqual([(1,)], moved.execute("SELECT count(*) FROM sessions").fetchall())
        else:
            self.assertIn(verdict, (450, 421))

    @unittest.skipIf(SANITIZED, "a sanitizer ends the program when memory runs out")
    def test_too_little_memory_is_no_yes(self):
        """No allocation above what is there now: whatever happens is the documented refusal."""
        daemon = self.start()
        alice = self.place.add_user("alice")
        hard = resource.prlimit(daemon.pid, resource.RLIMIT_AS)[1]
        with open(f"/proc/{daemon.pid}/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.prlimit(daemon.pid, resource.RLIMIT_AS, (used, hard))
        code = alice.next_code()
        verdict = self.verdict(daemon, alice, code)
        self.assertIn(verdict, (230, 450, 421, None))
        self.assertEqual(verdict == 230, self.sessions() == 1)
        resource.prlimit(daemon.pid, resource.RLIMIT_AS, (hard, hard))
        if verdict != 230:
            eventually(lambda: self.verdict(daemon, alice, code) == 230, "a login with memory")


if __name__ == "__main__":
    main()
