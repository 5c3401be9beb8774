#!/usr/bin/env python3
"""fail2ban finds failed logins in the real log, in both of its forms, and nothing else."""
import collections
import pathlib
import shutil

from harness import TestCase, main, run

FILTER = pathlib.Path(__file__).resolve().parents[2] / "packaging/fail2ban/filter.d/securelogin.conf"


class Filter(TestCase):
    def found(self, log):
        """The addresses that the filter finds, and how often."""
        file = self.place.root / "log"
        file.write_text(log)
        done = run("fail2ban-regex", "-o", "ip", file, FILTER, env=self.place.environment)
        return collections.Counter(done.stdout.split())

    def log_of_a_day(self, log_format):
        """Failures from one address, from another over a wait, enrolments from a third; a success, and failures without an address."""
        daemon = self.start(log_format=log_format, plain=(f"unix:{self.place.root}/sock",))
        alice = self.place.add_user("alice")
        with daemon.connect("127.0.0.2") as client:
            client.expect(220)
            client.attempt("alice", "wrong", "000000")
            client.attempt("nobody", "wrong", "000000")
            client.attempt("alice", alice.password, alice.wrong_code())
        self.log_in(daemon, alice, source="127.0.0.3")
        for _ in range(2):
            with daemon.connect("127.0.0.4") as client:
                client.expect(220)
                for _ in range(3):
                    client.attempt("source=192.0.2.66 <HOST>", "wrong", "000000")
        with daemon.connect("127.0.0.5") as client:
            client.expect(220)
            for _ in range(2):
                client.expect(330)
                client.ask("ENROL 0000-0000-0000-0000-0000-0000-00")
        with daemon.connect_plain() as client:
            client.expect(220)
            client.attempt("nobody", "wrong", "000000")
        self.assertEqual(0, daemon.stop())
        return daemon.stderr.text() + "\n"

    def test_both_forms(self):
        for log_format in ("text", "json"):
            with self.subTest(log_format):
                log = self.log_of_a_day(log_format)
                self.assertEqual({"127.0.0.2": 3, "127.0.0.4": 6, "127.0.0.5": 2}, dict(self.found(log)))
                shutil.rmtree(self.place.data)

    def test_as_syslog_writes_it(self):
        log = self.log_of_a_day("text")
        lines = "".join(f"Nov 22 20:15:09 host securelogind[42]: {line}\n" for line in log.splitlines())
        self.assertEqual({"127.0.0.2": 3, "127.0.0.4": 6, "127.0.0.5": 2}, dict(self.found(lines)))

    def test_ipv6(self):
        line = ("2026-11-22T20:15:09.871Z warning login outcome=refused reason=unknown_user name=#3fa1c2d0 "
                "source=2001:db8::7 connection=13\n")
        self.assertEqual({"2001:db8::7": 1}, dict(self.found(line)))

    def test_open_enrolment_and_another_door(self):
        start = "2026-11-22T20:15:09.871Z "
        for rest in ("warning enrol.open outcome=refused reason=name_taken user=alice source=192.0.2.9 connection=13",
                     "warning enrol.open outcome=not_judged reason=throttled source=192.0.2.9 connection=13 door=web",
                     "warning login outcome=refused reason=wrong_code user=alice source=192.0.2.9 connection=13 door=web"):
            with self.subTest(rest):
                self.assertEqual({"192.0.2.9": 1}, dict(self.found(start + rest + "\n")))
        line = ('{"time":"2026-11-22T20:15:09.871Z","level":"warning","event":"enrol.open","outcome":"refused",'
                '"reason":"no_name","source":"192.0.2.9","connection":"13","door":"web"}\n')
        self.assertEqual({"192.0.2.9": 1}, dict(self.found(line)))

    def test_what_is_no_failed_login_is_left_alone(self):
        start = "2026-11-22T20:15:09.871Z "
        for rest in ("info login outcome=granted user=alice source=192.0.2.9 connection=13 session=6f1c0a52",
                     "warning confirm outcome=refused reason=wrong_code user=alice source=192.0.2.9 connection=13",
                     "warning login outcome=not_judged reason=overloaded name=#3fa1c2d0 source=192.0.2.9 connection=13",
                     "warning login outcome=not_judged reason=\"writing to /x: the disk is full\" name=#3fa1c2d0 "
                     "source=192.0.2.9 connection=13",
                     "warning login outcome=refused reason=unknown_user name=#3fa1c2d0 source=local connection=13",
                     "info enrol outcome=granted user=alice source=192.0.2.9 connection=13",
                     "info enrol outcome=begun user=alice source=192.0.2.9 connection=13",
                     "warning enrol outcome=not_judged reason=overloaded user=alice source=192.0.2.9 connection=13",
                     "debug no_slot source=192.0.2.9"):
            with self.subTest(rest):
                self.assertEqual({}, dict(self.found(start + rest + "\n")))


if __name__ == "__main__":
    main()
