#!/usr/bin/env python3
"""The database is damaged while the daemon runs: pages of it or of its log overwritten, cut off, or the file emptied.

    corruption.py [--long] [--seed N] [--door web]

Whatever is left of it,
  - a wrong password, a wrong code and a used one get no yes; at the browsers' door a session that has ended gets none
    either, when a proxy asks whom to let in;
  - the daemon lives on; where a file that it has mapped was cut, the kernel may end it (SIGBUS);
  - with a backup back in place all is well again: the daemon starts, the audit verifies, a fresh code gets in, and the
    code that was used before the backup does not.
Pages are overwritten whole: what puts single numbers into a page unseen is no fault but somebody who can write the database,
and docs/security.md says what they can do.
"""
import argparse
import collections
import contextlib
import pathlib
import random
import shutil
import signal
import sqlite3
import sys
import tempfile

import guarded
from injector import code_of, wrong_code_for
from doors import CHOICE, GRANTED
from harness import PATIENCE, Daemon, Place, current_step

TRIALS, LONG_TRIALS = 24, 1000
PAGE = 4096
SETTINGS = "[waits]\nfree = 100\n[log]\nlevel = \"error\"\n" + guarded.SETTINGS


def overwrite(file, chance, octets_of):
    """Some pages, most of them or all but the first."""
    pages = max(1, file.stat().st_size // PAGE)
    share = chance.choice((0.1, 0.5, 1))
    with open(file, "r+b") as opened:
        for page in range(pages):
            if chance.random() < share:
                opened.seek(page * PAGE)
                opened.write(octets_of(PAGE))


def database_of(place):
    return place.database


def log_of(place):
    return pathlib.Path(f"{place.database}-wal")


DAMAGES = {
    "database of noise": lambda place, chance: overwrite(database_of(place), chance, chance.randbytes),
    "database of nothing": lambda place, chance: overwrite(database_of(place), chance, bytes),
    "log of noise": lambda place, chance: overwrite(log_of(place), chance, chance.randbytes),
    "log of nothing": lambda place, chance: overwrite(log_of(place), chance, bytes),
    "database cut": lambda place, chance: cut(database_of(place), chance),
    "log cut": lambda place, chance: cut(log_of(place), chance),
    "log emptied": lambda place, chance: log_of(place).write_bytes(b""),
    "database exchanged": lambda place, chance: exchange(database_of(place)),
}
CUTS = ("database cut",)  # what is mapped and no longer there: SIGBUS


def cut(file, chance):
    with open(file, "r+b") as opened:
        opened.truncate(chance.randrange(max(1, file.stat().st_size)))


def exchange(file):
    """By an empty database of somebody else's, under the same name."""
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE other (a)")


class Trial:
    def __init__(self, place, users, damage, chance, Door):
        self.place, self.users, self.damage, self.chance, self.Door = place, users, damage, chance, Door
        self.wrong = []
        self.ended = False
        self.old_token = None  # of a session that has ended

    def attempt(self, daemon, user, code):
        return self.Door(daemon).outcome(user.name, user.password, code)

    def use_up(self, daemon, user, code):
        """A code; and a session, where there is a token of it."""
        verdict = self.Door(daemon).attempt(user.name, user.password, code)
        if verdict.outcome != GRANTED:
            raise AssertionError(f"a login before the damage failed: {verdict}")
        if verdict.token is None:
            return
        if not guarded.lets_in(daemon, verdict.token):
            raise AssertionError("a session was refused before the damage")
        if not guarded.end_session(daemon, verdict.token):
            raise AssertionError("a session was not ended before the damage")
        self.old_token = verdict.token

    def run(self):
        step = current_step()  # a code stands until the end of the next: long enough
        spent, fresh = self.users
        backup = self.place.root / "backup.db"
        with Daemon(self.place, web=1) as daemon:
            self.use_up(daemon, spent, code_of(spent, step))
            self.back_up(backup)
            DAMAGES[self.damage](self.place, self.chance)
            self.check_wrong_ones(daemon, spent, fresh, step)
            self.attempt(daemon, fresh, code_of(fresh, step))
            self.check_wrong_ones(daemon, spent, fresh, step)
            self.check_life(daemon)
        self.restore(backup)
        with Daemon(self.place, web=1) as daemon:
            self.check_wrong_ones(daemon, spent, fresh, step)
            if (outcome := self.attempt(daemon, fresh, code_of(fresh, step))) != GRANTED:
                self.wrong.append(f"after the backup was restored a login was answered with {outcome}")
        verified = self.place.admin("audit", "verify", check=False)
        if verified.returncode != 0:
            self.wrong.append(f"audit verify: {verified.stdout}{verified.stderr}")
        return self.wrong

    def back_up(self, file):
        """And half of the time what has happened goes from the log to the database."""
        with contextlib.closing(sqlite3.connect(self.place.database, timeout=PATIENCE)) as database:
            with contextlib.closing(sqlite3.connect(file)) as copy:
                database.backup(copy)
            if self.chance.random() < 0.5:
                database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def restore(self, backup):
        for ending in ("-wal", "-shm"):
            pathlib.Path(f"{self.place.database}{ending}").unlink(missing_ok=True)
        shutil.copyfile(backup, self.place.database)
        self.place.database.chmod(0o600)

    def check_wrong_ones(self, daemon, spent, fresh, step):
        door = self.Door(daemon)
        for what, name, password, code in (
            ("a used code", spent.name, spent.password, code_of(spent, step)),
            ("a wrong code", fresh.name, fresh.password, wrong_code_for(fresh, step)),
            ("a wrong password", fresh.name, "not the password", code_of(fresh, step)),
            ("an unknown name", "nobody", "not the password", "000000"),
        ):
            if door.outcome(name, password, code) == GRANTED:
                self.wrong.append(f"a WRONG YES to {what}")
        if self.old_token and guarded.lets_in(daemon, self.old_token):
            self.wrong.append("a WRONG YES to a session that has ended")

    def check_life(self, daemon):
        code = daemon.process.poll()
        if code is None:
            return
        self.ended = True
        if self.damage not in CUTS or code != -signal.SIGBUS:
            self.wrong.append(f"the daemon ended with {code}: {daemon.stderr.text()[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help=f"{LONG_TRIALS} damages instead of {TRIALS}")
    parser.add_argument("--seed", type=int, default=None, help="of the damages; printed")
    parser.add_argument("--door", choices=CHOICE, default="line")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    trials = LONG_TRIALS if options.long else TRIALS
    failures, ended = 0, collections.Counter()
    with tempfile.TemporaryDirectory(prefix="securelogin-corruption-") as scratch:
        template = Place(pathlib.Path(scratch))
        template.write_settings(SETTINGS)
        users = [template.add_user(name) for name in ("spent", "fresh")]
        for number in range(trials):
            damage = list(DAMAGES)[number % len(DAMAGES)]
            with tempfile.TemporaryDirectory(prefix="securelogin-corruption-") as directory:
                place = Place(pathlib.Path(directory))
                place.write_settings(SETTINGS)
                shutil.copytree(template.data, place.data)
                trial = Trial(place, users, damage, chance, CHOICE[options.door])
                wrong = trial.run()
            ended[damage] += trial.ended
            failures += bool(wrong)
            for what in wrong:
                print(f"FAILURE trial {number}, {damage}: {what}", flush=True)
    print("daemon ended by SIGBUS:", dict(+ended))
    print(f"trials {trials}, failures {failures}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
