#!/usr/bin/env python3
"""What accepted codes say of the server's clock: `status` reads it off what logins leave behind."""
import json
import time

from harness import TestCase, eventually, keep_clear_of_the_next_step, main

USERS = 10  # as few as a judgement is made on


class ClockHealth(TestCase):
    def status(self):
        return json.loads(self.place.admin("status", "--json").stdout)["clock_health"]

    def log_in_with(self, offset):
        """A clock that is wrong cannot be told from codes that are."""
        for user in [self.place.add_user(f"user{number}") for number in range(USERS)]:
            keep_clear_of_the_next_step()
            client, _ = self.daemon.log_in(user, user.code(offset))
            client.close()

    def check(self, offset, counts, words):
        self.daemon = self.start()
        self.assertEqual("no code accepted yet", self.status()["says"])
        self.log_in_with(offset)
        status = self.status()
        self.assertEqual({"codes": USERS, **counts}, {key: status[key] for key in ("codes", *counts)})
        self.assertIn(words, status["says"])
        self.assertIn(f"clock-health {status['says']}\n", self.place.admin("status").stdout)

    def test_a_clock_that_is_right(self):
        self.check(0, {"current": USERS, "earlier": 0, "later": 0}, "10 of 10 codes were of the current step")

    def test_a_clock_that_is_fast(self):
        self.check(-1, {"current": 0, "earlier": USERS, "later": 0}, "this server's clock is fast: synchronize it")

    def test_a_clock_that_is_slow(self):
        self.check(1, {"current": 0, "earlier": 0, "later": USERS}, "this server's clock is slow: synchronize it")

    def test_a_password_that_is_changed_is_no_login(self):
        """It takes a later code: the account says nothing of the clock until its next login."""
        self.daemon = self.start()
        alice = self.place.add_user("alice", password="correct blue lorry staple")
        keep_clear_of_the_next_step()
        client, _ = self.daemon.log_in(alice, alice.code(-1))
        logged_in = int(time.time())
        with client:
            eventually(lambda: self.status()["codes"] == 1 and int(time.time()) > logged_in, "the second after the login")
            for line, code in (("PASSWD", 331), (alice.password, 332), (alice.code(1), 333)):
                self.assertEqual(code, client.ask(line).code)
            self.assertEqual(250, client.ask("another blue lorry 7 staple").code)
        self.assertEqual(0, self.status()["codes"])


if __name__ == "__main__":
    main()
