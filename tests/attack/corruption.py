#!/usr/bin/env python3
"""The database is damaged while the daemon runs: pages of it or of its log overwritten, cut off, or the file emptied.

    corruption.py [--long] [--seed N]

Whatever is left of it,
  - a wrong password, a wrong code and a used one get no yes;
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
import ssl
import sys
import tempfile

from injector import code_of, wrong_code_for
from harness import PATIENCE, TLS, Client, Closed, Daemon, Place, connect_tcp, current_step

TRIALS, LONG_TRIALS = 24, 1000
PAGE = 4096
SETTINGS = "[waits]\nfree = 100\n[log]\nlevel = \"error\"\n"


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
    def __init__(self, place, users, damage, chance):
        self.place, self.users, self.damage, self.chance = place, users, damage, chance
        self.wrong = []
        self.ended = False

    def attempt(self, daemon, name, password, code):
        try:
            tcp = connect_tcp(daemon.port)
            tcp.settimeout(PATIENCE)
            with contextlib.closing(tcp), Client(TLS.wrap_socket(tcp, server_hostname="localhost")) as client:
                client.expect(220)
                return client.attempt(name, password, code).code
        except AssertionError:
            return 421
        except (Closed, OSError, ssl.SSLError, ValueError):
            return None

    def run(self):
        step = current_step()  # a code stands until the end of the next: long enough
        spent, fresh = self.users
        backup = self.place.root / "backup.db"
        with Daemon(self.place) as daemon:
            if self.attempt(daemon, spent.name, spent.password, code_of(spent, step)) != 230:
                raise AssertionError("a login before the damage failed")
            self.back_up(backup)
            DAMAGES[self.damage](self.place, self.chance)
            self.check_wrong_ones(daemon, spent, fresh, step)
            self.attempt(daemon, fresh.name, fresh.password, code_of(fresh, step))
            self.check_wrong_ones(daemon, spent, fresh, step)
            self.check_life(daemon)
        self.restore(backup)
        with Daemon(self.place) as daemon:
            self.check_wrong_ones(daemon, spent, fresh, step)
            if (verdict := self.attempt(daemon, fresh.name, fresh.password, code_of(fresh, step))) != 230:
                self.wrong.append(f"after the backup was restored a login was answered with {verdict}")
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
        for what, name, password, code in (
            ("a used code", spent.name, spent.password, code_of(spent, step)),
            ("a wrong code", fresh.name, fresh.password, wrong_code_for(fresh, step)),
            ("a wrong password", fresh.name, "not the password", code_of(fresh, step)),
            ("an unknown name", "nobody", "not the password", "000000"),
        ):
            if self.attempt(daemon, name, password, code) == 230:
                self.wrong.append(f"a WRONG YES to {what}")

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
                trial = Trial(place, users, damage, chance)
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
