#!/usr/bin/env python3
"""Failures are counted and made to wait, on disk, by name and source; and no more work is taken on than there is room for."""
import json
import time

from harness import SLOW_HASH, TestCase, User, eventually, main

FREE = 4  # failures that cost no wait


class Waits(TestCase):
    def fail(self, daemon, name, times, source="127.0.0.1", password="wrong", code="000000"):
        """Refused attempts, three to a connection; the codes of the replies."""
        replies = []
        while times > 0:
            with daemon.connect(source) as client:
                client.expect(220)
                for _ in range(min(times, 3)):
                    replies.append(client.attempt(name, password, code))
            times -= 3
        return replies

    def attempt(self, daemon, name, password, code, source="127.0.0.1"):
        with daemon.connect(source) as client:
            client.expect(220)
            return client.attempt(name, password, code)

    def start_with(self, first_wait):
        self.place.write_settings(f"[waits]\nfree = {FREE}\nfirst = {first_wait}\nlongest = 900\n")
        return self.start()

    def test_the_fifth_failure_brings_a_wait_and_after_it_the_login_is_possible(self):
        daemon = self.start_with(first_wait=3)
        alice = self.place.add_user("alice")
        code = alice.next_code()
        self.assertEqual([530] * 5, [reply.code for reply in self.fail(daemon, "alice", 5)])
        refused_at = time.monotonic()
        reply = self.attempt(daemon, "alice", alice.password, code)
        self.assertEqual(450, reply.code)
        self.assertRegex(reply["retry-after"], r"\A[1-3]\Z")
        self.assertEqual([("retry-after", reply["retry-after"])], reply.facts)
        # What the server said is what a client waits for.
        time.sleep(int(reply["retry-after"]))
        self.assertGreaterEqual(time.monotonic() - refused_at, 1)
        self.assertEqual(230, self.attempt(daemon, "alice", alice.password, code).code, "the code was not spent")
        # A success clears the count: four failures are free again.
        self.assertEqual([530] * 5, [reply.code for reply in self.fail(daemon, "alice", 5)])

    def test_attempts_during_a_wait_change_nothing(self):
        daemon = self.start_with(first_wait=100)
        self.fail(daemon, "alice", 5)
        first = int(self.attempt(daemon, "alice", "wrong", "000000")["retry-after"])
        self.assertIn(first, range(90, 101))
        again = [int(self.attempt(daemon, "alice", "wrong", "000000")["retry-after"]) for _ in range(3)]
        self.assertTrue(all(90 <= wait <= first for wait in again), again)

    def test_the_next_wait_is_twice_as_long(self):
        daemon = self.start_with(first_wait=4)
        self.fail(daemon, "alice", 5)
        first = int(self.attempt(daemon, "alice", "wrong", "000000")["retry-after"])
        self.assertLessEqual(first, 4)
        time.sleep(first)
        self.assertEqual(530, self.attempt(daemon, "alice", "wrong", "000000").code)
        self.assertIn(int(self.attempt(daemon, "alice", "wrong", "000000")["retry-after"]), range(5, 9))

    def test_a_wrong_code_counts_like_a_wrong_password(self):
        daemon = self.start_with(first_wait=100)
        waits = {}
        for name in ("alice", "bob"):
            user = self.place.add_user(name)
            password = user.password if name == "alice" else "wrong"
            self.fail(daemon, name, 5, password=password, code=user.wrong_code())
            reply = self.attempt(daemon, name, user.password, user.next_code())
            self.assertEqual(450, reply.code, name)
            waits[name] = int(reply["retry-after"])
        self.assertLessEqual(abs(waits["alice"] - waits["bob"]), 5, "the wait tells which was wrong")

    def test_names_that_do_not_exist_wait_just_the_same(self):
        daemon = self.start_with(first_wait=100)
        self.place.add_user("alice")
        said = {}
        for name in ("alice", "nobody"):
            verdicts = [reply.raw for reply in self.fail(daemon, name, 5)]
            verdicts += [line for line in self.attempt(daemon, name, "x", "0").raw.split(b"\r\n") if b"retry-after" not in line]
            said[name] = verdicts
        self.assertEqual(said["alice"], said["nobody"])

    def test_every_spelling_is_one_counter(self):
        daemon = self.start_with(first_wait=100)
        alice = self.place.add_user("alice")
        for name in ("alice", "ALICE", "Alice", "aLICE", "alicE"):
            self.assertEqual(530, self.attempt(daemon, name, "wrong", "000000").code)
        self.assertEqual(450, self.attempt(daemon, "alice", alice.password, alice.next_code()).code)

    def test_strangers_do_not_lock_the_holder_out(self):
        daemon = self.start_with(first_wait=100)
        alice = self.place.add_user("alice")
        self.fail(daemon, "alice", 6, source="127.0.0.66")
        self.assertEqual(450, self.attempt(daemon, "alice", "x", "0", source="127.0.0.66").code)
        self.assertEqual(230, self.attempt(daemon, "alice", alice.password, alice.next_code()).code)

    def test_450_is_one_of_three_attempts(self):
        daemon = self.start_with(first_wait=100)
        self.fail(daemon, "alice", 5)
        with daemon.connect() as client:
            client.expect(220)
            self.assertEqual([450] * 3, [client.attempt("alice", "x", "0").code for _ in range(3)])
            client.expect(421)
            client.expect_closed()

    def test_no_hash_is_spent_on_a_throttled_attempt(self):
        """A wait is told before the hash would have ended: judged by CPU time, not by the clock on the wall."""
        self.place.write_settings(f"[waits]\nfree = {FREE}\nfirst = 100\n{SLOW_HASH}")
        daemon = self.start()

        def cpu():
            with open(f"/proc/{daemon.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        before = cpu()
        self.fail(daemon, "alice", 5)
        five_hashes = cpu() - before
        before = cpu()
        for _ in range(5):
            self.assertEqual(450, self.attempt(daemon, "alice", "wrong", "000000").code)
        self.assertLess(cpu() - before, five_hashes / 2)

    def test_counts_survive_a_restart_and_a_kill(self):
        for end in ("stop", "kill"):
            with self.subTest(end):
                daemon = self.start_with(first_wait=600)
                name = f"user-{end}"
                user = self.place.add_user(name)
                self.fail(daemon, name, 3)
                getattr(daemon, end)()
                daemon = self.start()
                self.fail(daemon, name, 2)
                getattr(daemon, end)()
                daemon = self.start()
                reply = self.attempt(daemon, name, user.password, user.next_code())
                self.assertEqual(450, reply.code)
                self.assertIn(int(reply["retry-after"]), range(500, 601))
                daemon.stop()

    def test_an_attempt_that_is_left_counts(self):
        """The charge is on disk before the hash starts: whoever hangs up before the verdict has guessed all the same."""
        daemon = self.start_with(first_wait=600)
        for _ in range(5):
            with daemon.connect() as client:
                client.expect(220, 330)
                client.send("alice")
                client.expect(331)
                client.send("a guess")
                client.expect(332)
        self.assertEqual(450, self.attempt(daemon, "alice", "wrong", "000000").code)

    def test_the_codes_limit_is_for_life(self):
        """A thief of the password may try so many codes in all, whatever the waits and from wherever."""
        daemon = self.start()
        alice = self.place.add_user("alice")
        limit = 103  # floor(3.1e-4 * 10^6 / 3)
        wrong = alice.wrong_code()
        for number in range(0, limit, FREE):
            replies = self.fail(daemon, "alice", min(FREE, limit - number), source=f"127.0.10.{number + 1}",
                                password=alice.password, code=wrong)
            self.assertEqual({530}, {reply.code for reply in replies})
        self.assertEqual(530, self.attempt(daemon, "alice", alice.password, alice.next_code(), source="127.0.0.9").code)
        self.assertEqual([("code_locked",)], self.place.query("SELECT reason FROM audit WHERE event = 'login' ORDER BY id DESC LIMIT 1"))
        # A new key starts anew.
        made = json.loads(self.place.admin("user", "reset-totp", "alice", "--qr", self.place.root / "new.png", "--json").stdout)
        fresh = User("alice", alice.password, made["otpauth_uri"])
        self.assertEqual(230, self.attempt(daemon, "alice", fresh.password, fresh.next_code(), source="127.0.0.9").code)


class Overload(TestCase):
    def test_a_full_hash_queue_is_told_after_the_code_and_spends_nothing(self):
        self.place.write_settings("[threads]\nhash = 1\n[limits]\nhash_queue = 1\n" + SLOW_HASH)
        daemon = self.start()
        users = [self.place.add_user(f"user{number}") for number in range(8)]
        codes = [user.next_code() for user in users]
        clients = [self.connect(daemon) for _ in users]
        for client, user in zip(clients, users):
            client.send(user.name)
            client.expect(220, 330, 331)
        for client, user in zip(clients, users):
            client.send(user.password)
        for client in clients:
            client.expect(332)  # whoever found no room is asked like the others
        for client, code in zip(clients, codes):
            client.send(code)
        replies = [client.read_reply() for client in clients]
        self.assertLessEqual({reply.code for reply in replies}, {230, 450})
        self.assertIn(450, {reply.code for reply in replies})
        self.assertIn(230, {reply.code for reply in replies})
        for reply, user, code in zip(replies, users, codes):
            if reply.code == 450:
                self.assertGreaterEqual(int(reply["retry-after"]), 1)
                eventually(lambda: self.verdict(daemon, user, code) == 230, "a login once there is room again")

    def verdict(self, daemon, user, code):
        with daemon.connect() as client:
            client.expect(220)
            return client.attempt(user.name, user.password, code).code


if __name__ == "__main__":
    main()
