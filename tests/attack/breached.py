#!/usr/bin/env python3
"""Look-ups in a list of breached passwords: how many reads they take at most.

One list as such lists are, and one whose hashes are spread as unevenly as can be; half of the look-ups are of what is in it.

    breached.py            20 MB, some thousand look-ups
    breached.py --long     1 GB, 100,000 look-ups; takes 1 GB of disk and about a minute

    SECURELOGIN_BIN        where the programs are, those of bench/ included (required)
    SECURELOGIN_LIST_DIR   where the list is made; default: where temporary files are
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

BIN = pathlib.Path(os.environ.get("SECURELOGIN_BIN", "build/dev/bin")).resolve()
MOST_READS = 20  # of 4 KiB, in up to 1 GB
SAID = re.compile(r"breached passwords: (\d+) octets, (\d+) look-ups, (\d+) wrong: at most (\d+) reads")


def look_up(file, gigabytes, lookups, *options):
    """(trials, failures)"""
    done = subprocess.run([BIN / "bench_breached", file, "--gigabytes", str(gigabytes), "--lookups", str(lookups), *options],
                          capture_output=True, text=True)
    print(*options, done.stdout.strip(), done.stderr.strip(), flush=True)
    said = SAID.match(done.stdout)
    if done.returncode != 0 or not said:
        return lookups, lookups
    octets, trials, wrong, most = map(int, said.groups())
    assert octets > 0.9e9 * gigabytes, "the list is not as large as it was to be"
    return trials, wrong if most <= MOST_READS else trials


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the list goes
    if sys.argv[1:] not in ([], ["--long"]):
        sys.exit(__doc__)
    size = (1, 100_000) if sys.argv[1:] else (0.02, 5000)
    trials = failures = 0
    with tempfile.TemporaryDirectory(prefix="securelogin-breached-", dir=os.environ.get("SECURELOGIN_LIST_DIR")) as scratch:
        for options in ((), ("--skewed",)):
            tried, failed = look_up(pathlib.Path(scratch) / "list", *size, *options)
            trials, failures = trials + tried, failures + failed
    print(f"trials {trials}, failures {failures}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
