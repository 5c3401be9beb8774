#!/usr/bin/env python3
"""`securelogin-admin key rotate` while the daemon runs and people log in, ended at any moment, and taken up again.

    rotation_test.py [ROUNDS]     kills of it: 20 rounds by default
"""
import collections
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

from harness import BIN, TestCase, current_step, main

ROUNDS = 20
USERS = 30
WINDOW = 5  # so that a user has a code for each of eleven logins at once
SETTINGS = f"[totp]\nwindow = {WINDOW}\n"
DONE, TRY_LATER, CONFIGURATION, INPUT_OUTPUT = 0, 75, 78, 74


class People:
    """Users whose codes are given out one after the other; shared by threads."""

    def __init__(self, place, count):
        self.place = place
        self.lock = threading.Lock()
        self.last = {}
        self.users = collections.deque(place.add_user(f"user{number}") for number in range(count))

    def next(self):
        """A user and a code that was not used; None when all are used up for now."""
        with self.lock:
            for _ in range(len(self.users)):
                self.users.rotate(1)
                user = self.users[0]
                step = max(self.last.get(user.name, 0) + 1, current_step() - WINDOW + 1)
                if step < current_step() + WINDOW:
                    self.last[user.name] = step
                    return user, step
        return None

    def some(self):
        """The same; one more user where all are used up."""
        if given := self.next():
            return given
        self.users.append(self.place.add_user(f"user{len(self.users)}"))
        return self.next()


class Rotating(TestCase):
    def setUp(self):
        super().setUp()
        self.place.write_settings(SETTINGS)

    def command(self, *words):
        return [str(word) for word in (BIN / "securelogin-admin", "--data", self.place.data, "--config", self.place.settings_file,
                                       *words)]

    def rotate(self):
        return json.loads(self.place.admin("key", "rotate", "--json").stdout)

    def status(self):
        return json.loads(self.place.admin("status", "--json").stdout)

    def keys(self):
        return (self.place.data / "master.key").read_text().splitlines()

    def log_in_once(self, daemon, people):
        user, step = people.some()
        with daemon.connect() as client:
            client.expect(220)
            verdict = client.attempt(user.name, user.password, user.code_of(step))
            self.assertEqual(230, verdict.code, f"{user.name}: {verdict}; {daemon.stderr.text()[-2000:]}")

    def assert_whole(self, old_key):
        self.assertEqual(1, len(self.keys()))
        self.assertNotEqual(old_key, self.keys()[0])
        self.assertFalse(self.status()["rotation_unfinished"])
        self.place.admin("audit", "verify")
        self.assertEqual([("ok",)], self.place.query("PRAGMA integrity_check"))
        # A sealed value begins with the id of its key.
        key_id = bytes.fromhex(self.status()["master_key_id"])
        sealed = self.place.query("SELECT password_hash FROM users UNION ALL SELECT secret FROM totp"
                                  " UNION ALL SELECT key FROM audit_keys UNION ALL SELECT key_check FROM installation"
                                  " UNION ALL SELECT name_key FROM installation")
        self.assertEqual({key_id}, {value[:4] for (value,) in sealed})


class Rotation(Rotating):
    def test_logins_go_on(self):
        people = People(self.place, USERS)
        daemon = self.start()
        stop = threading.Event()
        verdicts = collections.Counter()

        def log_in_until_stopped():
            while not stop.is_set() and (given := people.next()):
                user, step = given
                try:
                    with daemon.connect() as client:
                        client.expect(220)
                        verdicts[client.attempt(user.name, user.password, user.code_of(step)).code] += 1
                except Exception as error:  # it is the main thread that fails the test
                    verdicts[repr(error)] += 1

        threads = [threading.Thread(target=log_in_until_stopped) for _ in range(3)]
        for thread in threads:
            thread.start()
        rotations = 0
        try:
            while any(thread.is_alive() for thread in threads) and rotations < 10:
                before = self.keys()[0]
                self.assertGreaterEqual(self.rotate()["resealed"], 2 * USERS)
                rotations += 1
                self.assert_whole(before)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual({230}, set(verdicts), daemon.stderr.text()[-2000:])
        self.assertGreaterEqual(verdicts[230], rotations)
        self.assertGreaterEqual(rotations, 2)
        print(f"{rotations} rotations, {verdicts[230]} logins meanwhile, all granted", file=sys.stderr)
        records = self.place.query("SELECT event, reason FROM audit WHERE event LIKE 'key.%' ORDER BY id")
        self.assertEqual(["key.rotate", "key.retire"] * rotations, [event for event, _ in records])
        self.assertEqual(self.status()["master_key_id"], records[-2][1].split(" to ")[1])

    def test_killed_at_any_moment_it_is_taken_up_again(self):
        chance = random.Random(20261122)  # the same moments each time, as far as the machine allows
        people = People(self.place, USERS)
        daemon = self.start()
        begun = time.monotonic()
        self.rotate()
        duration = time.monotonic() - begun
        seen = collections.Counter()
        for number in range(ROUNDS):
            before, two_keys = self.keys()[0], len(self.keys()) == 2
            process = subprocess.Popen(self.command("key", "rotate"), env=self.place.environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if number % 3 == 0 or two_keys:  # at any moment; else while there are two keys
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0, 1.1 * duration))
            else:
                while process.poll() is None and len(self.keys()) < 2:
                    os.sched_yield()
                kill_at = time.monotonic() + chance.uniform(0, 0.02)
                while time.monotonic() < kill_at:
                    os.sched_yield()
            process.kill()
            process.communicate()
            status = self.status()
            seen["done" if process.returncode == 0 else f"{len(self.keys())} keys, "
                 + ("unfinished" if status["rotation_unfinished"] else "not begun")] += 1
            self.assertIn(process.returncode, (DONE, -signal.SIGKILL))
            self.log_in_once(daemon, people)
            self.place.admin("audit", "verify")
            if chance.random() < 0.3:  # the daemon too, and it starts in the middle of things
                daemon.kill()
                daemon = self.start()
                seen["daemon killed"] += 1
            self.log_in_once(daemon, people)
            if chance.random() < 0.5 or number == ROUNDS - 1:
                after = self.keys()[0]
                unfinished = status["rotation_unfinished"]
                self.rotate()
                self.log_in_once(daemon, people)
                self.assert_whole(before if unfinished else after)
        print(f"{ROUNDS} kills: {dict(seen)}", file=sys.stderr)

    def test_killed_with_logins_in_flight(self):
        """A login that was admitted under one key is decided under another."""
        people = People(self.place, 6)
        daemon = self.start()
        for _ in range(6):
            user, step = people.some()
            with daemon.connect() as client:
                client.expect(220, 330)
                client.ask(user.name)
                client.ask(user.password)
                self.rotate()
                self.assertEqual(230, client.ask(user.code_of(step)).code)
                client.send("PASSWD")
                client.expect(331)
                self.rotate()
                client.ask(user.password)
                self.assertEqual(333, client.ask(user.code_of(step + 1)).code)
                self.rotate()
                self.assertEqual(250, client.ask("eleven green sofas adrift").code)
        self.place.admin("audit", "verify")

    def test_the_retired_key_opens_nothing(self):
        self.place.add_user("alice")
        before = self.place.root / "before"
        shutil.copytree(self.place.data, before)
        self.rotate()
        stolen = self.place.root / "stolen"
        shutil.copytree(self.place.data, stolen)
        shutil.copy(before / "master.key", stolen / "master.key")
        self.place.data = stolen
        refused = self.place.admin("status", check=False)
        self.assert_one_line_error(refused, "securelogin-admin", "made under another master key")
        # The thief can write there, and puts the row back that says which key it is.
        with contextlib.closing(sqlite3.connect(stolen / "securelogin.db")) as database, database:
            database.execute(f"ATTACH '{before / 'securelogin.db'}' AS before")
            database.execute("DELETE FROM audit_keys")
            database.execute("DELETE FROM installation")
            database.execute("INSERT INTO installation SELECT * FROM before.installation")
        self.assert_one_line_error(self.place.admin("status", check=False), "securelogin-admin",
                                   "users.password_hash of alice is sealed under another master key")
        # The whole audit was under the retired key, and is not enough of one.
        self.assertNotEqual(0, self.place.admin("audit", "verify", check=False).returncode)

    def test_a_prepared_key_is_taken(self):
        """As a kill leaves it between the first and the second step; and what `status` says of it."""
        people = People(self.place, 1)
        daemon = self.start()
        self.assertFalse(self.status()["rotation_unfinished"])
        fresh = self.place.admin("key", "generate").stdout
        with open(self.place.data / "master.key", "a", encoding="ascii") as file:
            file.write(fresh)
        first = self.status()
        self.assertTrue(first["rotation_unfinished"])
        self.assertIn("its rotation is unfinished: key rotate", self.place.admin("status").stdout)
        self.log_in_once(daemon, people)
        rotated = self.rotate()
        self.assertEqual([fresh.strip()], self.keys())
        self.assertEqual(rotated["master_key_id"], self.status()["master_key_id"])
        self.assertNotEqual(rotated["master_key_id"], first["master_key_id"])
        self.log_in_once(daemon, people)

    def test_waits_are_not_forgotten(self):
        """Names are known by the same hash as before: nobody gets new guesses."""
        user = self.place.add_user("alice")
        daemon = self.start()
        for source in range(5):
            with daemon.connect() as client:
                client.expect(220)
                self.assertEqual(530, client.attempt(user.name, f"wrong {source}", "000000").code)
        names = self.place.query("SELECT name_key FROM failures")
        self.rotate()
        with daemon.connect() as client:
            client.expect(220)
            client.attempt(user.name, "wrong again", "000000")
        self.assertEqual(names, self.place.query("SELECT name_key FROM failures"))
        daemon.kill()
        daemon = self.start()
        with daemon.connect() as client:
            client.expect(220)
            client.attempt(user.name, "and again", "000000")
        self.assertEqual(names, self.place.query("SELECT name_key FROM failures"), "after a restart neither")

    def test_one_at_a_time(self):
        self.place.add_user("alice")
        before = self.keys()
        directory = os.open(self.place.data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            refused = self.place.admin("key", "rotate", check=False)
        finally:
            os.close(directory)
        self.assertEqual(TRY_LATER, refused.returncode)
        self.assert_one_line_error(refused, "securelogin-admin", "another key rotate is at work")
        self.assertEqual(before, self.keys())
        self.rotate()

    def test_what_does_not_open_is_named_and_nothing_is_lost(self):
        people = People(self.place, 2)
        victim, other = people.users
        with contextlib.closing(sqlite3.connect(self.place.database)) as database, database:
            database.execute("UPDATE totp SET secret = zeroblob(40) WHERE user_id = (SELECT id FROM users WHERE name = ?)",
                             (victim.name,))
        refused = self.place.admin("key", "rotate", check=False)
        self.assertEqual(INPUT_OUTPUT, refused.returncode)
        self.assert_one_line_error(refused, "securelogin-admin", f"totp.secret of {victim.name} .*reset-totp.* rotate again")
        daemon = self.start()
        with daemon.connect() as client:
            client.expect(220)
            self.assertEqual(230, client.attempt(other.name, other.password, other.code()).code)
        self.place.admin("user", "reset-totp", victim.name, "--qr", self.place.root / "new.png")
        before = self.keys()[0]
        self.rotate()
        self.assert_whole(before)


class Credential(Rotating):
    """The key comes from the service manager, and is the operator's to change."""

    def setUp(self):
        super().setUp()
        self.place.add_user("first")
        credentials = self.place.root / "credentials"
        credentials.mkdir()
        self.credential = credentials / "securelogin-master-key"
        (self.place.data / "master.key").rename(self.credential)
        self.place.environment["CREDENTIALS_DIRECTORY"] = str(credentials)

    def keys(self):
        return self.credential.read_text().splitlines()

    def test_with_a_second_line(self):
        people = People(self.place, 2)
        daemon = self.start()
        refused = self.place.admin("key", "rotate", check=False)
        self.assertEqual(CONFIGURATION, refused.returncode)
        self.assert_one_line_error(refused, "securelogin-admin", "comes from systemd", "key generate", "restart")
        self.log_in_once(daemon, people)

        old = self.keys()
        self.credential.write_text(old[0] + "\n" + self.place.admin("key", "generate").stdout)
        daemon.kill()
        daemon = self.start()
        self.log_in_once(daemon, people)
        rotated = self.place.admin("key", "rotate", "--json")
        self.assertTrue(json.loads(rotated.stdout)["old_key_in_credential"])
        self.assertIn("take the first line out of the credential", rotated.stderr)
        self.assertTrue(self.status()["rotation_unfinished"])
        self.log_in_once(daemon, people)

        self.credential.write_text(self.keys()[1] + "\n")
        daemon.kill()
        daemon = self.start()
        self.log_in_once(daemon, people)
        self.assert_whole(old[0])
        self.assertFalse((self.place.data / "master.key").exists())


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    main()
