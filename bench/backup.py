"""Logins on a database of a million users, with and without a backup being made: scripts/bench --backup.

Taken in turn, several times over; while a round with backups lasts, one is made after the other."""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Daemon
from table import Table

USERS = 1_000_000
CONNECTIONS = 8  # busy, and not so many that the hash queue is all that is measured
MIB = 1 << 20


class Round:
    """One run of bench_logins, and what was backed up meanwhile."""

    def __init__(self, logins: dict, backups: list[dict]):
        self.logins, self.backups = logins, backups


class Bench:
    def __init__(self, programs: pathlib.Path, work: pathlib.Path, seconds: float):
        self.programs, self.work, self.seconds = programs, work, seconds
        self.data = work / "data"
        self.used = 0

    def enrol(self, users: int) -> float:
        begin = time.monotonic()
        subprocess.run([self.programs / "bench_enrol", self.data, str(users)], check=True)
        return time.monotonic() - begin

    def log_in(self, daemon: Daemon, users: int) -> dict:
        command = [self.programs / "bench_logins", "--port", str(daemon.ports["TLS"]), "--users", str(users), "--skip",
                   str(self.used), "--connections", str(CONNECTIONS), "--seconds", str(self.seconds), "--server", str(daemon.pid)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        result = json.loads(done.stdout)
        self.used += result["used"]
        return result

    def back_up(self) -> dict:
        file = self.work / "copy.db"
        begin = time.monotonic()
        done = subprocess.run([self.programs / "securelogin-admin", "--config", self.work / "settings.toml", "--data", self.data,
                               "backup", file, "--json"], check=True, capture_output=True, text=True)
        made = json.loads(done.stdout) | {"seconds": time.monotonic() - begin}
        file.unlink()
        return made

    def round(self, daemon: Daemon, users: int, with_backups: bool) -> Round:
        over = threading.Event()
        backups: list[dict] = []

        def keep_backing_up():
            while not over.is_set():
                backups.append(self.back_up())

        thread = threading.Thread(target=keep_backing_up)
        if with_backups:
            thread.start()
        try:
            logins = self.log_in(daemon, users)
        finally:
            over.set()
            if with_backups:
                thread.join()
        return Round(logins, backups)


def p99(rounds: list[Round], what: str) -> float:
    return statistics.median(one.logins[what]["p99"] for one in rounds)


def table_of(enrolling: float, quiet: list[Round], busy: list[Round], users: int) -> tuple[Table, int]:
    table = Table()
    table.fact(f"enrolling {users:,} users", f"{enrolling:.1f} s")
    refused = sum(one.logins["failures"] for one in busy)
    table.at_most("logins refused while a backup is made", refused, 0)
    for what, name in (("verdict_ms", "code to verdict"), ("whole_ms", "a whole login")):
        table.at_most(f"{name}, p99: while a backup is made / without", p99(busy, what) / p99(quiet, what), 2)
        table.fact("  ms: without; with", f"{p99(quiet, what):.1f}; {p99(busy, what):.1f}")
    rate = [statistics.median(one.logins["per_second"] for one in rounds) for rounds in (quiet, busy)]
    table.fact("  logins a second: without; with", f"{rate[0]:.0f}; {rate[1]:.0f}")
    made = [backup for one in busy for backup in one.backups]
    table.fact("  a backup: MiB; seconds (backups made)",
               f"{made[0]['bytes'] / MIB:.0f}; {statistics.median(backup['seconds'] for backup in made):.1f} ({len(made)})")
    return table, refused


def measure(programs: pathlib.Path, users: int, rounds: int, seconds: float) -> int:
    # Beside the programs: on the project's disk, where /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix="run.", dir=programs.parent) as work:
        bench = Bench(programs, pathlib.Path(work), seconds)
        enrolling = bench.enrol(users)
        quiet, busy = [], []
        with contextlib.ExitStack() as stack:
            daemon = stack.enter_context(Daemon(programs / "securelogind", bench.data))
            for _ in range(rounds):
                quiet.append(bench.round(daemon, users, with_backups=False))
                busy.append(bench.round(daemon, users, with_backups=True))
        table, refused = table_of(enrolling, quiet, busy, users)
        print(table)
        return 1 if refused else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--users", type=int, default=USERS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    os.umask(0o077)  # a data directory is nobody else's
    return measure(options.programs.resolve(), options.users, *((2, 8) if options.quick else (5, 20)))


if __name__ == "__main__":
    sys.exit(main())
