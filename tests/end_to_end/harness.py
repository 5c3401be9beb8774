"""What the end-to-end tests stand on: the real programs, in directories and on ports of their own.

Everything runs below one temporary directory per test case: data directory, HOME and the XDG directories.  Nothing here
sleeps to synchronise: a daemon is ready when it says `listening on`, and everything else is waited for by what it does.

    SECURELOGIN_BIN        where the three programs are (required)
    SECURELOGIN_SANITIZE   not empty: the programs are slower, and tests may do less of the same
"""
import contextlib
import json
import os
import pathlib
import pty
import random
import re
import select
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest
import urllib.parse

BIN = pathlib.Path(os.environ.get("SECURELOGIN_BIN", "build/dev/bin")).resolve()
SANITIZED = bool(os.environ.get("SECURELOGIN_SANITIZE"))
PATIENCE = 120 if SANITIZED else 40  # seconds after which something that must happen has not
STEP = 30  # seconds a code stands (RFC 6238's X)
SLOW_HASH = "[password]\nmemory_kib = 65536\npasses = 16\n"  # some tenths of a second, so that other things happen meanwhile


def run(*command, stdin="", check=True, **options):
    """A program that ends by itself; its output as text."""
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True,
                          timeout=PATIENCE, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def one_time_code(secret, step, *, algorithm="sha1", digits=6, period=STEP):
    """The code of a time step, by the OATH Toolkit and not by our own code."""
    return run("oathtool", f"--totp={algorithm}", "--base32", f"--digits={digits}", f"--time-step-size={period}s",
               f"--now=@{step * period}", "-", stdin=secret).stdout.strip()


def current_step(period=STEP):
    return int(time.time()) // period


def keep_clear_of_the_next_step(seconds=5):
    """What is computed for a step is about to be used in the same: where too little is left of this one, the next is near."""
    left = STEP - time.time() % STEP
    if left < seconds:
        time.sleep(left)


def eventually(holds, what):
    """Asks again until it is so; each question is to cost some time of its own."""
    deadline = time.monotonic() + PATIENCE
    while not (result := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
    return result


class User:
    """An enrolled one.  A code works once and only forwards: next_code() gives the current and then the next step's, so that
    a user can log in twice without waiting."""

    def __init__(self, name, password, uri):
        self.name, self.password, self.uri = name, password, uri
        parameters = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query)
        self.secret = parameters["secret"][0]
        self.algorithm = parameters.get("algorithm", ["SHA1"])[0].lower()
        self.digits = int(parameters.get("digits", ["6"])[0])
        self.period = int(parameters.get("period", [str(STEP)])[0])
        self.last_given = 0

    def code(self, offset=0):
        return self.code_of(current_step(self.period) + offset)

    def code_of(self, step):
        return one_time_code(self.secret, step, algorithm=self.algorithm, digits=self.digits, period=self.period)

    def next_code(self):
        now = current_step(self.period)
        self.last_given = max(now, self.last_given + 1)
        if self.last_given > now + 1:
            raise AssertionError(f"{self.name} has no code left for now: let the test take another user")
        return self.code_of(self.last_given)

    def wrong_code(self):
        """One that belongs to no step anywhere near."""
        near = {self.code(offset) for offset in range(-2, 4)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555", "666666") if code not in near)


class Reply:
    """`NNN-key value` lines and the `NNN text` that ends them."""

    def __init__(self, raw):
        self.raw = raw
        *facts, last = raw.decode().split("\r\n")[:-1]
        self.code, self.text = int(last[:3]), last[4:]
        self.facts = [tuple(line[4:].split(" ", 1)) for line in facts]
        for line in facts:
            assert line[:4] == f"{self.code}-", f"{line!r} does not belong to {last!r}"
        assert last[3:4] == " ", last

    def __getitem__(self, key):
        return dict(self.facts)[key]

    def __contains__(self, key):
        return key in dict(self.facts)

    def __repr__(self):
        return repr(self.raw)


class Closed(Exception):
    """The server has closed."""


class Client:
    """One connection, and nothing that a line client does not need: what is sent and read is up to the test."""

    def __init__(self, sock):
        self.socket = sock
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Leaves with RST, as a machine that crashed and came back does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send_raw(self, octets):
        self.socket.sendall(octets)

    def send(self, *lines):
        """All in one packet, as far as TCP allows."""
        self.send_raw("".join(line + "\n" for line in lines).encode())

    def read_line(self):
        while b"\n" not in self.unread:
            try:
                more = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLError) as error:
                raise Closed(repr(error)) from None
            if not more:
                raise Closed("end of stream" + (f" after {self.unread!r}" if self.unread else ""))
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        return line + b"\n"

    def read_reply(self):
        raw = line = self.read_line()
        while line[3:4] == b"-":
            line = self.read_line()
            raw += line
        return Reply(raw)

    def expect(self, *codes):
        """The next replies, which must have these codes; the last of them."""
        for code in codes:
            reply = self.read_reply()
            assert reply.code == code, f"{code} was due, and this came: {reply}"
        return reply

    def ask(self, line):
        self.send(line)
        return self.read_reply()

    def attempt(self, name, password, code):
        """Three answers, one verdict; the greeting has been read."""
        for answer, question in ((name, 330), (password, 331), (code, 332)):
            self.expect(question)
            self.send(answer)
        return self.read_reply()

    def log_in(self, user, code=None):
        self.expect(220)
        reply = self.attempt(user.name, user.password, code or user.next_code())
        assert reply.code == 230, f"logging in {user.name}: {reply}"
        return reply

    def read_rest(self):
        """All there is until the server closes."""
        rest = self.unread
        self.unread = b""
        while True:
            try:
                more = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return rest
            if not more:
                return rest
            rest += more

    def expect_closed(self):
        rest = self.read_rest()
        assert rest == b"", f"the server was to close without another word, and said {rest!r}"


def tls_context(alpn=(), newest=ssl.TLSVersion.TLSv1_3, oldest=ssl.TLSVersion.TLSv1_2):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version, context.maximum_version = oldest, newest
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


TLS = tls_context()


def connect_tcp(port, source="127.0.0.1", host="127.0.0.1", timeout=PATIENCE):
    connection = socket.create_connection((host, port), timeout=timeout, source_address=(source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def connect_unix(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(path))
    return connection


class Output:
    """The lines that a program writes, read by a thread so that it never waits for us."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, found, what):
        """The first line that `found` likes (its result, not the line)."""
        seen = 0
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                while seen < len(self.lines):
                    result = found(self.lines[seen])
                    seen += 1
                    if result:
                        return result
                left = deadline - time.monotonic()
                if self.ended or left <= 0 or not self.changed.wait(left) and seen == len(self.lines):
                    raise AssertionError(f"waited in vain for {what}; the program wrote:\n" + "\n".join(self.lines))

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def whole(self):
        """Of a program that has ended."""
        self.thread.join(PATIENCE)
        return self.text()


LISTENING = re.compile(r"listening on (\S+):(\d+) \(TLS, (SHA256:[A-Za-z0-9+/]{43})\)|listening on (\S+) \(plain\)")
WEB = re.compile(r"listening on (\S+) \((HTTPS, SHA256:[A-Za-z0-9+/]{43}|HTTP)\)")


class Daemon:
    """securelogind, from start to stop.  As a context manager it is killed at the end if it still runs."""

    def __init__(self, place, *options, listen=("127.0.0.1:0",), plain=(), web=0, log_format="json", environment=(), wrapper=(),
                 before_start=None):
        command = [*wrapper, str(BIN / "securelogind"), "--data", str(place.data)]
        if place.settings_file.exists():
            command += ["--config", str(place.settings_file)]
        command += [word for address in listen for word in ("--listen", address)]
        command += [word for address in plain for word in ("--listen-plain", address)]
        command += ["--listen-web", "127.0.0.1:0"] * web
        command += ["--log-format", log_format, *options]
        self.process = subprocess.Popen(command, env=place.environment | dict(environment), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="surrogateescape",
                                        cwd=place.root, preexec_fn=before_start)
        self.stdout, self.stderr = Output(self.process.stdout), Output(self.process.stderr)
        self.listeners, self.web_listeners = len(listen) + len(plain), web
        self.web = []
        self.port = self.fingerprint = None
        self.plain = []

    def __enter__(self):
        try:
            return self.wait_until_listening()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        self.stderr.thread.join(PATIENCE)

    @property
    def pid(self):
        return self.process.pid

    def wait_until_listening(self):
        seen = []

        def found(line):
            if LISTENING.fullmatch(line):
                seen.append(LISTENING.fullmatch(line))
            return len(seen) == self.listeners

        self.stderr.wait_for(found, "listening on")
        for match in seen:
            if match[2]:
                self.port, self.fingerprint = int(match[2]), match[3]
            else:
                self.plain.append(match[4])
        self.stderr.wait_for(self._count_web, "listening on")
        return self

    def _count_web(self, line):
        if WEB.fullmatch(line):
            self.web.append(WEB.fullmatch(line)[1])
        return len(self.web) >= self.web_listeners

    def connect(self, source="127.0.0.1", context=TLS, timeout=PATIENCE):
        """In TLS.  Raises what the handshake raises."""
        tcp = connect_tcp(self.port, source, timeout=timeout)
        try:
            return Client(context.wrap_socket(tcp, server_hostname="localhost"))
        except BaseException:
            tcp.close()
            raise

    def connect_plain(self, number=0, source="127.0.0.1"):
        address = self.plain[number]
        if address.startswith("unix:"):
            return Client(connect_unix(address[len("unix:"):]))
        return Client(connect_tcp(int(address.rsplit(":", 1)[1]), source))

    def log_in(self, user, code=None, source="127.0.0.1"):
        """A logged-in connection and its 230."""
        client = self.connect(source)
        try:
            return client, client.log_in(user, code)
        except BaseException:
            client.close()
            raise

    def events(self):
        with self.stderr.changed:
            lines = list(self.stderr.lines)
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_for_event(self, event, **fields):
        """The first event of this name with these values."""
        def found(line):
            if not line.startswith("{"):
                return None  # a word to whoever started it by hand
            parsed = json.loads(line)
            return parsed if parsed["event"] == event and all(parsed.get(k) == v for k, v in fields.items()) else None
        return self.stderr.wait_for(found, f"the event {event} {fields}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit code."""
        code = self.process.wait(PATIENCE)
        self.stderr.thread.join(PATIENCE)
        return code

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self):
        """Of its descriptors; the listeners are among them."""
        directory = f"/proc/{self.pid}/fd"
        found = 0
        for number in os.listdir(directory):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found += os.readlink(f"{directory}/{number}").startswith("socket:")
        return found


class Place:
    """An installation: a directory in which everything lives."""

    def __init__(self, root):
        self.root = root
        self.data = root / "data"
        self.settings_file = root / "securelogind.toml"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "STATE_", "NOTIFY_"))}
        self.environment |= {"HOME": str(root / "home"), "XDG_STATE_HOME": str(root / "state"), "TERM": "xterm",
                             "XDG_CONFIG_HOME": str(root / "config"), "XDG_DATA_HOME": str(root / "share")}
        (root / "home").mkdir()

    @property
    def database(self):
        return self.data / "securelogin.db"

    def write_settings(self, text):
        self.settings_file.write_text(text)
        self.settings_file.chmod(0o600)

    def admin(self, *words, stdin="", check=True):
        settings = ("--config", self.settings_file) if self.settings_file.exists() else ()
        return run(BIN / "securelogin-admin", "--data", self.data, *settings, *words, stdin=stdin, check=check,
                   env=self.environment, cwd=self.root)

    def add_user(self, name, *options, password=None):
        how = ("--generate-password",) if password is None else ("--password-stdin",)
        made = json.loads(self.admin("user", "add", name, *how, "--json", *options, stdin=(password or "") + "\n").stdout)
        return User(made["username"], password or made["password"], made["otpauth_uri"])

    def query(self, statement, *values):
        """What has been committed, read as sqlite3 reads it."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=PATIENCE)) as database:
            return database.execute(statement, values).fetchall()

    def securelogin(self, *words, stdin="", check=True):
        return run(BIN / "securelogin", *words, stdin=stdin, check=check, env=self.environment, cwd=self.root)


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, command, environment, cwd, rows=50, columns=100):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                termios.tcsetwinsize(0, (rows, columns))
                os.execve(str(command[0]), [str(word) for word in command], environment)
            finally:
                os._exit(127)
        self.seen = ""      # not yet consumed by expect()
        self.transcript = ""  # all of it
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def _read(self, deadline):
        ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more came; so far:\n{self.transcript}")
        try:
            octets = os.read(self.descriptor, 65536)
        except OSError:  # EIO: the program has closed its terminal
            octets = b""
        text = octets.decode(errors="replace")
        self.seen += text
        self.transcript += text
        return bool(octets)

    def expect(self, pattern):
        """Reads until `pattern` comes, and forgets what came before its end."""
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.seen)):
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} did not come; the terminal shows:\n{self.transcript}")
        self.seen = self.seen[match.end():]
        return match

    def echoes(self):
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    def send(self, text):
        os.write(self.descriptor, text.encode())

    def send_line(self, text):
        self.send(text + "\r")

    def wait(self):
        """Reads to the end; the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status


class TestCase(unittest.TestCase):
    """A place per test, removed at its end."""

    longMessage = True

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="securelogin-test-")
        self.addCleanup(scratch.cleanup)
        self.place = Place(pathlib.Path(scratch.name))

    def free_port(self):
        """For a server that must be told which.  Nobody else gets it before the test is over: it is below those that the
        kernel gives to whoever asks for any, and a name that tests agree upon is taken with it."""
        while True:
            port = random.randrange(15000, 32000)
            name = socket.socket(socket.AF_UNIX)
            try:
                name.bind(f"\0securelogin-test-port-{port}")
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
            self.addCleanup(name.close)
            return port

    def start(self, *options, **more):
        """A running daemon, gone at the end of the test; one that a sanitizer or an assertion ended is a failure."""
        daemon = Daemon(self.place, *options, **more)
        daemon.__enter__()
        self.addCleanup(self._finish, daemon)
        return daemon

    def _finish(self, daemon):
        daemon.__exit__()
        code = daemon.process.returncode
        self.assertIn(code, (0, -signal.SIGKILL), f"the daemon died: {daemon.stderr.text()}")
        self.assertNotIn("Sanitizer", daemon.stderr.text())
        self.assertNotIn("runtime error:", daemon.stderr.text())

    def connect(self, daemon, **how):
        client = daemon.connect(**how)
        self.addCleanup(client.close)
        return client

    def connect_plain(self, daemon, number=0, **how):
        client = daemon.connect_plain(number, **how)
        self.addCleanup(client.close)
        return client

    def log_in(self, daemon, user, **how):
        """A logged-in connection."""
        client, _ = daemon.log_in(user, **how)
        self.addCleanup(client.close)
        return client

    def assert_one_line_error(self, done, program, *words):
        """`program: what was being done: why`, one line and the last, all of the words in it; nothing on stdout, and before it
        at most word of what a first start made."""
        self.assertNotEqual(0, done.returncode, done.stderr)
        self.assertEqual("", done.stdout)
        *before, last = done.stderr.splitlines()
        self.assertTrue(last.startswith(f"{program}: "), done.stderr)
        for line in before:
            self.assertRegex(line, r"\Amade the |certificate_made")
        for word in words:
            self.assertRegex(last, word)


class OneDaemon(TestCase):
    """All tests of a class share a daemon and its place: for what leaves no trace on others."""

    SETTINGS = ""
    OPTIONS = {}

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="securelogin-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.place = Place(pathlib.Path(scratch.name))
        if cls.SETTINGS:
            cls.place.write_settings(cls.SETTINGS)
        cls.users = 0
        cls.daemon = Daemon(cls.place, **cls.OPTIONS)
        cls.daemon.__enter__()
        cls.addClassCleanup(cls._finish_class)

    @classmethod
    def _finish_class(cls):
        code = cls.daemon.stop() if cls.daemon.process.poll() is None else cls.daemon.process.returncode
        text = cls.daemon.stderr.text()
        if code != 0 or "Sanitizer" in text or "runtime error:" in text:
            raise AssertionError(f"the daemon ended with {code}: {text}")

    def setUp(self):
        pass

    @classmethod
    def fresh_user(cls, *options, **more):
        """Enrolled while the daemon runs, as administrators do."""
        OneDaemon.counter += 1
        return cls.place.add_user(f"user{OneDaemon.counter}", *options, **more)


OneDaemon.counter = 0


def main():
    for program in ("securelogind", "securelogin-admin", "securelogin"):
        if not (BIN / program).exists():
            sys.exit(f"harness: {BIN / program} is not there: build it, or set SECURELOGIN_BIN")
    unittest.main(verbosity=2)
