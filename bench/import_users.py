"""Measures imports and prints the table: the fast path against the sqlite3 shell, the slow one against raw hashing.

    scripts/bench --import [--quick]

Both sides are taken in turn, several times over, and the medians are compared.  Everything lies in a temporary directory
that goes at the end, on the file system that the project lies on."""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from table import Table

MIB = 1024  # KiB


def say(text):
    print(f"bench: {text}", file=sys.stderr)


def base64_of(octets):
    return base64.b64encode(octets).decode().rstrip("=")


def write_phc_rows(file, users):
    """As an export has them: a salt, a hash and a key for each, in the order of names."""
    with open(file, "w") as out:
        out.write("name,password_hash,otpauth_uri\n")
        for number in range(users):
            octets = hashlib.sha512(b"%d" % number).digest()
            out.write(f"user{number:08},\"$argon2id$v=19$m=19456,t=2,p=1${base64_of(octets[:16])}${base64_of(octets[16:48])}\","
                      f"otpauth://totp/Example:user{number:08}?secret={base64.b32encode(octets[44:64]).decode()}&issuer=Example\n")


def write_weak_rows(file, users):
    with open(file, "w") as out:
        out.write("name,password_hash\n")
        for number in range(users):
            out.write(f"user{number:08},{hashlib.sha256(b'%d' % number).hexdigest()}\n")


def timed(command, **options):
    """Seconds, and the most resident memory in KiB, of a program that must succeed."""
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"bench: {command}: exit code {process.returncode}")
    return time.monotonic() - begin, usage.ru_maxrss


class Bench:
    def __init__(self, programs, work, quick):
        self.programs, self.work, self.quick = programs, work, quick
        self.table = Table()
        self.runs = 0

    def import_rows(self, file):
        """Into an installation of its own, made with it."""
        self.runs += 1
        data = self.work / f"data-{self.runs}"
        result = timed([self.programs / "securelogin-admin", "--data", data, "import", file, "--apply", "--json"],
                       stderr=subprocess.DEVNULL)
        for path in data.rglob("*"):
            if path.is_file():
                path.unlink()
        return result

    def shell(self, file):
        """The same rows, one table, one index; as durable as ours."""
        database = self.work / "shell.db"
        script = self.work / "shell.sql"
        script.write_text("PRAGMA journal_mode = WAL;\nPRAGMA synchronous = FULL;\n"
                          "CREATE TABLE people (name TEXT NOT NULL PRIMARY KEY, password_hash TEXT NOT NULL,"
                          " otpauth_uri TEXT NOT NULL) STRICT, WITHOUT ROWID;\n"
                          f".import --csv --skip 1 {file} people\n")
        with open(script) as commands:
            seconds, _ = timed(["sqlite3", database], stdin=commands)
        for leftover in self.work.glob("shell.db*"):
            leftover.unlink()
        return seconds

    def fast_path(self):
        users, rounds = (200_000, 2) if self.quick else (1_000_000, 3)
        file = self.work / "people.csv"
        say(f"writing {users:,} rows")
        write_phc_rows(file, users)
        ours, theirs, memory = [], [], []
        for number in range(rounds):
            say(f"{users:,} users with PHC strings, round {number + 1} of {rounds}")
            theirs.append(self.shell(file))
            seconds, resident = self.import_rows(file)
            ours.append(seconds)
            memory.append(resident)
        file.unlink()
        table = self.table
        table.at_most(f"import of {users:,} users with PHC strings / the same rows by the sqlite3 shell",
                      statistics.median(ours) / statistics.median(theirs), 3)
        table.at_most("  its memory (resident, at most)", max(memory) / MIB, 100, " MiB")
        table.fact("  seconds: import; sqlite3 shell", f"{statistics.median(ours):.1f}; {statistics.median(theirs):.1f}")

    def weak_hashes(self):
        users, rounds, seconds = (1_000, 2, 3) if self.quick else (4_000, 3, 10)
        file = self.work / "weak.csv"
        write_weak_rows(file, users)
        ours, raw = [], []
        for number in range(rounds):
            say(f"{users:,} weak hashes, round {number + 1} of {rounds}")
            rate = subprocess.run([self.programs / "bench_raw_hash", "--seconds", str(seconds)], capture_output=True, text=True,
                                  check=True)
            raw.append(json.loads(rate.stdout)["per_second"])
            took, _ = self.import_rows(file)
            ours.append(users / took)
        table = self.table
        table.at_least("import of weak hashes, a second / raw hash rate with all cores",
                       statistics.median(ours) / statistics.median(raw), 0.9)
        table.fact("  a second: import; raw", f"{statistics.median(ours):.0f}; {statistics.median(raw):.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=pathlib.Path(__file__).resolve().parents[1] / "build") as work:
        bench = Bench(options.programs.resolve(), pathlib.Path(work), options.quick)
        bench.weak_hashes()
        bench.fast_path()
        print(bench.table)


if __name__ == "__main__":
    main()
