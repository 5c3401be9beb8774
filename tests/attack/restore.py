#!/usr/bin/env python3
"""A backup is restored: the restore killed at any moment, and the clock set between a login and the restore.

    restore.py [--long] [--seed N]

    killed       the database is one or the other, whole; a second restore goes through; no used code is accepted
    clock set    back by up to ten minutes: no used code is accepted; by more: refused, and nothing is changed
"""
import argparse
import contextlib
import pathlib
import random
import subprocess
import sys
import tempfile

from injector import LIBRARY, Injector, code_of
from harness import BIN, PATIENCE, STEP, Daemon, Place

KILLS, LONG_KILLS = 10, 1000
CLOCKS, LONG_CLOCKS = 4, 100
TOLERANCE = 600  # seconds
REFUSED = 65


class Trial:
    def __init__(self, scratch, chance):
        self.place, self.injector, self.chance = Place(pathlib.Path(scratch)), Injector(scratch), chance
        self.place.environment |= self.injector.environment
        self.backup = pathlib.Path(scratch) / "backup.db"
        self.wrong = []

    def require(self, held, what):
        if not held:
            self.wrong.append(what)

    def verdict(self, daemon, user, code):
        with daemon.connect() as client:
            client.expect(220)
            return client.attempt(user.name, user.password, code).code

    def restore(self, *words):
        return self.place.admin("restore", self.backup, *words, check=False)

    def use_codes(self):
        """One before the backup and one after it; the user and the codes."""
        self.injector.to_a_later_step()
        step = int(self.injector.now()) // STEP
        user = self.place.add_user("alice")
        codes = [code_of(user, step), code_of(user, step + 1)]
        with Daemon(self.place) as daemon:
            self.require(self.verdict(daemon, user, codes[0]) == 230, "a login before the backup")
            self.place.admin("backup", self.backup)
            self.require(self.verdict(daemon, user, codes[1]) == 230, "a login after the backup")
        return user, codes

    def require_used(self, user, codes):
        with Daemon(self.place) as daemon:
            for number, code in enumerate(codes):
                self.require(self.verdict(daemon, user, code) == 530, f"code {number} was accepted again")
        self.require(self.place.query("PRAGMA integrity_check") == [("ok",)], "the database is not whole")
        self.require(self.place.admin("audit", "verify", check=False).returncode == 0, "the audit is not intact")

    def killed(self):
        user, codes = self.use_codes()
        command = [str(word) for word in (BIN / "securelogin-admin", "--data", self.place.data, "restore", self.backup)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.place.environment)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.chance.uniform(0, 0.15))  # the moment is what is tried
        process.kill()
        process.wait(PATIENCE)
        self.require_used(user, codes)
        done = self.restore()
        self.require(done.returncode == 0, f"a second restore: {done.stderr}")
        self.require_used(user, codes)
        return self.wrong

    def clock_set(self):
        user, codes = self.use_codes()
        back = self.chance.choice((self.chance.randrange(40, TOLERANCE - 30), self.chance.randrange(TOLERANCE + 30, 90_000)))
        self.injector.clock_offset -= back
        done = self.restore()
        if back > TOLERANCE:
            self.require(done.returncode == REFUSED, f"the clock set back by {back} s: {done.stderr}")
            done = self.restore("--trust-clock")
        self.require(done.returncode == 0, f"the clock set back by {back} s: {done.stderr}")
        self.injector.clock_offset += back
        self.require_used(user, codes)
        return self.wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help=f"{LONG_KILLS} kills and {LONG_CLOCKS} clocks")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; printed")
    options = parser.parse_args()
    if not LIBRARY.exists():
        sys.exit(f"restore: {LIBRARY} is not there: build it, or set SECURELOGIN_INJECTOR")
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    kinds = ["killed"] * (LONG_KILLS if options.long else KILLS) + ["clock_set"] * (LONG_CLOCKS if options.long else CLOCKS)
    failures = 0
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="securelogin-restore-") as scratch:
            wrong = getattr(Trial(scratch, chance), kind)()
        failures += bool(wrong)
        for what in wrong:
            print("FAILURE", kind, what, flush=True)
    print(f"trials {len(kinds)}, failures {failures}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
