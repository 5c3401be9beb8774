#!/usr/bin/env python3
"""Peers that are slow on purpose, by the hundred or thousand: the daemon's own memory stays within what `status` prints,
logins from elsewhere go on, and all is well within 5 s after.

    slow_peers.py            some hundred slow ones, as in ctest
    slow_peers.py --long     2,000 slow ones, and 18,000 that are idle, or as many as the limit of open files has room for
    slow_peers.py --door web     at the browsers' door, instead of the line protocol
"""
import argparse
import contextlib
import json
import os
import pathlib
import resource
import select
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
from doors import CHOICE, Pages  # noqa: E402
from harness import PATIENCE, SANITIZED, TLS, TestCase, connect_tcp, main  # noqa: E402

_parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
_parser.add_argument("--long", action="store_true")
_parser.add_argument("--door", choices=CHOICE, default="line")
OPTIONS, REST = _parser.parse_known_args()
LONG = OPTIONS.long
SLOW, READERS, IDLE, HOLD, LOGINS = (2000, 64, 18000, 60, 120) if LONG else (360, 16, 240, 12, 24)
HANDSHAKES = 256 if LONG else 64  # fewer than peers who dawdle in one
WELL_AGAIN = 5  # seconds
OTHER_FILES = 400  # than the crowd's, on either side
ELSEWHERE = [f"127.9.9.{number}" for number in range(1, 200)]


class Tls:
    """A client's side, over a socket that can be used without it afterwards: half a record can be sent, and it costs us nothing."""

    def __init__(self, connection):
        self.socket = connection
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = TLS.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self._until_done(self.tls.do_handshake)

    def _until_done(self, call):
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                octets = self.socket.recv(65536)
                if not octets:
                    raise ConnectionError("closed") from None
                self.incoming.write(octets)
            finally:
                self.socket.sendall(self.outgoing.read())

    def send(self, text):
        self.tls.write(text.encode())
        self.socket.sendall(self.outgoing.read())

    def read_until(self, text):
        seen = b""
        while text.encode() not in seen:
            seen += self._until_done(lambda: self.tls.read(65536))

    def record_of(self, octets):
        """What would be sent for these octets."""
        self.tls.write(octets)
        return self.outgoing.read()


class Peer:
    """One slow connection: what it has ready to send goes at once up to `head` octets, then one at a time."""

    head = 0
    per_source = 60  # 64 may be open at once

    def __init__(self, port, source, user=None):
        self.port, self.source, self.user = port, source, user
        self.socket = self.rest = None

    def prepare(self, connection):
        """Octets to send, slowly."""
        return b""

    def open(self):
        self.close()
        connection = connect_tcp(self.port, self.source)
        try:
            octets = self.prepare(connection)
            connection.setblocking(False)
            self.rest = octets[self.head:]
            if self.head:
                connection.send(octets[:self.head])
        except OSError:
            connection.close()
            raise
        self.socket = connection

    def drip(self):
        if self.rest:
            with contextlib.suppress(OSError):  # that it was closed is seen elsewhere
                self.socket.send(self.rest[:1])
                self.rest = self.rest[1:]

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Silent(Peer):
    """Connects and says nothing."""


class HalfOpen(Peer):
    """Announces the longest ClientHello that OpenSSL takes, and dawdles in its second record."""

    head = 20000
    per_source = 12  # 16 may be under way

    def prepare(self, _):
        fragment = bytes.fromhex("01" "0200f0" "0303") + bytes(16384 - 6)  # 131,312 octets are announced
        return (bytes.fromhex("160301") + len(fragment).to_bytes(2, "big") + fragment) * 2


class SlowSender(Peer):
    """Sends a record of the largest size, a line that never ends, and dawdles in the middle of it."""

    head = 8000

    def prepare(self, connection):
        return Tls(connection).record_of(b"x" * 16000)


class SlowReader(Peer):
    """Is logged in, asks for help again and again, and reads nothing of it."""

    head = 16000

    def prepare(self, connection):
        tls = Tls(connection)
        tls.send(f"{self.user.name}\n{self.user.password}\n{self.user.next_code()}\n")
        tls.read_until("230 ")
        return tls.record_of(b"HELP\n" * 3200)


class SlowForm(Peer):
    """Sends the head of a form and a record of the largest size, and dawdles in the form."""

    head = 8000

    def prepare(self, connection):
        return Tls(connection).record_of(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                                         b"Content-Length: 16000\r\n\r\n" + b"x" * 15000)


class SlowVisitor(Peer):
    """Asks for pages again and again, and reads nothing of them."""

    head = 16000

    def prepare(self, connection):
        return Tls(connection).record_of(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300)


class Idle(Peer):
    """Greeted, and quiet."""

    def prepare(self, connection):
        Tls(connection)
        return b""


class Crowd:
    """Peers that come back when they are closed, until the end."""

    def __init__(self, peers):
        self.peers = peers
        self.stopping = threading.Event()
        self.opened = self.refused = 0
        self.thread = threading.Thread(target=self._run)

    def open_all(self):
        for peer in self.peers:
            self._open(peer)

    def _open(self, peer):
        try:
            peer.open()
            self.opened += 1
        except OSError:
            self.refused += 1

    def keep_up(self):
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(0.5):
            gone = self._gone()
            for peer in self.peers:
                if self.stopping.is_set():
                    return
                if peer.socket is None or peer.socket.fileno() in gone:
                    self._open(peer)
                else:
                    peer.drip()

    def _gone(self):
        poll = select.poll()
        for peer in self.peers:
            if peer.socket is not None:
                poll.register(peer.socket, select.POLLRDHUP)
        return {descriptor for descriptor, events in poll.poll(0)
                if events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR)}

    def leave(self):
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join()
        for peer in self.peers:
            peer.close()


class Memory:
    """The most that a process has had of its own, looked at all the time."""

    def __init__(self, pid):
        self.pid, self.most = pid, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def now(self):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))

    def _run(self):
        while not self.stopping.wait(0.1):
            self.most = max(self.most, self.now())

    def stop(self):
        self.stopping.set()
        self.thread.join()


def make_room_for_files():
    """For the crowd: as far as may be; how many idle ones there can be then.  What we start has the same limit."""
    wanted = SLOW + IDLE + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
            hard = wanted
    room = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, room), hard))
    return min(IDLE, room - SLOW - OTHER_FILES)


def mib(octets):
    return f"{octets / 2**20:.1f} MiB"


class SlowPeers(TestCase):
    Door = CHOICE[OPTIONS.door]

    def setUp(self):
        super().setUp()
        self.idle = make_room_for_files()
        self.place.write_settings(f"[limits]\nconnections = {SLOW + self.idle + 100}\nhandshakes = {HANDSHAKES}\n"
                                  "[deadlines]\nanswer = 600\nlogin = 600\n"
                                  "[listen]\nweb = [\"127.0.0.1:0\"]\n")  # for `status`, which tells the bound
        self.users = [self.place.add_user(f"user{number}") for number in range(LOGINS // 2)]
        self.daemon = self.start(web=1)
        self.door = self.Door(self.daemon)
        self.bound = json.loads(self.place.admin("status", "--json").stdout)["memory_bound"]["bytes"]
        self.memory = Memory(self.daemon.pid)
        self.addCleanup(self.memory.stop)

    def crowd(self):
        readers = [self.place.add_user(f"reader{number}") for number in range(READERS)]
        each = (SLOW - READERS) // 3
        port, Sender, Reader = self.daemon.port, SlowSender, SlowReader
        if self.Door is Pages:
            port, Sender, Reader = int(self.daemon.web[0].rsplit(":", 1)[1]), SlowForm, SlowVisitor
        kinds = {Silent: each, HalfOpen: each, Sender: SLOW - READERS - 2 * each, Reader: READERS, Idle: self.idle}
        peers = []
        for network, (kind, count) in enumerate(kinds.items(), 20):  # 127.20.0.0/16 and so on
            for number in range(count):
                place = number // kind.per_source
                user = readers[number] if kind is SlowReader else None
                peers.append(kind(port, f"127.{network}.{place // 200}.{place % 200 + 1}", user))
        crowd = Crowd(peers)
        self.addCleanup(crowd.leave)
        return crowd

    def processor_time(self):
        with open(f"/proc/{self.daemon.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def try_login(self, number):
        """Seconds, or None where it failed.  Each user has two codes: this step's and the next one's."""
        user = self.users[number % len(self.users)]
        began = time.monotonic()
        try:
            self.door.log_in(user, source=ELSEWHERE[number % len(ELSEWHERE)])
        except Exception as error:  # noqa: BLE001 - whatever it was, the user is not in
            print(f"  login {number} failed: {error!r}", flush=True)
            return None
        return time.monotonic() - began

    def log_in_meanwhile(self):
        """Evenly over the time that the crowd holds on."""
        began, times = time.monotonic(), []
        for number in range(LOGINS):
            time.sleep(max(0.0, began + number * HOLD / LOGINS - time.monotonic()))
            times.append(self.try_login(number))
        return times

    def test_slow_peers(self):
        before = self.daemon.descriptors()
        crowd = self.crowd()
        began = time.monotonic()
        crowd.open_all()
        print(f"{crowd.opened} peers in {time.monotonic() - began:.1f} s, {crowd.refused} found no place", flush=True)
        crowd.keep_up()
        times = self.log_in_meanwhile()
        held = self.daemon.descriptors() - before
        crowd.leave()

        left, spent = time.monotonic(), self.processor_time()
        while self.daemon.descriptors() > before + 16 and time.monotonic() - left < PATIENCE:
            time.sleep(0.2)  # to look at twenty thousand of them costs the daemon time
        self.door.begin("user0", "", "127.21.0.1").__exit__()  # of one who dawdled
        well, spent = time.monotonic() - left, self.processor_time() - spent
        self.memory.stop()

        failures = sum(seconds is None for seconds in times)
        slowest = max((seconds for seconds in times if seconds is not None), default=0)
        print(f"{self.Door.__name__}: peers {SLOW} slow, {self.idle} idle; connections held {held}, opened in all {crowd.opened}\n"
              f"logins from elsewhere: trials {len(times)}, failures {failures}, slowest {slowest:.2f} s\n"
              f"memory of its own: at most {mib(self.memory.most)}, bound {mib(self.bound)}, after {mib(self.memory.now())}\n"
              f"all well after {well:.2f} s, of which the daemon used {spent:.2f} s of a processor", flush=True)
        # Those who dawdle in a handshake are put out for others, and come back.
        self.assertGreater(held, (SLOW + self.idle) * 0.75, "the crowd was there")
        self.assertEqual(0, failures)
        self.assertLessEqual(well, WELL_AGAIN)
        if not SANITIZED:
            self.assertLessEqual(self.memory.most, self.bound)


if __name__ == "__main__":
    sys.argv[1:] = REST
    main()
