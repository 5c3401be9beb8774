#!/usr/bin/env python3
"""The same code on fifty connections at once: exactly one is let in.

    races_test.py [ROUNDS]        5 rounds by default
"""
import collections
import sys
import threading

from harness import TestCase, keep_clear_of_the_next_step, main

ROUNDS = 5
CONNECTIONS = 50
# All of them are to be judged: none waits, and none finds the queue full.
JUDGE_ALL = "[waits]\nfree = 100\n[limits]\nhash_wait = 60\n"


class Races(TestCase):
    def test_the_same_code_on_many_connections(self):
        self.place.write_settings(JUDGE_ALL)
        daemon = self.start()
        outcomes = collections.Counter()
        for round_number in range(ROUNDS):
            user = self.place.add_user(f"user{round_number}")
            clients = [self.connect(daemon) for _ in range(CONNECTIONS)]
            for client in clients:
                client.expect(220, 330)
                client.ask(user.name)
                client.ask(user.password)
            keep_clear_of_the_next_step()
            code = user.code()
            start = threading.Barrier(CONNECTIONS)
            replies = [0] * CONNECTIONS

            def send(number):
                start.wait()
                replies[number] = clients[number].ask(code).code

            threads = [threading.Thread(target=send, args=(number,)) for number in range(CONNECTIONS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for client in clients:
                client.close()
            self.assertEqual({230: 1, 530: CONNECTIONS - 1}, dict(collections.Counter(replies)), f"round {round_number}")
            granted = self.place.query("SELECT count(*) FROM audit a JOIN users u ON u.id = a.user_id WHERE u.name = ?"
                                       " AND a.event = 'login' AND a.outcome = 'granted'", user.name)
            self.assertEqual([(1,)], granted)
            outcomes.update(replies)
        print(f"{ROUNDS} rounds of {CONNECTIONS}: {dict(outcomes)}", file=sys.stderr)
        print(f"trials {ROUNDS}, failures 0", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    main()
