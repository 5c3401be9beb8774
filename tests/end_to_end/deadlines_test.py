#!/usr/bin/env python3
"""Deadlines are absolute, end in 421 and a close, and a peer that does not read is held by TCP."""
import socket
import time

from harness import Client, OneDaemon, PATIENCE, SANITIZED, connect_tcp, main

HANDSHAKE, ANSWER, LOGIN, IDLE = 2, 3, 5, 4  # seconds
LATE = 8 if SANITIZED else 2.5  # a busy machine's


class Deadlines(OneDaemon):
    SETTINGS = f"[deadlines]\nhandshake = {HANDSHAKE}\nanswer = {ANSWER}\nlogin = {LOGIN}\nidle = {IDLE}\n"
    OPTIONS = {"plain": ("127.0.0.1:0",)}

    def assert_ends(self, client, began, after, last=b"421 Timeout\r\n"):
        rest = client.read_rest()
        took = time.monotonic() - began
        self.assertEqual(last, rest[-len(last):] if last else rest)
        self.assertGreater(took, after - 0.1)
        self.assertLess(took, after + LATE)

    def test_handshake_never_begun(self):
        began = time.monotonic()
        with Client(connect_tcp(self.daemon.port)) as client:
            self.assert_ends(client, began, HANDSHAKE, last=b"")

    def test_handshake_an_octet_at_a_time(self):
        hello = bytes.fromhex("1603010200010001fc0303") + bytes(500)
        began = time.monotonic()
        with Client(connect_tcp(self.daemon.port)) as client:
            self.drip(client, hello)
            self.assert_ends(client, began, HANDSHAKE, last=b"")

    def drip(self, client, octets, every=0.25):
        """Sends slowly until the server has had enough."""
        client.socket.settimeout(every)
        for octet in octets:
            try:
                client.socket.sendall(bytes([octet]))
                more = client.socket.recv(4096)
                client.unread += more
                if not more or b"421" in client.unread:
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        client.socket.settimeout(PATIENCE)

    def both(self):
        return (("TLS", self.daemon.connect), ("plain", self.daemon.connect_plain))

    def test_no_answer(self):
        for how, connect in self.both():
            for answers in ((), ("alice",), ("alice", "password")):
                with self.subTest(how, answers=answers), connect() as client:
                    client.expect(220, 330)
                    for answer in answers:
                        client.ask(answer)
                    began = time.monotonic()
                    self.assert_ends(client, began, ANSWER)

    def test_an_octet_at_a_time_does_not_extend_it(self):
        for how, connect in self.both():
            with self.subTest(how), connect() as client:
                client.expect(220, 330)
                began = time.monotonic()
                self.drip(client, b"x" * 1000)
                self.assert_ends(client, began, ANSWER)

    def test_the_whole_login_has_one(self):
        """Each answer in time, and yet too slow in all."""
        with self.daemon.connect() as client:
            began = time.monotonic()
            client.expect(220, 330)
            for answer in ("alice", "password"):
                self.drip(client, b"......", every=(LOGIN - 0.5) / 12)
                client.send(answer)
                client.read_reply()
            self.assert_ends(client, began, LOGIN)

    def test_idle_after_login(self):
        user = self.fresh_user()
        client, _ = self.daemon.log_in(user)
        with client:
            began = time.monotonic()
            self.drip(client, b"." * 1000)
            self.assert_ends(client, began, IDLE)

    def test_a_command_begins_it_anew_and_the_logins_own_is_over(self):
        user = self.fresh_user()
        client, _ = self.daemon.log_in(user)
        with client:
            logged_in = time.monotonic()
            client.socket.settimeout(IDLE / 2)
            while time.monotonic() < logged_in + LOGIN + 1:
                with self.assertRaises(TimeoutError):
                    client.socket.recv(1)
                self.assertEqual(250, client.ask("WHOAMI").code)
            client.socket.settimeout(PATIENCE)
            self.assert_ends(client, time.monotonic(), IDLE)

    def test_a_question_after_login_has_an_answers_deadline(self):
        user = self.fresh_user()
        client, _ = self.daemon.log_in(user)
        with client:
            client.send("PASSWD")
            client.expect(331)
            self.assert_ends(client, time.monotonic(), ANSWER)

    def memory(self):
        with open(f"/proc/{self.daemon.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def test_whoever_does_not_read_is_held_by_tcp(self):
        """Thousands of commands, and not one answer read: memory stays, and the deadline ends it."""
        for how, connect in self.both():
            user = self.fresh_user()
            with self.subTest(how), connect() as client:
                client.log_in(user)
                before = self.memory()
                client.socket.settimeout(0.5)
                sent = 0
                try:
                    while sent < 50_000_000:
                        sent += client.socket.send(b"HELP\n" * 1000)
                except OSError:  # TCP is full, or the server has had enough
                    pass
                self.assertLess(sent, 50_000_000)
                if not SANITIZED:  # which keeps what was freed
                    self.assertLess(self.memory() - before, 2_000, "KiB")
                self.daemon.log_in(self.fresh_user())[0].close()  # others are served meanwhile

    def test_half_closed_peers_are_not_waited_for(self):
        for how, connect in self.both():
            with self.subTest(how), connect() as client:
                client.expect(220, 330)
                began = time.monotonic()
                if how == "plain":
                    client.socket.shutdown(socket.SHUT_WR)
                    self.assertEqual(b"", client.read_rest())
                else:
                    client.socket.unwrap().close()
                self.assertLess(time.monotonic() - began, ANSWER - 0.5)


if __name__ == "__main__":
    main()
