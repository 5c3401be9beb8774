#!/usr/bin/env python3
"""A lock-out attack: fifty wrong logins a second on one name, while its user logs in.

Each of them is from an address of its own.  The user comes from the usual place, and with a known device from places that are
not.

    lockout.py               two users, one after the other: all of their logins succeed
    lockout.py --long        75 users, 600 logins: at least 99.5 % of them do

    SECURELOGIN_BIN          where the programs are (required)
"""
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
from harness import Closed, Daemon, Place, current_step, eventually, run, tls_context  # noqa: E402

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

    def __init__(self, daemon, name):
        self.daemon, self.name = daemon, name
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
        try:
            with self.daemon.connect(source) as client:
                client.send(self.name, "not the password", "000000")
                client.expect(220, 330, 331, 332)
                return client.read_reply().code
        except (Closed, OSError, AssertionError) as error:
            return type(error).__name__

    def stop(self):
        """How many a second there were."""
        self.stopping.set()
        for worker in self.workers:
            worker.join()
        return self.verdicts.total() / (time.monotonic() - self.begin)


def device(directory):
    """A TLS context that shows one, as openssl(1) makes it."""
    certificate, key = directory / "device.pem", directory / "device.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
        "-out", certificate, "-subj", "/CN=device")
    context = tls_context()
    context.load_cert_chain(certificate, key)
    return context


def log_in(daemon, user, code, **how):
    """The verdict."""
    try:
        with daemon.connect(**how) as client:
            client.expect(220)
            return client.attempt(user.name, user.password, code).code
    except (Closed, OSError, AssertionError) as error:
        return str(error)


def besiege(place, daemon, number, context):
    """One user's logins under attack: their verdicts, by where they came from; and the attack's."""
    user = place.add_user(f"user{number}")
    step = current_step() - OLDEST
    if log_in(daemon, user, user.code_of(step), source=HOME, context=context) != 230:
        raise AssertionError("the first login, in peace, failed")
    attack = Attack(daemon, user.name)
    verdicts = collections.defaultdict(collections.Counter)
    try:
        eventually(lambda: attack.verdicts[450] or time.sleep(0.05), "the attack uses up the strangers' budget")
        for login in range(LOGINS):
            step += 1
            if login % 2:
                where, how = "known device elsewhere", {"source": f"127.90.{number % 250}.{login + 1}", "context": context}
            else:
                where, how = "usual place", {"source": HOME}
            verdicts[where][log_in(daemon, user, user.code_of(step), **how)] += 1
            time.sleep(PAUSE)  # spread over the attack
    finally:
        rate = attack.stop()
    return verdicts, attack.verdicts, rate


def main():
    if sys.argv[1:] not in ([], ["--long"]):
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    users = 75 if sys.argv[1:] else 2
    logins, attempts, rates = collections.defaultdict(collections.Counter), collections.Counter(), []
    with tempfile.TemporaryDirectory(prefix="securelogin-lockout-") as scratch:
        place = Place(pathlib.Path(scratch))
        place.write_settings(SETTINGS)
        context = device(place.root)
        with Daemon(place) as daemon:
            for number in range(users):
                verdicts, attacked, rate = besiege(place, daemon, number, context)
                for where, counts in verdicts.items():
                    logins[where] += counts
                attempts += attacked
                rates.append(rate)
            daemon.stop()
    print(f"attack: {min(rates):.0f} a second or more, {attempts.total()} in all: {dict(attempts)}")
    for where, counts in sorted(logins.items()):
        print(f"{where}: {dict(counts)}")
    trials = sum(counts.total() for counts in logins.values())
    failures = trials - sum(counts[230] for counts in logins.values())
    if min(rates) < 0.9 * RATE and not os.environ.get("SECURELOGIN_SANITIZE"):
        failures += 1
        print(f"that was no attack of {RATE} a second")
    print(f"trials {trials}, failures {failures}, {100 * (1 - failures / trials):.2f} % got in", flush=True)
    return 0 if failures <= trials * (1 - SHARE) else 1


if __name__ == "__main__":
    sys.exit(main())
