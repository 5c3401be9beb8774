#!/usr/bin/env python3
"""The audit of a running daemon: complete, chained across programs and restarts, and no tampering goes unseen."""
import contextlib
import json
import shutil
import sqlite3
import threading

from doors import at_each_door
from harness import PATIENCE, TestCase, main

UNGUARD = """DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_deleted;
             DROP TRIGGER audit_head_only_grows; DROP TRIGGER audit_head_is_never_deleted;"""


class Audit(TestCase):
    def tamper(self, script):
        """As whoever can write the file may."""
        with contextlib.closing(sqlite3.connect(self.place.database, timeout=PATIENCE)) as database:
            database.executescript(UNGUARD + script)

    def verify(self, *words):
        """The exit code and what was found."""
        done = self.place.admin("audit", "verify", "--json", *words, check=False)
        return done.returncode, json.loads(done.stdout)

    def checkpoint(self, daemon, reason):
        return daemon.wait_for_event("audit_checkpoint", reason=reason)["checkpoint"]

    def events(self):
        return [json.loads(line) for line in self.place.admin("audit", "export").stdout.splitlines()]

    def have_some_history(self):
        """Ten records and more, by two programs and two runs."""
        users = [self.place.add_user(f"user{number}") for number in range(3)]
        for _ in range(2):
            daemon = self.start()
            self.checkpoint(daemon, "start")
            for user in users:
                self.log_in(daemon, user).close()
            self.assertEqual(0, daemon.stop())
        return daemon

    def test_every_run_leaves_a_chain_with_checkpoints_in_the_log(self):
        daemon = self.have_some_history()
        code, findings = self.verify()
        self.assertEqual((0, True), (code, findings["intact"]), findings)
        self.assertEqual(["audit.checkpoint", "login", "login", "login", "audit.checkpoint"] * 2,
                         [record["event"] for record in self.events()[3:]])
        self.assertEqual(13, findings["records"])
        for reason in ("start", "stop"):
            self.assertEqual(0, self.verify("--checkpoint", self.checkpoint(daemon, reason))[0])
        self.assertEqual(findings["checkpoint"], self.checkpoint(daemon, "stop"))

    def test_daemon_and_administrator_write_one_chain(self):
        daemon = self.start()
        users = [self.place.add_user(f"user{number}") for number in range(4)]
        failed = []

        def log_in(user):
            try:
                daemon.log_in(user)[0].close()
            except Exception as error:  # told by the test, not by a thread
                failed.append(error)

        threads = [threading.Thread(target=log_in, args=(user,)) for user in users]
        for thread in threads:
            thread.start()
        for number in range(6):
            self.place.admin("user", ("disable", "enable")[number % 2], "user0", check=False)
            self.assertEqual(0, self.verify()[0], "also while it is written")
        for thread in threads:
            thread.join()
        self.assertLessEqual(len(failed), 1, "user0 may have been disabled at the wrong moment")
        code, findings = self.verify()
        self.assertEqual((0, True), (code, findings["intact"]), findings)

    def test_a_kill_leaves_a_chain(self):
        user = self.place.add_user("alice")
        daemon = self.start()
        self.log_in(daemon, user)
        daemon.kill()
        daemon = self.start()
        self.log_in(daemon, user)
        daemon.kill()
        self.assertEqual(0, self.verify()[0])

    def test_tampering_is_found_and_the_first_bad_record_named(self):
        self.have_some_history()
        for name, script, record in (
                ("a refusal made a success", "UPDATE audit SET outcome = 'refused' WHERE id = 6", 6),
                ("an address changed", "UPDATE audit SET source = '192.0.2.1' WHERE id = 7", 7),
                ("a time changed", "UPDATE audit SET at = at - 86400 WHERE id = 9", 9),
                ("one dropped", "DELETE FROM audit WHERE id = 5", 5),
                ("one dropped, the rest moved up", "DELETE FROM audit WHERE id = 5; UPDATE audit SET id = id - 1 WHERE id > 5", 5),
                ("two reordered", "UPDATE audit SET id = 99 WHERE id = 6; UPDATE audit SET id = 6 WHERE id = 8;"
                                  "UPDATE audit SET id = 8 WHERE id = 99", 6),
                ("one forged at the end", "INSERT INTO audit SELECT 14, at, event, outcome, reason, user_id, name_key, source, device, mac"
                                          " FROM audit WHERE id = 13", 14),
                ("the end cut off", "DELETE FROM audit WHERE id > 10", 11),
                ("the end cut off, the head made to fit", "DELETE FROM audit WHERE id > 10; UPDATE audit_head SET last_id = 10,"
                                                          " last_mac = (SELECT mac FROM audit WHERE id = 10)", 11),
                ("everything gone", "DELETE FROM audit; DELETE FROM audit_head", 1)):
            with self.subTest(name):
                kept = self.place.root / "kept"
                shutil.copytree(self.place.data, kept)
                self.tamper(script)
                code, findings = self.verify()
                self.assertEqual((1, False, record), (code, findings["intact"], findings["first_bad_record"]), findings)
                done = self.place.admin("audit", "verify", check=False)
                self.assertEqual(1, done.returncode)
                self.assert_one_line_error(done, "securelogin-admin", "verifying the audit", str(record))
                shutil.rmtree(self.place.data)
                kept.rename(self.place.data)

    def test_a_head_that_is_not_ours_refuses_logins_and_nothing_covers_it_up(self):
        """Under the running daemon: what cannot be recorded is refused."""
        user = self.place.add_user("alice")
        daemon = self.start()
        self.checkpoint(daemon, "start")
        self.tamper("DELETE FROM audit WHERE id > 1; UPDATE audit_head SET last_id = 1, last_mac = (SELECT mac FROM audit)")
        with daemon.connect() as client:
            client.expect(220)
            self.assertEqual(450, client.attempt(user.name, user.password, user.next_code()).code)
        refused = daemon.wait_for_event("login", outcome="not_judged")
        self.assertIn("the end of the audit has been tampered with", refused["reason"])
        daemon.stop()
        self.assertTrue(daemon.wait_for_event("audit_checkpoint_failed"))
        code, findings = self.verify()
        self.assertEqual((1, 2), (code, findings["first_bad_record"]))

    def test_a_directory_put_back_shows_by_the_logs_checkpoint(self):
        user = self.place.add_user("alice")
        daemon = self.start()
        self.assertEqual(0, daemon.stop())
        old = self.place.root / "old"
        shutil.copytree(self.place.data, old)
        daemon = self.start()
        self.log_in(daemon, user).close()
        self.assertEqual(0, daemon.stop())
        seen = self.checkpoint(daemon, "stop")
        shutil.rmtree(self.place.data)
        old.rename(self.place.data)
        self.assertEqual(0, self.verify()[0], "the chain alone cannot show it")
        code, findings = self.verify("--checkpoint", seen)
        self.assertEqual((1, False), (code, findings["intact"]), findings)
        self.assertIn("put back", findings["what"])


@at_each_door
class EachAttempt(TestCase):
    def test_has_a_record_and_an_event(self):
        self.place.write_settings("[waits]\nfree = 1\nfirst = 600\n")
        alice, bob = self.place.add_user("alice"), self.place.add_user("bob")
        self.place.admin("user", "disable", "bob")
        door = self.Door(self.start(web=1))
        used = alice.next_code()
        rows = (("alice", alice.password, used, "granted", None, "alice"),
                ("alice", alice.password, used, "refused", "replayed_code", "alice"),
                ("alice", alice.password, alice.wrong_code(), "refused", "wrong_code", "alice"),
                ("alice", "wrong", alice.next_code(), "refused", "wrong_password", "alice"),
                ("bob", bob.password, bob.next_code(), "refused", "disabled", "bob"),
                ("nobody", "wrong", "000000", "refused", "unknown_user", None))
        for number, (name, password, code, *_) in enumerate(rows):
            door.attempt(name, password, code, f"127.0.1.{number}")
        wanted = [(outcome, reason, user, f"127.0.1.{number}") for number, (*_, outcome, reason, user) in enumerate(rows)]
        recorded = json.loads(self.place.admin("audit", "show", "--json").stdout)
        logged = door.daemon.events()
        for what, events in (("audit", recorded), ("log", logged)):
            self.assertEqual(wanted, [(event["outcome"], event.get("reason") or None, event.get("user", event.get("username")), event["source"])
                                      for event in events if event["event"] == "login"], what)
        self.assertEqual({door.LOG.get("door")}, {event.get("door") for event in logged if event["event"] == "login"})


if __name__ == "__main__":
    main()
