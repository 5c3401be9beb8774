#!/usr/bin/env python3
"""Power loss at any moment of a small installation's life: what was not synced is dropped, in whole or in part.

    power_loss.py [--long] [--seed N] [--cuts N] [--door web]

A first start, enrolments with the daemon running and stopped, logins at the same time, changes by an administrator, a
checkpoint of the WAL, stops of either kind and a sync that fails are recorded, write by write and sync by sync (write_recorder.hpp).  Then, for
moments in between, the disk is laid out as a power loss might have left it (disk_model.py), and the real programs are
started on it:
  - the daemon starts, with the certificate that it has shown;
  - what was acknowledged is there: users, sessions, spent steps, changes;
  - the database is whole, and the audit verifies;
  - a code that was accepted is refused, and the next one is not.
At the end the same with all syncs ignored, which must lose something: what finds nothing there finds nothing elsewhere.
"""
import argparse
import collections
import contextlib
import errno
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

from disk_model import MARK, SYNC_END, Disk, Loss, Recorder
from injector import LIBRARY, Injector, code_of
from doors import CHOICE, GRANTED, LATER
from harness import BIN, STEP, Daemon, Place, current_step, keep_clear_of_the_next_step, run

SHARES = (0, 0, 0.1, 0.5, 0.9, 1)  # of what was not synced, that is kept
SECTORS = (512, 4096)
REPLAYS_EVERY = 8  # cuts
CHANGED = ("carol", "dave")  # by an administrator, at some moment of the story
PASSWORD = "seventeen purple lampposts"
CHECKPOINT = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1], timeout=30).execute('PRAGMA wal_checkpoint(RESTART)').fetchall())"


class Story:
    """What happens, recorded, and the facts that somebody was told of."""

    def __init__(self, root, Door):
        self.Door = Door
        self.disk = root / "disk"
        self.disk.mkdir(mode=0o700)
        self.recorder = Recorder(root, LIBRARY)
        self.place = Place(root)
        self.place.data = self.disk / "state" / "securelogin"
        self.place.environment |= self.recorder.environment
        self.facts = []
        self.users = {}
        self.epochs = collections.Counter()  # how often the password was set anew (schema.sql)
        self.lock = threading.Lock()

    def told(self, **fact):
        with self.lock:
            self.facts.append(fact)
            self.recorder.mark(str(len(self.facts) - 1))

    def add_user(self, name):
        self.users[name] = self.place.add_user(name, password=PASSWORD)
        self.told(what="user", name=name)

    def log_in(self, daemon, name, step):
        user = self.users[name]
        verdict = self.Door(daemon).log_in(user, code_of(user, step))
        self.told(what="login", name=name, session=verdict.session_in(self.place), step=step, epoch=self.epochs[name])

    def all_log_in(self, daemon, names, step):
        """At the same time: several in one commit."""
        threads = [threading.Thread(target=self.log_in, args=(daemon, name, step)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def tell(self):
        """All of it."""
        keep_clear_of_the_next_step(25)
        self.step = step = current_step()
        self.enrol_and_change(step)
        self.add_user("erin")  # nobody else has the database open: its WAL is written back and removed
        self.add_user("frank")
        with self.started() as daemon:
            self.all_log_in(daemon, ("erin", "frank", "alice"), step)
            run(sys.executable, "-c", CHECKPOINT, self.place.database, env=self.place.environment)
            self.all_log_in(daemon, ("bob", "carol"), step)
        self.fail_a_sync(step)

    @contextlib.contextmanager
    def started(self, environment=()):
        """Killed at the end, where it has not stopped."""
        with Daemon(self.place, web=1, environment=environment) as daemon:
            self.told(what="certificate", fingerprint=daemon.fingerprint)
            yield daemon

    def enrol_and_change(self, step):
        with self.started() as daemon:
            for name in ("alice", "bob", "carol", "dave"):
                self.add_user(name)
            self.all_log_in(daemon, ("alice", "bob", "carol", "dave"), step - 1)
            for name in ("alice", "nobody"):
                self.Door(daemon).attempt(name, "not the password", "000000")
            self.place.admin("user", "disable", "dave")
            self.told(what="disabled", name="dave")
            self.place.admin("user", "passwd", "carol", "--password-stdin", stdin="eighteen orange lampposts\n")
            self.users["carol"].password = "eighteen orange lampposts"
            self.epochs["carol"] += 1
            self.told(what="password", name="carol", epoch=self.epochs["carol"])
            if daemon.stop() != 0:
                raise AssertionError(daemon.stderr.text())

    def fail_a_sync(self, step):
        """What was written and not synced before it is gone; what is acknowledged after it does not stand on that."""
        injector = Injector(self.place.root)
        with self.started(injector.environment) as daemon:
            self.add_user("grace")
            self.add_user("henry")
            grace = self.users["grace"]
            with self.Door(daemon).begin(grace.name, grace.password) as login:
                injector.arm("sync", first=1, times=1, error=errno.EIO)
                login.send(code_of(grace, step))
                outcome = login.verdict().outcome
            if injector.disarm() != 1 or outcome != LATER:
                raise AssertionError(f"a login whose commit could not be synced was answered with {outcome}")
            self.log_in(daemon, "henry", step)
            self.log_in(daemon, "grace", step)


class Survivor:
    """A data directory as the power loss left it, and what is wrong with it."""

    def __init__(self, root, facts):
        self.place = Place(root)
        self.place.data = root / "disk" / "state" / "securelogin"
        self.facts = facts
        self.wrong = []

    def of(self, what):
        return [fact for fact in self.facts if fact["what"] == what]

    def check(self):
        try:
            with Daemon(self.place) as daemon:
                seen = daemon.fingerprint
        except AssertionError as error:
            self.wrong.append(f"the daemon does not start: {error}")
            return
        if any(fact["fingerprint"] != seen for fact in self.of("certificate")):
            self.wrong.append("another certificate")
        try:
            self.check_rows()
        except sqlite3.Error as error:
            self.wrong.append(f"the database cannot be read: {error}")
        verified = self.place.admin("audit", "verify", check=False)
        if verified.returncode != 0:
            self.wrong.append(f"audit verify: {verified.stdout}{verified.stderr}")

    def check_rows(self):
        query = self.place.query
        if (found := query("PRAGMA integrity_check")) != [("ok",)]:
            self.wrong.append(f"integrity_check: {found}")
        users = {row[0]: row[1:] for row in query("SELECT name, id, state, password_epoch FROM users")}
        steps = dict(query("SELECT name, last_step FROM totp JOIN users ON id = user_id"))
        for fact in self.facts:
            if "name" in fact and fact["name"] not in users:
                self.wrong.append(f"lost: {fact}")
            elif fact["what"] == "login":
                self.check_login(fact, users[fact["name"]], steps[fact["name"]])
            elif fact["what"] == "disabled" and users[fact["name"]][1] != "disabled":
                self.wrong.append(f"lost: {fact}")
            elif fact["what"] == "password" and users[fact["name"]][2] < fact["epoch"]:
                self.wrong.append(f"lost: {fact}")

    def check_login(self, fact, row, last_step):
        user, state, epoch = row
        changed = state == "disabled" or epoch > fact["epoch"]  # either ends the sessions
        granted = self.place.query("SELECT count(*) FROM audit WHERE user_id = ? AND event = 'login' AND outcome = 'granted'",
                                   user)[0][0]
        told = sum(other["name"] == fact["name"] for other in self.of("login"))
        session = self.place.query("SELECT 1 FROM sessions WHERE user_id = ? AND id = ?", user, fact["session"])
        if last_step < fact["step"] or granted < told or not (session or changed):
            self.wrong.append(f"lost: {fact}")

    def check_codes(self, users, step, Door):
        """At the story's time: the codes that it has used, and the next ones."""
        injector = Injector(self.place.root)
        injector.clock_offset = step * STEP + 5 - int(time.time())
        with Daemon(self.place, web=1, environment=injector.environment) as daemon:
            door = Door(daemon)
            for fact in self.of("login"):
                user = users[fact["name"]]
                if door.attempt(user.name, user.password, code_of(user, fact["step"])).outcome == GRANTED:
                    self.wrong.append(f"accepted again: {fact}")
            for fact in [fact for fact in self.of("user") if fact["name"] not in CHANGED][-1:]:
                user = users[fact["name"]]
                outcome = door.attempt(user.name, user.password, code_of(user, step + 1)).outcome
                if outcome != GRANTED:
                    self.wrong.append(f"the next login of {user.name} was answered with {outcome}")


def positions(records, chance, count, long):
    """Where to cut: behind so many records."""
    if long:
        return sorted([*range(len(records) + 1)] * 2)
    # The moments before a sync ends and after somebody was told are the ones that matter most.
    telling = [number + 1 for number, record in enumerate(records) if record.deed == MARK]
    ending = [number for number, record in enumerate(records) if record.deed == SYNC_END]
    anywhere = range(len(records) + 1)
    return sorted(chance.choice(chance.choice((telling, ending, anywhere))) for _ in range(count))


def facts_by(records, cut, facts):
    return [facts[int(record.first)] for record in records[:cut] if record.deed == MARK]


def survive(disk, loss, facts, story, codes):
    """What is wrong afterwards."""
    with tempfile.TemporaryDirectory(prefix="securelogin-power-") as scratch:
        root = pathlib.Path(scratch)
        (root / "disk").mkdir(mode=0o700)
        disk.lay_out(root / "disk", loss)
        survivor = Survivor(root, facts)
        survivor.check()
        if codes and not survivor.wrong:
            survivor.check_codes(story.users, story.step, story.Door)
        return survivor.wrong


def try_cuts(story, records, inode, cuts, chance):
    failures = 0
    disk, taken = Disk(story.disk, inode), 0
    for number, cut in enumerate(cuts, 1):
        for record in records[taken:cut]:
            disk.take(record)
        taken = cut
        loss = Loss(chance.choice(SHARES), chance, chance.choice(SECTORS))
        state = chance.getstate()
        wrong = survive(disk, loss, facts_by(records, cut, story.facts), story, number % REPLAYS_EVERY == 0)
        if wrong:
            failures += 1
            print(f"FAILURE cut {cut}, kept {loss.share}, sector {loss.sector}:", *wrong, sep="\n    ", flush=True)
            keep_for_a_look(disk, loss, state, cut)
        if number % 500 == 0:
            print(f"{number} cuts, {failures} failures", flush=True)
    return failures


def keep_for_a_look(disk, loss, state, cut):
    """Only where somebody has asked for it: SECURELOGIN_KEEP names a directory."""
    if not (wanted := os.environ.get("SECURELOGIN_KEEP")):
        return
    target = pathlib.Path(wanted) / f"cut-{cut}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    loss.chance.setstate(state)
    disk.lay_out(target, loss)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="at every record, twice")
    parser.add_argument("--seed", type=int, default=None, help="of the choice of moments and of what is lost; printed")
    parser.add_argument("--cuts", type=int, default=200, help="of the short form")
    parser.add_argument("--door", choices=CHOICE, default="line")
    options = parser.parse_args()
    if not LIBRARY.exists():
        sys.exit(f"power_loss: {LIBRARY} is not there: build it, or set SECURELOGIN_INJECTOR")
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="securelogin-story-") as scratch:
        story = Story(pathlib.Path(scratch).resolve(), CHOICE[options.door])
        inode = story.disk.stat().st_ino
        story.tell()
        records = story.recorder.read()
        syncs = sum(record.deed == SYNC_END for record in records)
        print(f"{len(records)} records, {syncs} syncs, {len(story.facts)} facts told", flush=True)
        cuts = positions(records, chance, options.cuts, options.long)
        failures = try_cuts(story, records, inode, cuts, chance)
        blind = Disk(story.disk, inode, blind=True)
        for record in records:
            blind.take(record)
        if not survive(blind, Loss(0, chance), story.facts, story, False):
            failures += 1
            print("FAILURE with all syncs ignored nothing was lost: this test is blind")
    print(f"trials {len(cuts)}, failures {failures}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
