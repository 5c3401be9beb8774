#!/usr/bin/env python3
"""A flood of wrong logins while real users log in.

Who has logged in before, with this device or from this address, gets in.

    flood.py               ten times what can be hashed, from one address and from 200: shares
    flood.py --long        10 and 100 times, for minutes, with delays and memory against what they are to be: the table of
                           `scripts/bench --flood`
    flood.py --door web    at the browsers' door, instead of the line protocol

    SECURELOGIN_BIN        where the programs are, those of bench/ included (required)
"""
import argparse
import dataclasses
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import flood  # noqa: E402

BIN = pathlib.Path(os.environ.get("SECURELOGIN_BIN", "build/dev/bin")).resolve()
ALL_IN = {1: ("device", "source", "stranger"), 200: ("device", "source")}


def shares(weather):
    """(trials, failures): real logins that had to go well.  Of a few dozen none may fail."""
    trials, failures = 0, 0
    for storm in weather.storms:
        print(f"{storm.times} times the capacity from {storm.sources}: {storm.tally}")
        for kind in flood.KINDS:
            logins = storm.during(kind)
            out = [login for login in logins if not login["in"]]
            print(f"  {flood.KINDS[kind]}: {len(logins) - len(out)} of {len(logins)} got in", *(login["why"] for login in out[:3]))
            if kind in ALL_IN[storm.sources]:
                trials += len(logins)
                failures += len(out)
        for what, good in (("a wrong login was let in", storm.tally["granted"] == 0),
                           ("nothing was turned away: that was no flood", storm.tally["not_judged"] + storm.tally["turned_away"] > 0)):
            trials += 1
            if not good:
                failures += 1
                print(f"  {what}")
    return trials, failures


def figures(weather):
    """(trials, failures): figures that there is a limit for."""
    table = flood.tabulate(weather)
    print(table)
    judged = [row for row in table.rows if row.reached is not None]
    return len(judged), sum(not row.reached for row in judged)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--door", choices=("line", "web"), default="line")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    judge, plan = (figures, flood.FULL) if options.long else (shares, flood.SHORT)
    trials, failures = judge(flood.run(BIN, dataclasses.replace(plan, pages=options.door == "web")))
    print(f"trials {trials}, failures {failures}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
