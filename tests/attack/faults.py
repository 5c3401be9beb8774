#!/usr/bin/env python3
"""Every write, sync, open, accept, read, lock and allocation of a login is made to fail in turn.

    faults.py [--long] [--seed N] [--only CALL] [--kind KIND] [--door web]

Each trial is a login, with the right answers or a wrong one, during which one call of the daemon fails, once or from then
on.  At the browsers' door it is also the end of a session, and a proxy's question about it.  Whatever the answer is,
  - it is no yes to a wrong password, a wrong code or a used one, or to a session whose end was acknowledged;
  - after a yes, session, spent step and audit record are there, also after a kill -9, and the code is refused;
  - the daemon lives on, and the next login after the fault works, within 5 s.
The short form takes some of each kind of call at random; --long takes all of them (of "no memory from then on" every
eighth).
"""
import argparse
import collections
import contextlib
import errno
import http.client
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

import guarded
from injector import CALLS, LIBRARY, Injector, code_of, wrong_code_for
from doors import CHOICE, GRANTED, REFUSED
from harness import PATIENCE, Closed, Daemon, Place, run, BIN

LOGINS = ("right", "wrong password", "wrong code", "used code")
END = "end of a session"  # at the browsers' door
ERRORS = {
    "write": (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT),
    "send": (errno.ECONNRESET, errno.EPIPE, errno.ENOBUFS),
    "sync": (errno.EIO, errno.ENOSPC),
    "open": (errno.EMFILE, errno.ENFILE, errno.EACCES),
    "accept": (errno.EMFILE, errno.ECONNABORTED, errno.ENOBUFS),
    "read": (errno.EIO,),
    "receive": (errno.ECONNRESET, errno.EIO),
    "alloc": (errno.ENOMEM,),
    "map": (errno.ENOMEM,),
    "size": (errno.ENOSPC, errno.EIO),
    "random": (errno.EIO,),
    "lock": (errno.EAGAIN, errno.ENOLCK),
    "name": (errno.ENOSPC, errno.EIO),
}
# How many of each the short form takes.
SAMPLE = collections.defaultdict(lambda: 6, alloc=36, write=16, sync=8, receive=12, send=10, lock=10)
# From then on, only every so manieth is tried: most of these end the daemon.
FOR_GOOD_EVERY = collections.defaultdict(lambda: 1, alloc=8)
# Short of memory for good, the daemon may end: nothing acknowledged is lost, and the service manager starts it again.  So
# it may where the kernel has no randomness to give, which libsodium does not survive.
MAY_END_IN_THE_LONG_RUN = ("alloc", "map")
MAY_END_AT_ONCE = ("random",)
WELL_WITHIN = 5  # seconds, on a machine that has nothing else to do
# Seconds that a client waits for an answer: the store's own patience with a lock is 2 s, and may be needed twice.
PATIENCE_WITH_A_FAULT = 6
PATIENCE_FROM_THEN_ON = 2.5
WRONG_CODES = 80  # that an account takes in these tests; it bears 103
SETTINGS = "[waits]\nfree = 100\nstrangers = 100\n[log]\nlevel = \"error\"\n" + guarded.SETTINGS


class Fault(collections.namedtuple("Fault", "kind call first times error cold")):
    def __str__(self):
        often = "once" if self.times else "from then on"
        cold = ", just started" if self.cold else ""
        return f"{self.call} {self.first} {often} {errno.errorcode[self.error]}, {self.kind}{cold}"


class Stand:
    """A daemon with the injector in it, its users, and what it has said yes to."""

    def __init__(self, root, Door):
        self.place, self.Door = Place(root), Door
        self.place.write_settings(SETTINGS)
        self.injector = Injector(root)
        self.users = []
        self.wrong_codes = collections.Counter()
        self.granted = []  # (user, session, step, code) since the last restart
        self.daemon = self._start()

    def _start(self):
        return Daemon(self.place, web=1, environment=self.injector.environment).__enter__()

    def close(self):
        self.daemon.__exit__()

    def restart(self):
        self.daemon.kill()
        self.daemon.__exit__()
        self.daemon = self._start()

    def user(self):
        """One whose key bears more wrong codes."""
        if not self.users or self.wrong_codes[self.users[-1].name] >= WRONG_CODES:
            self.users.append(self.place.add_user(f"user{len(self.users)}", password="seventeen purple lampposts"))
        return self.users[-1]

    def log_in(self, user, password, code, patience=PATIENCE):
        """(the outcome or None, the session)"""
        try:
            verdict = self.Door(self.daemon, patience).attempt(user.name, password, code)
            return verdict.outcome, verdict.session_in(self.place)
        except AssertionError:
            return "something else than the question that was due", None
        except (Closed, OSError, ValueError):
            return None, None

    def guarded_session(self, user, code):
        """The token of a new one, which a proxy has asked for: the daemon remembers it."""
        verdict = self.Door(self.daemon).attempt(user.name, user.password, code)
        if verdict.outcome != GRANTED or not guarded.lets_in(self.daemon, verdict.token):
            raise AssertionError(f"a login before the fault failed: {verdict}")
        return verdict.token

    def end_session(self, token, patience=PATIENCE):
        """Whether it was told that it has ended."""
        try:
            return guarded.end_session(self.daemon, token, patience)
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def has_ended(self):
        return self.daemon.process.poll() is not None

    def count_granted(self, user):
        return self.place.query("SELECT count(*) FROM audit a JOIN users u ON u.id = a.user_id"
                                " WHERE u.name = ? AND a.event = 'login' AND a.outcome = 'granted'", user.name)[0][0]

    def is_on_disk(self, user, session, step):
        opened = self.place.query("SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id"
                                  " WHERE u.name = ? AND s.id = ?", user.name, session)[0][0]
        spent = self.place.query("SELECT last_step FROM totp JOIN users ON id = user_id WHERE name = ?", user.name)[0][0]
        return opened == 1 and spent >= step


class Campaign:
    def __init__(self, stand):
        self.stand = stand
        self.trials = collections.Counter()
        self.answers = collections.Counter()
        self.ended = collections.Counter()
        self.not_reached = 0
        self.slowest = 0  # seconds until a login after a fault
        self.lost = 0  # yeses to a login after a fault that the daemon took with it when it ended
        self.failures = []
        self.last = None

    def fail(self, fault, what):
        self.failures.append(f"{fault}: {what}")
        print(f"FAILURE {fault}: {what}", flush=True)

    def run(self, fault):
        try:
            (self.run_end if fault.kind == END else self.run_login)(fault)
        except (AssertionError, Closed, OSError) as error:  # before or after the fault, when all is to be well
            before, self.last = self.last, None
            if before and self.stand.has_ended():  # a thread that was ending the daemon had to wait for a processor
                self.check_life(before)
                return self.run(fault)
            self.fail(fault, f"{error!r}; after {before}")
            self.stand.restart()
        self.last = fault

    def arm(self, fault):
        self.stand.injector.arm(fault.call, fault.first, fault.times, fault.error)
        return PATIENCE_WITH_A_FAULT if fault.times else PATIENCE_FROM_THEN_ON

    def disarm(self, fault):
        if self.stand.injector.disarm() == 0:
            self.not_reached += 1
        else:
            self.trials[fault.call] += 1

    def run_end(self, fault):
        """What was acknowledged holds at once, and after whatever comes of the fault."""
        stand = self.stand
        user = stand.user()
        step = stand.injector.to_a_later_step() - 1
        token = stand.guarded_session(user, code_of(user, step))
        patience = self.arm(fault)
        acknowledged = stand.end_session(token, patience)
        let_in = guarded.lets_in(stand.daemon, token, patience)
        self.disarm(fault)
        self.answers["ended" if acknowledged else "not ended"] += 1
        self.check_life(fault)
        if acknowledged and (let_in or guarded.lets_in(stand.daemon, token)):
            self.fail(fault, "a WRONG YES")
        self.check_next_login(fault, user, step + 1, code_of(user, step + 1))
        if not stand.end_session(token) and guarded.lets_in(stand.daemon, token):
            self.fail(fault, "the session cannot be ended any more")

    def run_login(self, fault):
        stand = self.stand
        if fault.cold:
            stand.restart()
        user = stand.user()
        step = stand.injector.to_a_later_step() - 1
        first, second = code_of(user, step), code_of(user, step + 1)
        if fault.kind == "used code":
            if stand.log_in(user, user.password, first)[0] != GRANTED:
                return self.fail(fault, "the login before the fault failed")
            if fault.cold:
                stand.restart()
        before = stand.count_granted(user)
        given = {"wrong code": wrong_code_for(user, step)}.get(fault.kind, first)
        password = "not the password" if fault.kind == "wrong password" else user.password
        stand.wrong_codes[user.name] += fault.kind == "wrong code"

        verdict, session = stand.log_in(user, password, given, self.arm(fault))
        self.disarm(fault)
        self.answers[verdict] += 1
        if verdict == GRANTED:
            self.check_yes(fault, user, session, step, first)
        self.check_life(fault)
        lost = self.check_next_login(fault, user, step + 1, second)
        # One yes for each code that was right, and none for the rest.
        if stand.count_granted(user) - before > (2 if fault.kind == "right" else 1) + lost:
            self.fail(fault, "a code was accepted twice")

    def check_yes(self, fault, user, session, step, code):
        if fault.kind != "right":
            return self.fail(fault, "a WRONG YES")
        if not self.stand.is_on_disk(user, session, step):
            self.fail(fault, "a yes that is not on disk")
        self.stand.granted.append((user, session, step, code))

    def check_life(self, fault):
        if not self.stand.has_ended():
            return
        self.ended[fault.call] += 1
        code, said = self.stand.daemon.process.returncode, self.stand.daemon.stderr.whole()
        in_the_long_run = fault.call in MAY_END_IN_THE_LONG_RUN and not fault.times
        # "listening on" is said before the start has come to its end; one that fails says why.
        at_the_start = fault.cold and code == 1 and "\nsecurelogind: " in said
        may_end = in_the_long_run or at_the_start or fault.call in MAY_END_AT_ONCE
        if not may_end or code == -signal.SIGSEGV:
            self.fail(fault, f"the daemon ended with {code}: {said[-2000:]}")
        self.stand.restart()

    def check_next_login(self, fault, user, step, code):
        """How many times its yes was on disk and did not arrive, because the daemon ended: such a code is used up."""
        patience = WELL_WITHIN * max(1, os.getloadavg()[0] / os.cpu_count())
        begun, before = time.monotonic(), self.stand.count_granted(user)
        ended, lost = False, 0
        while (answer := self.stand.log_in(user, user.password, code, patience))[0] != GRANTED:
            if self.stand.has_ended():
                ended = True
                self.check_life(fault)
            if answer[0] == REFUSED and ended and self.stand.count_granted(user) == before + 1:
                ended, lost = False, 1
                step = self.stand.injector.to_a_later_step()
                code = code_of(user, step)
            elif time.monotonic() > begun + patience or answer[0] == REFUSED:
                self.fail(fault, f"the next login was answered with {answer[0]}")
                self.stand.restart()
                return lost
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.stand.granted.append((user, answer[1], step, code))
        self.lost += lost
        return lost

    def check_after_kill(self, why):
        """What was told is there, and the last code is dead."""
        stand = self.stand
        stand.restart()
        for user, session, step, _ in stand.granted:
            if not stand.is_on_disk(user, session, step):
                self.fail(why, f"session {session} of {user.name} is lost after a kill")
        for user, _, _, code in stand.granted[-2:]:
            if stand.log_in(user, user.password, code)[0] == GRANTED:
                self.fail(why, "a code was accepted twice, before and after a kill")
        verified = run(BIN / "securelogin-admin", "--data", stand.place.data, "audit", "verify", check=False,
                       env=stand.place.environment)
        if verified.returncode != 0:
            self.fail(why, f"audit verify: {verified.stdout}{verified.stderr}")
        if stand.place.query("PRAGMA integrity_check") != [("ok",)]:
            self.fail(why, "integrity_check")
        stand.granted.clear()


def calls_of_a_login(stand):
    """How many of each kind a login without a fault makes; one that the daemon has just been started for, if it has."""
    user = stand.user()
    step = stand.injector.to_a_later_step()
    before = stand.injector.counts()
    if stand.log_in(user, user.password, code_of(user, step))[0] != GRANTED:
        raise AssertionError("a login without a fault failed: " + stand.daemon.stderr.text())
    return calls_since(stand, before)


def calls_of_an_end(stand):
    """And of a proxy's question about it."""
    user = stand.user()
    token = stand.guarded_session(user, code_of(user, stand.injector.to_a_later_step()))
    before = stand.injector.counts()
    if not stand.end_session(token) or guarded.lets_in(stand.daemon, token) is not False:
        raise AssertionError("a session was not ended without a fault: " + stand.daemon.stderr.text())
    return calls_since(stand, before)


def calls_since(stand, before):
    return {call: count - before[call] for call, count in stand.injector.counts().items()}


def faults_of(call, kinds, last, is_cold):
    return [Fault(kind, call, first, times, error, is_cold) for kind in kinds for error in ERRORS[call]
            for times in (1, 0) for first in range(1, last + 1, 1 if times else FOR_GOOD_EVERY[call])]


def plan(warm, cold, end, chance, long, calls, kinds):
    faults = []
    for call in calls:
        all_of_it = faults_of(call, LOGINS, warm[call], False) + faults_of(call, (END,), end[call], False)
        # What a running daemon does not need any more is tried with one that has just started.
        if cold[call] > warm[call]:
            all_of_it += faults_of(call, LOGINS if warm[call] == 0 else LOGINS[:1], cold[call], True)
        all_of_it = [fault for fault in all_of_it if fault.kind in kinds]
        faults.append(all_of_it if long else chance.sample(all_of_it, min(SAMPLE[call], len(all_of_it))))
    return faults


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="all of them: about an hour")
    parser.add_argument("--seed", type=int, default=None, help="of the short form's choice; printed")
    parser.add_argument("--only", choices=CALLS[1:], help="only calls of this kind")
    parser.add_argument("--kind", choices=(*LOGINS, END), help="only trials of this kind")
    parser.add_argument("--door", choices=CHOICE, default="line")
    return parser.parse_args()


def main():
    options = arguments()
    if not LIBRARY.exists():
        sys.exit(f"faults: {LIBRARY} is not there: build it, or set SECURELOGIN_INJECTOR")
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="securelogin-faults-") as scratch:
        stand = Stand(pathlib.Path(scratch), CHOICE[options.door])
        with contextlib.closing(stand):
            cold, warm, *_ = (calls_of_a_login(stand) for _ in range(2))
            end = calls_of_an_end(stand) if options.door == "web" else collections.Counter()
            print("calls of a login, of one after the start, of an end:",
                  *(f"{call} {warm[call]}/{cold[call]}/{end[call]}" for call in CALLS[1:]), flush=True)
            campaign = Campaign(stand)
            calls = (options.only,) if options.only else CALLS[1:]
            kinds = (options.kind,) if options.kind else (*LOGINS, END)
            for faults in plan(warm, cold, end, random.Random(seed), options.long, calls, kinds):
                for number, fault in enumerate(faults, 1):
                    campaign.run(fault)
                    if number % 200 == 0 or number == len(faults):
                        campaign.check_after_kill(fault)
                if faults and not campaign.trials[faults[0].call]:
                    campaign.fail(faults[0], "no call of this kind was ever made to fail")
    print("by call:", dict(campaign.trials), "not reached:", campaign.not_reached)
    print("answers:", dict(campaign.answers), "daemon ended:", dict(campaign.ended))
    print(f"the slowest login after a fault: {campaign.slowest:.1f} s; answers lost with the daemon: {campaign.lost}")
    print(f"trials {campaign.trials.total()}, failures {len(campaign.failures)}")
    sys.exit(1 if campaign.failures else 0)


if __name__ == "__main__":
    main()
