#!/usr/bin/env python3
"""Alarms: in the audit, in the log, and handed to the operator's command, whatever that does."""
import contextlib
import json
import os
import signal
import sqlite3

from doors import HOME, REFUSED, Line, at_each_door
from harness import BIN, TestCase, eventually, main, run


class AlarmsCase(TestCase):
    def hook(self, body):
        """A command that finds its directory in $1."""
        script = self.place.root / "hook"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o700)
        self.place.write_settings(f'[alarms]\ncommand = ["{script}", "{self.place.root}"]\n')
        return script

    def handed_over(self):
        try:
            return [json.loads(line) for line in (self.place.root / "seen").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def raise_one(self, door, user, source=HOME):
        self.assertEqual(REFUSED, door.attempt(user.name, user.password, user.wrong_code(), source).outcome)


@at_each_door
class FromEachDoor(AlarmsCase):
    def test_each_alarm_reaches_audit_log_and_command(self):
        self.hook('cat >> "$1/seen"')
        alice = self.place.add_user("alice")
        door = self.Door(self.start(web=1))
        used = alice.next_code()
        door.log_in(alice, used)
        self.raise_one(door, alice, "127.0.0.2")
        door.attempt("alice", alice.password, used, "127.0.0.3")
        door.attempt("alice", "not the password", used, "127.0.0.3")      # these raise none
        door.attempt("mallory", "not the password", "000000", "127.0.0.3")
        eventually(lambda: len(self.handed_over()) >= 2, "the command's lines")
        wanted = [("alarm.wrong-code", "127.0.0.2"), ("alarm.replayed-code", "127.0.0.3")]
        handed_over = self.handed_over()
        self.assertEqual(wanted, [(event["event"], event["source"]) for event in handed_over])
        for event in handed_over:
            self.assertEqual(("alice", "warning"), (event["user"], event["level"]))
            self.assertEqual({"time", "level", "event", "user", "source", "connection"} | set(door.LOG), set(event))
        logged = [event for event in door.daemon.events() if event["event"].startswith("alarm.")]
        self.assertEqual([door.LOG.get("door")] * 2, [event.get("door") for event in logged])
        self.assertEqual(wanted, [(event["event"], event["source"]) for event in logged])
        recorded = json.loads(self.place.admin("audit", "show", "--user", "alice", "--json").stdout)
        self.assertEqual(wanted, [(record["event"], record["source"]) for record in recorded if record["outcome"] == "raised"])
        self.assertEqual(0, door.daemon.stop())
        self.assertEqual(2, len(self.handed_over()))
        self.assertNotIn("alarm_command_failed", door.daemon.stderr.text())

    def test_the_end_of_the_codes_budget_is_an_alarm(self):
        self.hook('cat >> "$1/seen"')
        alice = self.place.add_user("alice")
        with contextlib.closing(sqlite3.connect(self.place.database)) as database, database:
            database.execute("UPDATE totp SET failures = 102")
        door = self.Door(self.start(web=1))
        self.raise_one(door, alice)
        event = door.daemon.wait_for_event("alarm.code-locked", user="alice")
        self.assertEqual("error", event["level"])
        self.assertEqual(0, door.daemon.stop())
        self.assertEqual(["alarm.code-locked"], [event["event"] for event in self.handed_over()])


class Alarms(AlarmsCase):
    def test_a_failing_command_is_logged_and_changes_nothing(self):
        script = self.hook("exit 7")
        alice = self.place.add_user("alice")
        daemon = self.start()
        self.raise_one(Line(daemon), alice, "127.0.0.2")
        failed = daemon.wait_for_event("alarm_command_failed")
        self.assertEqual((str(script), "it returned 7", "error"), (failed["command"], failed["error"], failed["level"]))
        daemon.log_in(alice)[0].close()
        self.assertEqual(0, daemon.stop())

    def test_a_command_that_hangs_holds_nobody_up(self):
        self.hook('echo started >> "$1/started"; sleep 600')
        alice = self.place.add_user("alice")
        daemon = self.start()
        for number in range(3):
            self.raise_one(Line(daemon), alice, f"127.0.0.{number + 2}")
        eventually((self.place.root / "started").exists, "the command")
        daemon.log_in(alice)[0].close()
        self.assertEqual(0, daemon.stop())  # and what hangs is killed soon after
        self.assertIn("it took too long", daemon.stderr.text())

    def test_alarms_that_were_raised_before_a_kill_are_still_handed_over(self):
        self.hook('read line; while ! test -e "$1/go"; do sleep 0.01; done; echo "$line" >> "$1/seen"')
        alice = self.place.add_user("alice")
        daemon = self.start()
        self.raise_one(Line(daemon), alice, "127.0.0.2")
        self.raise_one(Line(daemon), alice, "127.0.0.3")
        daemon.kill()
        (self.place.root / "go").touch()
        eventually(lambda: len(self.handed_over()) == 2, "the alarms that waited")

    def test_signals_to_the_group_do_not_end_the_commands_process(self):
        """As Ctrl-C on a terminal sends them."""
        self.hook('cat >> "$1/seen"')
        alice = self.place.add_user("alice")
        daemon = self.start(before_start=os.setpgrp)
        self.raise_one(Line(daemon), alice)
        os.killpg(daemon.pid, signal.SIGINT)
        self.assertEqual(0, daemon.wait())
        self.assertEqual(1, len(self.handed_over()))

    def test_an_unsafe_command_is_refused_at_the_start(self):
        script = self.hook("exit 0")
        script.chmod(0o722)
        for words in (("--check",), ("--listen", "127.0.0.1:0")):
            done = run(BIN / "securelogind", "--data", self.place.data, "--config", self.place.settings_file, *words, check=False,
                       env=self.place.environment)
            self.assertEqual(78, done.returncode)
            self.assert_one_line_error(done, "securelogind", r"alarms\.command", "others can change it")


if __name__ == "__main__":
    main()
