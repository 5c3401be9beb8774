#!/usr/bin/env python3
"""Secrets are gone from the daemon's memory after use: the image of the process is searched for all that was typed.

    SECURELOGIN_LOGINS     how many logins (default 100; the long form is 1000)
"""
import base64
import os
import unittest

from harness import SANITIZED, TestCase, current_step, eventually, keep_clear_of_the_next_step, main, one_time_code

LOGINS = int(os.environ.get("SECURELOGIN_LOGINS", "100"))
PER_USER = 3  # the last step's code, this one's and the next one's
CANARY = "zq7kanarienvogel"  # how every password here begins
DIGITS = 8  # of a code: six might be found by chance


class Region:
    def __init__(self, start, end, name, locked, memory):
        self.name, self.locked = name, locked
        memory.seek(start)
        try:
            self.content = memory.read(end - start)
        except OSError:
            self.content = b""  # [vvar]


def regions(pid):
    """All memory of a process that can be read."""
    found, mappings = [], []
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            words = line.split()
            if not words[0].endswith(":"):
                mappings.append([words, False])
            elif words[0] == "VmFlags:":
                mappings[-1][1] = "lo" in words
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for (span, mode, *rest), locked in mappings:
            start, end = (int(number, 16) for number in span.split("-"))
            if mode.startswith("r") and "[v" not in "".join(rest[3:]):
                found.append(Region(start, end, " ".join(rest[3:]) or "anonymous", locked, memory))
    return found


def search(image, canaries):
    """(what, region's name, whether it is locked in memory) for all that is found."""
    return [(what, f"{region.name}: {region.content[max(0, at - 24):at + 56]!r}", region.locked)
            for region in image for what, octets in canaries.items() if (at := region.content.find(octets)) >= 0]


def as_hmac_key(secret, pad):
    """As it stands in the inner or outer block of an HMAC (RFC 2104)."""
    return bytes(octet ^ pad for octet in secret)


@unittest.skipIf(os.geteuid() != 0, "needs root: the daemon's memory is closed to others")
@unittest.skipIf(SANITIZED, "a sanitizer keeps what was freed")
class Memory(TestCase):
    def typed(self, text):
        """A secret in the forms that it may take on its way."""
        return {text: text.encode(), f"{text} in UTF-32": text.encode("utf-32-le"), f"{text} in UTF-16": text.encode("utf-16-le")}

    def keys_of(self, user):
        raw = base64.b32decode(user.secret + "=" * (-len(user.secret) % 8))
        return {f"{user.name}'s key in base32": user.secret.encode(), f"{user.name}'s key": raw,
                f"{user.name}'s inner HMAC key": as_hmac_key(raw, 0x36), f"{user.name}'s outer HMAC key": as_hmac_key(raw, 0x5C)}

    def code_of(self, user, step):
        code = one_time_code(user.secret, step, digits=DIGITS)
        self.canaries[f"code {code}"] = code.encode()
        return code

    def add_user(self, number):
        user = self.place.add_user(f"user{number}", "--digits", str(DIGITS), password=f"{CANARY} blue lorry {number} staple")
        self.canaries |= self.keys_of(user)
        return user

    def attempt(self, daemon, name, password, code, expected):
        with daemon.connect() as client:
            client.expect(220)
            self.assertEqual(expected, client.attempt(name, password, code).code)

    def log_in_often(self, daemon, user):
        keep_clear_of_the_next_step()
        now = current_step()
        for step in (now - 1, now, now + 1):
            self.attempt(daemon, user.name, user.password, self.code_of(user, step), 230)

    def have_bad_days(self, daemon, user):
        """All that can be typed and is no login."""
        self.canaries["a wrong code"] = b"31415926"
        self.attempt(daemon, user.name, f"{CANARY} is wrong", "31415926", 530)
        self.attempt(daemon, "nobody", f"{CANARY} is nobody's", "31415926", 530)
        with daemon.connect() as client:  # leaves while its password is hashed
            client.send(user.name, f"{CANARY} of one who leaves")
            client.expect(220, 330, 331, 332)
            client.reset()
        with daemon.connect() as client:  # is cut off in the middle of a line
            client.send_raw(f"{user.name}\n{CANARY} half a line".encode())
            client.expect(220, 330, 331)
            client.reset()
        with daemon.connect() as client:  # types more than a line may have
            client.send_raw((CANARY * 100).encode() + b"\n")
            client.read_rest()
        with daemon.connect_plain() as client:
            client.expect(220)
            client.attempt(user.name, f"{CANARY} in clear", "31415926")

    def change_password(self, daemon, user):
        keep_clear_of_the_next_step()
        now = current_step()
        client, _ = daemon.log_in(user, self.code_of(user, now - 1))
        with client:
            for line, code in (("PASSWD", 331), (user.password, 332), (self.code_of(user, now), 333), (CANARY[:7], 553)):
                self.assertEqual(code, client.ask(line).code)
            client.expect(333)
            self.assertEqual(250, client.ask(f"{CANARY} brand new 7 phrase").code)
            for line, code in (("CODES", 331), (f"{CANARY} brand new 7 phrase", 332)):
                self.assertEqual(code, client.ask(line).code)
            recovery_codes = [value for _, value in client.ask(self.code_of(user, now + 1)).facts]
        self.assertEqual(10, len(recovery_codes))
        for code in recovery_codes:
            self.canaries |= {f"recovery code {code}": code.encode(), f"{code} bare": code.replace("-", "").encode()}
        self.attempt(daemon, user.name, f"{CANARY} brand new 7 phrase", recovery_codes[0], 230)
        self.attempt(daemon, user.name, f"{CANARY} brand new 7 phrase", recovery_codes[1].replace("-", ""), 230)

    def test_what_was_typed_is_gone(self):
        self.canaries = self.typed(CANARY) | self.typed(CANARY.upper())
        users = [self.add_user(number) for number in range(LOGINS // PER_USER + 1)]
        patient = self.add_user("patient")
        daemon = self.start(plain=("127.0.0.1:0",))
        at_rest = daemon.sockets()
        for user in users:
            self.log_in_often(daemon, user)
        self.have_bad_days(daemon, users[0])
        self.change_password(daemon, patient)
        eventually(lambda: daemon.sockets() <= at_rest, "all connections are closed")
        with daemon.connect() as client:  # behind the hash of the one who has left
            client.expect(220)
            client.attempt("nobody", "x", "x")

        image = regions(daemon.pid)
        key = (self.place.data / "master.key").read_text().split()[1]
        master = {"master key": base64.b64decode(key), "master key in base64": key.rstrip("=").encode()}
        size = sum(len(region.content) for region in image)
        print(f"{len(self.canaries)} canaries after {PER_USER * len(users)} logins, in {size >> 20} MiB", flush=True)
        self.assertEqual([], search(image, self.canaries))
        places = {(what, locked) for what, _, locked in search(image, master)}
        self.assertEqual(set(), places, "what is derived from it is there, in locked memory; it itself is read when it is needed")
        print(f"trials {len(self.canaries)}, failures 0", flush=True)

    def test_what_is_being_typed_is_in_locked_memory(self):
        """The search finds what there is: what was typed so far is there, until the line has ended."""
        daemon = self.start(plain=("127.0.0.1:0",))
        for connect in (daemon.connect, daemon.connect_plain):
            with connect() as client:
                client.expect(220, 330)
                client.send_raw(b"alice\n" + CANARY.encode())
                client.expect(331)
                found = eventually(lambda: search(regions(daemon.pid), {"password": CANARY.encode()}), "the line's buffer")
                self.assertEqual({True}, {locked for _, _, locked in found}, found)


if __name__ == "__main__":
    main()
