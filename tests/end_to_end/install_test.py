#!/usr/bin/env python3
"""What `cmake --install` puts in place: for one prefix, and staged below DESTDIR for another."""
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import BIN, PATIENCE, main, run

BUILD = BIN.parent
PROGRAMS = ("securelogin", "securelogin-admin", "securelogind")
PAGES = ("man1/securelogin.1", "man5/securelogind.toml.5", "man8/securelogin-admin.8", "man8/securelogind.8")
UNIT = "lib/systemd/system/securelogind.service"
WORST_EXPOSURE = 2.0  # of 10, by systemd's own count
# Debian's Python has python3-seccomp, whichever runs this test.
PYTHON = "/usr/bin/python3"
# CALL... -- COMMAND...: runs it with these system calls, and EPERM for all others.
RESTRICTED = """
import contextlib, errno, os, seccomp, sys
words = sys.argv[1:]
end = words.index("--")
rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for call in words[:end]:
    with contextlib.suppress(RuntimeError):  # not of this machine
        rules.add_rule(seccomp.ALLOW, call)
rules.load()
os.execv(words[end + 1], words[end + 1:])
"""


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="securelogin-install-")
        cls.addClassCleanup(cls.directory.cleanup)
        root = pathlib.Path(cls.directory.name)
        cls.prefix = root / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.stage = root / "stage"
        run("cmake", "--install", BUILD, "--prefix", "/opt/login", env=os.environ | {"DESTDIR": str(cls.stage)})

    def read(self, name):
        return (self.prefix / name).read_text()

    # ---- files ----

    def test_everything_is_in_place(self):
        for name in (*(f"bin/{program}" for program in PROGRAMS), *(f"share/man/{page}" for page in PAGES), UNIT,
                     "lib/sysusers.d/securelogin.conf", "share/securelogin/schema.sql",
                     "share/doc/securelogin/securelogind.toml", "share/doc/securelogin/docs/protocol.md",
                     "share/doc/securelogin/fail2ban/filter.d/securelogin.conf",
                     "share/doc/securelogin/fail2ban/jail.d/securelogin.conf"):
            for place in (self.prefix, self.stage / "opt" / "login"):
                with self.subTest(place / name):
                    self.assertTrue((place / name).is_file())

    def test_destdir_holds_all_of_it(self):
        inside = {path.relative_to(self.stage / "opt" / "login") for path in self.stage.rglob("*") if path.is_file()}
        outside = {path.relative_to(self.prefix) for path in self.prefix.rglob("*") if path.is_file()}
        self.assertEqual(outside, inside)
        self.assertEqual(["opt"], os.listdir(self.stage))

    def test_nothing_can_be_written_by_others(self):
        for path in self.prefix.rglob("*"):
            self.assertEqual(0, path.stat().st_mode & 0o022, path)

    def test_programs_run_from_there(self):
        for program in PROGRAMS:
            with self.subTest(program):
                version = run(self.prefix / "bin" / program, "--version").stdout
                self.assertRegex(version, rf"\A{program} \d+\.\d+\.\d+\n\Z")

    def test_schema_is_the_one_compiled_in(self):
        if not shutil.which("sqlite3"):
            self.skipTest("needs sqlite3")
        with tempfile.TemporaryDirectory(prefix="securelogin-install-") as directory:
            run("sqlite3", pathlib.Path(directory) / "by-hand.db", stdin=self.read("share/securelogin/schema.sql"))
            data = pathlib.Path(directory) / "data"
            run(self.prefix / "bin/securelogin-admin", "--data", data, "user", "add", "alice", "--generate-password")
            by_hand, made = (run("sqlite3", database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").stdout
                             for database in (pathlib.Path(directory) / "by-hand.db", data / "securelogin.db"))
        self.assertEqual(by_hand, made)
        self.assertNotEqual("", made)

    # ---- systemd ----

    def analyze(self, *words):
        # A home of its own: it would look for units of the user's.
        environment = os.environ | {"HOME": self.directory.name, "XDG_RUNTIME_DIR": self.directory.name, "TERM": "dumb",
                                    "MANPATH": f"{self.prefix}/share/man:", "SYSTEMD_PAGER": "cat"}
        return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=PATIENCE,
                              env=environment)

    def test_unit_is_good(self):
        done = self.analyze("verify", self.prefix / UNIT)
        self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))

    def test_unit_names_the_program_of_its_prefix(self):
        self.assertIn(f"\nExecStart={self.prefix}/bin/securelogind\n", self.read(UNIT))
        staged = (self.stage / "opt/login" / UNIT).read_text()
        self.assertIn("\nExecStart=/opt/login/bin/securelogind\n", staged)
        self.assertNotIn("@", re.sub(r"@system-service|@privileged|@resources", "", staged))

    def test_verification_would_find_a_fault(self):
        with tempfile.TemporaryDirectory(prefix="securelogin-install-") as directory:
            broken = pathlib.Path(directory) / "securelogind.service"
            broken.write_text(self.read(UNIT).replace("bin/securelogind", "bin/not-there"))
            done = self.analyze("verify", broken)
        self.assertIn("not-there", done.stdout + done.stderr)

    def test_unit_is_hardened(self):
        done = self.analyze("security", "--offline=true", "--no-pager", f"--threshold={int(WORST_EXPOSURE * 10)}",
                            self.prefix / UNIT)
        verdict = next((line for line in done.stdout.splitlines() if "Overall exposure" in line), done.stderr)
        print(f"systemd-analyze security: {verdict.strip()}")
        self.assertEqual(0, done.returncode, done.stdout)

    def calls(self, set_or_call):
        """The system calls that a word of SystemCallFilter= stands for."""
        if not set_or_call.startswith("@"):
            return {set_or_call}
        done = self.analyze("syscall-filter", "--no-pager", set_or_call)
        self.assertEqual(0, done.returncode, done.stderr)
        words = [line.strip() for line in done.stdout.splitlines()[1:] if line.strip() and "#" not in line]
        return set().union(*map(self.calls, words))

    def allowed_calls(self):
        allowed = set()
        for words in re.findall("^SystemCallFilter=(.*)$", self.read(UNIT), re.MULTILINE):
            calls = set().union(*map(self.calls, words.lstrip("~").split()))
            allowed = allowed - calls if words.startswith("~") else allowed | calls
        return allowed

    def test_daemon_runs_within_the_calls_that_the_unit_allows(self):
        self.assertIn("\nSystemCallErrorNumber=EPERM\n", self.read(UNIT))
        allowed = self.allowed_calls()
        self.assertNotIn("mount", allowed)

        with tempfile.TemporaryDirectory(prefix="securelogin-install-") as directory:
            daemon = subprocess.Popen([PYTHON, "-c", RESTRICTED, *allowed, "--", self.prefix / "bin/securelogind", "--data",
                                       f"{directory}/data", "--listen", "127.0.0.1:0", "--listen-web", "127.0.0.1:0"],
                                      stderr=subprocess.PIPE, text=True)
            with daemon:
                said = list(itertools.takewhile(lambda line: "reason=start" not in line, daemon.stderr))
                daemon.terminate()
                said += daemon.stderr
        self.assertEqual(0, daemon.returncode, said)
        self.assertRegex("".join(said), r" confined .*seccomp")

    def test_unit_runs_as_the_user_that_is_made(self):
        name = re.search(r"^u (\S+) ", self.read("lib/sysusers.d/securelogin.conf"), re.MULTILINE)[1]
        self.assertIn(f"\nUser={name}\nGroup={name}\n", self.read(UNIT))
        self.assertIn(f"\nStateDirectory={name}\nStateDirectoryMode=0700\n", self.read(UNIT))

    @unittest.skipIf(os.geteuid() != 0, "needs root to make a user, in a directory of its own")
    def test_user_can_be_made(self):
        with tempfile.TemporaryDirectory(prefix="securelogin-install-") as directory:
            etc = pathlib.Path(directory) / "etc"
            etc.mkdir()
            run("systemd-sysusers", f"--root={directory}", "--replace=/usr/lib/sysusers.d/securelogin.conf", "-",
                stdin=self.read("lib/sysusers.d/securelogin.conf"))
            passwd = (etc / "passwd").read_text()
        self.assertRegex(passwd, r"(?m)^securelogin:[^:]*:\d+:\d+:SecureLogin daemon:/var/lib/securelogin:/usr/sbin/nologin$")

    # ---- words ----

    def test_man_pages_are_clean(self):
        for page in PAGES:
            with self.subTest(page):
                file = self.prefix / "share/man" / page
                formatted = run("groff", "-ww", "-b", "-mdoc", "-Tutf8", "-z", file)
                self.assertEqual("", formatted.stdout + formatted.stderr)
                shown = run("man", "--warnings", "-l", file, env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
                self.assertEqual("", shown.stderr)
                self.assertIn("SEE ALSO", shown.stdout)

    def test_man_pages_refer_to_pages_that_are_there(self):
        ours = {page.partition("/")[2] for page in PAGES}
        for page in PAGES:
            for name, section in re.findall(r"^\.Xr (\S+) (\d)", self.read(f"share/man/{page}"), re.MULTILINE):
                with self.subTest(page, to=name):
                    self.assertTrue(f"{name}.{section}" in ours or not name.startswith("securelogin"))

    def test_man_pages_have_the_options_that_the_programs_have(self):
        rows = {"securelogin": ("man1/securelogin.1", [()]),
                "securelogind": ("man8/securelogind.8", [()]),
                "securelogin-admin": ("man8/securelogin-admin.8",
                                      [(), ("user", "add"), ("user", "passwd"), ("user", "reset-totp"), ("status",), ("import",)])}
        for program, (page, commands) in rows.items():
            with self.subTest(program):
                helps = [run(self.prefix / "bin" / program, *command, "--help").stdout for command in commands]
                # An option begins its line; the examples have other programs' options too.
                told = set(re.findall(r"(?m)^ +(?:-\w,)?(--[a-z-]+)", "\n".join(helps)))
                text = self.read(f"share/man/{page}")
                options = {"-" + name for line in re.findall(r"(?m)^\.It .*?Fl .*$", text)
                           for name in re.findall(r"Fl (-[a-z-]+)", line)}
                told |= {option for option in ("--help", "--version") if option in options and option in "\n".join(helps)}
                self.assertEqual(told, options)

    def test_settings_page_has_the_keys_that_the_example_has(self):
        """The example, for its part, is read by a unit test, which knows what a key is."""
        sections, keys = {"Before the first section": []}, None
        keys = sections["Before the first section"]
        for line in self.read("share/doc/securelogin/securelogind.toml").splitlines():
            if match := re.fullmatch(r"\[(\w+)\]", line):
                keys = sections.setdefault(f"[{match[1]}]", [])
            elif match := re.match(r"#(\w+) = ", line):
                keys.append(match[1])
        documented, keys = {}, []
        for line in self.read("share/man/man5/securelogind.toml.5").splitlines():
            if line.startswith((".Ss ", ".Sh ")):
                keys = documented.setdefault(line[4:], [])
            elif match := re.match(r"\.It Ic (\w+) No =", line):
                keys.append(match[1])
        self.assertEqual(sections, {name: keys for name, keys in documented.items() if keys})

    def test_example_is_good(self):
        example = self.prefix / "share/doc/securelogin/securelogind.toml"
        with tempfile.TemporaryDirectory(prefix="securelogin-install-") as directory:
            done = run(self.prefix / "bin/securelogind", "--config", example, "--data", f"{directory}/data", "--check")
        self.assertIn("good", done.stderr)


if __name__ == "__main__":
    main()
