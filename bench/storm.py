"""What became of real users in quiet and under floods: the figures that follow from single logins."""

import dataclasses
import math
import statistics

IN_A_ROW = 5  # logins that are judged together: one slow login is no storm


@dataclasses.dataclass
class Storm:
    """One flood, and what went on around it."""

    sources: int
    times: int
    tally: dict = dataclasses.field(default_factory=dict)
    quiet: list[dict] = dataclasses.field(default_factory=list)
    logins: list[dict] = dataclasses.field(default_factory=list)  # from the flood's first moment to the end of `after`
    resident: dict[str, float] = dataclasses.field(default_factory=dict)  # MiB: before, most, after

    def during(self, kind: str) -> list[dict]:
        return [login for login in self.logins if login["kind"] == kind and login["start"] < self.tally["seconds"]]

    def after(self, kind: str) -> list[dict]:
        """By the moment at which they began, from the end of the flood on."""
        over = self.tally["seconds"]
        later = [login | {"start": login["start"] - over} for login in self.logins
                 if login["kind"] == kind and login["start"] >= over]
        return sorted(later, key=lambda login: login["start"])


@dataclasses.dataclass
class Weather:
    """All of a run."""

    hash: dict[str, int]
    capacity: float  # hashes a second
    bound_mib: float | None  # of the daemon's memory, as `status` has it
    storms: list[Storm]

    def quiet(self, kind: str) -> list[float]:
        return [login["took"] for storm in self.storms for login in storm.quiet if login["kind"] == kind and login["in"]]


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[int(share * (len(times) - 1))] if times else math.nan


def share_in(logins: list[dict]) -> float:
    return sum(login["in"] for login in logins) / len(logins) if logins else math.nan


def well_again(later: list[dict], before: list[float]) -> float:
    """Seconds from the end of the flood until all get in again, and as fast as before it: of IN_A_ROW logins none fails, and
    their median is one that nine in ten were below before."""
    limit = quantile(before, 0.9)
    for at in range(len(later) - IN_A_ROW + 1):
        row = later[at:at + IN_A_ROW]
        if all(login["in"] for login in row) and statistics.median(login["took"] for login in row) <= limit:
            return row[0]["start"] if at > 0 else 0.0
    return math.nan
