#!/usr/bin/env python3
"""Failures are counted and made to wait, on disk, by name and source; and no more work is taken on than there is room for."""
import itertools
import json
import time

from doors import DOORS, GRANTED, HOME, LATER, REFUSED, Line, Pages, at_doors
from harness import SLOW_HASH, TestCase, User, eventually, main

FREE = 4  # failures that cost no wait


@at_doors(Line, Pages)
class Waits(TestCase):
    def fail(self, door, name, times, source=HOME, password="wrong", code="000000"):
        """Refused attempts."""
        return [door.attempt(name, password, code, source) for _ in range(times)]

    def start_with(self, first_wait):
        self.place.write_settings(f"[waits]\nfree = {FREE}\nfirst = {first_wait}\nlongest = 900\n")
        return self.open_door()

    def open_door(self):
        return self.Door(self.start(web=1))

    def test_the_fifth_failure_brings_a_wait_and_after_it_the_login_is_possible(self):
        door = self.start_with(first_wait=3)
        alice = self.place.add_user("alice")
        code = alice.next_code()
        self.assertEqual([REFUSED] * 5, [verdict.outcome for verdict in self.fail(door, "alice", 5)])
        refused_at = time.monotonic()
        verdict = door.attempt("alice", alice.password, code)
        self.assertEqual(LATER, verdict.outcome)
        self.assertIn(verdict.wait, range(1, 4))
        # What the server said is what a client waits for.
        time.sleep(verdict.wait)
        self.assertGreaterEqual(time.monotonic() - refused_at, 1)
        self.assertEqual(GRANTED, door.attempt("alice", alice.password, code).outcome, "the code was not spent")
        # A success clears the count: four failures are free again.
        self.assertEqual([REFUSED] * 5, [verdict.outcome for verdict in self.fail(door, "alice", 5)])

    def test_attempts_during_a_wait_change_nothing(self):
        door = self.start_with(first_wait=100)
        self.fail(door, "alice", 5)
        first = door.attempt("alice", "wrong", "000000").wait
        self.assertIn(first, range(90, 101))
        again = [door.attempt("alice", "wrong", "000000").wait for _ in range(3)]
        self.assertTrue(all(90 <= wait <= first for wait in again), again)

    def test_the_next_wait_is_twice_as_long(self):
        door = self.start_with(first_wait=4)
        self.fail(door, "alice", 5)
        first = door.attempt("alice", "wrong", "000000").wait
        self.assertLessEqual(first, 4)
        time.sleep(first)
        self.assertEqual(REFUSED, door.attempt("alice", "wrong", "000000").outcome)
        self.assertIn(door.attempt("alice", "wrong", "000000").wait, range(5, 9))

    def test_a_wrong_code_counts_like_a_wrong_password(self):
        door = self.start_with(first_wait=100)
        waits = {}
        for name in ("alice", "bob"):
            user = self.place.add_user(name)
            password = user.password if name == "alice" else "wrong"
            self.fail(door, name, 5, password=password, code=user.wrong_code())
            verdict = door.attempt(name, user.password, user.next_code())
            self.assertEqual(LATER, verdict.outcome, name)
            waits[name] = verdict.wait
        self.assertLessEqual(abs(waits["alice"] - waits["bob"]), 5, "the wait tells which was wrong")

    def test_names_that_do_not_exist_wait_just_the_same(self):
        door = self.start_with(first_wait=100)
        self.place.add_user("alice")
        said = {}
        for name in ("alice", "nobody"):
            verdicts = [*self.fail(door, name, 5), door.attempt(name, "x", "0")]
            self.assertEqual(LATER, verdicts[-1].outcome)
            said[name] = [verdict.said for verdict in verdicts]
        self.assertEqual(said["alice"], said["nobody"])

    def test_every_spelling_is_one_counter(self):
        door = self.start_with(first_wait=100)
        alice = self.place.add_user("alice")
        for name in ("alice", "ALICE", "Alice", "aLICE", "alicE"):
            self.assertEqual(REFUSED, door.attempt(name, "wrong", "000000").outcome)
        self.assertEqual(LATER, door.attempt("alice", alice.password, alice.next_code()).outcome)

    def test_strangers_do_not_lock_the_holder_out(self):
        door = self.start_with(first_wait=100)
        alice = self.place.add_user("alice")
        self.fail(door, "alice", 6, source="127.0.0.66")
        self.assertEqual(LATER, door.attempt("alice", "x", "0", source="127.0.0.66").outcome)
        self.assertEqual(GRANTED, door.attempt("alice", alice.password, alice.next_code()).outcome)

    def test_no_hash_is_spent_on_a_throttled_attempt(self):
        """A wait is told before the hash would have ended: judged by CPU time, not by the clock on the wall."""
        self.place.write_settings(f"[waits]\nfree = {FREE}\nfirst = 100\n{SLOW_HASH}")
        door = self.open_door()

        def cpu():
            with open(f"/proc/{door.daemon.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        before = cpu()
        self.fail(door, "alice", 5)
        five_hashes = cpu() - before
        before = cpu()
        for _ in range(5):
            self.assertEqual(LATER, door.attempt("alice", "wrong", "000000").outcome)
        self.assertLess(cpu() - before, five_hashes / 2)

    def test_counts_survive_a_restart_and_a_kill(self):
        for end in ("stop", "kill"):
            with self.subTest(end):
                door = self.start_with(first_wait=600)
                name = f"user-{end}"
                user = self.place.add_user(name)
                self.fail(door, name, 3)
                getattr(door.daemon, end)()
                door = self.open_door()
                self.fail(door, name, 2)
                getattr(door.daemon, end)()
                door = self.open_door()
                verdict = door.attempt(name, user.password, user.next_code())
                self.assertEqual(LATER, verdict.outcome)
                self.assertIn(verdict.wait, range(500, 601))
                door.daemon.stop()

    def test_an_attempt_that_is_left_counts(self):
        """The charge is on disk before the hash starts: whoever hangs up before the verdict has guessed all the same."""
        self.place.write_settings(f"[waits]\nfree = {FREE}\nfirst = 600\n{SLOW_HASH}")
        door = self.open_door()
        for number in range(1, 6):
            with door.begin("alice", "a guess") as login:
                if self.Door is not Line:  # there the password has come already
                    login.send("000000")
                eventually(lambda: self.place.query("SELECT password FROM failures") == [(number,)], "the charge")
        refused = "abandoned" if self.Door is Line else "unknown_user"
        eventually(lambda: self.place.query("SELECT reason FROM audit WHERE outcome = 'refused'") == [(refused,)] * 5,
                   "the records")
        self.assertEqual(LATER, door.attempt("alice", "wrong", "000000").outcome)

    def test_the_codes_limit_is_for_life(self):
        """A thief of the password may try so many codes in all, whatever the waits and from wherever."""
        door = self.open_door()
        alice = self.place.add_user("alice")
        limit = 103  # floor(3.1e-4 * 10^6 / 3)
        wrong = alice.wrong_code()
        for number in range(0, limit, FREE):
            verdicts = self.fail(door, "alice", min(FREE, limit - number), source=f"127.0.10.{number + 1}",
                                 password=alice.password, code=wrong)
            self.assertEqual({REFUSED}, {verdict.outcome for verdict in verdicts})
        self.assertEqual(REFUSED, door.attempt("alice", alice.password, alice.next_code(), source="127.0.0.9").outcome)
        self.assertEqual([("code_locked",)], self.place.query("SELECT reason FROM audit WHERE event = 'login' ORDER BY id DESC LIMIT 1"))
        # A new key starts anew.
        made = json.loads(self.place.admin("user", "reset-totp", "alice", "--qr", self.place.root / "new.png", "--json").stdout)
        fresh = User("alice", alice.password, made["otpauth_uri"])
        self.assertEqual(GRANTED, door.attempt("alice", fresh.password, fresh.next_code(), source="127.0.0.9").outcome)


@at_doors(Line, Pages)
class Overload(TestCase):
    def test_a_full_hash_queue_is_told_after_the_code_and_spends_nothing(self):
        self.place.write_settings("[threads]\nhash = 1\n[limits]\nhash_queue = 1\n[password]\nmemory_kib = 65536\npasses = 4\n")
        door = self.Door(self.start(web=1))
        users = [self.place.add_user(f"user{number}") for number in range(4)]
        codes = [user.next_code() for user in users]
        # Whoever found no room is asked for the code like the others.
        logins = [self.enterContext(door.begin(user.name, user.password)) for user in users]
        for login, code in zip(logins, codes):
            login.send(code)
        verdicts = [login.verdict() for login in logins]
        self.assertEqual({GRANTED, LATER}, {verdict.outcome for verdict in verdicts})
        for verdict, user, code in zip(verdicts, users, codes):
            if verdict.outcome == LATER:
                self.assertGreaterEqual(verdict.wait, 1)
                eventually(lambda: door.attempt(user.name, user.password, code).outcome == GRANTED,
                           "a login once there is room again")


class OneConnection(TestCase):
    def test_450_is_one_of_three_attempts(self):
        self.place.write_settings(f"[waits]\nfree = {FREE}\nfirst = 100\n")
        daemon = self.start()
        for _ in range(FREE + 1):
            Line(daemon).attempt("alice", "wrong", "000000")
        with daemon.connect() as client:
            client.expect(220)
            replies = [client.attempt("alice", "x", "0") for _ in range(3)]
            self.assertEqual([450] * 3, [reply.code for reply in replies])
            for reply in replies:
                self.assertRegex(reply["retry-after"], r"\A[1-9][0-9]{0,2}\Z")
                self.assertEqual([("retry-after", reply["retry-after"])], reply.facts, "and nothing else is told")
            client.expect(421)
            client.expect_closed()


class AllDoors(TestCase):
    """What is counted at one counts at the others."""

    def setUp(self):
        super().setUp()
        self.place.write_settings(f"[waits]\nfree = {FREE}\nfirst = 600\nstrangers = 10\n")
        daemon = self.start(web=1)
        self.doors = [Door(daemon) for Door in DOORS]
        self.alice = self.place.add_user("alice")

    def test_failures(self):
        for door, _ in zip(itertools.cycle(self.doors), range(FREE + 1)):
            self.assertEqual(REFUSED, door.attempt("alice", "wrong", "000000").outcome)
        code = self.alice.next_code()
        self.assertEqual([LATER] * 3, [door.attempt("alice", self.alice.password, code).outcome for door in self.doors])

    def test_a_success_clears_them(self):
        for first, second in itertools.permutations(self.doors, 2):
            user = self.place.add_user(f"user{id(first)}-{id(second)}")
            for _ in range(FREE):
                first.attempt(user.name, "wrong", "000000")
            second.log_in(user)
            self.assertEqual([REFUSED] * FREE, [first.attempt(user.name, "wrong", "000000").outcome for _ in range(FREE)])
            first.log_in(user)

    def test_a_code_that_was_used(self):
        for first in self.doors:
            user = self.place.add_user(f"user{id(first)}")
            code = user.next_code()
            first.log_in(user, code)
            for door in self.doors:
                self.assertEqual(REFUSED, door.attempt(user.name, user.password, code).outcome)
                door.daemon.wait_for_event("login", reason="replayed_code", user=user.name, **door.LOG)

    def test_what_strangers_may_do_in_all(self):
        self.doors[0].log_in(self.alice, source="127.0.0.9")
        outcomes = [door.attempt("alice", "wrong", "000000", f"127.0.1.{number}").outcome
                    for door, number in zip(itertools.cycle(self.doors), range(1, 13))]
        self.assertEqual([REFUSED] * 10 + [LATER] * 2, outcomes)
        code = self.alice.next_code()
        self.assertEqual([LATER] * 3, [door.attempt("alice", self.alice.password, code, "127.0.2.1").outcome
                                       for door in self.doors])
        self.doors[1].log_in(self.alice, code, source="127.0.0.9")


if __name__ == "__main__":
    main()
