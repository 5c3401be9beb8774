#!/usr/bin/env python3
"""README.md's commands, run as they stand; run by scripts/test, since they build the release preset.

A fenced block that shows a session (a prompt or an answer in it) is not run; any other line must be known here.
"""
import os
import pathlib
import re
import shlex
import subprocess
import unittest

from harness import Terminal, TestCase, User, run

PROJECT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = PROJECT / "build" / "release" / "bin"
FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SESSION = re.compile(r"securelogin>|Username:|Password:|[Cc]ode:|█|▀")


def blocks():
    """Each fenced block's command lines, without their comments."""
    for block in FENCE.findall((PROJECT / "README.md").read_text()):
        if not SESSION.search(block):
            yield [line for line in (re.sub(r"\s+#.*", "", line).strip() for line in block.splitlines()) if line]


class Readme(TestCase):
    def setUp(self):
        super().setUp()
        self.environment = self.place.environment | {"PATH": f"{RELEASE}:{os.environ['PATH']}",
                                                     "STATE_DIRECTORY": str(self.place.data)}

    def test_every_command_is_known_here(self):
        known = ("scripts/quickstart", "scripts/test", "scripts/bench", "scripts/install-deps ", "sudo cmake --install ",
                 "securelogin-admin ", "securelogind --listen-web ")
        lines = [line for block in blocks() for line in block]
        self.assertIn("scripts/quickstart", lines)
        self.assertIn("scripts/test", lines)
        for line in lines:
            self.assertTrue(line.startswith(known), f"no test runs {line!r}")

    def test_everyday_administration(self):
        block = next(block for block in blocks() if block[0].startswith("securelogin-admin "))
        backups = self.place.root / "backups"  # the machine's own stay as they are
        backups.mkdir(mode=0o700)
        lines = [line.replace("/var/backups", shlex.quote(str(backups))) for line in block]
        script = "set -e\ncd " + shlex.quote(str(self.place.root)) + "\n" + "\n".join(lines) + "\necho all done\n"
        (self.place.root / "script").write_text(script)
        with Terminal(["/bin/bash", self.place.root / "script"], self.environment, self.place.root) as terminal:
            while terminal.expect(r"[Pp]assword for \w+: |same again: |all done").group() != "all done":
                terminal.send_line("correct horse battery staple")
            self.assertEqual(0, terminal.wait())
        self.assertEqual(["login.db"], [path.name for path in backups.iterdir()])

    def test_in_a_browser(self):
        [line] = next(block for block in blocks() if block[0].startswith("securelogind --listen-web"))
        words = [re.sub(r"^0\.0\.0\.0:\d+$", "127.0.0.1:0", word) for word in shlex.split(line)]
        daemon = subprocess.Popen([*words, "--listen", "127.0.0.1:0"], env=self.environment, stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.communicate)
        self.addCleanup(daemon.kill)
        address = next(m for m in (re.match(r"listening on (\S+) \(HTTPS, ", told) for told in daemon.stderr) if m)[1]
        page = run("curl", "--silent", "--show-error", "--insecure", f"https://{address}/login").stdout
        self.assertIn('autocomplete="one-time-code"', page)

    def test_installation_by_hand(self):
        block = next(block for block in blocks() if block[0].startswith("scripts/install-deps"))
        target = self.place.root / "target"
        for line in block:
            line = line.removeprefix("sudo ")
            run("/bin/bash", "-ec", line, cwd=PROJECT, env=self.environment | {"DESTDIR": str(target)})
        installed = {path.name for path in target.rglob("*") if path.is_file()}
        self.assertLessEqual({"securelogind", "securelogin", "securelogin-admin", "schema.sql", "securelogind.service"}, installed)


class Quickstart(TestCase):
    """scripts/quickstart as a person meets it: asked for name and password, and logged in."""

    def quickstart(self, *options):
        self.port = self.free_port()
        self.daemon = None
        return Terminal([PROJECT / "scripts" / "quickstart", "--data", self.place.data, "--listen", f"127.0.0.1:{self.port}",
                         *options], self.place.environment, self.place.root)

    def end(self, daemon):
        os.kill(daemon, 15)

    def test_from_nothing_to_the_prompt_and_again(self):
        with self.quickstart() as terminal:
            terminal.expect(r"User name \[.*\]: ")
            terminal.send_line("alice")
            for _ in range(2):
                terminal.expect(r"(password for alice|same again): ")
                self.assertFalse(terminal.echoes())
                terminal.send_line("correct horse battery staple")
            uri = terminal.expect(r"otpauth://\S+").group()
            self.assertIn("\u2580", terminal.transcript, "the QR code in the terminal")
            picture = terminal.expect(r"it is also in (\S+\.png)").group(1)
            self.assertEqual(uri, run("zbarimg", "--quiet", "--raw", picture).stdout.strip())
            daemon = int(terminal.expect(r"runs as process (\d+)").group(1))
            self.addCleanup(self.end, daemon)
            user = User("alice", "correct horse battery staple", uri)
            terminal.expect("[Pp]assword: ")
            terminal.send_line(user.password)
            terminal.expect("[Cc]ode: ")
            terminal.send_line(user.next_code())
            terminal.expect("securelogin> ")
            terminal.send_line("whoami")
            terminal.expect("user alice")
            terminal.send("\x04")
            terminal.expect(f"kill {daemon}")
            self.assertEqual(0, terminal.wait())

        command = [PROJECT / "scripts" / "quickstart", "--data", self.place.data, "--listen", f"127.0.0.1:{self.port}"]
        with Terminal(command, self.place.environment, self.place.root) as terminal:
            terminal.expect("runs already")
            terminal.expect(r"User name \[.*\]: ")
            terminal.send_line("alice")
            terminal.expect("[Pp]assword: ")
            terminal.send_line(user.password)
            terminal.expect("[Cc]ode: ")
            terminal.send_line(user.next_code())
            terminal.expect("securelogin> ")
            terminal.send("\x04")
            self.assertEqual(0, terminal.wait())

    def test_without_a_terminal_it_says_so(self):
        done = run(PROJECT / "scripts" / "quickstart", "--data", self.place.data, check=False, env=self.place.environment)
        self.assertEqual(1, done.returncode)
        self.assertIn("--demo", done.stderr)
        self.assertFalse(self.place.data.exists())

    def test_demo_leaves_nothing_behind(self):
        scratch = self.place.root / "tmp"
        scratch.mkdir()
        done = run(PROJECT / "scripts" / "quickstart", "--demo", env=self.place.environment | {"TMPDIR": str(scratch)})
        for line in ("C: alice", "S: 332 Code:", "S: 230 Login successful", "user alice"):
            self.assertIn(line, done.stdout)
        self.assertEqual([], list(scratch.iterdir()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
