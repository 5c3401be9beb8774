#!/usr/bin/env python3
"""Strangers: all together they have a budget for a name, and neither that nor a flood of theirs keeps out who is known."""
import threading

from harness import SLOW_HASH, Closed, TestCase, main

HOME = "127.0.0.9"
CEILING = 10


class Strangers(TestCase):
    def attempt(self, daemon, name, password, code, source):
        with daemon.connect(source) as client:
            client.expect(220)
            return client.attempt(name, password, code)

    def use_up_the_ceiling(self, daemon, name):
        """Wrong passwords, each from an address of its own; how many of them were judged."""
        judged = 0
        for number in range(3 * CEILING):
            reply = self.attempt(daemon, name, "wrong", "000000", f"127.0.1.{number + 1}")
            if reply.code == 450:
                self.assertLessEqual(int(reply["retry-after"]), 86400 // CEILING)
                return judged
            self.assertEqual(530, reply.code)
            judged += 1
        self.fail("there is no ceiling")

    def test_they_have_one_budget_for_a_name_and_cannot_lock_its_user_out(self):
        self.place.write_settings(f"[waits]\nstrangers = {CEILING}\n")
        daemon = self.start()
        alice = self.place.add_user("alice")
        self.assertEqual(230, self.attempt(daemon, "alice", alice.password, alice.next_code(), HOME).code)
        self.assertEqual(CEILING, self.use_up_the_ceiling(daemon, "alice"))
        self.assertEqual(CEILING, self.use_up_the_ceiling(daemon, "nobody"), "a name that is nobody's is no different")
        code = alice.next_code()
        self.assertEqual(450, self.attempt(daemon, "alice", alice.password, code, "127.0.2.1").code,
                         "the right password does not help a stranger")
        self.assertEqual(230, self.attempt(daemon, "alice", alice.password, code, HOME).code,
                         "where alice has logged in before")
        daemon.stop()
        daemon = self.start()
        self.assertEqual(450, self.attempt(daemon, "alice", "wrong", "000000", "127.0.2.2").code, "it is on disk")

    def test_a_flood_of_theirs_does_not_keep_out_who_is_known(self):
        """The queue is full all the time, of wrong logins from one address for many names."""
        self.place.write_settings("[threads]\nhash = 1\n[limits]\nhash_queue = 4\nhash_wait = 60\n" + SLOW_HASH)
        daemon = self.start()
        alice = self.place.add_user("alice")
        self.assertEqual(230, self.attempt(daemon, "alice", alice.password, alice.next_code(), HOME).code)
        stop = threading.Event()
        flooded = []

        def flood(worker):
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    flooded.append(self.attempt(daemon, f"n{worker}x{number}", "wrong", "000000", "127.0.3.1").code)
                except (Closed, OSError):
                    return

        workers = [threading.Thread(target=flood, args=(worker,)) for worker in range(12)]
        for worker in workers:
            worker.start()
        try:
            while 450 not in flooded:
                stop.wait(0.05)
            known = self.attempt(daemon, "alice", alice.password, alice.next_code(), HOME).code
            stranger = self.place.add_user("bob")
            first = self.attempt(daemon, "bob", stranger.password, stranger.next_code(), "127.0.4.1").code
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        self.assertEqual(230, known)
        self.assertEqual(230, first, "another stranger takes a turn of its own")
        self.assertIn(450, flooded, "the flood itself is turned away")


if __name__ == "__main__":
    main()
