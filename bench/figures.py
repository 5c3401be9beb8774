"""What is made of many measurements of the same thing."""

import statistics
import sys


def median(results: list[dict], key: str) -> float:
    return statistics.median(result[key] for result in results)


def ratios(results: list[dict], key: str, beside: list[dict], other_key: str) -> list[float]:
    """Of each result to the mean of the two beside it that were taken just before and just after."""
    around = [(before[other_key] + after[other_key]) / 2 for before, after in zip(beside, beside[1:])]
    return [result[key] / other for result, other in zip(results, around, strict=True)]


def middle_half(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.2f} to {high:.2f}"


def say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"bench: {what}", file=sys.stderr)
