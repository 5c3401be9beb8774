"""Made-up users, each with a session and a token to it."""

import pathlib
import subprocess

from figures import say


def enrol_with_sessions(programs: pathlib.Path, data: pathlib.Path, count: int) -> None:
    say(f"making {count:,} users with a session each")
    for program in ("bench_enrol", "bench_sessions"):
        subprocess.run([programs / program, data, str(count)], check=True)
