#!/usr/bin/env python3
"""The daemon confines itself, and serves on: logins, reloads, renewals, and other programs at the same database."""
import contextlib
import os
import pathlib
import signal
import socket
import sqlite3
import unittest

from harness import TestCase, main, run

NOBODY = 65534


def status(pid, thread=None):
    path = f"/proc/{pid}/status" if thread is None else f"/proc/{pid}/task/{thread}/status"
    with open(path) as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


class Confined(TestCase):
    def reload(self, daemon, event):
        count = len([e for e in daemon.events() if e["event"] == event])
        daemon.signal(signal.SIGHUP)
        daemon.stderr.wait_for(lambda _: len([e for e in daemon.events() if e["event"] == event]) > count, event)
        return [e for e in daemon.events() if e["event"] == event][-1]

    def test_every_thread_is(self):
        daemon = self.start()
        confined = daemon.wait_for_event("confined")
        self.assertRegex(confined["by"], r"\Alandlock \d+, seccomp\Z")
        threads = os.listdir(f"/proc/{daemon.pid}/task")
        self.assertGreaterEqual(len(threads), 4)
        for thread in threads:
            with self.subTest(status(daemon.pid, thread)["Name"]):
                self.assertEqual(("1", "2"), (status(daemon.pid, thread)["NoNewPrivs"], status(daemon.pid, thread)["Seccomp"]))

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_nobody_can_look_into_it(self):
        """Not dumpable: what /proc shows of it belongs to root (proc(5)), though the process does not."""
        self.place.root.chmod(0o755)
        self.place.data.mkdir(0o700)
        os.chown(self.place.data, NOBODY, NOBODY)
        daemon = self.start()
        self.assertEqual([str(NOBODY)] * 4, status(daemon.pid)["Uid"].split())
        self.assertEqual(0, os.stat(f"/proc/{daemon.pid}/mem").st_uid)
        self.assertEqual("0000000000000000", status(daemon.pid)["CapEff"])
        as_nobody = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")
        self.assertNotEqual(0, run(*as_nobody, "cat", f"/proc/{daemon.pid}/environ", check=False).returncode)

    def test_it_serves_on(self):
        self.place.write_settings('name = "first.example.net"\n')
        daemon = self.start(plain=(f"unix:{self.place.root}/sock",))
        alice = self.place.add_user("alice")
        client = self.log_in(daemon, alice)
        self.assertEqual(250, client.ask("WHOAMI").code)
        # A certificate of another name is made anew, in the data directory.
        self.place.write_settings('name = "second.example.net"\n')
        self.reload(daemon, "reloaded")
        self.assertEqual(2, len([e for e in daemon.events() if e["event"] == "certificate_made"]))
        self.assertTrue(self.connect(daemon).read_reply().text.startswith("second.example.net "))
        # The WAL goes into the database by another's hand, and is begun anew.
        database = sqlite3.connect(self.place.database)
        self.assertEqual(0, database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        database.close()
        self.log_in(daemon, alice)
        self.assertEqual(230, self.connect_plain(daemon).log_in(self.place.add_user("bob")).code)
        self.assertEqual(0, daemon.stop())
        self.assertFalse((self.place.root / "sock").exists())

    def test_the_wal_is_written_back_and_the_daemon_stops_cleanly(self):
        daemon = self.start()
        for number in range(120):
            with daemon.connect(f"127.1.0.{number + 1}") as client:
                client.expect(220)
                for _ in range(3):
                    client.attempt(f"nobody{number}", "x", "y")
        self.assertEqual([], [e for e in daemon.events() if e["level"] == "error"])
        self.assertEqual(0, daemon.stop())
        self.assertFalse(pathlib.Path(f"{self.place.database}-wal").exists(), "the last one out has cleaned up")
        self.assertEqual([(360,)], self.place.query("SELECT COUNT(*) FROM audit WHERE event = 'login'"))

    def test_settings_that_lead_elsewhere_are_refused_until_a_restart(self):
        elsewhere = self.place.root / "elsewhere"
        settings = self.place.root / "settings"
        elsewhere.mkdir()
        settings.mkdir()
        key, certificate = elsewhere / "key.pem", elsewhere / "cert.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
            certificate, "-days", "30", "-subj", "/CN=elsewhere")
        key.chmod(0o600)
        self.place.settings_file = settings / "securelogind.toml"
        self.place.write_settings("")
        daemon = self.start()
        self.place.write_settings(f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
        refusal = self.reload(daemon, "reload_refused")
        self.assertIn(f"{certificate}: ", refusal["error"])
        self.assertIn("restart it", refusal["error"])
        self.connect(daemon).expect(220)
        self.assertEqual(0, daemon.stop())
        self.connect(self.start()).expect(220)

    def test_off(self):
        self.place.write_settings('[process]\nconfine = "off"\n')
        daemon = self.start()
        self.assertEqual("warning", daemon.wait_for_event("not_confined")["level"])
        self.assertEqual(("1", status(os.getpid())["Seccomp"]), (status(daemon.pid)["NoNewPrivs"], status(daemon.pid)["Seccomp"]))

    def test_required(self):
        self.place.write_settings('[process]\nconfine = "required"\n')
        self.start().wait_for_event("confined")


def free_privileged_port():
    for port in range(1023, 600, -1):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("all ports below 1024 are taken")


@unittest.skipIf(os.geteuid() != 0, "needs root")
class RootThatStays(TestCase):
    """The data directory belongs to root: the daemon stays root, and has nothing of root's but its files."""

    NONE = "0000000000000000"

    def test_no_thread_has_a_capability(self):
        port = free_privileged_port()
        self.place.write_settings('name = "first.example.net"\n[metrics]\nlisten = "127.0.0.1:0"\n')
        daemon = self.start(listen=(f"127.0.0.1:{port}",), plain=(f"unix:{self.place.root}/sock",))
        self.assertEqual(port, daemon.port)
        threads = os.listdir(f"/proc/{daemon.pid}/task")
        self.assertGreaterEqual(len(threads), 4)
        for thread in threads:
            of = status(daemon.pid, thread)
            self.assertEqual(["0"] * 4, of["Uid"].split())
            self.assertEqual([self.NONE] * 5, [of[f"Cap{which}"] for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")], of["Name"])

        alice = self.place.add_user("alice")
        self.log_in(daemon, alice)
        # What it does later it can still do: renew its certificate, and clean up.
        self.place.write_settings('name = "second.example.net"\n')
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_event("reloaded")
        self.assertTrue(self.connect(daemon).read_reply().text.startswith("second.example.net "))
        self.assertEqual(0, daemon.stop())
        self.assertFalse((self.place.root / "sock").exists())


@unittest.skipIf(os.geteuid() != 0, "needs root")
class User(TestCase):
    def test_root_is_told_what_to_do(self):
        daemon = self.start()
        warning = daemon.wait_for_event("running_as_root")
        self.assertEqual("warning", warning["level"])
        self.assertIn(f"chown -R securelogin: {self.place.data}", warning["remedy"])
        self.assertEqual(1, len([e for e in daemon.events() if e["event"] == "running_as_root"]))

    def test_root_becomes_the_user_of_the_settings(self):
        self.place.root.chmod(0o755)
        self.place.write_settings('[process]\nuser = "nobody"\n')
        self.place.settings_file.chmod(0o644)
        alice = self.place.add_user("alice")  # makes the directory, and gives it away
        daemon = self.start()
        self.log_in(daemon, alice)
        self.assertEqual([str(NOBODY)] * 4, status(daemon.pid)["Uid"].split())
        self.assertEqual({NOBODY}, {path.stat().st_uid for path in [self.place.data, *self.place.data.rglob("*")]})
        self.assertNotIn("running_as_root", daemon.stderr.text())
        self.reload(daemon)

    def reload(self, daemon):
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_event("reloaded")

    def test_a_directory_of_somebody_else_is_refused(self):
        self.place.add_user("alice")
        self.place.write_settings('[process]\nuser = "nobody"\n')
        with self.assertRaises(AssertionError) as failed:
            self.start()
        self.assertRegex(str(failed.exception), r"process\.user is \"nobody\": chown -R nobody: ")


class ServiceManagersKey(TestCase):
    def test_the_key_comes_from_the_service_manager(self):
        """As LoadCredential= of a unit has it; no key lies in the data directory."""
        alice = self.place.add_user("alice")
        credentials = self.place.root / "credentials"
        credentials.mkdir(0o700)
        (self.place.data / "master.key").rename(credentials / "securelogin-master-key")
        environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
        daemon = self.start(environment=environment)
        self.log_in(daemon, alice)
        self.assertFalse((self.place.data / "master.key").exists())
        self.reload(daemon)
        self.assertEqual(0, daemon.stop())
        self.place.environment |= environment
        self.place.add_user("bob")
        (credentials / "securelogin-master-key").chmod(0o444)
        self.assertIn("chmod 600", self.place.admin("user", "list", check=False).stderr)

    def reload(self, daemon):
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_event("reloaded")


if __name__ == "__main__":
    main()
