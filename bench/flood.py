"""Floods a securelogind with wrong logins while real users log in, and tells what becomes of them.

The hash is made so dear that the machine does at most 20 a second: then the generator can offer a hundred times as much from
the same cores.  tests/attack/flood.py is the short form of this."""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Daemon
from storm import Storm, Weather, quantile, share_in, well_again
from table import Table

KINDS = {"device": "known devices", "source": "known sources", "stranger": "strangers"}
MOST_HASHES = 20  # a second
FLOOR = {"memory_kib": 19456, "passes": 2}  # the cheapest hash that is allowed
MOST_PASSES = 16
REAL_SHARE = 1 / 5  # of capacity
CODES_REST = 75  # seconds after which a user has a fresh code again, whatever the moment
ENROLLED = 20_000
MIB = 1024  # KiB


@dataclasses.dataclass
class Plan:
    """Times in seconds; floods are (addresses, times the capacity)."""

    floods: tuple[tuple[int, int], ...]
    quiet: float
    flood: float
    after: float
    pages: bool = False  # the browsers' door

    def seconds(self) -> float:
        return len(self.floods) * (self.quiet + self.flood + self.after)


ALL = ((1, 10), (1, 100), (200, 10), (200, 100))
FULL = Plan(ALL, quiet=45, flood=150, after=30)
QUICK = Plan(ALL, quiet=20, flood=30, after=20)
SHORT = Plan(((1, 10), (200, 10)), quiet=0, flood=8, after=0)


class Run:
    def __init__(self, programs: pathlib.Path, work: pathlib.Path, plan: Plan):
        self.programs, self.work, self.plan = programs, work, plan
        self._resident: list[tuple[float, int]] = []  # moment, KiB
        self._ended = threading.Event()

    def measure(self) -> Weather:
        parameters, capacity = self._make_dear()
        data = self.work / "data"
        self._output("bench_enrol", data, ENROLLED, *as_options(parameters))
        settings = "[password]\n" + "".join(f"{key} = {value}\n" for key, value in parameters.items()) + self._doors()
        with Daemon(self.programs / "securelogind", data, web=self.plan.pages, settings=settings) as daemon:
            bound = self._bound(data, daemon)
            sampler = threading.Thread(target=self._sample, args=(daemon,))
            sampler.start()
            try:
                storms = self._storms(daemon, capacity)
            finally:
                self._ended.set()
                sampler.join()
        return Weather(parameters, capacity, bound, storms)

    def _doors(self) -> str:
        """Those that the daemon is told to open, for `status`, which goes by the settings."""
        doors = ("tls", "web") if self.plan.pages else ("tls",)
        return "[listen]\n" + "".join(f'{door} = ["127.0.0.1:0"]\n' for door in doors)

    def _make_dear(self) -> tuple[dict[str, int], float]:
        """A hash of which the machine does no more than MOST_HASHES a second, and how many it does."""
        cheapest = self._hashes(FLOOR)
        work = math.ceil(FLOOR["passes"] * cheapest / (0.9 * MOST_HASHES))
        while True:
            larger = math.ceil(work / MOST_PASSES)
            parameters = {"memory_kib": larger * FLOOR["memory_kib"], "passes": max(2, math.ceil(work / larger))}
            capacity = self._hashes(parameters)
            if capacity <= MOST_HASHES:
                return parameters, capacity
            work += max(1, work // 10)

    def _hashes(self, parameters: dict[str, int]) -> float:
        return json.loads(self._output("bench_raw_hash", "--seconds", 2, *as_options(parameters)))["per_second"]

    def _storms(self, daemon: Daemon, capacity: float) -> list[Storm]:
        rate = capacity * REAL_SHARE
        regulars = 10 + math.ceil(rate / len(KINDS) * min(CODES_REST, self.plan.seconds()))
        floods = [word for sources, times in self.plan.floods for word in ("--flood", f"{sources}:{capacity * times}")]
        door = ["--pages", "--port", daemon.ports["HTTPS"]] if self.plan.pages else ["--port", daemon.ports["TLS"]]
        command = [self.programs / "bench_flood", *door, "--server", daemon.pid,
                   "--users", ENROLLED, "--regulars", regulars, "--rate", rate, "--quiet", self.plan.quiet,
                   "--flood-for", self.plan.flood, "--after", self.plan.after, *floods]
        with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, cwd=self.work) as load:
            try:
                storms = self._follow(load.stdout)
            except BaseException:
                load.kill()
                raise
        if load.returncode != 0:
            raise RuntimeError("bench_flood failed")
        return storms

    def _follow(self, lines) -> list[Storm]:
        waiting = [Storm(sources, times) for sources, times in self.plan.floods]
        storms, began, over = [], 0.0, 0.0
        storm = waiting.pop(0)
        for line in lines:
            event = json.loads(line)
            match event["event"]:
                case "login":
                    (storm.quiet if event["phase"] == "quiet" else storm.logins).append(event)
                case "flood_begins":
                    say(f"{storm.times} times the capacity from {storm.sources}")
                    began = time.monotonic()
                case "flood_over":
                    over = time.monotonic()
                case "flood":
                    storm.tally = event
                    storm.resident = self._resident_around(began, over)
                    storms.append(storm)
                    storm = waiting.pop(0) if waiting else None
                case other:
                    say(other)
        return storms

    def _sample(self, daemon: Daemon) -> None:
        while not self._ended.wait(0.25):
            self._resident.append((time.monotonic(), daemon.resident_in_all_kib()))

    def _resident_around(self, began: float, over: float) -> dict[str, float]:
        """MiB just before the flood, the most while it lasted, and what is left by now."""
        samples = list(self._resident)
        return {"before": [kib for moment, kib in samples if moment <= began][-1] / MIB,
                "most": max(kib for moment, kib in samples if began <= moment <= over) / MIB,
                "after": samples[-1][1] / MIB}

    def _bound(self, data: pathlib.Path, daemon: Daemon) -> float | None:
        """Of the daemon's memory, where `status` tells it; MiB."""
        status = self._output("securelogin-admin", "--config", daemon.settings, "--data", data, "status", "--json")
        found = dict(leaves(json.loads(status)))
        octets = {"bytes": 1, "kib": 1024, "mib": 1024 * 1024}
        for name, value in found.items():
            unit = name.rsplit("_", 1)[-1]
            if "memory" in name and "bound" in name and unit in octets:
                return value * octets[unit] / octets["mib"]
        return None

    def _output(self, program: str, *options) -> str:
        run = subprocess.run([str(self.programs / program), *map(str, options)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.work)
        if run.returncode != 0:
            raise RuntimeError(f"{program} failed: {run.stderr.strip()}")
        return run.stdout


def as_options(parameters: dict[str, int]) -> list:
    return [word for key, value in parameters.items() for word in ("--" + key.replace("_", "-"), value)]


def leaves(value, name: str = ""):
    """(a name of all keys on the way, value) of everything that is a number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name}_{key}" if name else key)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, value


def tabulate(weather: Weather) -> Table:
    table = Table()
    parameters = f"{weather.hash['memory_kib'] / MIB:.0f} MiB, {weather.hash['passes']} passes"
    table.fact("capacity", f"{weather.capacity:.1f} hashes a second ({parameters}), on {os.cpu_count()} cores")
    table.fact("real logins", f"{weather.capacity * REAL_SHARE:.1f} a second")
    for storm in weather.storms:
        add_storm(table, weather, storm)
    return table


def add_storm(table: Table, weather: Weather, storm: Storm) -> None:
    tally, seconds = storm.tally, storm.tally["seconds"]
    rate = tally["offered"] / seconds
    machine = seconds * (os.cpu_count() or 1)
    table.fact(f"{storm.times} times the capacity, from {storm.sources} address{'es' if storm.sources > 1 else ''}",
               f"offered {rate:.0f} a second, {rate / weather.capacity:.0f} times the capacity")
    table.fact("  of them judged; not judged; turned away; held back",
               "; ".join(str(tally[key]) for key in ("judged", "not_judged", "turned_away", "held_back")))
    table.fact("  share of the machine: generator; server",
               f"{100 * tally['own_cpu'] / machine:.0f} %; {100 * tally['server_cpu'] / machine:.0f} %")
    for kind, name in KINDS.items():
        add_share(table, storm, kind, name)
        add_delay(table, weather, storm, kind, name)
    add_memory(table, weather, storm)


def add_share(table: Table, storm: Storm, kind: str, name: str) -> None:
    wanted = {"device": 99.5, "source": 99.5, "stranger": 99.5} if storm.sources == 1 else {"device": 99, "source": 95}
    logins = storm.during(kind)
    figure = f"  {name} who get in, of {len(logins)}"
    share = 100 * share_in(logins)
    if kind in wanted:
        table.at_least(figure, share, wanted[kind], " %")
    else:
        table.fact(figure, f"{share:.2f} %")


def add_delay(table: Table, weather: Weather, storm: Storm, kind: str, name: str) -> None:
    quiet, during = weather.quiet(kind), [login["took"] for login in storm.during(kind) if login["in"]]
    ratio = quantile(during, 0.99) / quantile(quiet, 0.99)
    if storm.sources == 1:
        table.at_most(f"  {name}: p99 / p99 without the flood", ratio, 4)
    else:
        table.fact(f"  {name}: p99 / p99 without the flood", f"{ratio:.2f}")
    halves = "; ".join(f"{1000 * quantile(times, share):.0f}" for times in (quiet, during) for share in (0.5, 0.99))
    table.fact("    ms: p50; p99 without; p50; p99 with", halves)
    table.at_most(f"  {name}: as fast as before, after the flood's end", well_again(storm.after(kind), quiet), 5, " s")


def add_memory(table: Table, weather: Weather, storm: Storm) -> None:
    before, most, after = (storm.resident.get(key, math.nan) for key in ("before", "most", "after"))
    table.fact("  resident memory: before; most; after", f"{before:.0f}; {most:.0f}; {after:.0f} MiB")
    if weather.bound_mib is None:
        table.not_measured("  resident memory within its bound", "`status` prints none")
    else:
        table.at_most("  resident memory at most", most, weather.bound_mib, " MiB")


def say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"flood: {what}", file=sys.stderr)


def run(programs: pathlib.Path, plan: Plan) -> Weather:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.umask(0o077)  # a data directory is nobody else's
    # Beside the programs: on the project's disk, where /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix="flood.", dir=programs.parent) as work:
        return Run(programs, pathlib.Path(work), plan).measure()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pages", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    weather = run(options.programs.resolve(), dataclasses.replace(QUICK if options.quick else FULL, pages=options.pages))
    print(tabulate(weather))
    return 1 if any(storm.tally["granted"] for storm in weather.storms) else 0


if __name__ == "__main__":
    sys.exit(main())
