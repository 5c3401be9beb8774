#!/usr/bin/env python3
"""The same code on fifty connections at once: exactly one is let in.

    races_test.py [ROUNDS] [RacesAtLine|RacesAtPages|RacesAtBoth]        5 rounds by default
"""
import collections
import sys
import threading

from doors import GRANTED, REFUSED, Both, Line, Pages, at_doors
from harness import Closed, TestCase, keep_clear_of_the_next_step, main

ROUNDS = 5
CONNECTIONS = 50
# All of them are to be judged: none waits, and none finds the queue full.
JUDGE_ALL = "[waits]\nfree = 100\n[limits]\nhash_wait = 60\n"


@at_doors(Line, Pages, Both)
class Races(TestCase):
    def test_the_same_code_on_many_connections(self):
        self.place.write_settings(JUDGE_ALL)
        door = self.Door(self.start(web=1))
        outcomes = collections.Counter()
        for round_number in range(ROUNDS):
            user = self.place.add_user(f"user{round_number}")
            logins = [door.begin(user.name, user.password) for _ in range(CONNECTIONS)]
            keep_clear_of_the_next_step()
            code = user.code()
            start = threading.Barrier(CONNECTIONS)
            verdicts = [None] * CONNECTIONS

            def send(number):
                start.wait()
                try:
                    logins[number].send(code)
                    verdicts[number] = logins[number].verdict().outcome
                except (Closed, OSError, AssertionError) as error:
                    verdicts[number] = repr(error)

            threads = [threading.Thread(target=send, args=(number,)) for number in range(CONNECTIONS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for login in logins:
                login.__exit__()
            self.assertEqual({GRANTED: 1, REFUSED: CONNECTIONS - 1}, dict(collections.Counter(verdicts)), f"round {round_number}")
            granted = self.place.query("SELECT count(*) FROM audit a JOIN users u ON u.id = a.user_id WHERE u.name = ?"
                                       " AND a.event = 'login' AND a.outcome = 'granted'", user.name)
            self.assertEqual([(1,)], granted)
            outcomes.update(verdicts)
        print(f"{self.Door.__name__}, {ROUNDS} rounds of {CONNECTIONS}: {dict(outcomes)}", file=sys.stderr)
        print(f"trials {ROUNDS}, failures 0", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    main()
