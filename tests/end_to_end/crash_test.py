#!/usr/bin/env python3
"""kill -9, again and again: what was acknowledged is there, and what was accepted is never accepted again.

    crash_test.py [ROUNDS|--long] [KillAtLine|KillAtPages]        25 rounds by default, 1,000 with --long
"""
import collections
import os
import random
import sys
import threading
import time

from doors import GRANTED, REFUSED, Line, Pages, at_doors
from harness import Closed, Daemon, Place, TestCase, current_step, eventually, keep_clear_of_the_next_step, main

ROUNDS = 25
LOGINS = 6  # in flight in each round
FREE = "[waits]\nfree = 100\n"  # this is about codes; waits_test.py shows that failures survive too


@at_doors(Line, Pages)
class Kill(TestCase):
    def setUp(self):
        super().setUp()
        self.place.write_settings(FREE)

    def spent_step(self, user):
        return self.place.query("SELECT last_step FROM totp JOIN users ON id = user_id WHERE name = ?", user.name)[0][0]

    def sessions(self, user):
        return {row[0] for row in self.place.query("SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id"
                                                   " WHERE u.name = ?", user.name)}

    def send_codes(self, logins, codes):
        """All at once; the verdicts as they come, by number, from threads of their own."""
        acknowledged = {}

        def log_in(number):
            try:
                logins[number].send(codes[number])
                verdict = logins[number].verdict()
                if verdict.outcome == GRANTED:
                    acknowledged[number] = verdict
            except (Closed, OSError, AssertionError, ValueError):
                pass  # the daemon is dead

        threads = [threading.Thread(target=log_in, args=(number,)) for number in range(len(logins))]
        for thread in threads:
            thread.start()
        return acknowledged, threads

    def test_at_random_moments(self):
        chance = random.Random(20240229)  # the same moments each time, as far as the machine allows
        outcomes = collections.Counter()
        failures = []
        for round_number in range(ROUNDS):
            try:
                self.kill_once(round_number, chance, outcomes)
            except AssertionError as error:
                failures.append(f"round {round_number}: {error}")
        self.assertIn("intact yes", self.place.admin("audit", "verify").stdout)
        print(f"{self.Door.__name__}: {dict(outcomes)}\ntrials {ROUNDS}, failures {len(failures)}", file=sys.stderr)
        self.assertEqual([], failures)

    def kill_once(self, round_number, chance, outcomes):
        with Daemon(self.place, web=1) as daemon:
            users = [self.place.add_user(f"r{round_number}u{number}") for number in range(LOGINS)]
            keep_clear_of_the_next_step()
            step = current_step()
            codes = [user.code_of(step) for user in users]
            logins = [self.Door(daemon).begin(user.name, user.password) for user in users]
            acknowledged, threads = self.send_codes(logins, codes)
            # Somewhere between the first code's arrival and the last reply, however fast the machine is.
            wanted = chance.randrange(LOGINS)
            eventually(lambda: len(acknowledged) >= wanted, "replies")
            kill_at = time.monotonic() + chance.uniform(0, 0.003)
            while time.monotonic() < kill_at:
                os.sched_yield()
            daemon.kill()
        self._finish(daemon)
        for thread in threads:
            thread.join()
        for login in logins:
            login.__exit__()
        with Daemon(self.place, web=1) as daemon:
            for number, (user, code) in enumerate(zip(users, codes)):
                outcomes[self.check_after_kill(self.Door(daemon), user, code, step, acknowledged.get(number))] += 1
        self._finish(daemon)
        self.assertEqual([("ok",)], self.place.query("PRAGMA integrity_check"))

    def check_after_kill(self, door, user, code, step, acknowledged):
        """No code twice, nothing acknowledged lost; `acknowledged` is the yes, or None."""
        committed = self.spent_step(user) == step
        sessions = self.sessions(user)
        self.assertEqual(committed, len(sessions) == 1, "code and session are one transaction")
        if acknowledged:
            self.assertEqual({acknowledged.session_in(self.place)}, sessions, "an acknowledged login is lost")
        verdict = door.attempt(user.name, user.password, code).outcome
        self.assertEqual(REFUSED if committed else GRANTED, verdict, "a code works once, and is not lost to nothing")
        granted = self.place.query("SELECT count(*) FROM audit a JOIN users u ON u.id = a.user_id"
                                   " WHERE u.name = ? AND a.event = 'login' AND a.outcome = 'granted'", user.name)
        self.assertEqual([(1,)], granted)
        return "acknowledged" if acknowledged else "committed" if committed else "undone"

    def test_between_commit_and_reply(self):
        """The client reads nothing; the kill comes as soon as the session is on disk: committed and not acknowledged."""
        for round_number in range(5):
            door = self.Door(self.start(web=1))
            user = self.place.add_user(f"user{round_number}")
            keep_clear_of_the_next_step()
            code = user.code()
            with door.begin(user.name, user.password) as login:
                login.send(code)
                eventually(lambda: self.sessions(user), "the commit")
                door.daemon.kill()
            door = self.Door(self.start(web=1))
            self.assertEqual(1, len(self.sessions(user)))
            self.assertEqual(REFUSED, door.attempt(user.name, user.password, code).outcome)
            door.daemon.kill()


class KillOfChanges(TestCase):
    def test_enrolled_is_enrolled(self):
        """Users added, and the daemon and the machine's memory of them gone the moment after."""
        daemon = self.start()
        users = []
        for number in range(5):
            users.append(self.place.add_user(f"user{number}"))
            daemon.kill()
            daemon = self.start()
        for user in users:
            self.log_in(daemon, user)

    def test_first_start_killed_at_any_moment_can_be_started_again(self):
        """Half of a data directory is not in the way of the next start."""
        chance = random.Random(7)
        for number in range(10):
            root = self.place.root / f"start{number}"
            root.mkdir()
            place = Place(root)
            first = Daemon(place)
            threading.Event().wait(chance.uniform(0, 0.05))
            first.kill()
            with Daemon(place) as second:
                user = place.add_user("alice")
                second.log_in(user)[0].close()

    def test_password_change_is_whole_or_not_at_all(self):
        for round_number in range(5):
            daemon = self.start()
            user = self.place.add_user(f"user{round_number}")
            keep_clear_of_the_next_step(8)
            client, _ = daemon.log_in(user, user.code(-1))
            client.ask("PASSWD")
            client.ask(user.password)
            self.assertEqual(333, client.ask(user.code(0)).code)
            new = f"seventeen purple lampposts {round_number}"
            client.send(new)
            acknowledged = False
            if round_number % 2:
                acknowledged = client.read_reply().code == 250
            daemon.kill()
            client.close()
            daemon = self.start()
            verdicts = []
            for password in (user.password, new):
                with daemon.connect() as again:
                    again.expect(220)
                    verdicts.append(again.attempt(user.name, password, user.code(1)).code)
            # The old one's login spends the code: one of the two, and never both.
            self.assertEqual([230, 530] if verdicts[0] == 230 else [530, 230], verdicts)
            if acknowledged:
                self.assertEqual([530, 230], verdicts)
            daemon.kill()


if __name__ == "__main__":
    if len(sys.argv) > 1 and (sys.argv[1].isdigit() or sys.argv[1] == "--long"):
        wanted = sys.argv.pop(1)
        ROUNDS = 1000 if wanted == "--long" else int(wanted)
    main()
