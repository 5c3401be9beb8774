#!/usr/bin/env python3
"""Strangers: all together they have a budget for a name, and neither that nor a flood of theirs keeps out who is known."""
import threading

from doors import GRANTED, LATER, REFUSED, Line, Pages, at_doors
from harness import SLOW_HASH, TestCase, main

HOME = "127.0.0.9"
CEILING = 10


@at_doors(Line, Pages)
class Strangers(TestCase):
    def use_up_the_ceiling(self, door, name):
        """Wrong passwords, each from an address of its own; how many of them were judged."""
        judged = 0
        for number in range(3 * CEILING):
            verdict = door.attempt(name, "wrong", "000000", f"127.0.1.{number + 1}")
            if verdict.outcome == LATER:
                self.assertLessEqual(verdict.wait, 86400 // CEILING)
                return judged
            self.assertEqual(REFUSED, verdict.outcome)
            judged += 1
        self.fail("there is no ceiling")

    def test_they_have_one_budget_for_a_name_and_cannot_lock_its_user_out(self):
        self.place.write_settings(f"[waits]\nstrangers = {CEILING}\n")
        door = self.Door(self.start(web=1))
        alice = self.place.add_user("alice")
        self.assertEqual(GRANTED, door.attempt("alice", alice.password, alice.next_code(), HOME).outcome)
        self.assertEqual(CEILING, self.use_up_the_ceiling(door, "alice"))
        door.daemon.wait_for_event("alarm.ceiling-reached", user="alice")
        self.assertEqual(CEILING, self.use_up_the_ceiling(door, "nobody"), "a name that is nobody's is no different")
        code = alice.next_code()
        self.assertEqual(LATER, door.attempt("alice", alice.password, code, "127.0.2.1").outcome,
                         "the right password does not help a stranger")
        self.assertEqual(GRANTED, door.attempt("alice", alice.password, code, HOME).outcome,
                         "where alice has logged in before")
        door.daemon.stop()
        door = self.Door(self.start(web=1))
        self.assertEqual(LATER, door.attempt("alice", "wrong", "000000", "127.0.2.2").outcome, "it is on disk")

    def test_a_flood_of_theirs_does_not_keep_out_who_is_known(self):
        """The queue is full all the time, of wrong logins from one address for many names."""
        self.place.write_settings("[threads]\nhash = 1\n[limits]\nhash_queue = 4\nhash_wait = 60\n" + SLOW_HASH)
        door = self.Door(self.start(web=1))
        alice = self.place.add_user("alice")
        self.assertEqual(GRANTED, door.attempt("alice", alice.password, alice.next_code(), HOME).outcome)
        stop = threading.Event()
        flooded = []

        def flood(worker):
            number = 0
            while not stop.is_set():
                number += 1
                flooded.append(door.outcome(f"n{worker}x{number}", "wrong", "000000", "127.0.3.1"))

        workers = [threading.Thread(target=flood, args=(worker,)) for worker in range(12)]
        for worker in workers:
            worker.start()
        try:
            while LATER not in flooded:
                stop.wait(0.05)
            known = door.attempt("alice", alice.password, alice.next_code(), HOME).outcome
            stranger = self.place.add_user("bob")
            first = door.attempt("bob", stranger.password, stranger.next_code(), "127.0.4.1").outcome
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        self.assertEqual(GRANTED, known)
        self.assertEqual(GRANTED, first, "another stranger takes a turn of its own")
        self.assertIn(LATER, flooded, "the flood itself is turned away")


@at_doors(Line, Pages)
class KnownDevices(TestCase):
    """Which are no factor, and have budgets of their own."""

    def setUp(self):
        super().setUp()
        self.place.write_settings(f"[waits]\nstrangers = {CEILING}\nfirst = 60\n[totp]\nwindow = 5\n")  # eleven codes are good
        self.door = self.Door(self.start(web=1))
        self.alice = self.place.add_user("alice")
        self.device = self.Door.new_device(self.place.root)
        self.door.log_in(self.alice, self.alice.code(-4), source=HOME, device=self.device)
        for number in range(CEILING):
            self.door.attempt("alice", "wrong", "000000", f"127.0.1.{number + 1}")

    def outcome(self, offset, source, device=None, password=None):
        return self.door.attempt("alice", password or self.alice.password, self.alice.code(offset), source, device).outcome

    def test_one_gets_in_from_anywhere(self):
        self.assertEqual(LATER, self.outcome(-3, "127.0.1.1"))
        self.assertEqual(GRANTED, self.outcome(-3, "127.0.1.1", self.device))
        self.door.daemon.kill()
        self.door = self.Door(self.start(web=1))
        self.assertEqual(LATER, self.outcome(-1, "127.0.1.2"))
        self.assertEqual(GRANTED, self.outcome(-1, "127.0.1.2", self.device), "it is on disk")

    def test_it_makes_no_yes_out_of_a_no_and_waits_by_itself(self):
        self.assertEqual([REFUSED] * 5, [self.outcome(-3, f"127.0.2.{number + 1}", self.device, "wrong") for number in range(5)])
        self.assertEqual(LATER, self.outcome(-3, "127.0.3.1", self.device))
        self.assertEqual(GRANTED, self.outcome(-3, HOME), "its failures are not charged to the place that is known")

    def test_one_of_somebody_else_is_a_strangers(self):
        other, bob = self.Door.new_device(self.place.root), self.place.add_user("bob")
        self.door.log_in(bob, source="127.0.4.1", device=other)
        self.assertEqual(LATER, self.outcome(-3, "127.0.4.1", other))

    def test_one_that_the_administrator_has_forgotten_is_a_strangers(self):
        self.place.admin("user", "forget-device", "alice", "--all")
        self.assertEqual(LATER, self.outcome(-3, "127.0.5.1", self.device))

    def test_refused_it_is_not_remembered(self):
        before = self.place.query("SELECT fingerprint FROM devices")
        other = self.Door.new_device(self.place.root)
        self.assertEqual(REFUSED, self.outcome(-3, HOME, other, "wrong"))
        self.assertEqual(before, self.place.query("SELECT fingerprint FROM devices"))


if __name__ == "__main__":
    main()
