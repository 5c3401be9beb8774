"""securelogin-admin as a person and a script meet it: the real program, real directories, a real terminal.

What it prints is read by programs that share no code with it: zbarimg (PNG and terminal picture), json, sqlite3.
"""

import base64
import codecs
import contextlib
import fcntl
import hashlib
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import sqlite3
import stat
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from urllib.parse import parse_qs, unquote, urlsplit

PROGRAM = os.environ["SECURELOGIN_ADMIN"]
DEADLINE = 60  # seconds: for a slow machine under sanitizers, never waited for otherwise
GOOD = "correct horse battery staple"
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"

DONE, TAMPERED, USAGE, REFUSED, NO_USER, CANNOT_CREATE, IO, TRY_LATER, CONFIG = 0, 1, 64, 65, 67, 73, 74, 75, 78


class Case(unittest.TestCase):
    """A directory of its own; the program's data directory in it is `self.data`."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="admin_program.")
        self.addCleanup(shutil.rmtree, self.directory)
        self.data = self.path("data")

    def path(self, name):
        return os.path.join(self.directory, name)

    def environment(self, **extra):
        kept = {key: value for key, value in os.environ.items()
                if key not in ("NO_COLOR", "STATE_DIRECTORY", "XDG_STATE_HOME")}
        return {**kept, "TERM": "xterm-256color", "HOME": self.directory, **extra}

    def run_program(self, *words, stdin="", **options):
        options.setdefault("env", self.environment())
        options.setdefault("stdout", subprocess.PIPE)
        # A session of its own: no controlling terminal, even where the tests are run on one.
        return subprocess.run([PROGRAM, "--data", self.data, *words], input=stdin, stderr=subprocess.PIPE, text=True,
                              timeout=DEADLINE, start_new_session=True, cwd=self.directory, **options)

    def succeed(self, *words, **options):
        result = self.run_program(*words, **options)
        self.assertEqual(result.returncode, DONE, result.stderr)
        return result.stdout

    def succeed_json(self, *words, **options):
        return json.loads(self.succeed(*words, "--json", **options))

    def refuse(self, code, *words, says, **options):
        """Refused with `code`, nothing on stdout, one line on stderr that holds each of `says`."""
        result = self.run_program(*words, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout or "", "")
        line = result.stderr.splitlines()[-1]
        self.assertTrue(line.startswith("securelogin-admin: "), result.stderr)
        for part in says:
            self.assertIn(part, line)
        return result

    def add(self, name="alice", *words, password=GOOD):
        return self.succeed_json("user", "add", name, "--password-stdin", *words, stdin=password + "\n")

    def query(self, statement):
        connection = sqlite3.connect(f"file:{self.data}/securelogin.db?mode=ro", uri=True)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def change(self, statement):
        connection = sqlite3.connect(f"{self.data}/securelogin.db")
        try:
            with connection:
                connection.execute(statement)
        finally:
            connection.close()

    def audit(self):
        return [row[0] for row in self.query("SELECT event FROM audit ORDER BY id")]


def read_qr(image, *options):
    """What zbarimg reads in an image file; empty when it finds nothing."""
    result = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", *options, image],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=DEADLINE)
    return result.stdout.rstrip("\n")


class Screen:
    """A terminal's cells as grey levels: knows half blocks and as much of SGR as has to do with colours."""

    LEVELS = {0: 0, 15: 255, 16: 0, 231: 255}  # of xterm's 256 colours
    SCALE = 5  # pixels a module

    def __init__(self, text, background):
        self.default = (255 - background, background)
        self.rows = []  # of modules: two a line
        for line in text.replace("\r", "").rstrip("\n").split("\n"):
            self.draw(line)

    def draw(self, line):
        upper, lower = [], []
        foreground, background = self.default
        for escape, cell in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if not cell:
                foreground, background = self.colours(escape, foreground, background)
                continue
            upper.append(foreground if cell in "\u2580\u2588" else background)
            lower.append(foreground if cell in "\u2584\u2588" else background)
            assert cell in " \u2580\u2584\u2588", f"not a part of a picture: {cell!r}"
        self.rows += [upper, lower]

    def colours(self, escape, foreground, background):
        numbers = [int(number or 0) for number in escape.split(";")]
        while numbers:
            number = numbers.pop(0)
            if number == 0:
                foreground, background = self.default
            elif number == 38 and numbers[0] == 5:
                foreground, numbers = self.LEVELS[numbers[1]], numbers[2:]
            elif number == 48 and numbers[0] == 5:
                background, numbers = self.LEVELS[numbers[1]], numbers[2:]
            else:
                raise AssertionError(f"unexpected SGR {number}")
        return foreground, background

    def save(self, path):
        """As a PGM, with the terminal's own background around the picture."""
        margin = 4
        width = max(map(len, self.rows))
        blank = [self.default[1]] * (width + 2 * margin)
        rows = [blank] * margin
        rows += [[self.default[1]] * margin + row + [self.default[1]] * (width + margin - len(row)) for row in self.rows]
        rows += [blank] * margin
        with open(path, "wb") as file:
            file.write(b"P5 %d %d 255\n" % (len(blank) * self.SCALE, len(rows) * self.SCALE))
            for row in rows:
                file.write(bytes(level for level in row for _ in range(self.SCALE)) * self.SCALE)


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, case, *words, columns=80, stdout=None, **environment):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [PROGRAM, "--data", case.data, *words], stdin=slave, stdout=stdout or slave, stderr=slave,
            start_new_session=True, env=case.environment(**environment), cwd=case.directory,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave = slave  # held, so that its settings can be looked at when the program has gone
        self.text = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end within a character
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            os.close(descriptor)

    def read(self):
        ready, _, _ = select.select([self.master], [], [], 0.05)
        if ready:
            self.text += self.decoder.decode(os.read(self.master, 65536))
        return bool(ready)

    def wait_for(self, text, times=1):
        end = time.monotonic() + DEADLINE
        while self.text.count(text) < times:
            if time.monotonic() > end or (self.process.poll() is not None and not self.read()):
                raise AssertionError(f"no {text!r} in {self.text!r}")
            self.read()

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.master, text.encode())

    def answer(self, prompt, text, times=1):
        self.wait_for(prompt, times)
        self.type(text + "\n")

    def end(self):
        """The exit code; all that was printed is in `text` then."""
        end = time.monotonic() + DEADLINE
        while self.process.poll() is None:
            self.read()
            if time.monotonic() > end:
                raise AssertionError(f"does not end: {self.text!r}")
        while self.read():
            pass
        return self.process.returncode


class UserAdd(Case):
    def test_json_is_one_object_with_the_documented_keys(self):
        result = self.add()
        self.assertEqual(set(result), {"username", "otpauth_uri", "qr_file"})
        self.assertEqual(result["username"], "alice")
        self.assertIsNone(result["qr_file"])

    def test_uri_is_the_key_uri_format(self):
        uri = urlsplit(self.add()["otpauth_uri"])
        self.assertEqual((uri.scheme, uri.netloc, unquote(uri.path)), ("otpauth", "totp", "/SecureLogin:alice"))
        parameters = parse_qs(uri.query, strict_parsing=True)
        self.assertEqual(set(parameters), {"secret", "issuer"})
        self.assertRegex(parameters["secret"][0], "^[A-Z2-7]{32}$")

    def test_parameters_are_kept_and_in_the_uri(self):
        uri = self.add("alice", "--algorithm", "sha256", "--digits", "8", "--period", "60")["otpauth_uri"]
        parameters = parse_qs(urlsplit(uri).query)
        self.assertEqual({key: parameters[key] for key in ("algorithm", "digits", "period")},
                         {"algorithm": ["SHA256"], "digits": ["8"], "period": ["60"]})
        totp = self.succeed_json("user", "show", "alice")["totp"]
        self.assertEqual((totp["algorithm"], totp["digits"], totp["period"]), ("sha256", 8, 60))

    def test_issuer_and_name_come_from_the_settings(self):
        with open(self.path("settings.toml"), "w") as file:
            file.write('name = "login.example.org"\nissuer = "Example Org"\n')
        os.chmod(self.path("settings.toml"), 0o600)
        uri = self.add("alice", "--config", "settings.toml")["otpauth_uri"]
        self.assertIn("/Example%20Org:alice?", uri)
        self.assertIn("issuer=Example%20Org", uri)

    def test_text_is_the_uri_alone_on_stdout(self):
        output = self.succeed("user", "add", "alice", "--password-stdin", stdin=GOOD + "\n")
        self.assertRegex(output, r"\Aotpauth://totp/\S+\n\Z")

    def test_generated_password_is_printed_once_labelled_and_is_good(self):
        output = self.succeed("user", "add", "alice", "--generate-password")
        password = re.fullmatch(r"password: (\S{16,})\notpauth://totp/\S+\n", output)[1]
        self.add("bob", password=password)

    def test_generated_password_is_in_the_json(self):
        one = self.succeed_json("user", "add", "alice", "--generate-password")
        other = self.succeed_json("user", "add", "bob", "--generate-password")
        self.assertEqual(set(one), {"username", "otpauth_uri", "qr_file", "password"})
        self.assertNotEqual(one["password"], other["password"])

    def test_name_is_folded(self):
        self.assertEqual(self.add("Alice.B")["username"], "alice.b")
        self.refuse(CANNOT_CREATE, "user", "add", "ALICE.b", "--password-stdin", stdin=GOOD + "\n", says=["alice.b"])

    def test_password_line_ends_at_crlf(self):
        self.succeed("user", "add", "alice", "--password-stdin", stdin=GOOD + "\r\n")

    def test_missing_data_directory_is_made_privately_and_said(self):
        result = self.run_program("user", "add", "alice", "--generate-password")
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.assertIn(self.data, result.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(self.data).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.data}/master.key").st_mode), 0o600)

    def test_nothing_secret_lies_in_the_database(self):
        result = self.succeed_json("user", "add", "alice", "--generate-password")
        secret = parse_qs(urlsplit(result["otpauth_uri"]).query)["secret"][0]
        for name in os.listdir(self.data):
            if name.startswith("securelogin.db"):
                with open(os.path.join(self.data, name), "rb") as file:
                    content = file.read()
                for text in (secret, result["password"], "$argon2id$"):
                    self.assertNotIn(text.encode(), content)

    def test_is_written_down(self):
        self.add()
        self.assertEqual(self.audit(), ["user.add"])


class QrFile(Case):
    def test_png_is_private_and_read_by_zbarimg(self):
        result = self.add("alice", "--qr", "alice.png")
        self.assertEqual(result["qr_file"], "alice.png")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("alice.png")).st_mode), 0o600)
        self.assertEqual(read_qr(self.path("alice.png")), result["otpauth_uri"])

    def test_png_of_a_long_uri_is_read_too(self):
        result = self.add("n" * 64, "--qr", "n.png", "--algorithm", "sha512", "--digits", "8", "--period", "60")
        self.assertEqual(read_qr(self.path("n.png")), result["otpauth_uri"])

    def test_reset_draws_the_new_key(self):
        self.add()
        result = self.succeed_json("user", "reset-totp", "alice", "--qr", "new.png")
        self.assertEqual(read_qr(self.path("new.png")), result["otpauth_uri"])

    def refuse_file(self, name, *says):
        """Neither the file nor the user has been touched."""
        self.add("bob")
        before = sorted(os.listdir(self.directory))
        self.refuse(CANNOT_CREATE, "user", "add", "alice", "--generate-password", "--qr", name, says=says)
        self.refuse(CANNOT_CREATE, "user", "reset-totp", "bob", "--qr", name, says=says)
        self.assertEqual(sorted(os.listdir(self.directory)), before)
        self.assertEqual([user["username"] for user in self.succeed_json("user", "list")], ["bob"])
        self.assertEqual(self.audit(), ["user.add"])

    def test_existing_file_is_never_overwritten(self):
        with open(self.path("a.png"), "w") as file:
            file.write("old")
        self.refuse_file("a.png", "a.png", "exists", "another name")
        with open(self.path("a.png")) as file:
            self.assertEqual(file.read(), "old")

    def test_symlink_is_never_followed(self):
        with open(self.path("target"), "w") as file:
            file.write("old")
        os.symlink("target", self.path("a.png"))
        self.refuse_file("a.png", "a.png", "exists")
        with open(self.path("target")) as file:
            self.assertEqual(file.read(), "old")

    def test_dangling_symlink_is_never_followed(self):
        os.symlink("target", self.path("a.png"))
        self.refuse_file("a.png", "a.png", "exists")
        self.assertFalse(os.path.exists(self.path("target")))

    def test_missing_directory_is_said(self):
        self.refuse_file("missing/a.png", "missing/a.png", "No such file or directory")

    def test_nothing_is_left_when_the_user_is_not_added(self):
        self.add()
        wrong = (CANNOT_CREATE, ("alice", "--generate-password"), ""), (REFUSED, ("bob", "--password-stdin"), "12345678\n")
        for code, words, stdin in wrong:
            with self.subTest(words):
                self.refuse(code, "user", "add", *words, "--qr", "a.png", stdin=stdin, says=[])
                self.assertFalse(os.path.exists(self.path("a.png")))

    def test_nobody_is_enrolled_when_the_disk_is_full(self):
        self.add("bob")


        def fill_the_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        result = self.run_program("user", "add", "alice", "--generate-password", "--qr", "a.png", preexec_fn=fill_the_disk)
        self.assertNotEqual(result.returncode, DONE)
        self.assertFalse(os.path.exists(self.path("a.png")))
        self.assertEqual([user["username"] for user in self.succeed_json("user", "list")], ["bob"])

    @unittest.skipUnless(os.geteuid() == 0, "only root gives up rights")
    def test_root_gets_its_file_where_the_data_directorys_owner_may_not_write(self):
        nobody = 65534
        os.chmod(self.directory, 0o755)
        os.mkdir(self.data, 0o700)
        os.chown(self.data, nobody, nobody)
        os.mkdir(self.path("roots"), 0o700)
        result = self.add("alice", "--qr", "roots/alice.png")
        self.assertEqual(os.stat(self.path("roots/alice.png")).st_uid, 0)
        self.assertEqual(read_qr(self.path("roots/alice.png")), result["otpauth_uri"])
        self.refuse(CANNOT_CREATE, "user", "add", "alice", "--generate-password", "--qr", "roots/again.png", says=["alice"])
        self.assertFalse(os.path.exists(self.path("roots/again.png")))
        self.assertEqual({os.stat(os.path.join(self.data, name)).st_uid for name in os.listdir(self.data)}, {nobody})


class OnATerminal(Case):
    BLACK, WHITE = 0, 255  # the terminal's own background

    def drawn(self, columns=80, words=(), **environment):
        """(picture, URI) as `user reset-totp --qr` shows them, what it says to the person left out."""
        self.add()
        terminal = Terminal(self, "user", "reset-totp", "alice", "--qr", "new.png", *words, columns=columns, **environment)
        self.assertEqual(terminal.end(), DONE, terminal.text)
        lines = terminal.text.replace("\r", "").splitlines(keepends=True)
        uri = next(line for line in lines if line.startswith("otpauth://")).strip()
        picture = "".join(line for line in lines if re.search("[\u2580\u2584\u2588\x1b]", line))
        return picture, uri

    def rendered(self, picture, background, *options):
        Screen(picture, background).save(self.path("screen.pgm"))
        return read_qr(self.path("screen.pgm"), *options)

    def test_picture_is_read_on_a_dark_background(self):
        picture, uri = self.drawn()
        self.assertEqual(self.rendered(picture, self.BLACK), uri)

    def test_picture_is_read_on_a_light_background(self):
        picture, uri = self.drawn()
        self.assertEqual(self.rendered(picture, self.WHITE), uri)

    def test_picture_fits_80x24_with_the_uri(self):
        picture, uri = self.drawn()
        self.assertLessEqual(picture.count("\n") + -(-len(uri) // 80) + 1, 24)
        self.assertLessEqual(max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in picture.splitlines()), 80)

    def test_without_colours_it_is_read_on_a_dark_background(self):
        picture, uri = self.drawn(NO_COLOR="1")
        self.assertNotIn("\x1b", picture)
        self.assertEqual(self.rendered(picture, self.BLACK), uri)

    def test_without_colours_it_is_a_negative_on_a_light_background(self):
        picture, uri = self.drawn(NO_COLOR="1")
        self.assertEqual(self.rendered(picture, self.WHITE, "-Stest-inverted"), uri)

    def test_empty_no_color_is_not_set(self):
        self.assertIn("\x1b[", self.drawn(NO_COLOR="")[0])

    def test_dumb_terminal_gets_no_escape_codes(self):
        self.assertNotIn("\x1b", self.drawn(TERM="dumb")[0])

    def test_it_is_not_drawn_where_it_does_not_fit(self):
        picture, uri = self.drawn(columns=30)
        self.assertEqual(picture, "")
        self.assertTrue(uri)

    def test_it_is_not_drawn_when_not_wanted(self):
        self.assertEqual(self.drawn(words=["--no-terminal-qr"])[0], "")

    def test_json_on_a_terminal_is_json_alone(self):
        self.add()
        terminal = Terminal(self, "user", "reset-totp", "alice", "--qr", "new.png", "--json")
        self.assertEqual(terminal.end(), DONE, terminal.text)
        self.assertEqual(len([line for line in terminal.text.splitlines() if line.startswith("{")]), 1)
        self.assertNotIn("\u2588", terminal.text)

    def test_it_is_not_drawn_into_a_pipe(self):
        self.add()
        self.assertNotIn("\u2588", self.succeed("user", "reset-totp", "alice", "--qr", "new.png"))

    def test_password_is_asked_for_twice_and_not_shown(self):
        terminal = Terminal(self, "user", "add", "alice")
        terminal.answer("New password for alice: ", GOOD)
        terminal.answer("again: ", GOOD)
        self.assertEqual(terminal.end(), DONE, terminal.text)
        self.assertNotIn(GOOD, terminal.text)
        self.assertIn("otpauth://", terminal.text)
        self.assertTrue(terminal.echoes())
        self.assertEqual(len(self.succeed_json("user", "list")), 1)

    def test_refused_and_mistyped_passwords_are_asked_for_again(self):
        terminal = Terminal(self, "user", "add", "alice")
        terminal.answer("New password for alice: ", "12345678")
        terminal.wait_for("too easy to guess")
        terminal.answer("New password for alice: ", GOOD, times=2)
        terminal.answer("again: ", GOOD + "r")
        terminal.wait_for("not the same")
        terminal.answer("New password for alice: ", GOOD, times=3)
        terminal.answer("again: ", GOOD, times=2)
        self.assertEqual(terminal.end(), DONE, terminal.text)

    def test_three_refused_passwords_end_it(self):
        terminal = Terminal(self, "user", "add", "alice")
        for times in (1, 2, 3):
            terminal.answer("New password for alice: ", "short", times)
        self.assertEqual(terminal.end(), REFUSED)
        self.assertTrue(terminal.echoes())
        self.assertEqual(self.succeed_json("user", "list"), [])

    def test_end_of_input_ends_it(self):
        terminal = Terminal(self, "user", "add", "alice", "--qr", "a.png")
        terminal.wait_for("New password")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), REFUSED)
        self.assertTrue(terminal.echoes())
        self.assertFalse(os.path.exists(self.path("a.png")))

    def test_existing_user_is_told_before_a_password_is_asked_for(self):
        self.add()
        terminal = Terminal(self, "user", "add", "alice")
        self.assertEqual(terminal.end(), CANNOT_CREATE)
        self.assertNotIn("New password", terminal.text)

    def test_signals_that_end_it_restore_the_terminal_and_remove_the_file(self):
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(ending):
                terminal = Terminal(self, "user", "add", "alice", "--qr", "a.png")
                terminal.wait_for("New password")
                self.assertTrue(os.path.exists(self.path("a.png")))
                terminal.process.send_signal(ending)
                self.assertEqual(terminal.end(), -ending, terminal.text)
                self.assertTrue(terminal.echoes())
                self.wait_until_gone("a.png")
        self.assertEqual(self.succeed_json("user", "list"), [])

    def wait_until_gone(self, name):
        """Its remover ends a moment after the program that was killed."""
        end = time.monotonic() + DEADLINE
        while os.path.exists(self.path(name)):
            self.assertLess(time.monotonic(), end, f"{name} stays")
            time.sleep(0.001)

    def test_interrupt_key_ends_it(self):
        terminal = Terminal(self, "user", "add", "alice")
        terminal.wait_for("New password")
        terminal.type("\x03")
        self.assertEqual(terminal.end(), -signal.SIGINT)
        self.assertTrue(terminal.echoes())

    def test_suspended_it_gives_the_terminal_back_and_asks_again(self):
        terminal = Terminal(self, "user", "add", "alice")
        terminal.wait_for("New password")
        # The stop signal itself has no effect on an orphaned process group, as a session leader's is; SIGSTOP would
        # not be noticed at all.  What is left to see: echo comes back, and the question.
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.answer("New password for alice: ", GOOD, times=2)
        terminal.answer("again: ", GOOD)
        self.assertEqual(terminal.end(), DONE, terminal.text)

    def test_answers_come_from_the_terminal_whatever_stdout_is(self):
        read_end, write_end = os.pipe()
        terminal = Terminal(self, "user", "add", "alice", "--json", stdout=write_end)
        os.close(write_end)
        terminal.answer("New password for alice: ", GOOD)
        terminal.answer("again: ", GOOD)
        self.assertEqual(terminal.end(), DONE, terminal.text)
        with os.fdopen(read_end) as output:
            self.assertEqual(json.loads(output.read())["username"], "alice")

    def test_person_is_told_what_happened(self):
        self.add()
        for words, says in ((("disable",), "alice is disabled"), (("enable",), "alice is active"),
                            (("passwd", "--generate-password"), "alice has a new password"),
                            (("remove",), "alice is removed")):
            with self.subTest(words):
                terminal = Terminal(self, "user", words[0], "alice", *words[1:])
                self.assertEqual(terminal.end(), DONE, terminal.text)
                self.assertIn(says, terminal.text)


class Passwords(Case):
    REFUSED_ONES = [
        ("too short", "seven77\n", "at least 8"),
        ("empty line", "\n", "at least 8"),
        ("nothing at all", "", "empty"),
        ("common", "password123\n", "too easy"),
        ("the user's name", "alice.in.example\n", "too easy"),
        ("the product's name", "securelogin1\n", "too easy"),
        ("too long", "x" * 257 + "\n", "at most 256"),
        ("longer than a line", "xy z" * 1000 + "\n", "longer than 1024"),
        ("a tab, which no line of the protocol carries", "correct\thorse battery\n", "control character"),
        ("NUL", "correct\0horse battery\n", "control character"),
    ]

    def test_refused_ones_change_nothing(self):
        self.add("bob")
        for name, stdin, says in self.REFUSED_ONES:
            with self.subTest(name):
                self.refuse(REFUSED, "user", "add", "alice.in.example", "--password-stdin", stdin=stdin, says=[says])
        self.refuse(REFUSED, "user", "passwd", "bob", "--password-stdin", stdin="short\n", says=["at least 8"])
        self.assertEqual(self.audit(), ["user.add"])

    def test_malformed_utf8_is_refused(self):
        result = subprocess.run([PROGRAM, "--data", self.data, "user", "add", "alice", "--password-stdin"],
                                input=b"correct \xff\xfe horse battery\n", capture_output=True, timeout=DEADLINE)
        self.assertEqual(result.returncode, REFUSED, result.stderr)

    def test_without_a_terminal_the_remedy_is_named(self):
        self.refuse(USAGE, "user", "add", "alice", says=["terminal", "--password-stdin"])

    def test_passwd_sets_a_new_one(self):
        self.add()
        before = self.query("SELECT password_hash, password_epoch FROM users")[0]
        self.assertEqual(self.succeed("user", "passwd", "alice", "--password-stdin", stdin="another staple of horses\n"), "")
        after = self.query("SELECT password_hash, password_epoch FROM users")[0]
        self.assertNotEqual(after[0], before[0])
        self.assertEqual(after[1], before[1] + 1)
        self.assertEqual(self.audit(), ["user.add", "user.passwd"])

    def test_passwd_shows_a_generated_one(self):
        self.add()
        self.assertRegex(self.succeed("user", "passwd", "alice", "--generate-password"), r"\Apassword: \S{16,}\n\Z")
        self.assertEqual(set(self.succeed_json("user", "passwd", "alice", "--generate-password")), {"username", "password"})

    def test_passwd_json_holds_no_password_that_was_given(self):
        self.add()
        result = self.succeed_json("user", "passwd", "alice", "--password-stdin", stdin=GOOD + "\n")
        self.assertEqual(result, {"username": "alice"})


class Everyday(Case):
    def open_session(self, name="alice"):
        """As a login does: the daemon is not here to do it."""
        now = int(time.time())
        self.change("INSERT INTO sessions (user_id, id, opened_at, expires_at, last_used_at, source)"
                    f" SELECT id, '0badcafe', {now}, {now + 3600}, {now}, '192.0.2.7' FROM users WHERE name = '{name}'")
        self.change(f"UPDATE users SET last_login_at = {now}, last_login_source = '192.0.2.7' WHERE name = '{name}'")

    def test_list_is_in_the_order_of_names(self):
        for name in ("carol", "alice", "bob"):
            self.add(name)
        self.assertEqual([user["username"] for user in self.succeed_json("user", "list")], ["alice", "bob", "carol"])
        lines = self.succeed("user", "list").splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["USER", "alice", "bob", "carol"])

    def test_list_of_nobody_is_an_empty_array(self):
        self.add()
        self.succeed("user", "remove", "alice")
        self.assertEqual(self.succeed_json("user", "list"), [])

    def test_list_element(self):
        self.add()
        self.open_session()
        user = self.succeed_json("user", "list")[0]
        self.assertEqual(set(user), {"username", "state", "created_at", "last_login"})
        self.assertRegex(user["created_at"], f"^{RFC3339}$")
        self.assertEqual(user["last_login"]["source"], "192.0.2.7")

    def test_show_of_a_new_user(self):
        self.add()
        user = self.succeed_json("user", "show", "alice")
        for key in ("created_at", "password_set_at"):
            self.assertRegex(user.pop(key), f"^{RFC3339}$")
        self.assertRegex(user["totp"].pop("enrolled_at"), f"^{RFC3339}$")
        self.assertEqual(user, {
            "must_change_password": False, "recovery_codes": {"left": 0, "made": 0},
            "username": "alice", "state": "active", "last_login": None, "sessions": 0, "devices": [], "invitation": None,
            "totp": {"algorithm": "sha1", "digits": 6, "period": 30, "failures": 0, "failure_limit": 103}})

    def test_show_of_a_user_who_has_logged_in(self):
        self.add()
        self.open_session()
        self.change("UPDATE totp SET failures = 7")
        user = self.succeed_json("user", "show", "alice")
        self.assertEqual(user["sessions"], 1)
        self.assertEqual(user["totp"]["failures"], 7)
        self.assertEqual(user["last_login"]["source"], "192.0.2.7")
        self.assertRegex(user["last_login"]["at"], f"^{RFC3339}$")

    def test_show_as_text_is_key_value_lines(self):
        self.add()
        facts = dict(line.split(" ", 1) for line in self.succeed("user", "show", "ALICE").splitlines())
        self.assertEqual((facts["user"], facts["state"], facts["last-login"], facts["sessions"]), ("alice", "active", "never", "0"))
        self.assertEqual(facts["totp"], "sha1 6 digits 30 s")
        self.assertEqual(facts["code-failures"], "0 of 103")
        for key in ("created", "password-set", "enrolled"):
            self.assertRegex(facts[key], f"^{RFC3339}$")

    def test_failure_limit_follows_the_settings_window(self):
        with open(self.path("settings.toml"), "w") as file:
            file.write("[totp]\nwindow = 0\n")
        os.chmod(self.path("settings.toml"), 0o600)
        self.add("alice", "--digits", "8")
        user = self.succeed_json("user", "show", "alice", "--config", "settings.toml")
        self.assertEqual(user["totp"]["failure_limit"], 31000)

    def test_disable_and_enable(self):
        self.add()
        self.open_session()
        self.assertEqual(self.succeed_json("user", "disable", "alice"), {"username": "alice", "state": "disabled"})
        user = self.succeed_json("user", "show", "alice")
        self.assertEqual((user["state"], user["sessions"]), ("disabled", 0))
        self.assertEqual(self.succeed_json("user", "enable", "alice"), {"username": "alice", "state": "active"})
        self.assertEqual(self.succeed_json("user", "show", "alice")["state"], "active")
        self.assertEqual(self.audit(), ["user.add", "user.disable", "user.enable"])

    def test_remove(self):
        self.add()
        self.open_session()
        self.assertEqual(self.succeed_json("user", "remove", "alice"), {"username": "alice", "state": "removed"})
        self.assertEqual(self.succeed_json("user", "list"), [])
        for table in ("users", "totp", "sessions"):
            self.assertEqual(self.query(f"SELECT COUNT(*) FROM {table}"), [(0,)])
        self.assertEqual(self.audit(), ["user.add", "user.remove"])
        self.add()

    def test_reset_ends_sessions_and_forgets_failures(self):
        old = self.add()["otpauth_uri"]
        self.open_session()
        self.change("UPDATE totp SET failures = 103, last_step = 59343840")
        result = self.succeed_json("user", "reset-totp", "alice", "--qr", "new.png")
        self.assertEqual(set(result), {"username", "otpauth_uri", "qr_file"})
        self.assertNotEqual(result["otpauth_uri"], old)
        user = self.succeed_json("user", "show", "alice")
        self.assertEqual((user["totp"]["failures"], user["sessions"]), (0, 0))
        self.assertEqual(self.query("SELECT last_step FROM totp"), [(0,)])
        self.assertEqual(self.audit(), ["user.add", "user.reset-totp"])

    def test_reset_takes_the_key_away_and_invites(self):
        self.add()
        self.open_session()
        made = self.succeed_json("user", "reset-totp", "alice", "--expires", "2h")
        self.assertEqual(set(made), {"username", "invitation", "expires_at", "command"})
        user = self.succeed_json("user", "show", "alice")
        self.assertEqual((user["state"], user["totp"], user["sessions"]), ("unenrolled", None, 0))
        self.assertEqual(user["invitation"]["expires_at"], made["expires_at"])
        self.assertIn(("user.reset-totp", "invited"), self.query("SELECT event, reason FROM audit"))
        # Another one, where that is lost; and a key at once takes it back.
        self.succeed("user", "invite", "alice")
        self.succeed("user", "reset-totp", "alice", "--qr", "new.png")
        self.assertEqual(self.query("SELECT COUNT(*) FROM invitations"), [(0,)])
        self.assertEqual(self.succeed_json("user", "show", "alice")["state"], "active")
    def test_recovery_codes_are_printed_once_and_counted(self):
        made = self.add("alice", "--recovery-codes")
        codes = made["recovery_codes"]
        self.assertEqual(len(set(codes)), 10)
        for code in codes:
            self.assertRegex(code, r"\A[A-HJ-NP-Z2-9]{4}(-[A-HJ-NP-Z2-9]{4}){3}\Z")
        self.assertEqual(self.succeed_json("user", "show", "alice")["recovery_codes"], {"left": 10, "made": 10})
        self.change("DELETE FROM recovery_codes WHERE hash = (SELECT MIN(hash) FROM recovery_codes)")
        self.assertIn("\nrecovery-codes 9 of 10\n", self.succeed("user", "show", "alice"))
        self.assertEqual(self.audit(), ["user.add", "user.recovery-codes"])
        with open(os.path.join(self.data, "securelogin.db"), "rb") as database:
            content = database.read()
        for code in codes:
            self.assertNotIn(code.encode(), content)
            self.assertNotIn(code.replace("-", "").encode(), content)
        self.succeed("user", "reset-totp", "alice")
        self.assertIn("\nrecovery-codes none\n", self.succeed("user", "show", "alice"))

    def test_recovery_codes_are_made_only_where_asked_for(self):
        self.assertNotIn("recovery_codes", self.add())
        self.assertEqual(self.succeed_json("user", "show", "alice")["recovery_codes"], {"left": 0, "made": 0})
        lines = self.succeed("user", "add", "bob", "--generate-password", "--recovery-codes", "--no-terminal-qr").splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("recovery-code: ")]), 10)

    def test_a_password_that_must_be_changed(self):
        self.add("alice", "--must-change")
        self.assertTrue(self.succeed_json("user", "show", "alice")["must_change_password"])
        self.assertIn("\nmust-change-password yes\n", self.succeed("user", "show", "alice"))
        self.succeed("user", "passwd", "alice", "--password-stdin", stdin="violet tractors prefer mud\n")
        self.assertFalse(self.succeed_json("user", "show", "alice")["must_change_password"])
        self.succeed("user", "passwd", "alice", "--generate-password", "--must-change")
        self.assertTrue(self.succeed_json("user", "show", "alice")["must_change_password"])
        self.assertEqual(self.audit(), ["user.add", "user.must-change", "user.passwd", "user.passwd", "user.must-change"])

    def breached(self, *passwords, order=sorted):
        """Settings that name a list of these."""
        lines = order(hashlib.sha1(password.encode()).hexdigest().upper() + ":3\r\n" for password in passwords)
        with open(self.path("breached.txt"), "w", newline="") as file:
            file.writelines(lines)
        with open(self.path("settings.toml"), "w") as file:
            file.write(f'[password]\nbreached_passwords = "{self.path("breached.txt")}"\n')
        os.chmod(self.path("settings.toml"), 0o600)
        return "--config", "settings.toml"

    def test_a_breached_password_is_refused(self):
        settings = self.breached(GOOD, "another of them", "and a third")
        self.refuse(REFUSED, "user", "add", "alice", "--password-stdin", *settings, stdin=GOOD + "\n", says=["stolen elsewhere"])
        self.succeed("user", "add", "alice", "--password-stdin", *settings, stdin="violet tractors prefer mud\n")
        self.refuse(REFUSED, "user", "passwd", "alice", "--password-stdin", *settings, stdin=GOOD + "\n",
                    says=["stolen elsewhere"])

    def test_a_list_that_is_none_refuses_every_password(self):
        self.add()
        settings = self.breached(GOOD, "another of them", "and a third", order=lambda lines: sorted(lines, reverse=True))
        words = ("user", "passwd", "alice", "--password-stdin", *settings)
        before = self.query("SELECT password_hash FROM users")
        self.refuse(CONFIG, *words, stdin="violet tractors prefer mud\n", says=[self.path("breached.txt"), "it is not sorted"])
        os.remove(self.path("breached.txt"))
        self.refuse(CONFIG, *words, stdin="violet tractors prefer mud\n", says=[self.path("breached.txt"), "No such file"])
        self.assertEqual(self.query("SELECT password_hash FROM users"), before)

    def remember_device(self, octet, name="alice", at=1780315200):
        """As a login does; the fingerprint as it is shown, and in short."""
        self.change("INSERT INTO devices (user_id, fingerprint, first_seen_at, last_seen_at, last_source)"
                    f" SELECT id, x'{octet * 32}', {at}, {at + 60}, '192.0.2.7' FROM users WHERE name = '{name}'")
        shown = base64.b64encode(bytes.fromhex(octet * 32)).decode().rstrip("=")
        return "SHA256:" + shown, shown[:12]

    def test_show_lists_devices_the_last_seen_first(self):
        self.add()
        old, old_short = self.remember_device("01")
        new, new_short = self.remember_device("02", at=1780315300)
        self.assertEqual(self.succeed_json("user", "show", "alice")["devices"], [
            {"fingerprint": new, "first_seen": "2026-06-01T12:01:40Z", "last_seen": "2026-06-01T12:02:40Z",
             "source": "192.0.2.7"},
            {"fingerprint": old, "first_seen": "2026-06-01T12:00:00Z", "last_seen": "2026-06-01T12:01:00Z",
             "source": "192.0.2.7"}])
        lines = self.succeed("user", "show", "alice").splitlines()
        self.assertEqual(lines[-3:], [
            "devices 2",
            f"device {new_short} first-seen 2026-06-01T12:01:40Z last-seen 2026-06-01T12:02:40Z 192.0.2.7",
            f"device {old_short} first-seen 2026-06-01T12:00:00Z last-seen 2026-06-01T12:01:00Z 192.0.2.7"])

    def test_one_device_is_forgotten(self):
        self.add()
        for form in (0, 1):
            named = self.remember_device("01")
            kept, _ = self.remember_device(f"0{form + 2}")
            self.open_session_once()
            self.assertEqual(self.succeed_json("user", "forget-device", "alice", named[form]),
                             {"username": "alice", "forgotten": [named[0]]})
            user = self.succeed_json("user", "show", "alice")
            self.assertIn(kept, [device["fingerprint"] for device in user["devices"]])
            self.assertNotIn(named[0], [device["fingerprint"] for device in user["devices"]])
            self.assertEqual(user["sessions"], 1)
        self.assertEqual(self.audit(), ["user.add"] + 2 * ["user.forget-device"])
        self.assertEqual(self.query("SELECT reason FROM audit ORDER BY id DESC LIMIT 1"), [(named[1],)])

    def open_session_once(self):
        if self.query("SELECT COUNT(*) FROM sessions") == [(0,)]:
            self.open_session()

    def test_all_devices_are_forgotten(self):
        self.add()
        self.add("bob")
        self.remember_device("01", "bob")
        devices = [self.remember_device(octet)[0] for octet in ("01", "02")]
        result = self.succeed_json("user", "forget-device", "alice", "--all")
        self.assertEqual(sorted(result["forgotten"]), sorted(devices))
        self.assertEqual(self.succeed_json("user", "show", "alice")["devices"], [])
        self.assertEqual(len(self.succeed_json("user", "show", "bob")["devices"]), 1)
        self.assertEqual(self.succeed_json("user", "forget-device", "alice", "--all")["forgotten"], [])

    def test_a_device_that_is_not_meant_clearly_is_not_forgotten(self):
        self.add()
        fingerprint, short = self.remember_device("01")
        self.change("INSERT INTO devices SELECT user_id, x'" + "01" * 31 + "ff', 1, 1, 'local' FROM devices")
        self.refuse(USAGE, "user", "forget-device", "alice", short, says=["several devices", "more of the fingerprint"])
        self.refuse(NO_USER, "user", "forget-device", "alice", short[:7], says=["no device", "user show alice"])
        self.refuse(NO_USER, "user", "forget-device", "alice", "A" * 43, says=["no device"])
        self.refuse(NO_USER, "user", "forget-device", "bob", fingerprint, says=["no user bob"])
        self.refuse(USAGE, "user", "forget-device", "alice", says=["--all"])
        self.refuse(USAGE, "user", "forget-device", "alice", fingerprint, "--all", says=["--all"])
        self.assertEqual(self.query("SELECT COUNT(*) FROM devices"), [(2,)])
        self.assertEqual(self.audit(), ["user.add"])

    def test_a_new_password_or_key_forgets_devices(self):
        self.add()
        for command in (("passwd", "alice", "--generate-password"), ("reset-totp", "alice")):
            self.remember_device("01")
            self.succeed("user", *command)
            self.assertEqual(self.query("SELECT COUNT(*) FROM devices"), [(0,)], command)

    def test_success_is_silent_off_a_terminal(self):
        self.add()
        for command in ("disable", "enable", "remove"):
            with self.subTest(command):
                result = self.run_program("user", command, "alice")
                self.assertEqual((result.returncode, result.stdout, result.stderr), (DONE, "", ""))

    def peak_memory_of_list(self):
        """KiB, and the number of users listed."""
        # Freed memory that a sanitizer holds back is not the program's.
        environment = self.environment(ASAN_OPTIONS="quarantine_size_mb=1:thread_local_quarantine_size_kb=64")
        with subprocess.Popen([PROGRAM, "--data", self.data, "user", "list", "--json"], stdout=subprocess.PIPE,
                              env=environment) as process:
            users = json.load(process.stdout)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, DONE)
        return usage.ru_maxrss, len(users)

    def test_list_of_many_is_streamed_in_bounded_memory(self):
        self.add("user")
        few, _ = self.peak_memory_of_list()
        self.change("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                    " INSERT INTO users (name, id, password_hash, created_at, password_set_at)"
                    " SELECT printf('user%07d', i), i, zeroblob(64), 1000, 1000 FROM n")
        database = os.stat(f"{self.data}/securelogin.db").st_size // 1024  # is mapped, and counted with it
        many, count = self.peak_memory_of_list()
        self.assertEqual(count, 100001)
        self.assertLess(many - few - database, 8 * 1024)  # the text alone is 10 MB


class StatusCommand(Case):
    def test_json(self):
        self.add("alice")
        self.add("bob")
        self.succeed("user", "disable", "bob")
        status = self.succeed_json("status")
        self.assertEqual((status["users"], status["disabled"], status["sessions"], status["outdated_hashes"]), (2, 1, 0, 0))
        self.assertEqual(status["data_directory"], self.data)
        self.assertEqual(status["database"], f"{self.data}/securelogin.db")
        self.assertEqual(status["master_key"], f"{self.data}/master.key")
        self.assertRegex(status["master_key_id"], r"^[0-9a-f]{8}$")
        self.assertIs(status["rotation_unfinished"], False)
        self.assertGreaterEqual(status["schema_version"], 1)
        self.assertRegex(status["version"], r"^\d+\.\d+\.\d+")
        self.assertRegex(status["clock"], f"^{RFC3339}$")
        self.assertIn(status["clock_synchronized"], (True, False))

    def test_memory_bound(self):
        self.add()
        bound = self.succeed_json("status")["memory_bound"]
        self.assertEqual(sum(bytes_ for part, bytes_ in bound.items() if part != "bytes"), bound["bytes"])
        with open(self.path("settings.toml"), "w") as file:
            file.write("[limits]\nconnections = 8192\n")
        os.chmod(self.path("settings.toml"), 0o600)
        more = self.succeed_json("status", "--config", "settings.toml")["memory_bound"]
        self.assertEqual(more["connections"], 2 * bound["connections"])
        self.assertEqual(more["bytes"], bound["bytes"] + bound["connections"])
        self.assertRegex(self.succeed("status"), f"(?m)^memory-bound {-(-bound['bytes'] // 2**20)} MiB \\(base \\d+, ")

    def test_clock_health(self):
        """Whatever the rows say: that the daemon writes them so is shown end to end."""
        self.add()
        self.assertIn("clock-health no code accepted yet\n", self.succeed("status"))
        for number in range(11):
            self.add(f"user{number}")
        with contextlib.closing(sqlite3.connect(f"{self.data}/securelogin.db")) as database, database:
            database.execute("UPDATE users SET password_set_at = 1000, last_login_at = 1000000000 + 30 * 7,"
                             " last_login_source = '192.0.2.1' WHERE name LIKE 'user%'")
            database.execute("UPDATE totp SET last_step = (1000000000 + 30 * 7) / 30 - 1")
        self.assertEqual({"codes": 11, "current": 0, "earlier": 11, "later": 0},
                         {key: value for key, value in self.succeed_json("status")["clock_health"].items() if key != "says"})
        self.assertIn("this server's clock is fast: synchronize it", self.succeed("status"))

    def test_missing_certificate_is_said_plainly(self):
        self.add()
        certificate = self.succeed_json("status")["certificate"]
        self.assertEqual((certificate["fingerprint"], certificate["expires_at"]), (None, None))
        self.assertIn("not made yet", certificate["problem"])
        self.assertIn("not made yet", self.succeed("status"))

    def test_certificate_is_told_as_openssl_has_it(self):
        self.add()
        os.makedirs(f"{self.data}/tls", mode=0o700, exist_ok=True)
        certificate = f"{self.data}/tls/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=localhost", "-days", "30", "-keyout", f"{self.data}/tls/key.pem", "-out", certificate],
                       check=True, capture_output=True, timeout=DEADLINE)
        pipeline = (f"openssl x509 -in {certificate} -noout -pubkey | openssl pkey -pubin -outform DER"
                    " | openssl dgst -sha256 -binary | openssl base64")
        digest = subprocess.run(pipeline, shell=True, check=True, capture_output=True, text=True).stdout.strip().rstrip("=")
        told = self.succeed_json("status")["certificate"]
        self.assertEqual(told["fingerprint"], f"SHA256:{digest}")
        self.assertRegex(told["expires_at"], f"^{RFC3339}$")
        facts = dict(line.split(" ", 1) for line in self.succeed("status").splitlines())
        self.assertEqual((facts["fingerprint"], facts["certificate-expires"]), (told["fingerprint"], told["expires_at"]))

    def test_damaged_certificate_does_not_hide_the_rest(self):
        self.add()
        os.makedirs(f"{self.data}/tls", mode=0o700, exist_ok=True)
        with open(f"{self.data}/tls/cert.pem", "w") as file:
            file.write("no certificate\n")
        status = self.succeed_json("status")
        self.assertEqual(status["users"], 1)
        self.assertIn("cert.pem", status["certificate"]["problem"])

    def test_hashes_with_other_parameters_than_the_settings_are_counted(self):
        self.add()
        with open(self.path("settings.toml"), "w") as file:
            file.write("[password]\npasses = 3\n")
        os.chmod(self.path("settings.toml"), 0o600)
        self.assertEqual(self.succeed_json("status", "--config", "settings.toml")["outdated_hashes"], 1)
        self.add("bob", "--config", "settings.toml")
        self.assertEqual(self.succeed_json("status", "--config", "settings.toml")["outdated_hashes"], 1)


class Sessions(Case):
    def test_those_past_a_limit_are_not_open(self):
        self.add("alice")
        (user,), = self.query("SELECT id FROM users")
        minute, hour = 60, 3600
        for number, (opened, used, live) in enumerate([(-hour, -29 * minute, 1), (-hour, -31 * minute, 0),
                                                       (-13 * hour, -minute, 0), (0, 0, 1)]):
            now = int(time.time())
            self.change(f"INSERT INTO sessions VALUES ({user}, '{number:08x}', {now + opened}, {now + opened + 12 * hour},"
                        f" {now + used}, '192.0.2.7', NULL)")
            with self.subTest(opened=opened, used=used):
                self.assertEqual(self.succeed_json("user", "show", "alice")["sessions"], live)
                self.assertEqual(self.succeed_json("status")["sessions"], live)
            self.change("DELETE FROM sessions")


class KeyCommands(Case):
    """tests/end_to_end/rotation_test.py has the rest."""

    def test_generate_prints_a_line_and_touches_nothing(self):
        lines = [self.succeed("key", "generate") for _ in range(2)]
        for line in lines:
            self.assertRegex(line, r"\ASECURELOGIN-MASTER-KEY-1 [A-Za-z0-9+/]{43}=\n\Z")
        self.assertNotEqual(*lines)
        self.assertFalse(os.path.exists(self.data))

    def test_rotate_without_an_installation(self):
        self.refuse(CONFIG, "key", "rotate", says=[self.data])
        self.assertFalse(os.path.exists(self.data))

    def test_rotate_says_nothing_on_stdout(self):
        self.add()
        before = self.succeed_json("status")["master_key_id"]
        self.assertEqual("", self.succeed("key", "rotate"))
        self.assertNotEqual(before, self.succeed_json("status")["master_key_id"])
        self.assertEqual(self.audit(), ["user.add", "key.rotate", "key.retire"])
        self.assertEqual([name for name in os.listdir(self.data) if "key" in name], ["master.key"])
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.data}/master.key").st_mode), 0o600)

    def test_rotate_with_json(self):
        self.add()
        told = self.succeed_json("key", "rotate")
        self.assertEqual({"master_key_id": self.succeed_json("status")["master_key_id"], "resealed": 2, "log_emptied": True,
                          "old_key_in_credential": False}, told)


class Invitations(Case):
    FORM = r"^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{2}$"

    def invite(self, name="carol", *words):
        return self.succeed_json("user", "invite", name, *words)

    def test_makes_the_data_directory_and_prints_what_the_person_needs(self):
        made = self.invite()
        self.assertEqual(set(made), {"username", "invitation", "expires_at", "command"})
        self.assertEqual(made["username"], "carol")
        self.assertRegex(made["invitation"], self.FORM)
        self.assertRegex(made["expires_at"], f"^{RFC3339}$")
        self.assertRegex(made["command"], r"^securelogin enrol \S+$")
        self.assertEqual(self.audit(), ["user.invite"])
        self.assertEqual(self.query("SELECT reason, source FROM audit"), [("carol", "admin")])

    def test_only_a_hash_is_stored(self):
        made = self.invite()
        for file in os.listdir(self.data):
            if os.path.isfile(os.path.join(self.data, file)):
                with open(os.path.join(self.data, file), "rb") as stored:
                    content = stored.read().upper()
                self.assertNotIn(made["invitation"].encode(), content)
                self.assertNotIn(made["invitation"].replace("-", "").encode(), content)

    def test_as_text_it_is_key_value_lines(self):
        facts = dict(line.split(" ", 1) for line in self.succeed("user", "invite", "Carol").splitlines())
        self.assertEqual(set(facts), {"invitation", "expires", "command"})
        self.assertRegex(facts["invitation"], self.FORM)

    def test_the_command_names_server_and_port(self):
        with open(self.path("settings.toml"), "w") as file:
            file.write('name = "login.example.net"\n[listen]\ntls = ["0.0.0.0:4321"]\n')
        os.chmod(self.path("settings.toml"), 0o600)
        made = self.invite("carol", "--config", "settings.toml")
        self.assertEqual(made["command"], "securelogin enrol login.example.net:4321")

    def test_stands_a_day_unless_told_otherwise(self):
        for words, seconds in (((), 86400), (("--expires", "90s"), 90), (("--expires", "30d"), 30 * 86400)):
            with self.subTest(words):
                self.invite("carol", *words)
                self.assertEqual(self.query("SELECT expires_at - created_at FROM invitations"), [(seconds,)])

    def test_times_that_are_none_are_refused(self):
        for time_given in ("0s", "31d", "24", "h", "-1h", "2026-11-22", "soon", ""):
            with self.subTest(time_given):
                self.refuse(USAGE, "user", "invite", "carol", f"--expires={time_given}", says=["--expires"])
        self.assertFalse(os.path.exists(self.data))

    def test_a_new_one_takes_the_place_of_the_old(self):
        first, second = self.invite(), self.invite()
        self.assertNotEqual(first["invitation"], second["invitation"])
        self.assertEqual(self.query("SELECT COUNT(*) FROM invitations"), [(1,)])

    def test_who_is_invited_is_listed_and_shown(self):
        self.add("alice")
        made = self.invite()
        listed = self.succeed_json("user", "list")
        self.assertEqual([(user["username"], user["state"]) for user in listed], [("alice", "active"), ("carol", "invited")])
        self.assertEqual(set(listed[0]), set(listed[1]))
        self.assertRegex(self.succeed("user", "list"), r"(?m)^carol +invited ")
        shown = self.succeed_json("user", "show", "carol")
        self.assertEqual((shown["state"], shown["invitation"]["expires_at"]), ("invited", made["expires_at"]))
        self.assertIn("state invited\n", self.succeed("user", "show", "carol"))

    def test_an_enrolled_user_is_not_invited(self):
        self.add("alice")
        self.refuse(CANNOT_CREATE, "user", "invite", "alice", says=["already", "user reset-totp alice"])
        self.assertEqual(self.query("SELECT COUNT(*) FROM invitations"), [(0,)])
        self.assertEqual(self.audit(), ["user.add"])

    def test_who_is_invited_is_not_added(self):
        self.invite()
        self.refuse(CANNOT_CREATE, "user", "add", "carol", "--generate-password", says=["is invited", "user remove carol"])
        self.assertEqual(self.query("SELECT COUNT(*) FROM users"), [(0,)])

    def test_remove_takes_an_invitation_back(self):
        self.invite()
        self.assertEqual(self.succeed_json("user", "remove", "carol"), {"username": "carol", "state": "removed"})
        self.assertEqual(self.succeed_json("user", "list"), [])
        self.refuse(NO_USER, "user", "remove", "carol", says=["no user carol"])
        self.assertEqual(self.audit(), ["user.invite", "user.uninvite"])

    def test_what_is_done_to_users_is_not_done_to_the_invited(self):
        self.invite()
        for command in ("disable", "enable", "passwd", "reset-totp"):
            words = ["--generate-password"] if command == "passwd" else []
            with self.subTest(command):
                self.refuse(NO_USER, "user", command, "carol", *words, says=["no user carol"])

    def test_an_expired_one_is_as_none(self):
        self.invite("carol", "--expires", "1s")
        deadline = time.monotonic() + DEADLINE
        while self.run_program("user", "show", "carol").returncode == DONE:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.succeed_json("user", "list"), [])
        self.add("carol")
        self.assertEqual(self.query("SELECT COUNT(*) FROM invitations"), [(0,)])

    def test_removing_a_user_removes_the_invitation(self):
        self.add()
        self.succeed("user", "reset-totp", "alice")
        self.succeed("user", "remove", "alice")
        self.assertEqual(self.query("SELECT COUNT(*) FROM invitations"), [(0,)])

    def test_a_file_or_an_expiry(self):
        self.add()
        self.refuse(USAGE, "user", "reset-totp", "alice", "--qr", "new.png", "--expires", "1h", says=["--expires"])
        self.refuse(USAGE, "user", "reset-totp", "alice", "--no-terminal-qr", says=["--qr"])
        self.assertEqual(self.audit(), ["user.add"])


class Errors(Case):
    """Each row: arrange, exit code, words, what the one line says."""

    def test_bad_names(self):
        for name in ("", ".alice", "al ice", "alice@home", "a" * 65, "ålice", "al\x1bice", "../alice"):
            for command in ("add", "invite", "show", "disable", "enable", "remove", "passwd", "reset-totp"):
                words = ["--generate-password"] if command in ("add", "passwd") else []
                with self.subTest(name=name, command=command):
                    result = self.refuse(USAGE, "user", command, name, *words, says=["not a user name"])
                    self.assertNotIn("\x1b", result.stderr)
        self.assertFalse(os.path.exists(self.data), "made a data directory for nobody")

    def test_unknown_users(self):
        self.add()
        for command in ("show", "disable", "enable", "remove", "passwd", "reset-totp"):
            words = ["--generate-password"] if command == "passwd" else []
            with self.subTest(command):
                self.refuse(NO_USER, "user", command, "mallory", *words, says=["no user mallory", "user list"])
        self.assertEqual(self.audit(), ["user.add"])

    def test_existing_user(self):
        before = self.add()["otpauth_uri"]
        self.refuse(CANNOT_CREATE, "user", "add", "alice", "--generate-password", says=["alice already", "another name"])
        self.assertNotEqual(before, "")
        self.assertEqual(self.audit(), ["user.add"])

    def test_missing_data_directory_is_made_by_user_add_only(self):
        for words in (["status"], ["user", "list"], ["user", "show", "alice"], ["user", "remove", "alice"]):
            with self.subTest(words):
                self.refuse(CONFIG, *words, says=[self.data])
                self.assertFalse(os.path.exists(self.data))

    def test_master_key_that_others_can_read(self):
        self.add()
        os.chmod(f"{self.data}/master.key", 0o644)
        self.refuse(CONFIG, "user", "list", says=["master.key"])

    def test_lost_master_key(self):
        self.add()
        os.remove(f"{self.data}/master.key")
        self.refuse(CONFIG, "user", "add", "bob", "--generate-password", says=["master.key"])
        self.assertFalse(os.path.exists(f"{self.data}/master.key"))

    def test_another_master_key(self):
        self.add()
        other = self.path("other")
        subprocess.run([PROGRAM, "--data", other, "user", "add", "x", "--generate-password"], check=True,
                       capture_output=True, timeout=DEADLINE)
        shutil.copy(f"{other}/master.key", f"{self.data}/master.key")
        result = self.run_program("user", "list")
        self.assertIn(result.returncode, (IO, CONFIG))
        self.assertIn("key", result.stderr)

    def test_text_in_the_place_of_the_database(self):
        self.add()
        for name in os.listdir(self.data):
            if name.startswith("securelogin.db"):
                os.remove(os.path.join(self.data, name))
        with open(f"{self.data}/securelogin.db", "w") as file:
            file.write("no database\n" * 100)
        os.chmod(f"{self.data}/securelogin.db", 0o600)
        self.refuse(IO, "user", "list", says=["securelogin.db"])

    def test_locked_database(self):
        self.add()
        connection = sqlite3.connect(f"{self.data}/securelogin.db", isolation_level=None)
        self.addCleanup(connection.close)
        connection.execute("BEGIN IMMEDIATE")
        self.refuse(TRY_LATER, "user", "disable", "alice", says=["securelogin.db", "locked"])
        connection.execute("ROLLBACK")
        self.succeed("user", "disable", "alice")

    def test_bad_settings_name_file_and_line(self):
        with open(self.path("settings.toml"), "w") as file:
            file.write("issuer = 3\n")
        os.chmod(self.path("settings.toml"), 0o600)
        self.refuse(CONFIG, "status", "--config", "settings.toml", says=["settings.toml", "1"])

    def test_missing_settings(self):
        self.refuse(CONFIG, "status", "--config", "missing.toml", says=["missing.toml"])

    def test_issuer_too_long_for_a_qr_code(self):
        with open(self.path("settings.toml"), "w") as file:
            file.write('issuer = "%s"\n' % ("x" * 2000))
        os.chmod(self.path("settings.toml"), 0o600)
        result = self.run_program("user", "add", "alice", "--generate-password", "--config", "settings.toml")
        self.assertEqual(result.returncode, CONFIG, result.stderr)
        self.assertIn("issuer", result.stderr)

    def test_full_stdout_says_what_to_do_about_the_user(self):
        with open("/dev/full", "w") as full:
            self.refuse(IO, "user", "add", "alice", "--generate-password", stdout=full,
                        says=["No space left", "alice", "remove"])
            self.refuse(IO, "user", "reset-totp", "alice", "--qr", "new.png", stdout=full,
                        says=["No space left", "reset it again"])
            self.refuse(IO, "user", "reset-totp", "alice", stdout=full, says=["No space left", "user invite alice"])
            self.refuse(IO, "user", "invite", "bob", stdout=full, says=["No space left", "user invite bob"])
            self.refuse(IO, "user", "passwd", "alice", "--generate-password", stdout=full, says=["set it again"])
            self.refuse(IO, "user", "list", stdout=full, says=["No space left"])

    def test_closed_stdout_is_no_place_for_a_database(self):
        result = subprocess.run(f"exec {PROGRAM} --data {self.data} user add alice --generate-password >&-", shell=True,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=DEADLINE)
        self.assertEqual(result.returncode, IO, result.stderr)
        self.assertEqual([user["username"] for user in self.succeed_json("user", "list")], ["alice"])

    def test_wrong_usage(self):
        for words in ([], ["user"], ["frobnicate"], ["user", "add"], ["user", "list", "--frobnicate"],
                      ["user", "show", "alice", "bob"]):
            with self.subTest(words):
                self.refuse(USAGE, *words, says=["--help"])


class Policy(Case):
    def test_explains_the_rules_in_force(self):
        rules = self.succeed_json("policy", "explain")
        self.assertEqual((rules["free"], rules["strangers"], rules["code_guesses"]), (4, 100, 103))
        self.assertLess(rules["code_odds"], 3.1e-4)
        with open(self.path("settings.toml"), "w", encoding="utf-8") as file:
            file.write("[waits]\nstrangers = 7\nfree = 2\n[totp]\nwindow = 0\n")
        rules = self.succeed_json("policy", "explain", "--config", "settings.toml")
        self.assertEqual((rules["free"], rules["strangers"], rules["code_guesses"]), (2, 7, 310))
        # A budget of 7 at once, and 7 a day for a year.
        self.assertEqual(rules["stranger_guesses_a_year"], 7 + 7 * 365)
        text = self.succeed("policy", "explain", "--config", "settings.toml")
        for number in ("2 failures", "7 wrong passwords", "310 in the life"):
            self.assertIn(number, text)
        self.assertFalse(os.path.exists(self.data), "it needs no data directory")


class Options(Case):
    def test_options_stand_anywhere(self):
        orders = (["--json", "--data", self.data, "user", "add", "--generate-password", "one"],
                  ["user", "add", "two", "--generate-password", "--data", self.data, "--json"],
                  ["user", "--data", self.data, "add", "--json", "three", "--generate-password"])
        for words in orders:
            result = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(result.returncode, DONE, result.stderr)
            self.assertIn(json.loads(result.stdout)["username"], words)

    def test_data_directory_comes_from_the_environment_when_not_given(self):
        words = [PROGRAM, "user", "add", "alice", "--generate-password", "--json"]
        subprocess.run(words, check=True, capture_output=True, timeout=DEADLINE,
                       env=self.environment(STATE_DIRECTORY=self.data))
        self.assertEqual(len(self.succeed_json("user", "list")), 1)

    def test_help_is_complete(self):
        text = subprocess.run([PROGRAM, "--help"], check=True, capture_output=True, text=True, timeout=DEADLINE).stdout
        for part in ("Examples:", "Exit codes:", "--data", "--json", "--config", "status", "user", "NO_COLOR"):
            self.assertIn(part, text)
        for code in (DONE, USAGE, REFUSED, NO_USER, CANNOT_CREATE, IO, TRY_LATER, CONFIG):
            self.assertRegex(text, rf"(?m)^ +{code} ")


class Audit(Case):
    """What happened, for people and for programs; and whether somebody has changed it."""

    UNGUARD = ("DROP TRIGGER audit_is_never_changed", "DROP TRIGGER audit_is_never_deleted",
               "DROP TRIGGER audit_head_only_grows", "DROP TRIGGER audit_head_is_never_deleted")

    def setUp(self):
        super().setUp()
        self.add("alice")
        self.add("bob")
        self.succeed("user", "disable", "alice")
        self.succeed("user", "remove", "bob")
        self.succeed("user", "enable", "alice")

    def show(self, *words):
        return [(record["id"], record["event"]) for record in self.succeed_json("audit", "show", *words)]

    def tamper(self, *statements):
        for statement in (*self.UNGUARD, *statements):
            self.change(statement)

    def test_show_for_people(self):
        header, *lines = self.succeed("audit", "show").splitlines()
        self.assertEqual(header.split(), ["ID", "TIME", "EVENT", "OUTCOME", "USER", "SOURCE", "REASON"])
        self.assertEqual(len(lines), 5)
        self.assertRegex(lines[2], rf"^ *3 {RFC3339} user.disable +done +alice +admin +-$")
        self.assertRegex(lines[3], rf"^ *4 {RFC3339} user.remove +done +id:\d+ +admin +bob$")

    def test_show_as_json(self):
        record = self.succeed_json("audit", "show")[3]
        self.assertEqual(set(record), {"id", "at", "event", "outcome", "reason", "username", "user_id", "name", "source", "device", "mac"})
        self.assertRegex(record["at"], f"^{RFC3339}$")
        self.assertEqual(str(self.query("SELECT user_id FROM audit WHERE id = 4")[0][0]), record["user_id"])
        self.assertEqual((record["id"], record["event"], record["outcome"], record["reason"], record["username"], record["source"]),
                         (4, "user.remove", "done", "bob", None, "admin"))

    def test_show_what_is_wanted(self):
        everything = [(1, "user.add"), (2, "user.add"), (3, "user.disable"), (4, "user.remove"), (5, "user.enable")]
        for words, wanted in {
            (): [1, 2, 3, 4, 5],
            ("--user", "alice"): [1, 3, 5],
            ("--user", "ALICE", "--event", "user.add"): [1],
            ("--user", "bob"): [2, 4],  # removed, and still known
            ("--user", "mallory"): [],
            ("--event", "user.add"): [1, 2],
            ("--event", "login"): [],
            ("--limit", "2"): [4, 5],
            ("--limit", "0"): [1, 2, 3, 4, 5],
            ("--event", "user.add", "--limit", "1"): [2],
            ("--since", "1h"): [1, 2, 3, 4, 5],
            ("--since", "2001-01-01"): [1, 2, 3, 4, 5],
            ("--since", "2100-01-01T00:00:00Z"): [],
        }.items():
            with self.subTest(words):
                self.assertEqual(self.show(*words), [everything[number - 1] for number in wanted])

    def test_show_of_nobodys_name(self):
        self.refuse(USAGE, "audit", "show", "--user", "no name", says=["not a user name"])

    def test_export(self):
        lines = self.succeed("audit", "export").splitlines()
        self.assertEqual([json.loads(line) for line in lines], self.succeed_json("audit", "show"))
        self.assertEqual([json.loads(line)["id"] for line in self.succeed("audit", "export", "--after", "3").splitlines()], [4, 5])
        self.assertEqual(self.succeed("audit", "export", "--after", "5"), "")

    def test_what_somebody_wrote_by_hand_is_shown_harmlessly(self):
        self.tamper("UPDATE audit SET reason = 'x' || char(27) || ']0;owned' || char(7) || char(8238), event = 'a b' WHERE id = 2")
        for words in (("audit", "show"), ("audit", "export")):
            text = self.succeed(*words)
            self.assertTrue(text.replace("\n", "").isprintable(), ascii(text))
            self.assertIn("x1b", text)

    def test_verify(self):
        mark = self.query("SELECT mac FROM audit WHERE id = 5")[0][0]
        facts = dict(line.split(" ", 1) for line in self.succeed("audit", "verify").splitlines())
        self.assertEqual(set(facts), {"records", "intact", "checkpoint"})
        self.assertEqual((facts["records"], facts["intact"]), ("5", "yes"))
        self.assertEqual(facts["checkpoint"], "5:" + base64.b64encode(mark).decode().rstrip("="))
        self.assertEqual(self.succeed_json("audit", "verify"),
                         {"intact": True, "records": 5, "checkpoint": facts["checkpoint"], "chained_from": 1,
                          "restored": None, "first_bad_record": None, "what": None})

    def test_verify_names_the_first_bad_record(self):
        for name, statement, record, says in (
                ("changed", "UPDATE audit SET outcome = 'granted' WHERE id = 3", 3, "record 3 has been changed"),
                ("dropped", "DELETE FROM audit WHERE id = 2", 2, "record 2 has been dropped"),
                ("cut off", "DELETE FROM audit WHERE id > 3", 4, "records 4 to 5 have been cut off"),
                ("all gone", "DELETE FROM audit", 1, "records 1 to 5 have been cut off"),
                ("head gone", "DELETE FROM audit_head", 6, "the audit's head is gone")):
            with self.subTest(name):
                shutil.copytree(self.data, self.path("kept"))
                self.tamper(statement)
                self.refuse(TAMPERED, "audit", "verify", says=["verifying the audit: ", says])
                result = self.run_program("audit", "verify", "--json")
                self.assertEqual(result.returncode, TAMPERED)
                findings = json.loads(result.stdout)
                self.assertEqual((findings["intact"], findings["first_bad_record"]), (False, record))
                self.assertIn(says, findings["what"])
                shutil.rmtree(self.data)
                os.rename(self.path("kept"), self.data)

    def test_a_directory_put_back_shows_by_a_checkpoint(self):
        shutil.copytree(self.data, self.path("old"))
        self.succeed("user", "disable", "alice")
        checkpoint = self.succeed_json("audit", "verify")["checkpoint"]
        self.succeed("audit", "verify", "--checkpoint", checkpoint)
        shutil.rmtree(self.data)
        os.rename(self.path("old"), self.data)
        self.succeed("audit", "verify")
        self.refuse(TAMPERED, "audit", "verify", "--checkpoint", checkpoint, says=["the checkpoint's record 6 is missing", "put back"])
        self.succeed("user", "enable", "alice")
        self.succeed("audit", "verify")
        self.refuse(TAMPERED, "audit", "verify", "--checkpoint", checkpoint, says=["record 6 is not the one of the checkpoint"])

    def test_what_cannot_be_recorded_is_not_done(self):
        self.tamper("UPDATE audit_head SET mac = zeroblob(32)")
        self.refuse(IO, "user", "disable", "alice", says=["the end of the audit has been tampered with"])
        self.assertEqual(self.succeed_json("user", "show", "alice")["state"], "active")

    def peak_memory(self, *words):
        """KiB."""
        environment = self.environment(ASAN_OPTIONS="quarantine_size_mb=1:thread_local_quarantine_size_kb=64")
        with subprocess.Popen([PROGRAM, "--data", self.data, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=environment) as process:
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
        return usage.ru_maxrss

    def test_memory_does_not_grow_with_the_audit(self):
        commands = (("audit", "show", "--limit", "0"), ("audit", "show", "--limit", "90000"), ("audit", "export"))
        before = {words: self.peak_memory(*words) for words in commands}
        self.tamper("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                    " INSERT INTO audit SELECT i + 1000, 1, 'x', 'done', printf('%.200c', 'x'), 1, NULL, 'y', NULL, zeroblob(32) FROM n")
        for words in commands:
            with self.subTest(words):
                self.assertLess(self.peak_memory(*words) - before[words], 8192)


if __name__ == "__main__":
    unittest.main(verbosity=2)
