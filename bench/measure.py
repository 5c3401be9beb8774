"""Runs every measurement of scripts/bench and prints the table.

What is held against each other is taken in turn, many times over for a short while, each against what was seen just before
and just after it, and the median of the ratios is the figure: a machine that gets slower meanwhile gets slower for both.  Everything lies in a temporary directory that goes at the end."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from daemon import Daemon
from figures import median, middle_half, ratios, say
from table import Table

CONNECTIONS = 64  # saturation
MIB = 1024  # KiB


@dataclasses.dataclass
class Plan:
    """How long and how often.  Times in seconds."""

    rounds: int
    raw: float
    warm_up: float
    load: float
    verdicts: int
    idle_connections: int
    logged_in_connections: int
    starts: int
    part: float


FULL = Plan(rounds=12, raw=2.5, warm_up=1.5, load=6, verdicts=200, idle_connections=3000, logged_in_connections=1000,
            starts=10, part=1)
QUICK = Plan(rounds=3, raw=2, warm_up=1, load=4, verdicts=20, idle_connections=1000, logged_in_connections=200,
             starts=5, part=0.1)


class Bench:
    def __init__(self, programs: pathlib.Path, work: pathlib.Path, plan: Plan):
        self.programs, self.work, self.plan = programs, work, plan
        self.table = Table()
        self.failures = 0
        self._runs = 0
        self._used = 0  # users of the large population, which is not copied

    # Populations

    def enrol(self, users: int) -> None:
        say(f"enrolling {users:,} users")
        begin = time.monotonic()
        self._run("bench_enrol", self._enrolled(users), str(users))
        self.table.fact(f"enrolling {users:,} users", f"{time.monotonic() - begin:.1f} s")

    def _enrolled(self, users: int) -> pathlib.Path:
        return self.work / "enrolled" / str(users)

    @contextlib.contextmanager
    def _fresh(self, users: int):
        """A copy of a population: nobody has used a code there."""
        self._runs += 1
        directory = self.work / f"run-{self._runs}"
        directory.mkdir()
        data = directory / "data"
        shutil.copytree(self._enrolled(users), data)
        try:
            yield data
        finally:
            shutil.rmtree(directory)

    # Measurements

    def throughput(self) -> None:
        raw, shipped, load = [self._rate("bench_raw_hash")], [self._rate("bench_raw_hash_shipped")], []
        for number in range(self.plan.rounds):
            say(f"saturation, round {number + 1} of {self.plan.rounds}")
            with self._fresh(20_000) as data, Daemon(self.programs / "securelogind", data) as daemon:
                load.append(self._logins(daemon, 20_000, self.plan.load))
            raw.append(self._rate("bench_raw_hash"))
            shipped.append(self._rate("bench_raw_hash_shipped"))
        logins = median(load, "per_second")
        server_ms, hash_ms = median(load, "server_cpu_ms"), median(raw, "cpu_ms")
        self.rate = logins
        table = self.table
        on_arenas = ratios(load, "per_second", raw, "per_second")
        as_shipped = ratios(load, "per_second", shipped, "per_second")
        cpu = ratios(load, "server_cpu_ms", raw, "cpu_ms")
        table.at_least("complete TLS logins a second / raw hash rate on arenas", statistics.median(on_arenas), 0.78)
        table.at_least("complete TLS logins a second / raw rate of libsodium as shipped", statistics.median(as_shipped), 1.2)
        table.at_most("server CPU of a TLS login / CPU of a raw hash", statistics.median(cpu), 1.15)
        table.fact("  the middle half of these, in the same order",
                   "; ".join(middle_half(some) for some in (on_arenas, as_shipped, cpu)))
        table.fact("  logins a second; raw on arenas; raw as shipped",
                   f"{logins:.0f}; {median(raw, 'per_second'):.0f}; {median(shipped, 'per_second'):.0f}")
        table.fact("  CPU in ms: a login; a raw hash; the client's share",
                   f"{server_ms:.2f}; {hash_ms:.2f}; {median(load, 'client_cpu_ms'):.2f}")
        table.fact("  code to verdict at saturation, ms: p50; p99",
                   f"{quantile(load, 'verdict_ms', 'p50'):.0f}; {quantile(load, 'verdict_ms', 'p99'):.0f}")

    def verdict(self) -> None:
        say("code to verdict")
        with self._fresh(20_000) as data, self._fresh(1_000) as other, \
                Daemon(self.programs / "securelogind", data) as daemon:
            times = self._json("bench_verdict", "--port", daemon.ports["TLS"], "--users", 20_000,
                               "--logins", self.plan.verdicts, "--commits-in", other)
        verdict, trip, commit = (times[name]["p50"] for name in ("verdict_ms", "round_trip_ms", "commit_ms"))
        self.table.at_most("code to verdict / (round trip + durable commit)", verdict / (trip + commit), 2)
        self.table.fact("  ms at the median: verdict; HELP; commit", f"{verdict:.2f}; {trip:.2f}; {commit:.2f}")

    def memory(self) -> None:
        say("memory")
        table = self.table
        try:
            self._resident_and_growth()
            table.at_most("user memory of an idle TLS connection", self._idle("TLS"), 20, " KiB")
            table.at_most("user memory of an idle plain connection", self._idle("plain"), 4, " KiB")
            after = [self._idle(kind, log_in=True) for kind in ("TLS", "plain")]
            table.fact("  after a login: TLS; plain", f"{after[0]:.1f} KiB; {after[1]:.1f} KiB")
        except PermissionError as error:
            table.not_measured("memory", str(error))

    def _idle(self, kind: str, log_in: bool = False) -> float:
        """KiB a connection, in a daemon of its own: memory that others have left behind would hide it.

        A first connection brings what is there once, whatever their number."""
        count = self.plan.logged_in_connections if log_in else self.plan.idle_connections
        with self._fresh(20_000) as data, Daemon(self.programs / "securelogind", data, plain=True) as daemon:
            with self._holding(daemon, kind, 1, log_in):
                before, _ = daemon.resident_kib()
            with self._holding(daemon, kind, count, log_in, skip=1):
                after, _ = daemon.resident_kib()
        return (after - before) / (count - 1)

    @contextlib.contextmanager
    def _holding(self, daemon: Daemon, kind: str, count: int, log_in: bool, skip: int = 0):
        options = ["--port", daemon.ports[kind], "--connections", count]
        if kind == "plain":
            options += ["--plain"]
        if log_in:
            options += ["--log-in-of", 20_000, "--skip", skip]
        idle = self._start("bench_idle", *options, stdin=subprocess.PIPE)
        try:
            if idle.stdout.readline() != "ready\n":
                raise RuntimeError("bench_idle did not open its connections")
            yield
        finally:
            idle.communicate()

    def _resident_and_growth(self) -> None:
        with self._fresh(20_000) as data, Daemon(self.programs / "securelogind", data) as daemon:
            time.sleep(1)
            idle, arenas = daemon.resident_kib()
            load = self._start("bench_logins", *self._login_options(daemon, 20_000, self.plan.load))
            most = idle
            while load.poll() is None:
                most = max(most, daemon.resident_kib()[0])
                time.sleep(0.5)
            self._count_failures(finish(load))
        self.table.at_most("growth of resident memory from idle to saturation", (most - idle) / MIB, 10, " MiB")
        self.table.at_most("resident memory when idle, arenas not counted", idle / MIB, 15, " MiB")
        self.table.fact("  arenas", f"{arenas / MIB:.0f} MiB")

    def start(self) -> None:
        say("start on a million users")
        times = []
        for _ in range(self.plan.starts):
            with Daemon(self.programs / "securelogind", self._enrolled(1_000_000), beside=self.work) as daemon:
                times.append(daemon.start_ms)
        self.table.at_most("start to `listening` with 1,000,000 users", statistics.median(times), 100, " ms")

    def size(self) -> None:
        few, many = [], []
        seconds = max(1, min(self.plan.load, 2500 / self.rate - self.plan.warm_up))  # a user has three codes at a time
        for number in range(self.plan.rounds):
            say(f"1,000 users against 1,000,000, round {number + 1} of {self.plan.rounds}")
            with self._fresh(1_000) as data, Daemon(self.programs / "securelogind", data) as daemon:
                few.append(self._logins(daemon, 1_000, seconds))
            with Daemon(self.programs / "securelogind", self._enrolled(1_000_000), beside=self.work) as daemon:
                many.append(self._logins(daemon, 1_000_000, seconds, skip=self._used))
            self._used += many[-1]["used"]
        self.table.at_most("login cost with 1,000,000 users / with 1,000: server CPU",
                           median(many, "server_cpu_ms") / median(few, "server_cpu_ms"), 1.1)
        self.table.at_most("login cost with 1,000,000 users / with 1,000: time",
                           median(few, "per_second") / median(many, "per_second"), 1.1)

    def parts(self) -> None:
        say("parts")
        report = self._json("bench_parts", f"--lookups={self.work / 'enrolled'}", "--benchmark_format=json",
                            f"--benchmark_min_time={self.plan.part}")
        for part in report["benchmarks"]:
            each = f"; {part['items_per_second']:,.0f} a second" if "items_per_second" in part else ""
            self.table.fact("part: " + part["name"], f"{part['real_time']:,.3g} {part['time_unit']}{each}")

    # Programs

    def _rate(self, program: str) -> dict:
        return self._json(program, "--seconds", self.plan.raw)

    def _login_options(self, daemon: Daemon, users: int, seconds: float, skip: int = 0) -> list:
        return ["--port", daemon.ports["TLS"], "--users", users, "--server", daemon.pid, "--connections", CONNECTIONS,
                "--warm-up", self.plan.warm_up, "--seconds", seconds, "--skip", skip]

    def _logins(self, daemon: Daemon, users: int, seconds: float, skip: int = 0) -> dict:
        return self._count_failures(self._json("bench_logins", *self._login_options(daemon, users, seconds, skip)))

    def _count_failures(self, result: dict) -> dict:
        self.failures += result["failures"]
        return result

    def _start(self, program: str, *options, stdin=subprocess.DEVNULL, stderr=None) -> subprocess.Popen:
        return subprocess.Popen([self.programs / program, *map(str, options)], stdin=stdin, stdout=subprocess.PIPE,
                                stderr=stderr, text=True, cwd=self.work)

    def _run(self, program: str, *options) -> str:
        run = self._start(program, *options, stderr=subprocess.PIPE)
        output, complaints = run.communicate()
        if run.returncode != 0:
            raise RuntimeError(f"{program} failed: {complaints.strip()}")
        return output

    def _json(self, program: str, *options) -> dict:
        return json.loads(self._run(program, *options))


def finish(process: subprocess.Popen) -> dict:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError("bench_logins failed")
    return json.loads(output)


def quantile(results: list[dict], key: str, share: str) -> float:
    return statistics.median(result[key][share] for result in results)


def measure(programs: pathlib.Path, plan: Plan) -> int:
    # Beside the programs: on the project's disk, where /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix="run.", dir=programs.parent) as work:
        bench = Bench(programs, pathlib.Path(work), plan)
        (bench.work / "enrolled").mkdir()
        for users in (1_000, 20_000, 1_000_000):
            bench.enrol(users)
        try:
            for step in (bench.throughput, bench.verdict, bench.memory, bench.start, bench.size, bench.parts):
                step()
            bench.table.fact("failed logins", str(bench.failures))
        finally:
            print(bench.table)  # what has been measured is worth seeing, whatever failed after it
        return 1 if bench.failures else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.umask(0o077)  # a data directory is nobody else's
    return measure(options.programs.resolve(), QUICK if options.quick else FULL)


if __name__ == "__main__":
    sys.exit(main())
