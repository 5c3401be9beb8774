"""Whose token is it?  The verify socket of the real daemon, with a million sessions, against a bare Asio echo.

Both are asked by the same program, over the same kind of socket, with as many threads, on the same two kinds of
connections: one question at a time on each of many (a program that waits for its answer), and several.  They are taken in
turn, and the medians are compared.  Everything lies in a temporary directory that goes at the end."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from daemon import Daemon
from figures import median, say
from population import enrol_with_sessions
from table import Table

CONNECTIONS = 64
DEPTHS = (1, 8)  # questions under way on each connection
RATIO = 0.7


@dataclasses.dataclass
class Plan:
    """Times in seconds."""

    sessions: int
    rounds: int
    settle: float  # asking, so that nearly every token has been asked about: sessions are in use for hours
    warm_up: float
    seconds: float


FULL = Plan(sessions=1_000_000, rounds=5, settle=25, warm_up=1, seconds=3)
QUICK = Plan(sessions=1_000_000, rounds=3, settle=12, warm_up=0.5, seconds=1.5)


class Bench:
    def __init__(self, programs: pathlib.Path, work: pathlib.Path, plan: Plan):
        self.programs, self.work, self.plan = programs, work, plan
        self.data = work / "data"
        self.table = Table()
        self.failures = 0

    def run(self) -> None:
        threads = os.cpu_count() or 1
        echoed, verified = self.work / "echo.sock", self.work / "verify.sock"
        with self._echo(echoed, threads) as echo, \
                Daemon(self.programs / "securelogind", self.data, beside=self.work, verify=verified) as daemon:
            first = self._ask(verified, daemon.pid, max(DEPTHS), seconds=self.plan.settle)
            rates = {depth: ([], []) for depth in DEPTHS}
            for number in range(self.plan.rounds):
                say(f"round {number + 1} of {self.plan.rounds}")
                for depth, (echoes, answers) in rates.items():
                    echoes.append(self._ask(echoed, echo.pid, depth, "--dialogue", "echo"))
                    answers.append(self._ask(verified, daemon.pid, depth))
        for depth, (echoes, answers) in rates.items():
            self._tell(depth, echoes, answers)
        self.table.fact(f"  a second, of the first {self.plan.settle:.0f} s: most are looked up in the database",
                        f"{first['per_second']:,.0f}")

    def _tell(self, depth: int, echoes: list[dict], answers: list[dict]) -> None:
        echo, answer = (median(results, "per_second") for results in (echoes, answers))
        if depth == 1:
            self.table.at_least(f"tokens verified a second / a bare Asio echo, {self.plan.sessions:,} sessions",
                                answer / echo, RATIO)
        else:
            self.table.fact(f"  the same with {depth} questions under way on each connection", f"{answer / echo:.2f}")
        self.table.fact("    a second: verified; echoed", f"{answer:,.0f}; {echo:,.0f}")
        self.table.fact("    server CPU in us: an answer; an echo; the client's share of an answer",
                        f"{median(answers, 'server_cpu_us'):.2f}; {median(echoes, 'server_cpu_us'):.2f}; "
                        f"{median(answers, 'client_cpu_us'):.2f}")

    @contextlib.contextmanager
    def _echo(self, path: pathlib.Path, threads: int):
        echo = subprocess.Popen([self.programs / "bench_echo", "--socket", path, "--threads", str(threads)],
                                stdout=subprocess.PIPE, text=True)
        try:
            if echo.stdout.readline() != "ready\n":
                raise RuntimeError("bench_echo did not start")
            yield echo
        finally:
            echo.kill()
            echo.wait()

    def _ask(self, path: pathlib.Path, server: int, depth: int, *options: str, seconds: float | None = None) -> dict:
        asked = subprocess.run([self.programs / "bench_verify", "--socket", path, "--tokens", str(self.plan.sessions),
                                "--connections", str(CONNECTIONS), "--depth", str(depth), "--warm-up", str(self.plan.warm_up),
                                "--seconds", str(seconds or self.plan.seconds), "--server", str(server), *options],
                               stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(asked.stdout)
        self.failures += result["failures"]
        return result


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sessions", type=int)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    os.umask(0o077)
    plan = QUICK if options.quick else FULL
    if options.sessions:
        plan = dataclasses.replace(plan, sessions=options.sessions)
    programs = options.programs.resolve()
    with tempfile.TemporaryDirectory(prefix="run.", dir=programs.parent) as work:
        bench = Bench(programs, pathlib.Path(work), plan)
        enrol_with_sessions(programs, bench.data, plan.sessions)
        bench.run()
        bench.table.fact("answers that were not a yes", str(bench.failures))
        print(bench.table)
        return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
