#!/usr/bin/env python3
"""Whether the time that a refusal takes tells why.

Compared are an unknown name, a wrong password, a wrong code and a wrong recovery code after the right password, a disabled
account with its right password, a password that is too long.

    timing.py                the statistics find what is planted, and nothing else; then 70 rounds, which find a difference
                             of the gross kind only, such as a hash that is left out
    timing.py --long         2,000 rounds, some half an hour on an idle machine
    timing.py --rounds N     so many, judged as the long form
    timing.py --door web     at the browsers' door instead of the line protocol

    SECURELOGIN_BIN          where the programs are (required)
    SECURELOGIN_TIMING_DIR   where the database lies; default /dev/shm: no disk hides a difference there

Each round tries all six in random order; those of the same round are compared, each with each, by a sign test and by
Wilcoxon's signed-rank test (paired.py).  In every other round of the long form the code is sent only when the hash
has long been computed: what is left is the verdict itself; at the browsers' door all comes at once, and there is one time.
The peer is as near as can be, on the loopback, and plain where that may be.
"""
import argparse
import collections
import gc
import itertools
import os
import pathlib
import random
import signal
import statistics
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
from doors import Pages  # noqa: E402
from harness import Daemon, Place  # noqa: E402
from paired import sign_test, wilcoxon_test  # noqa: E402

ROUNDS, LONG_ROUNDS = 70, 2000
WARMING_UP, LONG_WARMING_UP = 5, 20  # rounds
PER_NAME = 80  # attempts: before a name has to wait, and before its code is locked
# None of them is to wait: what is compared is what is judged.
SETTINGS = "[waits]\nfree = 100\nstrangers = 10000\n"
# A tenth of a second: refusals are told in steps of 50 ms, so that nobody can tell a cheaper one from none.
HASH = "[password]\nmemory_kib = 24576\npasses = 16\n"
# All passwords have as many octets, but for one, in a form as well: what takes longer to come tells only what was sent.
FILLING = "-" * 231
RIGHT, WRONG, CODE = "purple lamppost 7 violins" + FILLING, "purple lamppost 8 violins" + FILLING, "000000"
RECOVERY_CODE = "ABCD-EFGH-JKLM-2345"  # nobody's
TOO_LONG = "x" * (len(RIGHT) + 1)  # a password has 256 code points at most
assert len(RIGHT) == len(WRONG) == 256
KINDS = {  # how its names begin, and the password and the code that are tried
    "unknown name": ("un", WRONG, CODE),
    "wrong password": ("wp", WRONG, CODE),
    "wrong code": ("wc", RIGHT, CODE),
    "wrong recovery code": ("wr", RIGHT, RECOVERY_CODE),
    "disabled": ("di", RIGHT, CODE),
    "too long": ("tl", TOO_LONG, CODE),
}
HASH_INCLUDED = "code to verdict, hash included"
# Of p, for all comparisons together.  On a machine that does other things meanwhile the short form is never to be wrong: it
# wants both tests to be as sure as can be, and a difference that no scheduler makes in every round.
LIMIT, SHORT_LIMIT = 0.01, 1e-6
GROSS = 0.5e-3  # seconds


def name_of(kind, number):
    return f"{KINDS[kind][0]}{number:04}"


def enrol(place, names):
    """So many of each kind, whose names are all of one length."""
    for number in range(names):
        for kind in KINDS:
            if kind == "unknown name":
                continue
            place.add_user(name_of(kind, number), password=RIGHT)
            if kind == "disabled":
                place.admin("user", "disable", name_of(kind, number))


def at_line(daemon, name, password, code, pause):
    """Seconds from password to the next question, and from code to verdict (None: the code was right by chance)."""
    with daemon.connect_plain() as client:
        client.expect(220, 330)
        client.ask(name)
        password_sent = time.perf_counter()
        client.ask(password)
        asked = time.perf_counter()
        time.sleep(pause or 0)
        code_sent = time.perf_counter()
        verdict = client.ask(code)
        judged = time.perf_counter()
    return {"password to question": asked - password_sent,
            HASH_INCLUDED if pause is None else "code to verdict, hash computed before": judged - code_sent if verdict.code == 530 else None}


def at_web(daemon, name, password, code, _):
    """Seconds from the form to the page that refuses it."""
    with Pages(daemon).begin(name, password) as login:
        sent = time.perf_counter()
        login.send(code)
        answer = login.browser.receive()
        judged = time.perf_counter()
    return {HASH_INCLUDED: judged - sent if answer.status == 401 else None}


DOORS = {"line": at_line, "web": at_web}


def measure(attempt, daemon, rounds, chance, long):
    """For each measure the rounds' times, each by kind."""
    times = collections.defaultdict(list)
    pause = 0.0
    for number in range(rounds):
        patience = pause if long and number % 2 == 1 else None
        taken = {kind: attempt(daemon, name_of(kind, number // PER_NAME), *KINDS[kind][1:], patience)
                 for kind in chance.sample(list(KINDS), len(KINDS))}
        for what in taken["disabled"]:
            row = {kind: seconds[what] for kind, seconds in taken.items()}
            if None not in row.values():
                times[what].append(row)
        if number == (LONG_WARMING_UP if long else WARMING_UP):  # the machine's own hash, and then some
            pause = 2 * statistics.median(seconds for row in times[HASH_INCLUDED] for seconds in row.values())
            times.clear()
    return times


def differs(differences, limit):
    """In either test."""
    return min(sign_test(differences), wilcoxon_test(differences)) < limit


def differs_grossly(differences, limit):
    """In both, and by far."""
    return max(sign_test(differences), wilcoxon_test(differences)) < limit and abs(statistics.median(differences)) >= GROSS


def compare(times, judge, limit):
    """(trials, failures): pairs of kinds in each measure, and those that can be told apart."""
    pairs = list(itertools.combinations(KINDS, 2))
    found = 0
    for what, rows in times.items():
        medians = ", ".join(f"{kind} {1e6 * statistics.median(row[kind] for row in rows):.0f}" for kind in KINDS)
        print(f"\n{what}; medians in us: {medians}")
        print(f"  {'':34}{'n':>6}{'median difference':>20}{'p (sign)':>12}{'p (Wilcoxon)':>14}")
        for one, other in pairs:
            differences = [row[one] - row[other] for row in rows]
            differ = judge(differences, limit / (len(times) * len(pairs)))
            found += differ
            print(f"  {one + ' - ' + other:34}{len(differences):6}{1e6 * statistics.median(differences):17.1f} us"
                  f"{sign_test(differences):12.2g}{wilcoxon_test(differences):14.2g}{'   DIFFERS' if differ else ''}")
    print(f"\na difference, {judge.__doc__.lower()[:-1]}: p below {limit:g} for all comparisons together")
    return len(times) * len(pairs), found


def run(rounds, attempt, settings, long):
    """The times of so many rounds, as measure() gives them."""
    memory = pathlib.Path("/dev/shm")
    directory = os.environ.get("SECURELOGIN_TIMING_DIR") or (memory if memory.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="securelogin-timing-", dir=directory) as scratch:
        place = Place(pathlib.Path(scratch))
        place.write_settings(settings)
        enrol(place, rounds // PER_NAME + 1)
        gc.disable()
        with Daemon(place, plain=("127.0.0.1:0",), web=1) as daemon:
            times = measure(attempt, daemon, rounds, random.Random(20240229), long)
            daemon.stop()
    return times


class Statistics(unittest.TestCase):
    """On times as a network makes them: log-normal, and one in twenty delayed by far."""

    def times(self, chance, n, longer=0.0):
        return [chance.lognormvariate(0, 0.1) + longer + (chance.expovariate(0.2) if chance.random() < 0.05 else 0)
                for _ in range(n)]

    def differences(self, seed, longer):
        chance = random.Random(seed)
        return [a - b for a, b in zip(self.times(chance, 1000, longer), self.times(chance, 1000))]

    def test_what_is_planted_is_found(self):
        for longer in (0.03, -0.03):  # of a median of 1
            differences = self.differences(1, longer)
            self.assertLess(sign_test(differences), 1e-3)
            self.assertLess(wilcoxon_test(differences), 1e-3)

    def test_where_there_is_nothing_nothing_is_found_more_often_than_p_says(self):
        for test in (sign_test, wilcoxon_test):
            found = sum(test(self.differences(seed, 0)) < 0.05 for seed in range(100))
            self.assertLess(found, 12, test.__name__)  # 5 are due
            self.assertGreater(found, 0, test.__name__)

    def test_a_gross_one_is_found_in_few_rounds_and_no_other(self):
        few = [self.differences(seed, 0)[:ROUNDS - WARMING_UP - 1] for seed in range(100)]
        limit = SHORT_LIMIT / 30
        self.assertFalse(any(differs_grossly(differences, limit) for differences in few))
        found = sum(differs_grossly([difference + 5 for difference in differences], limit) for differences in few)
        self.assertGreater(found, 90)

    def test_a_case_from_the_books(self):
        """Darwin's maize: Fisher, The Design of Experiments, section 17."""
        maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
        self.assertAlmostEqual(2 * (1 + 15 + 105) / 2**15, sign_test(maize))
        self.assertAlmostEqual(0.041, wilcoxon_test(maize), delta=0.004)  # exact: 0.0413

    def test_ties_and_noughts(self):
        self.assertEqual(1.0, sign_test([0, 0]))
        self.assertEqual(1.0, wilcoxon_test([0, 0]))
        self.assertEqual(1.0, wilcoxon_test([1, -1, 1, -1]))
        self.assertLess(wilcoxon_test([1] * 30), 1e-6)


def self_test():
    """(trials, failures)"""
    result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(Statistics))
    return result.testsRun, len(result.failures) + len(result.errors)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--door", choices=DOORS, default="line")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory and the daemon go
    attempt = DOORS[options.door]
    if options.long or options.rounds:
        outcomes = [compare(run(options.rounds or LONG_ROUNDS, attempt, SETTINGS, long=True), differs, LIMIT)]
    else:
        outcomes = [self_test(), compare(run(ROUNDS, attempt, SETTINGS + HASH, long=False), differs_grossly, SHORT_LIMIT)]
    trials, failures = map(sum, zip(*outcomes))
    print(f"trials {trials}, failures {failures}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
