"""What the client's tests share: the program, a home of its own, and a pseudo-terminal to sit at."""

import errno
import os
import pty
import select
import signal
import subprocess
import tempfile
import termios
import time
import unittest

import fake_server

PROGRAM = os.environ["SECURELOGIN"]
PATIENCE = 60  # seconds, for whatever must happen soon


class Terminal:
    """The client at a pseudo-terminal."""

    def __init__(self, words, environment):
        self.output = b""
        self.seen = 0  # how much of the output has been expected already
        self.status = None
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.execvpe(words[0], words, environment)

    def expect(self, text):
        """Reads on until `text` has appeared after what was expected before."""
        wanted = text.encode()
        deadline = time.monotonic() + PATIENCE
        while (at := self.output.find(wanted, self.seen)) < 0:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{text!r} did not come; there is {self.output[self.seen:]!r}")
        self.seen = at + len(wanted)

    def send(self, text):
        os.write(self.master, text.encode())

    def answer(self, prompt, text):
        self.expect(prompt)
        self.send(text + "\n")

    def echo(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def kill(self, number):
        os.kill(self.process, number)

    def wait(self):
        """The exit code, or the negative number of the signal that ended it."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline - time.monotonic()):
            pass
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self.status

    def close(self):
        if self.status is None:
            self.kill(signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.master)

    def _read(self, patience):
        """False at the end."""
        if patience <= 0 or not select.select([self.master], [], [], patience)[0]:
            raise AssertionError(f"nothing came in time; there is {self.output!r}")
        try:
            octets = os.read(self.master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            octets = b""
        self.output += octets
        return bool(octets)


class ClientCase(unittest.TestCase):
    """Each test has a home of its own; the servers' identities are made once."""

    @classmethod
    def setUpClass(cls):
        cls.identities = tempfile.TemporaryDirectory(prefix="client_test.")
        cls.addClassCleanup(cls.identities.cleanup)
        cls.identity = fake_server.Identity(cls.identities.name, "fake")
        cls.other = fake_server.Identity(cls.identities.name, "other")

    def setUp(self):
        home = tempfile.TemporaryDirectory(prefix="client_test.")
        self.addCleanup(home.cleanup)
        self.home = home.name
        self.environment = {
            "HOME": self.home, "PATH": os.environ["PATH"], "TERM": "xterm", "TZ": "UTC", "LC_ALL": "C.UTF-8",
            # The client refuses to be traced, which the leak check would have to do.
            "ASAN_OPTIONS": "detect_leaks=0",
        }
        self.known_hosts = os.path.join(self.home, ".config", "securelogin", "known_hosts")

    def serve(self, script, identity=None, **options):
        server = fake_server.FakeServer(identity or self.identity, script, **options)
        self.enterContext(server)
        return server

    def pin(self, server_identity=None):
        return ["--fingerprint", (server_identity or self.identity).fingerprint]

    def run_client(self, *words, typed="", **options):
        """In a pipe: exit code, standard output, standard error."""
        done = subprocess.run([PROGRAM, *words], input=typed, capture_output=True, text=True, timeout=PATIENCE,
                              env=self.environment, **options)
        return done.returncode, done.stdout, done.stderr

    def sit_down(self, *words, program=PROGRAM):
        terminal = Terminal([program, *words], self.environment)
        self.addCleanup(terminal.close)
        return terminal

    def assert_harmless(self, output):
        """Printable text and line ends only."""
        for character in output.decode():
            self.assertTrue(character.isprintable() or character in "\r\n", f"{character!r} in {output!r}")
