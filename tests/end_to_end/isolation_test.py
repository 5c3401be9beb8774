#!/usr/bin/env python3
"""Nobody waits for anybody else: not for another's hash, not for another's disk, and not for one who has left."""
import contextlib
import os
import socket
import sqlite3
import time

from harness import PATIENCE, SANITIZED, SLOW_HASH, TLS, Client, TestCase, eventually, main

ONE_HASH_THREAD = "[threads]\nhash = 1\n"
AT_ONCE = 2.0 if SANITIZED else 0.5  # seconds; a busy machine's idea of it


class Isolation(TestCase):
    def cpu(self, daemon):
        """Seconds of processor time."""
        with open(f"/proc/{daemon.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def until_idle(self, daemon):
        """What its processor time is once it uses no more."""
        before = -1.0
        while (now := self.cpu(daemon)) != before:
            before = now
            time.sleep(0.2)  # ten of the clock ticks that processor time is counted in
        return now

    def up_to_the_code(self, daemon, name, password, source="127.0.0.1"):
        client = daemon.connect(source)
        self.addCleanup(client.close)
        client.send(name, password)
        client.expect(220, 330, 331, 332)
        return client

    def test_hashes_delay_nobody_who_needs_none(self):
        self.place.write_settings(ONE_HASH_THREAD + SLOW_HASH)
        daemon = self.start()
        alice = self.place.add_user("alice")
        logged_in = self.log_in(daemon, alice)
        busy = [self.up_to_the_code(daemon, f"nobody{number}", "guess") for number in range(20)]
        began = time.monotonic()
        self.assertEqual(214, logged_in.ask("HELP").code)
        self.assertEqual(250, logged_in.ask("WHOAMI").code)
        self.connect(daemon).expect(220, 330)
        self.assertLess(time.monotonic() - began, AT_ONCE)
        self.assertEqual(20, len(busy))

    def test_a_locked_database_delays_nobody_who_needs_none(self):
        daemon = self.start()
        alice = self.place.add_user("alice")
        logged_in = self.log_in(daemon, alice)
        with contextlib.closing(sqlite3.connect(self.place.database, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            stuck = self.connect(daemon)
            stuck.send("bob", "password")  # waits for its charge to be on disk
            stuck.expect(220, 330, 331)
            began = time.monotonic()
            self.assertEqual(214, logged_in.ask("HELP").code)
            other = self.connect(daemon)
            other.expect(220, 330)
            self.assertEqual(331, other.ask("carol").code)
            self.assertLess(time.monotonic() - began, AT_ONCE)

    def test_the_hash_is_computed_while_the_code_is_being_typed(self):
        self.place.write_settings(SLOW_HASH)
        daemon = self.start()
        alice, bob = self.place.add_user("alice"), self.place.add_user("bob")
        before = self.until_idle(daemon)
        self.log_in(daemon, alice)
        whole = self.until_idle(daemon) - before
        client = self.up_to_the_code(daemon, bob.name, bob.password)
        before = self.until_idle(daemon)  # the hash has been computed
        self.assertEqual(230, client.ask(bob.next_code()).code)
        self.assertLess(self.until_idle(daemon) - before, whole / 2)

    def test_hashes_of_those_who_have_left_are_dropped(self):
        self.place.write_settings(ONE_HASH_THREAD + SLOW_HASH)
        daemon = self.start()
        alice = self.place.add_user("alice")
        before = self.until_idle(daemon)
        self.up_to_the_code(daemon, "nobody", "guess")
        one = self.until_idle(daemon) - before
        before = self.until_idle(daemon)
        crowd = [self.up_to_the_code(daemon, f"nobody{number}", "guess") for number in range(20)]
        for client in crowd:
            client.reset()
        self.log_in(daemon, alice)  # in the queue behind all of them
        self.assertLess(self.until_idle(daemon) - before, 12 * one, f"20 were asked for, one costs {one} s")

    def test_a_slot_is_free_while_its_hash_still_runs(self):
        self.place.write_settings("[limits]\nconnections_per_source = 1\n" + ONE_HASH_THREAD + SLOW_HASH)
        daemon = self.start()

        def greeted():
            with daemon.connect() as client:
                return client.read_reply().code == 220

        before = self.cpu(daemon)
        client = self.up_to_the_code(daemon, "nobody", "guess")
        eventually(lambda: self.cpu(daemon) > before + 0.05, "the hash has started: else it is dropped")
        client.close()
        began = time.monotonic()
        eventually(greeted, "the slot")
        self.assertLess(time.monotonic() - began, AT_ONCE)
        meanwhile = self.cpu(daemon)
        eventually(lambda: self.cpu(daemon) > meanwhile + 0.05, "the hash goes on: else it had ended already")

    def test_no_thread_that_wakes_pushes_a_hash_aside(self):
        daemon = self.start()
        self.assertEqual({os.SCHED_BATCH}, {os.sched_getscheduler(int(thread))
                                            for thread in os.listdir(f"/proc/{daemon.pid}/task")})

    def test_listeners_side_by_side(self):
        daemon = self.start(listen=("127.0.0.1:0", "127.0.0.2:0", "[::1]:0"))
        ports = [line.split()[2] for line in daemon.stderr.text().splitlines() if line.startswith("listening on")]
        self.assertEqual(3, len(ports))
        for address in ports:
            host, port = address.rsplit(":", 1)
            with Client(TLS.wrap_socket(socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE))) as client:
                client.expect(220, 330)


if __name__ == "__main__":
    main()
