#!/usr/bin/env python3
"""Connections are counted where they are accepted, in all and per source; descriptors neither leak nor run out for good."""
import contextlib
import itertools
import os
import re
import resource
import ssl
import threading
import time
import unittest
import urllib.request

from harness import PATIENCE, SANITIZED, TLS, Client, Closed, TestCase, connect_tcp, eventually, main

IN_ALL, PER_SOURCE = 6, 3
TOO_MANY = b"421 Too many connections\r\n"


class Caps(TestCase):
    def setUp(self):
        super().setUp()
        self.place.write_settings(f"[limits]\nconnections = {IN_ALL}\nconnections_per_source = {PER_SOURCE}\n")
        self.daemon = self.start(plain=("127.0.0.1:0", f"unix:{self.place.root}/sock"))

    def served(self, source="127.0.0.1", plain=None):
        """A connection that was greeted, or None."""
        client = None
        try:
            client = self.daemon.connect(source) if plain is None else self.daemon.connect_plain(plain, source)
            if client.read_reply().code == 220:
                self.addCleanup(client.close)
                return client
        except (Closed, OSError):
            pass
        if client:
            client.close()
        return None

    def test_per_source(self):
        held = [self.served() for _ in range(PER_SOURCE)]
        self.assertTrue(all(held))
        for plain in (None, 0):
            with self.subTest(plain=plain), (self.daemon.connect() if plain is None else self.daemon.connect_plain()) as client:
                self.assertEqual(TOO_MANY, client.read_rest())
        self.assertIsNotNone(self.served("127.0.0.2"), "others are not its victims")
        held.pop().close()
        eventually(self.served, "a slot is free once its connection has gone")

    def test_a_login_under_way_is_not_disturbed(self):
        user = self.place.add_user("alice")
        first = self.daemon.connect()
        self.addCleanup(first.close)
        first.expect(220, 330)
        held = [self.served() for _ in range(PER_SOURCE - 1)]
        for _ in range(30):
            self.assertIsNone(self.served())
        for answer, reply in ((user.name, 331), (user.password, 332), (user.next_code(), 230)):
            self.assertEqual(reply, first.ask(answer).code)
        del held

    def test_local_sockets_are_a_source(self):
        held = [self.served(plain=1) for _ in range(PER_SOURCE)]
        self.assertTrue(all(held))
        with self.daemon.connect_plain(1) as client:
            self.assertEqual(TOO_MANY, client.read_rest())
        self.assertIsNotNone(self.served())

    def test_in_all(self):
        held = [self.served(f"127.0.0.{number // PER_SOURCE + 1}") for number in range(IN_ALL)]
        self.assertTrue(all(held))
        with self.daemon.connect("127.0.0.9") as client:
            self.assertEqual(TOO_MANY, client.read_rest())
        held.pop().close()
        eventually(lambda: self.served("127.0.0.9"), "a slot is free once its connection has gone")

    def test_those_turned_away_leave_nothing_behind(self):
        held = [self.served() for _ in range(PER_SOURCE)]
        before = self.daemon.descriptors()
        for _ in range(200):
            self.served()
        eventually(lambda: self.daemon.descriptors() <= before, "descriptors")
        held.pop().close()
        eventually(self.served, "a slot")

    def test_reload_changes_them(self):
        held = [self.served() for _ in range(PER_SOURCE)]
        self.assertIsNone(self.served())
        self.place.write_settings(f"[limits]\nconnections = {IN_ALL}\nconnections_per_source = {PER_SOURCE + 1}\n")
        self.daemon.signal(1)
        self.daemon.wait_for_event("reloaded")
        self.assertIsNotNone(self.served())
        self.assertIsNone(self.served())
        del held


class Rate(TestCase):
    """How fast a source may open connections."""

    PER_SECOND = 2  # after a burst of twice as many

    def setUp(self):
        super().setUp()
        self.place.write_settings(f"[limits]\naccepts_per_source = {self.PER_SECOND}\n")
        self.daemon = self.start(plain=("127.0.0.1:0",))

    def served(self, source="127.0.0.1"):
        """Whether a connection is greeted; the only other answer is that there are too many."""
        with self.daemon.connect_plain(0, source) as client:
            first = client.read_line()
        self.assertTrue(first.startswith(b"220") or first == TOO_MANY, first)
        return first != TOO_MANY

    def test_who_comes_too_fast_is_told_and_served_later(self):
        began = time.monotonic()
        served = sum(self.served() for _ in range(50))
        took = time.monotonic() - began
        self.assertGreaterEqual(served, 2 * self.PER_SECOND)
        self.assertLessEqual(served, 2 * self.PER_SECOND + self.PER_SECOND * took + 1)
        self.assertTrue(self.served("127.0.0.2"), "others are not its victims")
        eventually(self.served, "its budget refills, though it has gone on")

    def test_over_tls_too(self):
        answers = set()
        for _ in range(40):
            try:
                with self.daemon.connect() as client:
                    answers.add(client.read_line()[:3])
            except (Closed, OSError):
                answers.add(b"")
        self.assertLessEqual({b"220", b"421"}, answers, "greeted, and told")
        self.assertLessEqual(answers, {b"220", b"421", b""}, "or closed, once enough were told")
        with self.daemon.connect("127.0.0.2") as client:
            client.expect(220)

    def test_a_reload_changes_it(self):
        while self.served():
            pass
        self.place.write_settings("[limits]\naccepts_per_source = 100000\n")
        self.daemon.signal(1)
        self.daemon.wait_for_event("reloaded")
        for _ in range(50):
            self.assertTrue(self.served())


class Handshakes(TestCase):
    """How many may be under way: the others wait."""

    IN_ALL, PER_SOURCE = 4, 2
    HELLO_BEGUN = bytes.fromhex("16030102000100")  # of a ClientHello, and no more

    def setUp(self):
        super().setUp()
        self.place.write_settings(f"[limits]\nhandshakes = {self.IN_ALL}\nhandshakes_per_source = {self.PER_SOURCE}\n"
                                  '[deadlines]\nhandshake = 120\n[metrics]\nlisten = "127.0.0.1:0"\n')
        self.daemon = self.start()
        self.metrics = self.daemon.stderr.wait_for(lambda line: re.fullmatch(r"metrics on \S+:(\d+)", line), "metrics on")[1]

    def counted(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=PATIENCE) as page:
            return int(re.search(rf"(?m)^securelogin_{name} (\d+)$", page.read().decode())[1])

    def dawdle(self, source="127.0.0.1"):
        connection = connect_tcp(self.daemon.port, source)
        self.addCleanup(connection.close)
        connection.sendall(self.HELLO_BEGUN)
        return connection

    def dawdlers(self, count, source="127.0.0.1"):
        """So many more handshakes are under way."""
        before = self.counted("handshakes")
        made = [self.dawdle(source) for _ in range(count)]
        eventually(lambda: self.counted("handshakes") == before + count, f"{count} handshakes")
        return made

    def assert_closed(self, connection):
        with contextlib.suppress(ConnectionError):
            self.assertEqual(b"", connection.recv(1))

    def test_who_says_nothing_takes_no_place(self):
        silent = [connect_tcp(self.daemon.port) for _ in range(self.PER_SOURCE * 5)]
        with self.daemon.connect() as client:
            client.expect(220)
        self.assertEqual(0, self.counted("handshakes"))
        for connection in silent:
            connection.close()

    def test_the_next_of_a_source_waits_and_others_do_not(self):
        first, _ = self.dawdlers(self.PER_SOURCE)
        connection = connect_tcp(self.daemon.port)
        waiting = TLS.wrap_socket(connection, server_hostname="localhost", do_handshake_on_connect=False)
        self.addCleanup(waiting.close)
        waiting.settimeout(0)
        with self.assertRaises(ssl.SSLWantReadError):
            waiting.do_handshake()  # its ClientHello is sent
        eventually(lambda: self.counted("handshakes_waiting") == 1, "one that waits")
        with self.daemon.connect("127.0.0.2") as client:
            client.expect(220)
        self.assertEqual(1, self.counted("handshakes_waiting"))
        with self.assertRaises(ssl.SSLWantReadError):
            waiting.do_handshake()
        first.close()
        waiting.settimeout(PATIENCE)
        waiting.do_handshake()
        with Client(waiting) as client:
            client.expect(220)
        eventually(lambda: self.counted("handshakes") == 1, "the places are given back")

    def test_a_stop_ends_those_that_shake_hands_and_those_that_wait(self):
        dawdlers = self.dawdlers(self.PER_SOURCE)
        dawdlers.append(self.dawdle())
        eventually(lambda: self.counted("handshakes_waiting") == 1, "one that waits")
        began = time.monotonic()
        self.assertEqual(0, self.daemon.stop())
        self.assertLess(time.monotonic() - began, 5)
        for connection in dawdlers:
            self.assert_closed(connection)

    def test_dawdlers_from_few_sources_keep_nobody_out(self):
        first, *_ = self.dawdlers(self.PER_SOURCE)
        self.dawdlers(self.PER_SOURCE, "127.0.0.2")
        with self.daemon.connect("127.0.0.3") as client:
            client.expect(220)
        self.assert_closed(first)
        self.assertEqual(1, self.counted("handshakes_displaced_total"), "the oldest gave way")
        user = self.place.add_user("alice")
        self.log_in(self.daemon, user, source="127.0.0.5")


class Descriptors(TestCase):
    @unittest.skipIf(SANITIZED, "UBSan itself needs a descriptor for its checks")
    def test_running_out_sheds_and_recovers(self):
        self.place.write_settings("[limits]\nconnections = 4096\nconnections_per_source = 4096\n")
        daemon = self.start()
        user = self.place.add_user("alice")
        before = daemon.descriptors()
        limit = before + 20
        hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (limit, hard))
        crowd = [connect_tcp(daemon.port) for _ in range(60)]
        daemon.wait_for_event("accept_failed")

        def cpu():
            with open(f"/proc/{daemon.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        spent = cpu()
        threading.Event().wait(1)  # a second in which it has nothing to do but wait
        self.assertLess(cpu() - spent, 0.5, "the accept loop spins")
        for connection in crowd:
            connection.close()

        def logged_in():
            try:
                client = daemon.connect()
            except (OSError, ssl.SSLError):
                return None
            with client:
                try:
                    client.expect(220)
                except Closed:
                    return None
                return client.attempt(user.name, user.password, user.next_code()).code == 230

        eventually(logged_in, "a login after the shortage")

    def test_flat_over_many_aborted_logins(self):
        """Every way to leave, at every step."""
        daemon = self.start(plain=("127.0.0.1:0",))
        user = self.place.add_user("alice")
        warm = self.log_in(daemon, user)
        total = 2_000 if SANITIZED else 10_000
        names = itertools.count()

        sources = itertools.cycle([f"127.0.5.{number}" for number in range(1, 250)])
        lock = threading.Lock()

        def source():
            with lock:
                return next(sources)

        def name():
            with lock:
                return f"guess-{next(names)}"

        def leave_after(*answers, how=Client.close, clear=False, octets=b""):
            def leave():
                client = daemon.connect_plain(0, source()) if clear else daemon.connect(source())
                client.expect(220, 330)
                for answer in answers:
                    client.ask(answer() if callable(answer) else answer)
                if octets:
                    client.send_raw(octets)
                how(client)
            return leave

        def unfinished_handshake():
            client = Client(connect_tcp(daemon.port, source()))
            client.send_raw(bytes.fromhex("160301020001"))
            client.close()

        def silent():
            connect_tcp(daemon.port, source()).close()

        def reset_at_once():
            Client(connect_tcp(daemon.port, source())).reset()

        ways = [silent, reset_at_once, unfinished_handshake, leave_after(), leave_after(how=Client.reset), leave_after(clear=True),
                leave_after(clear=True, how=Client.reset), leave_after(name), leave_after(name, how=Client.reset),
                leave_after(clear=True, octets=b"half a li"), leave_after(octets=b"half a li"),
                leave_after(octets=b"\xff\n"), leave_after(octets=b"x" * 2000), leave_after(name, clear=True, how=Client.reset),
                leave_after(octets=b"alice\n", how=Client.reset), leave_after(clear=True, octets=b"a\n", how=Client.reset)]
        hashing = [leave_after(name, "password"), leave_after(name, "password", how=Client.reset),
                   leave_after(name, octets=b"password\n", clear=True), leave_after(name, octets=b"password\n123456\n")]
        schedule = itertools.islice(itertools.cycle(ways * 4 + hashing), total)
        failures = []

        def work():
            while not failures:
                with lock:
                    leave = next(schedule, None)
                if leave is None:
                    return
                try:
                    leave()
                except Exception as error:  # told below, by the test's own thread
                    failures.append(repr(error))

        before = daemon.descriptors()
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        # A reader of the database stays open for each hash thread that ever needed one.
        allowed = before + 3 * (os.cpu_count() or 1)
        eventually(lambda: daemon.descriptors() <= allowed, f"{daemon.descriptors()} descriptors, {before} before")
        self.assertEqual(250, warm.ask("WHOAMI").code)


if __name__ == "__main__":
    main()
