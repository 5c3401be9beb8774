"""The browsers' door of the real daemon: GET /verify against nginx, which has nothing to think about; nginx with us behind it
against nginx with nginx behind it; logins at the pages against raw hashes; memory.

What is held against each other is taken in turn, each against what was seen just before and just after it, and the median
of the ratios is the figure.  The same program asks all of them, with as many connections, each one request at a time.
Everything lies in a temporary directory that goes at the end."""

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from daemon import Daemon
from figures import median, middle_half, ratios, say
from nginx import Nginx
from population import enrol_with_sessions
from table import Table

CONNECTIONS = 64
USERS = 20_000  # who log in
MIB = 1024  # KiB
SETTINGS = """
[listen]
web_plain = ["127.0.0.1:0"]
[web]
proxies = ["127.0.0.1"]
[[web.rule]]
host = "app.example.com"
"""


@dataclasses.dataclass
class Plan:
    """Times in seconds."""

    sessions: int
    rounds: int
    settle: float  # asking, so that nearly every session has been asked about: they are in use for hours
    warm_up: float
    seconds: float
    login_rounds: int
    raw: float
    login_warm_up: float
    logins: float


FULL = Plan(sessions=1_000_000, rounds=9, settle=30, warm_up=0.5, seconds=3, login_rounds=12, raw=2.5, login_warm_up=1.5,
            logins=6)
QUICK = Plan(sessions=1_000_000, rounds=3, settle=15, warm_up=0.5, seconds=1.5, login_rounds=3, raw=2, login_warm_up=1, logins=4)


class Bench:
    def __init__(self, programs: pathlib.Path, work: pathlib.Path, plan: Plan):
        self.programs, self.work, self.plan = programs, work, plan
        self.data = work / "sessions"
        self.table = Table()
        self.failures = 0

    # Guarding

    def guard(self) -> None:
        with Daemon(self.programs / "securelogind", self.data, beside=self.work, settings=SETTINGS) as daemon, \
                Nginx(self.work / "nginx") as nginx, \
                Nginx(self.work / "proxy", asked=[daemon.ports["HTTP"], nginx.ports[0]]) as proxy:
            ours = daemon.ports["HTTP"]
            self._ask("guard", ours, self.plan.settle)
            self._compare("GET /verify a second / nginx `return 204`", 0.9, "guard", (ours, daemon.pid),
                          (nginx.ports[0], 0))
            self._compare("nginx auth_request to us / nginx auth_request to nginx", 1.0, "site", (proxy.ports[0], daemon.pid),
                          (proxy.ports[1], 0))

    def _compare(self, figure: str, wanted: float, dialogue: str, one: tuple[int, int], other: tuple[int, int]) -> None:
        theirs, ours = [self._ask(dialogue, *self._asked(other))], []
        for number in range(self.plan.rounds):
            say(f"{figure}, round {number + 1} of {self.plan.rounds}")
            ours.append(self._ask(dialogue, *self._asked(one)))
            theirs.append(self._ask(dialogue, *self._asked(other)))
        found = ratios(ours, "per_second", theirs, "per_second")
        self.table.at_least(figure, statistics.median(found), wanted)
        self.table.fact("  the middle half", middle_half(found))
        self.table.fact("  a second: us; nginx", f"{median(ours, 'per_second'):,.0f}; {median(theirs, 'per_second'):,.0f}")
        self.table.fact("  CPU in us of an answer: the daemon's; the client's",
                        f"{median(ours, 'server_cpu_us'):.2f}; {median(ours, 'client_cpu_us'):.2f}")

    def _asked(self, where: tuple[int, int]) -> tuple[int, float, int]:
        port, server = where
        return port, self.plan.seconds, server

    def _ask(self, dialogue: str, port: int, seconds: float, server: int = 0) -> dict:
        result = self._json("bench_verify", "--dialogue", dialogue, "--port", port, "--tokens", self.plan.sessions,
                            "--connections", CONNECTIONS, "--warm-up", self.plan.warm_up, "--seconds", seconds, "--server", server)
        self.failures += result["failures"]
        return result

    # Logins

    def logins(self) -> None:
        enrolled = self.work / "enrolled"
        subprocess.run([self.programs / "bench_enrol", enrolled, str(USERS)], check=True)
        raw, load = [self._raw()], []
        for number in range(self.plan.login_rounds):
            say(f"logins at the pages, round {number + 1} of {self.plan.login_rounds}")
            data = self.work / f"run-{number}" / "data"
            shutil.copytree(enrolled, data)
            with Daemon(self.programs / "securelogind", data, web=True) as daemon:
                load.append(self._json("bench_logins", "--pages", "--port", daemon.ports["HTTPS"], "--users", USERS, "--connections",
                                       CONNECTIONS, "--warm-up", self.plan.login_warm_up, "--seconds", self.plan.logins,
                                       "--server", daemon.pid))
            shutil.rmtree(data.parent)
            self.failures += load[-1]["failures"]
            raw.append(self._raw())
        found = ratios(load, "per_second", raw, "per_second")
        self.table.at_least("complete web logins a second over TLS / raw hash rate on arenas", statistics.median(found), 0.75)
        self.table.fact("  the middle half", middle_half(found))
        self.table.fact("  a second: logins; raw", f"{median(load, 'per_second'):.0f}; {median(raw, 'per_second'):.0f}")
        self.table.fact("  CPU in ms: a login; a raw hash; the client's share",
                        f"{median(load, 'server_cpu_ms'):.2f}; {median(raw, 'cpu_ms'):.2f}; {median(load, 'client_cpu_ms'):.2f}")

    def _raw(self) -> dict:
        return self._json("bench_raw_hash", "--seconds", self.plan.raw)

    # Memory

    def memory(self) -> None:
        with Daemon(self.programs / "securelogind", self.work / "enrolled", web=True, beside=self.work) as daemon:
            time.sleep(1)
            try:
                idle, _ = daemon.resident_kib()
            except PermissionError as error:
                self.table.not_measured("memory", str(error))
                return
        self.table.at_most("resident memory when idle with both doors open, arenas not counted", idle / MIB, 20, " MiB")

    def _json(self, program: str, *options) -> dict:
        told = subprocess.run([self.programs / program, *map(str, options)], stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(told.stdout)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sessions", type=int)
    parser.add_argument("--only", choices=["guard", "logins"])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the servers go
    plan = QUICK if options.quick else FULL
    if options.sessions:
        plan = dataclasses.replace(plan, sessions=options.sessions)
    programs = options.programs.resolve()
    with tempfile.TemporaryDirectory(prefix="run.", dir=programs.parent) as work:
        bench = Bench(programs, pathlib.Path(work), plan)
        if options.only != "logins":
            enrol_with_sessions(programs, bench.data, plan.sessions)
            bench.guard()
        if options.only != "guard":
            bench.logins()
            bench.memory()
        bench.table.fact("answers that were not a yes", str(bench.failures))
        print(bench.table)
        return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
