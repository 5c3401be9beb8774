#!/usr/bin/env python3
"""A lock-out attack: fifty wrong logins a second on one name, while its user logs in.

Each of them is from an address of its own.  The user comes from the usual place, and with a known device from places that are
not.

    lockout.py               two users, one after the other: all of their logins succeed
    lockout.py --long        75 users, 600 logins: at least 99.5 % of them do
    lockout.py --door web    attack and logins both at the browsers' door, instead of the line protocol

    SECURELOGIN_BIN          where the programs are (required)
"""
import argparse
import collections
import itertools
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
from doors import CHOICE, GRANTED, LATER, Pages, Programs  # noqa: E402
from harness import Daemon, Place, current_step, eventually  # noqa: E402

RATE = 50  # a second
WORKERS = 16
SHARE = 0.995
HOME = "127.0.0.9"
# Eleven codes are good at a time, so that a user can log in often; what is attacked is the default.
SETTINGS = "[totp]\nwindow = 5\n"
OLDEST = 4  # steps before now: still good when the next step has begun
LOGINS = 8  # of a user under attack
PAUSE = 0.5  # seconds between them


class Attack:
    """On one name, until stop()."""

    numbers = itertools.count()  # never the same address again

    def __init__(self, door, name):
        self.door, self.name = door, name
        self.verdicts = collections.Counter()
        self.begin = time.monotonic()
        self.turns = itertools.count()
        self.stopping = threading.Event()
        self.workers = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        for worker in self.workers:
            worker.start()

    def _work(self):
        for turn in self.turns:
            if self.stopping.wait(max(0, self.begin + turn / RATE - time.monotonic())):
                return
            self.verdicts[self._attempt(next(self.numbers))] += 1

    def _attempt(self, number):
        source = f"127.{100 + number // 62500 % 100}.{number // 250 % 250}.{number % 250 + 1}"
        return self.door.outcome(self.name, "not the password", "000000", source)

    def stop(self):
        """How many a second there were."""
        self.stopping.set()
        for worker in self.workers:
            worker.join()
        return self.verdicts.total() / (time.monotonic() - self.begin)


def besiege(place, door, number, device):
    """One user's logins under attack: their verdicts, by where they came from; and the attack's."""
    user = place.add_user(f"user{number}")
    step = current_step() - OLDEST
    door.log_in(user, user.code_of(step), source=HOME, device=device)  # in peace
    # An attacker reads no pages.
    attack = Attack(Programs(door.daemon) if isinstance(door, Pages) else door, user.name)
    verdicts = collections.defaultdict(collections.Counter)
    try:
        eventually(lambda: attack.verdicts[LATER] or time.sleep(0.05), "the attack uses up the strangers' budget")
        for login in range(LOGINS):
            step += 1
            if login % 2:
                where, how = "known device elsewhere", {"source": f"127.90.{number % 250}.{login + 1}", "device": device}
            else:
                where, how = "usual place", {"source": HOME}
            verdicts[where][door.outcome(user.name, user.password, user.code_of(step), **how)] += 1
            time.sleep(PAUSE)  # spread over the attack
    finally:
        rate = attack.stop()
    return verdicts, attack.verdicts, rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--door", choices=CHOICE, default="line")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    users = 75 if options.long else 2
    logins, attempts, rates = collections.defaultdict(collections.Counter), collections.Counter(), []
    with tempfile.TemporaryDirectory(prefix="securelogin-lockout-") as scratch:
        place = Place(pathlib.Path(scratch))
        place.write_settings(SETTINGS)
        with Daemon(place, web=1) as daemon:
            door = CHOICE[options.door](daemon)
            device = door.new_device(place.root)
            for number in range(users):
                verdicts, attacked, rate = besiege(place, door, number, device)
                for where, counts in verdicts.items():
                    logins[where] += counts
                attempts += attacked
                rates.append(rate)
            daemon.stop()
    print(f"attack: {min(rates):.0f} a second or more, {attempts.total()} in all: {dict(attempts)}")
    for where, counts in sorted(logins.items()):
        print(f"{where}: {dict(counts)}")
    trials = sum(counts.total() for counts in logins.values())
    failures = trials - sum(counts[GRANTED] for counts in logins.values())
    if min(rates) < 0.9 * RATE and not os.environ.get("SECURELOGIN_SANITIZE"):
        failures += 1
        print(f"that was no attack of {RATE} a second")
    print(f"trials {trials}, failures {failures}, {100 * (1 - failures / trials):.2f} % got in", flush=True)
    return 0 if failures <= trials * (1 - SHARE) else 1


if __name__ == "__main__":
    sys.exit(main())
