"""What became of real users in quiet and under floods: the figures that follow from single logins."""

import dataclasses
import math

IN_A_ROW = 5  # logins as fast as before: then all is well again


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
    """Seconds from the end of the flood until logins are as fast as 99 in 100 were before it, and stay so."""
    limit = quantile(before, 0.99)
    good = [login["in"] and login["took"] <= limit for login in later]
    for at in range(len(good) - IN_A_ROW + 1):
        if all(good[at:at + IN_A_ROW]):
            return later[at]["start"] if at > 0 else 0.0
    return math.nan
