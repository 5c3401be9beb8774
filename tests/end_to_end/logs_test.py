#!/usr/bin/env python3
"""The event log: one event a line, what the operator needs, and nothing that is a secret or not printable."""
import fcntl
import json
import os
import re
import subprocess

from harness import BIN, LISTENING, PATIENCE, TLS, Client, TestCase, connect_tcp, main

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


class Logs(TestCase):
    def have_a_busy_day(self, daemon):
        """Every outcome there is; what was typed that nobody may find in the log."""
        alice = self.place.add_user("alice")
        used = alice.next_code()
        secrets = [alice.password, alice.secret, used, "hunter2-typed-as-a-name", "my wrong password", "a brand new pass phrase 7"]
        with daemon.connect() as client:
            client.log_in(alice, used)
            client.ask("PASSWD")
            client.ask(alice.password)
            secrets.append(alice.next_code())
            client.ask(alice.code_of(alice.last_given))
            client.ask("password")
            client.ask("a brand new pass phrase 7")
            client.ask("nonsense \u202e command")
            client.ask("LOGOUT")
        with daemon.connect() as client:
            client.expect(220)
            client.attempt("alice", "my wrong password", "000001")
            client.attempt("hunter2-typed-as-a-name", "my wrong password", "000002")
            client.attempt("alice", "a brand new pass phrase 7", used)
        with daemon.connect("127.0.0.3") as client:
            client.expect(220)
            client.attempt("ali\u202ece \u2028 level=error event=\"forged\"", "x", "y")
            client.send_raw(b"\x1b]0;owned\x07\n")
            client.read_rest()
        with daemon.connect("127.0.0.4") as client:
            client.expect(220)
            for _ in range(3):
                client.attempt("mallory", "guess", "1")
        with daemon.connect("127.0.0.4") as client:
            client.expect(220)
            for _ in range(3):
                client.attempt("mallory", "guess", "1")
        return alice, secrets

    def test_json(self):
        self.place.write_settings('[log]\nlevel = "debug"\n')
        daemon = self.start(log_format="json")
        _, secrets = self.have_a_busy_day(daemon)
        self.assertEqual(0, daemon.stop())
        lines = daemon.stderr.text().splitlines()
        self.assertEqual(1, sum(bool(LISTENING.fullmatch(line)) for line in lines))
        events = [json.loads(line) for line in lines if line.startswith("{")]
        self.assertEqual([], [line for line in lines
                              if not line.startswith("{") and not LISTENING.fullmatch(line) and "made" not in line])
        for event in events:
            self.assertRegex(event["time"], rf"\A{TIME}\Z")
            self.assertIn(event["level"], ("debug", "info", "warning", "error"))
            self.assertRegex(event["event"], r"\A[a-z_.-]+\Z")
            self.assertTrue(all(isinstance(value, str) for value in event.values()), event)
        logins = [event for event in events if event["event"] == "login"]
        granted = [event for event in logins if event["outcome"] == "granted"]
        self.assertEqual([("alice", "127.0.0.1")], [(event["user"], event["source"]) for event in granted])
        reasons = [(event["reason"], event.get("user")) for event in logins if event["outcome"] == "refused"]
        self.assertEqual([("wrong_password", "alice"), ("unknown_user", None), ("replayed_code", "alice"), ("unknown_user", None)]
                         + [("unknown_user", None)] * 5, reasons)
        throttled = [event for event in logins if event["outcome"] == "not_judged"]
        self.assertEqual([("throttled", "127.0.0.4")], [(event["reason"], event["source"]) for event in throttled])
        for event in logins:
            self.assertRegex(event["connection"], r"\A\d+\Z")
            self.assertEqual("user" not in event, "name" in event, "nobody's name appears only as its keyed hash")
            self.assertRegex(event.get("name", "#0"), r"\A#[0-9a-f]+\Z")
        keyed = {event["name"] for event in logins if event["source"] == "127.0.0.4"}
        self.assertEqual(1, len(keyed), "the same name, the same hash")
        self.assertEqual(1, len([e for e in events if e["event"] == "confirm" and e["outcome"] == "granted"]))
        self.assert_clean(daemon, secrets)

    def test_text(self):
        self.place.write_settings('[log]\nlevel = "debug"\n')
        daemon = self.start(log_format="text")
        _, secrets = self.have_a_busy_day(daemon)
        self.assertEqual(0, daemon.stop())
        lines = [line for line in daemon.stderr.text().splitlines() if re.match(TIME, line)]
        granted = [line for line in lines if " login outcome=granted " in line]
        self.assertEqual(1, len(granted))
        self.assertRegex(granted[0], rf"\A{TIME} info login outcome=granted user=alice source=127\.0\.0\.1 connection=\d+")
        self.assert_clean(daemon, secrets)

    def assert_clean(self, daemon, secrets):
        text = daemon.stderr.text()
        for secret in secrets:
            self.assertNotIn(secret, text)
        self.assertNotIn("owned", text)
        self.assertNotIn("forged", text)
        for line in text.splitlines():
            self.assertTrue(line.isprintable(), ascii(line))
        # Nor in the database, nor in what lies beside it.
        for path in self.place.data.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                for secret in secrets:
                    self.assertNotIn(secret.encode(), content, path)

    def test_no_secret_in_the_environment_or_the_command_line_and_no_core(self):
        daemon = self.start()
        alice = self.place.add_user("alice")
        self.log_in(daemon, alice)
        with open(f"/proc/{daemon.pid}/limits") as limits:
            core = next(line for line in limits if line.startswith("Max core file size")).split()
        self.assertEqual(["0", "0"], core[4:6])
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{daemon.pid}/{name}", "rb") as file:
                    self.assertNotIn(alice.password.encode(), file.read())
            except PermissionError:
                pass  # not dumpable: not even readable

    def test_a_reader_that_sleeps_does_not_hold_logins_up(self):
        """stderr is a pipe that nobody reads: the log gives way, the server does not."""
        users = [self.place.add_user(f"user{number}") for number in range(2)]
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        process = subprocess.Popen([str(BIN / "securelogind"), "--data", str(self.place.data), "--listen", "127.0.0.1:0"],
                                   stderr=writing, env=self.place.environment)
        try:
            os.close(writing)
            line = b""
            while b"\n" not in line or not LISTENING.search(line.decode()):
                line += os.read(reading, 1)
            port = int(LISTENING.search(line.decode())[2])
            for number in range(40):  # far more than the pipe takes
                with Client(TLS.wrap_socket(connect_tcp(port, f"127.0.7.{number + 1}"))) as client:
                    client.expect(220)
                    for _ in range(3):
                        client.attempt(f"nobody{number}", "x", "y")
            for user in users:
                with Client(TLS.wrap_socket(connect_tcp(port))) as client:
                    client.log_in(user)
            process.terminate()
            self.assertEqual(0, process.wait(PATIENCE))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(reading)


if __name__ == "__main__":
    main()
