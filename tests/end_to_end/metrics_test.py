#!/usr/bin/env python3
"""The metrics listener: what Prometheus's own parser makes of it, and how little else it answers."""
import contextlib
import http.client
import json
import re
import socket
import time
import unittest

from browser import Browser
from harness import PATIENCE, TestCase, connect_tcp, connect_unix, eventually, main, run

# Debian's Python has python3-prometheus-client, whichever runs this test.
PYTHON = "/usr/bin/python3"
PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families
json.dump([(sample.name, sample.labels, sample.value)
           for family in text_string_to_metric_families(sys.stdin.read()) for sample in family.samples], sys.stdout)
"""


def has_parser():
    with contextlib.suppress(OSError):
        return run(PYTHON, "-c", PARSE, check=False).returncode == 0
    return False

LISTEN = '[metrics]\nlisten = "127.0.0.1:0"\n'


class Metrics(TestCase):
    def start_with(self, settings):
        self.place.write_settings(settings)
        daemon = self.start()
        self.address = daemon.stderr.wait_for(lambda line: re.fullmatch(r"metrics on (\S+)", line), "metrics on")[1]
        return daemon

    def connect_metrics(self):
        if self.address.startswith("unix:"):
            return connect_unix(self.address.removeprefix("unix:"))
        return connect_tcp(int(self.address.rsplit(":", 1)[1]))

    def ask(self, request):
        """The whole answer; empty when there is none."""
        with self.connect_metrics() as connection:
            connection.sendall(request)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while more := connection.recv(65536):
                    answer += more
        return answer

    def page(self):
        head, _, body = self.ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        self.assertIn(b"text/plain; version=0.0.4", head)
        return body.decode()

    def samples(self):
        """{(name, labels): value}, by an independent parser."""
        parsed = json.loads(run(PYTHON, "-c", PARSE, stdin=self.page()).stdout)
        return {(name, tuple(sorted(labels.items()))): value for name, labels, value in parsed}

    def attempts(self, samples):
        return {(dict(labels)["outcome"], dict(labels)["reason"]): value for (name, labels), value in samples.items()
                if name == "securelogin_attempts_total" and dict(labels)["kind"] == "login" and value}


@unittest.skipUnless(has_parser(), "needs python3-prometheus-client")
class Page(Metrics):
    def have_a_day(self, daemon):
        alice = self.place.add_user("alice")
        self.log_in(daemon, alice)
        with daemon.connect("127.0.0.2") as client:
            client.expect(220)
            client.attempt("alice", "wrong", "000000")
            client.attempt("nobody", "wrong", "000000")
            client.attempt("alice", alice.password, alice.wrong_code())
        for attempts in (3, 2):
            with daemon.connect("127.0.0.4") as client:
                client.expect(220)
                for _ in range(attempts):
                    client.attempt("mallory", "guess", "1")
        with daemon.connect("127.0.0.4") as client:
            client.expect(220)
            self.assertEqual(450, client.attempt("mallory", "guess", "1").code)

    def test_what_happened_is_counted(self):
        daemon = self.start_with("[waits]\nfirst = 600\n" + LISTEN + "reasons = true\n")
        self.have_a_day(daemon)
        eventually(lambda: self.samples()[("securelogin_hash_queue", ())] == 0, "the last hash's place")
        samples = self.samples()
        self.assertEqual({("granted", ""): 1, ("refused", "wrong_password"): 1, ("refused", "wrong_code"): 1,
                          ("refused", "unknown_user"): 6, ("not_judged", "throttled"): 1}, self.attempts(samples))

        def plain(name):
            return samples[(f"securelogin_{name}", ())]

        self.assertEqual(9, plain("hash_seconds_count"))
        self.assertEqual(9, plain("hash_wait_seconds_count"))
        self.assertGreater(plain("hash_seconds_sum"), 0.01)
        self.assertEqual(512, plain("hash_queue_limit"))
        self.assertEqual(5, plain("connections_total"))
        self.assertEqual(0, plain("connections_turned_away_total"))
        self.assertEqual(0, plain("transactions_failed_total"))
        self.assertEqual(0, plain("log_lines_lost_total"))
        self.assertEqual(plain("commit_seconds_count"), plain("commit_transactions_count"))
        self.assertLessEqual(plain("commit_seconds_count"), plain("commit_transactions_sum"))
        self.assertEqual(self.place.query("SELECT COUNT(*) FROM audit WHERE source IS NOT 'admin'")[0][0],
                         plain("audit_records_total"))
        offsets = {dict(labels)["offset"]: value for (name, labels), value in samples.items()
                   if name == "securelogin_codes_accepted_total" and value}
        self.assertEqual(1, sum(offsets.values()))
        self.assertLessEqual(set(offsets), {"-1", "0"}, "the code was the current one when it was made")
        version = next(dict(labels)["version"] for (name, labels) in samples if name == "securelogin_build_info")
        self.assertRegex(version, r"\A\d+\.\d+\.\d+\Z")

    def test_reasons_are_hidden_unless_asked_for(self):
        daemon = self.start_with("[waits]\nfirst = 600\n" + LISTEN)
        self.have_a_day(daemon)
        self.assertEqual({("granted", ""): 1, ("refused", ""): 8, ("not_judged", "throttled"): 1},
                         self.attempts(self.samples()))

    def test_connections_that_are_open_and_that_were_turned_away(self):
        daemon = self.start_with("[limits]\nconnections = 2\n" + LISTEN)
        held = [self.connect(daemon) for _ in range(2)]
        for client in held:
            client.expect(220)
        with contextlib.suppress(OSError):
            daemon.connect().close()
        samples = self.samples()
        self.assertEqual(2, samples[("securelogin_connections", ())])
        self.assertEqual(1, samples[("securelogin_connections_turned_away_total", ())])

    def test_what_the_database_holds_is_looked_at_now_and_then(self):
        daemon = self.start_with("[waits]\nfirst = 600\n" + LISTEN)
        state = {"waits": 0, "ceilings_reached": 0, "sessions": 0, "audit_records_since_checkpoint": 0}

        def is_told():
            samples = self.samples()
            return all(samples[(f"securelogin_{name}", ())] == value for name, value in state.items())

        eventually(is_told, f"{state}")
        self.have_a_day(daemon)  # mallory waits, at one source; one is logged in; eight attempts were refused, one alarm raised
        state |= {"waits": 1, "sessions": 1, "audit_records_since_checkpoint": self.place.query(
            "SELECT MAX(id) - (SELECT id FROM audit WHERE event = 'audit.checkpoint') FROM audit")[0][0]}
        eventually(is_told, f"{state}")
        samples = self.samples()
        self.assertLess(samples[("securelogin_audit_checkpoint_age_seconds", ())], PATIENCE)
        self.assertLess(samples[("securelogin_state_age_seconds", ())], PATIENCE)

    def test_a_unix_socket(self):
        path = self.place.root / "metrics"
        daemon = self.start_with(f'[metrics]\nlisten = "unix:{path}"\n')
        self.assertEqual(f"unix:{path}", self.address)
        self.assertEqual(0o660, path.stat().st_mode & 0o777)
        self.assertIn(("securelogin_connections", ()), self.samples())
        self.assertEqual(0, daemon.stop())
        self.assertFalse(path.exists())


class Listener(Metrics):
    def test_health_is_told_here_and_at_no_other_door(self):
        self.place.write_settings(LISTEN)
        daemon = self.start(web=1)
        self.address = daemon.stderr.wait_for(lambda line: re.fullmatch(r"metrics on (\S+)", line), "metrics on")[1]
        head, _, body = self.ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        self.assertEqual(b"ok\n", body)
        self.assertIn(b"405", self.ask(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[:12])
        self.assertIn(b"404", self.ask(b"GET /healthz?x HTTP/1.1\r\nHost: localhost\r\n\r\n")[:12])
        with Browser(daemon.web[0]) as browser:
            for path in ("/healthz", "/metrics"):
                self.assertEqual(404, browser.get(path).status)

    def test_off_by_default(self):
        self.assertNotIn("metrics on", self.start().stderr.text())

    def test_nothing_else_is_answered(self):
        self.start_with(LISTEN)
        rows = {
            "another path": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 404 "),
            "a longer path": (b"GET /metrics/.. HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 404 "),
            "a query": (b"GET /metrics?a HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 404 "),
            "POST": (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", b"HTTP/1.1 405 "),
            "DELETE": (b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 405 "),
            "a long line": (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", b""),
            "many fields": (b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 2000 + b"\r\n", b""),
            "not HTTP": (b"alice\npassword\n123456\n\r\n\r\n", b""),
            "TLS": (bytes.fromhex("160301020001000001fc0303") + bytes(64), b""),
        }
        for what, (request, start) in rows.items():
            with self.subTest(what):
                answer = self.ask(request)
                self.assertTrue(answer.startswith(start) if start else answer == b"", answer[:80])
                self.assertNotIn(b"securelogin_", answer)
        connection = http.client.HTTPConnection("127.0.0.1", int(self.address.rsplit(":", 1)[1]), timeout=PATIENCE)
        connection.request("GET", "/metrics")
        self.assertEqual(200, connection.getresponse().status)
        connection.close()

    def test_who_says_nothing_is_left_and_holds_nobody_up(self):
        daemon = self.start_with(LISTEN)
        before = daemon.descriptors()
        silent = [self.connect_metrics() for _ in range(7)]
        for connection in silent:
            self.addCleanup(connection.close)
            connection.sendall(b"GET /met")
        began = time.monotonic()
        self.page()
        self.assertLess(time.monotonic() - began, 2)
        for connection in silent:
            connection.settimeout(PATIENCE)
            self.assertEqual(b"", connection.recv(1))
        self.assertLess(time.monotonic() - began, 12, "the deadline is 5 s, whatever is sent")
        for connection in silent:
            connection.close()
        self.assertLessEqual(daemon.descriptors(), before + 7)

    def test_crowds_are_bounded(self):
        daemon = self.start_with(LISTEN)
        before = daemon.descriptors()
        crowd = [self.connect_metrics() for _ in range(60)]
        for connection in crowd:
            self.addCleanup(connection.close)
        # All but the first few are closed at once.
        closed = 0
        for connection in reversed(crowd):
            connection.settimeout(PATIENCE)
            with contextlib.suppress(ConnectionError):
                self.assertEqual(b"", connection.recv(1))
            closed += 1
            if closed == 52:
                break
        self.assertLessEqual(daemon.descriptors(), before + 8)
        alice = self.place.add_user("alice")
        self.log_in(daemon, alice)

    def test_addresses_of_the_network_are_refused(self):
        for address in ("0.0.0.0:9101", "192.0.2.1:9101", "[::]:9101", "localhost:9101"):
            with self.subTest(address):
                self.place.write_settings(f'[metrics]\nlisten = "{address}"\n')
                done = self.place.admin("status", check=False)
                self.assertIn("metrics.listen", done.stderr)
                self.assertNotEqual(0, done.returncode)

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.place.write_settings(f'[metrics]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n')
            with self.assertRaises(AssertionError) as failed:
                self.start()
        self.assertRegex(str(failed.exception), r"listening on 127\.0\.0\.1:\d+: Address already in use")


if __name__ == "__main__":
    main()
