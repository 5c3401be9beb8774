"""The test's side of fault_injector.hpp: which call of a program fails next, and what its clock says.

    injector = Injector(directory)
    Daemon(place, environment=injector.environment)
    injector.arm("sync", first=2, times=1, error=errno.EIO)
"""
import hashlib
import hmac
import base64
import mmap
import os
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))

from harness import BIN, STEP  # noqa: E402

LIBRARY = pathlib.Path(os.environ.get("SECURELOGIN_INJECTOR", BIN / "libfault_injector.so"))
CALLS = ("none", "write", "send", "sync", "open", "accept", "read", "receive", "alloc", "map", "size", "random", "lock", "name")
WORDS = {name: number for number, name in enumerate(("armed", "first", "times", "error", "seen", "failed", "clock_offset"))}
COUNTS = len(WORDS)
ROOM = 16  # counts, as kCalls


class Injector:
    def __init__(self, directory):
        self.file = pathlib.Path(directory) / "faults"
        self.file.write_bytes(bytes(8 * (COUNTS + ROOM)))
        with open(self.file, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(LIBRARY), "SECURELOGIN_FAULTS": str(self.file)}

    def _get(self, number):
        return struct.unpack_from("=q", self.memory, 8 * number)[0]

    def _set(self, number, value):
        struct.pack_into("=q", self.memory, 8 * number, value)

    def arm(self, call, first, times, error):
        """The call number `first` from now on, and `times` in all (0: all after it), fail with `error`."""
        self.disarm()
        for word, value in (("first", first), ("times", times), ("error", error), ("seen", 0), ("failed", 0)):
            self._set(WORDS[word], value)
        self._set(WORDS["armed"], CALLS.index(call))

    def disarm(self):
        """How many have failed."""
        self._set(WORDS["armed"], 0)
        return self._get(WORDS["failed"])

    def counts(self):
        return {call: self._get(COUNTS + number) for number, call in enumerate(CALLS) if number > 0}

    # ---- the program's time of day ----

    @property
    def clock_offset(self):
        return self._get(WORDS["clock_offset"])

    @clock_offset.setter
    def clock_offset(self, seconds):
        self._set(WORDS["clock_offset"], seconds)

    def now(self):
        """What the program takes it for."""
        return time.time() + self.clock_offset

    def to_a_later_step(self, steps=2):
        """Forward by so many time steps or a little more, to the beginning of one; that step."""
        wanted = int(self.now()) // STEP + steps
        self.clock_offset = wanted * STEP + 1 - int(time.time())
        return wanted


def code_of(user, step):
    """RFC 6238, by Python's own HMAC: quicker than a program for each."""
    key = base64.b32decode(user.secret + "=" * (-len(user.secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack_from(">I", digest, start)[0] & 0x7FFFFFFF
    return f"{number % 10 ** user.digits:0{user.digits}d}"


def wrong_code_for(user, step):
    """One that belongs to no step near this one."""
    near = {code_of(user, step + offset) for offset in range(-3, 4)}
    return next(code for code in (f"{digit * 111111:06d}" for digit in range(10)) if code not in near)
