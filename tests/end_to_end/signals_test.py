#!/usr/bin/env python3
"""How the daemon starts, reloads and stops under a service manager."""
import signal
import socket
import ssl
import threading
import time

from harness import PATIENCE, SANITIZED, SLOW_HASH, TestCase, connect_tcp, eventually, main, run


class Stopping(TestCase):
    def test_a_login_whose_code_has_arrived_gets_its_verdict_and_others_get_421(self):
        # So that a slow machine does not cut it short.
        self.place.write_settings(SLOW_HASH + "[deadlines]\ndrain = 60\n")
        daemon = self.start()
        alice, bob = self.place.add_user("alice"), self.place.add_user("bob")
        logged_in = self.log_in(daemon, bob)
        waiting = []
        for answers in ((), ("carol",), ("carol", "password")):
            client = self.connect(daemon)
            client.expect(220, 330)
            for answer in answers:
                client.ask(answer)
            waiting.append(client)
        # Password and code come in one record: once the code has been asked for, it has arrived.
        judged = {}
        for what, password, code in (("right", alice.password, alice.next_code()), ("wrong", "wrong", "000000")):
            client = judged[what] = self.connect(daemon)
            client.expect(220, 330)
            client.ask("alice")
            client.send(password, code)
            client.expect(332)
        daemon.signal(signal.SIGTERM)
        for client in [logged_in, *waiting]:
            self.assertEqual(b"421 Shutting down\r\n", client.read_rest())
        self.assertRegex(judged["right"].read_rest(), rb"(?s)\A230-user alice\r\n.*230 Login successful\r\n421 Shutting down\r\n\Z")
        self.assertEqual(b"530 Login failed\r\n330 Username:\r\n421 Shutting down\r\n", judged["wrong"].read_rest())
        for client in [logged_in, *waiting, *judged.values()]:
            client.close()
        self.assertEqual(0, daemon.wait())
        self.assertEqual([("alice",)], self.place.query(
            "SELECT u.name FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.name = 'alice'"))

    def test_no_new_connections(self):
        daemon = self.start()
        held = self.connect(daemon)
        held.expect(220, 330)
        daemon.signal(signal.SIGINT)
        self.assertEqual(b"421 Shutting down\r\n", held.read_rest())
        # It has not closed yet on its side: the daemon is still there, and listens no more.
        def refused():
            try:
                connect_tcp(daemon.port).close()
            except ConnectionError:  # refused; reset, for one that was still to be accepted
                return True

        eventually(refused, "nobody listens any more")
        self.assertIsNone(daemon.process.poll())
        held.close()
        self.assertEqual(0, daemon.wait())

    def test_idle_it_stops_at_once(self):
        daemon = self.start()
        began = time.monotonic()
        self.assertEqual(0, daemon.stop())
        self.assertLess(time.monotonic() - began, 5 if SANITIZED else 1)

    def test_peers_that_do_not_answer_do_not_hold_it(self):
        """Half a handshake, and one that neither reads nor closes: the drain's deadline is absolute."""
        self.place.write_settings("[deadlines]\ndrain = 2\n")
        daemon = self.start()
        half = connect_tcp(daemon.port)
        self.addCleanup(half.close)
        half.sendall(bytes.fromhex("160301020001"))
        deaf = self.connect(daemon)
        deaf.expect(220)
        began = time.monotonic()
        self.assertEqual(0, daemon.stop())
        self.assertLess(time.monotonic() - began, 10 if SANITIZED else 4)

    def test_a_second_signal_exits_at_once(self):
        daemon = self.start()
        deaf = self.connect(daemon)
        deaf.expect(220, 330)
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        deaf.expect(421)  # it has begun to stop, and waits for us to close
        daemon.signal(signal.SIGTERM)
        self.assertEqual(0, daemon.wait())
        self.assertLess(time.monotonic() - began, 2)


class Reloading(TestCase):
    def own_certificate(self, name):
        key, certificate = self.place.root / f"{name}.key", self.place.root / f"{name}.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
            certificate, "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
        key.chmod(0o600)
        return f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n', certificate.read_text().strip()

    def reload(self, daemon, event):
        count = len([e for e in daemon.events() if e["event"] == event])
        daemon.signal(signal.SIGHUP)
        daemon.stderr.wait_for(lambda _: len([e for e in daemon.events() if e["event"] == event]) > count, event)

    def presented(self, daemon):
        return ssl.get_server_certificate(("127.0.0.1", daemon.port)).strip()

    def test_certificate_and_settings_are_read_again(self):
        first_tls, first = self.own_certificate("first.example.net")
        second_tls, second = self.own_certificate("second.example.net")
        self.place.write_settings('name = "first.example.net"\n' + first_tls)
        daemon = self.start()
        user = self.place.add_user("alice")
        open_before = self.log_in(daemon, user)
        half_way = self.connect(daemon)
        half_way.expect(220, 330)
        self.assertEqual(first, self.presented(daemon))

        self.place.write_settings('name = "second.example.net"\n' + second_tls)
        self.reload(daemon, "reloaded")
        self.assertEqual(second, self.presented(daemon))
        self.assertTrue(self.connect(daemon).read_reply().text.startswith("second.example.net "))
        # Reload drops no login.
        self.assertEqual(250, open_before.ask("WHOAMI").code)
        for answer, code in ((user.name, 331), (user.password, 332), (user.next_code(), 230)):
            self.assertEqual(code, half_way.ask(answer).code)

        # The same file names, other files: a renewal by some ACME client.
        _, third = self.own_certificate("second.example.net")
        self.reload(daemon, "reloaded")
        self.assertEqual(third, self.presented(daemon))

    def test_what_is_bad_is_refused_and_the_old_stays(self):
        good, certificate = self.own_certificate("good.example.net")
        _, _ = self.own_certificate("other.example.net")
        root = self.place.root
        (root / "garbage.pem").write_text("this is no certificate\n")
        (root / "open.key").write_text((root / "good.example.net.key").read_text())
        (root / "open.key").chmod(0o644)
        start = 'name = "good.example.net"\n' + good
        self.place.write_settings(start)
        daemon = self.start()
        user = self.place.add_user("alice")
        held = self.log_in(daemon, user)
        bad = {
            "unknown key": start + "\n[limits]\nconections = 5\n",
            "not TOML": start + "\n[limits\n",
            "bad value": start + "\n[limits]\nconnections = -1\n",
            "no such certificate": start.replace("good.example.net.pem", "missing.pem"),
            "garbage for a certificate": start.replace("good.example.net.pem", "garbage.pem"),
            "garbage for a key": start.replace("good.example.net.key", "garbage.pem"),
            "another certificate's key": start.replace("good.example.net.key", "other.example.net.key"),
            "a key that all can read": start.replace("good.example.net.key", "open.key"),
        }
        for what, text in bad.items():
            with self.subTest(what):
                self.place.write_settings(text)
                self.reload(daemon, "reload_refused")
                self.assertEqual(certificate, self.presented(daemon))
                self.assertEqual(250, held.ask("WHOAMI").code)
        self.place.settings_file.unlink()
        self.reload(daemon, "reload_refused")
        refusals = [event["error"] for event in daemon.events() if event["event"] == "reload_refused"]
        self.assertEqual(len(bad) + 1, len(refusals))
        self.assertIn("securelogind.toml:", refusals[0])
        self.log_in(daemon, user)

    def test_many_reloads_under_load_drop_no_login(self):
        daemon = self.start()
        users = [self.place.add_user(f"user{number}") for number in range(8)]
        codes = [user.next_code() for user in users]
        stop = threading.Event()

        def reload_on_and_on():
            while not stop.wait(0.01):
                daemon.signal(signal.SIGHUP)

        reloading = threading.Thread(target=reload_on_and_on)
        reloading.start()
        try:
            for user, code in zip(users, codes):
                client, _ = daemon.log_in(user, code)
                self.assertEqual(250, client.ask("WHOAMI").code)
                client.close()
        finally:
            stop.set()
            reloading.join()


class ServiceManager(TestCase):
    def test_readiness_reload_and_stop_are_told(self):
        path = self.place.root / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(path))
            manager.settimeout(PATIENCE)
            daemon = self.start(environment={"NOTIFY_SOCKET": str(path)})
            self.assertEqual(b"READY=1", manager.recv(4096).strip())
            self.connect(daemon).expect(220)  # ready is ready
            daemon.signal(signal.SIGHUP)
            self.assertTrue(manager.recv(4096).startswith(b"RELOADING=1"))
            self.assertEqual(b"READY=1", manager.recv(4096).strip())
            self.assertEqual(0, daemon.stop())
            self.assertTrue(manager.recv(4096).startswith(b"STOPPING=1"))

    def test_an_abstract_socket_will_do(self):
        name = f"securelogin-test-{time.monotonic_ns()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind("\0" + name)
            manager.settimeout(PATIENCE)
            self.start(environment={"NOTIFY_SOCKET": "@" + name})
            self.assertEqual(b"READY=1", manager.recv(4096).strip())

    def test_nobody_there_is_no_matter(self):
        for value in ("", "/nowhere/at/all", "x", "@", "/" + "x" * 300):
            with self.subTest(value):
                daemon = self.start(environment={"NOTIFY_SOCKET": value})
                self.assertEqual(0, daemon.stop())


if __name__ == "__main__":
    main()
