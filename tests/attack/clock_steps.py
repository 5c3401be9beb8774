#!/usr/bin/env python3
"""The machine's clock is set while the daemon runs, forwards and back, by seconds, hours or days.

    clock_steps.py [--long] [--seed N] [--door web]

After each step, from a login before it:
  - the code that was used is refused, and so is every code up to it: no code is accepted twice;
  - where the clock has gone forward, the next code is accepted; where it has gone back, one who has not logged in yet gets in;
  - a wait that was running has an end: at most the longest wait, from now;
  - a session that is held is still one, or has ended, as its limits say;
  - the step is told of: an audit record and a log event with the seconds (looked for in every fourth trial, since the
    daemon looks every 10 s).
"""
import argparse
import contextlib
import pathlib
import random
import sys
import tempfile
import time

from injector import LIBRARY, Injector, code_of, wrong_code_for
from doors import CHOICE, GRANTED, LATER
from harness import STEP, Daemon, Place, eventually

FREE = 10
LONGEST = 2  # seconds
SETTINGS = f"[waits]\nfree = {FREE}\nfirst = 1\nlongest = {LONGEST}\n"
TRIALS, LONG_TRIALS = 8, 200
LOOK_EVERY = 4  # trials
IDLE = 30 * 60  # seconds that a session lives unused
SIZES = (45, 90, 3600, 86_400, 30 * 86_400)  # seconds, about


class Trial:
    def __init__(self, place, door, injector, number, by):
        self.place, self.door, self.injector, self.by = place, door, injector, by
        self.holder, self.other, self.waiting = (place.add_user(f"{role}{number}") for role in ("holder", "other", "waiting"))
        self.wrong = []

    def verdict(self, user, code, password=None):
        return self.door.attempt(user.name, password or user.password, code)

    def require(self, held, what):
        if not held:
            self.wrong.append(what)

    def run(self, look):
        """What is wrong."""
        step, by = int(self.injector.now()) // STEP, self.by
        with self.door.begin(self.holder.name, self.holder.password) as login:
            login.send(code_of(self.holder, step))
            self.require(login.verdict().outcome == GRANTED, "the login before it was refused")
            self.begin_a_wait(step)
            seen = len(self.door.daemon.events())
            self.injector.clock_offset += by
            self.check_codes(step, by)
            self.check_session(login, by)
        self.check_wait()
        if look:
            self.check_alarm(by, seen)
        return [f"the clock set by {by:+} s: {what}" for what in self.wrong]

    def begin_a_wait(self, step):
        while self.verdict(self.waiting, wrong_code_for(self.waiting, step)).outcome != LATER:
            pass

    def check_codes(self, step, by):
        now = int(self.injector.now()) // STEP
        for given in {step - 1, step, now - 1, now, now + 1}:
            if given <= step:
                self.require(self.verdict(self.holder, code_of(self.holder, given)).outcome != GRANTED,
                             f"code {given - step:+} of the holder was accepted")
        if by > 0:
            eventually(lambda: self.verdict(self.holder, code_of(self.holder, int(self.injector.now()) // STEP)).outcome == GRANTED,
                       "the next login")
        code = code_of(self.other, int(self.injector.now()) // STEP)
        self.require(self.verdict(self.other, code).outcome == GRANTED, "one who has not logged in before was refused")
        self.require(self.verdict(self.other, code).outcome != GRANTED, "the same code was accepted twice")

    def check_session(self, login, by):
        """To be ahead by more than the idle limit is as bad as to have been idle for so long (auth/session.cpp)."""
        lives = login.lives()
        if abs(by) > IDLE + STEP:
            self.require(not lives, "a session lives on beyond its idle limit")
        elif abs(by) < IDLE - STEP:
            self.require(lives, "a session has ended too early")

    def check_wait(self):
        def judged():
            verdict = self.verdict(self.waiting, code_of(self.waiting, int(self.injector.now()) // STEP))
            if verdict.outcome == LATER and verdict.wait > LONGEST:
                self.wrong.append(f"a wait of {verdict.wait} s, which is longer than the longest")
                return True
            time.sleep(0.02)  # who asks hundreds of times a second is turned away for that
            return verdict.outcome == GRANTED
        eventually(judged, "the end of a wait")

    def check_alarm(self, by, seen):
        def told():
            return [int(event["seconds"]) for event in self.door.daemon.events()[seen:] if event["event"] == "alarm.clock-stepped"]
        eventually(told, "alarm.clock-stepped in the log")
        near = [seconds for seconds in told() if abs(seconds - by) <= 2]
        self.require(near, f"the alarm says {told()}")
        recorded = self.place.query("SELECT reason FROM audit WHERE event = 'alarm.clock-stepped' ORDER BY id DESC LIMIT 1")
        self.require(recorded and abs(int(recorded[0][0]) - by) <= 2, f"the audit says {recorded}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help=f"{LONG_TRIALS} steps instead of {TRIALS}")
    parser.add_argument("--seed", type=int, default=None, help="of the steps; printed")
    parser.add_argument("--door", choices=CHOICE, default="line")
    options = parser.parse_args()
    if not LIBRARY.exists():
        sys.exit(f"clock_steps: {LIBRARY} is not there: build it, or set SECURELOGIN_INJECTOR")
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    trials = LONG_TRIALS if options.long else TRIALS
    failures = 0
    for number in range(trials):
        # Each its own: waits and steps of one are nobody else's.
        with tempfile.TemporaryDirectory(prefix="securelogin-clock-") as scratch:
            place = Place(pathlib.Path(scratch))
            place.write_settings(SETTINGS)
            injector = Injector(scratch)
            injector.to_a_later_step()
            # Forwards and back in turn, and so among those that are looked at.
            sign = (1, -1)[(number + number // LOOK_EVERY) % 2]
            by = sign * round(chance.choice(SIZES) * chance.uniform(0.8, 1.2))
            with contextlib.ExitStack() as stack:
                daemon = stack.enter_context(Daemon(place, web=1, environment=injector.environment))
                wrong = Trial(place, CHOICE[options.door](daemon), injector, number, by).run(number % LOOK_EVERY == 0)
        failures += bool(wrong)
        for what in wrong:
            print("FAILURE", what, flush=True)
    print(f"trials {trials}, failures {failures}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
