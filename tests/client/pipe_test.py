"""The client in the hands of a script: lines in, lines out, and an exit code that tells."""

import os
import socket
import ssl
import subprocess
import unittest

import client_case
from fake_server import closing, friendly, refusing, scripted

LOGIN = "alice\npw\n492039\n"
HELLO = "220 fake SecureLogin 1 ready\r\n330 Username:\r\n"
PASSWORD = "331 Password:\r\n"
CODE = "332 Code:\r\n"
NO = "530 Login failed\r\n"
LATER = "450-retry-after 8\r\n450 Not now\r\n"
LOGGED_IN = (HELLO, PASSWORD, CODE, "230-user alice\r\n230 Login successful\r\n")


class Pipe(client_case.ClientCase):
    def log_in(self, script, *words, typed=LOGIN, user="", options=(), **serving):
        self.server = self.serve(script, **serving)
        return self.run_client(*self.pin(), *options, f"{user}localhost:{self.server.port}", *words, typed=typed)

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.home, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def test_three_lines_log_in(self):
        code, out, err = self.log_in(friendly)
        self.assertEqual((code, out, err), (0, "user alice\n", ""))
        self.assertEqual(self.server.lines(), ["alice", "pw", "492039", "QUIT"])

    def test_lines_left_over_are_commands(self):
        code, out, err = self.log_in(friendly, typed=LOGIN + "whoami\nbogus\n\nwhoami\n")
        self.assertEqual((code, out), (0, "user alice\n" + 2 * "user alice\nsession 6f1c0a52\n"))
        self.assertIn("Unknown command", err)

    def test_a_command(self):
        code, out, err = self.log_in(friendly, "whoami", user="alice@", typed="pw\n492039\n")
        self.assertEqual((code, out, err), (0, "user alice\nsession 6f1c0a52\n", ""))
        self.assertEqual(self.server.lines(), ["alice", "pw", "492039", "whoami", "QUIT"])

    def test_password_file_and_code_command(self):
        file = self.file("pw", "correct horse\n")
        code, out, err = self.log_in(friendly, "whoami", user="alice@", typed="", options=[
            "--password-file", file, "--code-command", "echo 492039"])
        self.assertEqual((code, out, err), (0, "user alice\nsession 6f1c0a52\n", ""))
        self.assertEqual(self.server.lines()[:3], ["alice", "correct horse", "492039"])

    def test_code_command_leaves_standard_input_alone(self):
        code, _, _ = self.log_in(friendly, options=["--code-command", "cat; echo 492039"], typed="alice\npw\nwhoami\n")
        self.assertEqual(code, 0)
        self.assertEqual(self.server.lines(), ["alice", "pw", "492039", "whoami", "QUIT"])

    def test_code_command_is_run_when_the_code_is_wanted(self):
        mark = os.path.join(self.home, "ran")
        code, _, _ = self.log_in(closing(HELLO, "421 Busy\r\n"), options=["--code-command", f"touch {mark}; echo 1"])
        self.assertEqual(code, 75)
        self.assertFalse(os.path.exists(mark))

    def test_prepared_answers_are_not_tried_twice(self):
        file = self.file("pw", "pw\n")
        code, _, _ = self.log_in(refusing, user="alice@", options=[
            "--password-file", file, "--code-command", "echo 492039"])
        self.assertEqual(code, 77)
        self.assertEqual(self.server.lines(), ["alice", "pw", "492039"])

    def test_unsafe_password_file_stops_it_before_it_connects(self):
        file = self.file("pw", "pw\n", 0o644)
        code, _, err = self.log_in(friendly, options=["--password-file", file])
        self.assertEqual((code, self.server.received, self.server.names), (78, b"", []))
        self.assertIn("chmod 600", err)

    def test_failing_code_command_is_told(self):
        code, _, err = self.log_in(friendly, options=["--code-command", "exit 3"])
        self.assertEqual(code, 78)
        self.assertIn("status 3", err)
        self.assertEqual(self.server.lines(), ["alice", "pw"])

    def test_next_lines_are_the_next_attempt(self):
        code, _, err = self.log_in(scripted(HELLO, PASSWORD, CODE, NO + "330 Username:\r\n", PASSWORD, CODE,
                                            "230 Login successful\r\n", "221 Bye\r\n"),
                                   typed="alice\nwrong\n1\nalice\npw\n2\n")
        self.assertEqual(code, 0)
        self.assertIn("Login failed", err)

    EXIT_CODES = (
        # name                         script                                                            code
        ("refused, input ends",        closing(HELLO, PASSWORD, CODE, NO + "330 Username:\r\n", ""),      77),
        ("refused, then closed",       closing(HELLO, PASSWORD, CODE, NO + "421 Too many\r\n"),           77),
        ("refused, then cut",          closing(HELLO, PASSWORD, CODE, NO),                                77),
        ("throttled, input ends",      closing(HELLO, PASSWORD, CODE, LATER + "330 Username:\r\n", ""),   75),
        ("throttled, then closed",     closing(HELLO, PASSWORD, CODE, LATER + "421 Enough\r\n"),          75),
        ("refused and throttled",      closing(HELLO, PASSWORD, CODE, NO + "330 U:\r\n", ""),             77),
        ("closed at once",             closing("421 Too many connections\r\n"),                          75),
        ("closed after the password",  closing(HELLO, PASSWORD, "421 Busy\r\n"),                         75),
        ("closed after the login",     closing(*LOGGED_IN[:3], LOGGED_IN[3] + "421 Session ended\r\n"),  75),
        ("silent close",               closing(""),                                                      69),
        ("close after the greeting",   closing(HELLO),                                                   69),
        ("close after the code",       closing(HELLO, PASSWORD, CODE, ""),                               69),
        ("not a reply",                scripted("hello\r\n"),                                            76),
        ("another protocol",           scripted("SSH-2.0-OpenSSH_9.2\r\n"),                              76),
        ("unknown digits",             scripted("260 hello\r\n"),                                        76),
        ("password asked for first",   scripted("220 x\r\n331 Password:\r\n"),                           76),
        ("code before the password",   scripted(HELLO, CODE),                                            76),
        ("password twice",             scripted(HELLO, PASSWORD, PASSWORD),                              76),
        ("all asked at once",          scripted(HELLO + PASSWORD + CODE),                                76),
        ("logged in for nothing",      scripted(HELLO, "230 Login successful\r\n"),                      76),
        ("our line was malformed",     scripted(HELLO, "500 Not a line\r\n"),                            76),
        ("escape",                     scripted("220 \x1b[2J\r\n"),                                      76),
        ("not UTF-8",                  scripted(b"220 \xff\r\n"),                                        76),
        ("endless line",               scripted("220 " + 5000 * "x"),                                    76),
        ("endless facts",              scripted(*LOGGED_IN[:3], 5000 * "230-a b\r\n"),                   76),
    )

    def test_exit_codes(self):
        for name, script, expected in self.EXIT_CODES:
            with self.subTest(name):
                code, out, err = self.log_in(script)
                self.assertEqual(code, expected, err)
                self.assertTrue(err.startswith("securelogin: "), err)
                self.assert_harmless(out.encode())
                self.assert_harmless(err.encode())

    COMMANDS = (
        # name                    replies after the command                                       code
        ("done",                  ("250 OK\r\n",),                                                 0),
        ("goodbye",               ("221 Bye\r\n",),                                                0),
        ("bad arguments",         ("501 Takes none\r\n",),                                         64),
        ("unknown",               ("502 Unknown\r\n",),                                            64),
        ("refused",               (PASSWORD, CODE, NO),                                            77),
        ("throttled",             (PASSWORD, CODE, LATER),                                         75),
        ("new password refused",  ("333 N:\r\n", *2 * ("553 Weak\r\n333 N:\r\n",), "553 Weak\r\n"), 77),
        ("closed",                ("421 Session ended\r\n",),                                      75),
        ("broken",                ("whatever\r\n",),                                               76),
    )

    def test_a_command_decides_the_exit_code(self):
        for name, replies, expected in self.COMMANDS:
            with self.subTest(name):
                script = closing(*LOGGED_IN, *replies, "221 Bye\r\n")
                code, _, err = self.log_in(script, "passwd", typed=LOGIN + "1\n2\n3\n")
                self.assertEqual(code, expected, err)

    def test_usage(self):
        for words in ((), ("--bogus", "localhost"), ("localhost:0",), ("::1",), ("--fingerprint", "x", "localhost"),
                      ("localhost", "two\nlines")):
            with self.subTest(words=words):
                code, out, err = self.run_client(*words)
                self.assertEqual((code, out), (64, ""))
                self.assertEqual(len(err.splitlines()), 1)

    def test_help_and_version(self):
        code, out, err = self.run_client("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("examples:", out)
        self.assertLessEqual(max(map(len, out.splitlines())), 120)
        self.assertEqual(self.run_client("--version")[0], 0)

    def test_nobody_listens(self):
        with socket.socket() as bound:  # and so nobody else's, but not listening
            bound.bind(("127.0.0.1", 0))
            code, _, err = self.run_client(f"localhost:{bound.getsockname()[1]}", typed=LOGIN)
        self.assertEqual(code, 69)
        self.assertIn("Connection refused", err)

    def test_malformed_input_is_not_sent(self):
        for name, typed in (("control character", "alice\np\x1bw\n1\n"), ("too long", "alice\n" + 1025 * "x" + "\n1\n")):
            with self.subTest(name):
                code, _, err = self.log_in(friendly, typed=typed)
                self.assertEqual(code, 64)
                self.assertIn("not sent", err)
                self.assertEqual(self.server.lines(), ["alice"])

    def test_output_that_goes_nowhere(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            server = self.serve(friendly)
            done = subprocess.run([client_case.PROGRAM, *self.pin(), f"localhost:{server.port}"], input=LOGIN, text=True,
                                  stdout=full, stderr=subprocess.PIPE, env=self.environment, timeout=60)
        self.assertEqual(done.returncode, 75)
        self.assertIn("No space left", done.stderr)

    def test_closed_standard_descriptors(self):
        server = self.serve(friendly)
        done = subprocess.run(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', client_case.PROGRAM, *self.pin(),
                               f"localhost:{server.port}"], env=self.environment, timeout=60)
        self.assertEqual((done.returncode, server.received), (77, b""))


class Enrolment(client_case.ClientCase):
    URI = "otpauth://totp/SecureLogin:carol?secret=JBSWY3DPEHPK3PXP&issuer=SecureLogin"

    def test_answers_line_by_line(self):
        server = self.serve(scripted("220 fake SecureLogin 1 ready\r\n330 Username:\r\n", "333 New password:\r\n",
                                     f"332-otpauth {self.URI}\r\n332 Code:\r\n",
                                     "250-user carol\r\n250-recovery-code AAAA-BBBB\r\n250 Enrolled\r\n330 Username:\r\n"))
        code, out, err = self.run_client("enrol", *self.pin(), f"localhost:{server.port}", typed="abcd\na good one\n492039\n")
        self.assertEqual((code, out, err), (0, f"otpauth {self.URI}\nuser carol\nrecovery-code AAAA-BBBB\n", ""))
        self.assertEqual(server.lines(), ["ENROL abcd", "a good one", "492039"])


class Tls(client_case.ClientCase):
    def connect(self, prepare=None, alpn=("slp/1",), host="localhost"):
        server = self.serve(friendly, alpn=alpn, prepare=prepare)
        code, _, err = self.run_client(*self.pin(), f"{host}:{server.port}", typed=LOGIN)
        return code, err, server

    def test_what_is_accepted(self):
        def tls12(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2

        def tls13(context):
            context.minimum_version = ssl.TLSVersion.TLSv1_3

        for name, prepare, alpn in (("TLS 1.3", tls13, ("slp/1",)), ("TLS 1.2", tls12, ("slp/1",)),
                                    ("no ALPN", None, ()), ("several ALPN", None, ("h2", "slp/1"))):
            with self.subTest(name):
                code, err, _ = self.connect(prepare, alpn)
                self.assertEqual((code, err), (0, ""))

    def test_what_is_refused(self):
        def cbc(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")

        def tls11(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1

        for name, prepare in (("TLS 1.2 without AEAD", cbc), ("TLS 1.1", tls11)):
            with self.subTest(name):
                code, err, server = self.connect(prepare)
                self.assertEqual((code, server.received), (76, b""), err)

    def test_the_host_is_named_unless_it_is_an_address(self):
        self.assertEqual(self.connect(host="localhost")[2].names, ["localhost"])
        self.assertEqual(self.connect(host="127.0.0.1")[2].names, [None])

    def test_sessions_are_not_resumed(self):
        server = self.serve(friendly)
        for _ in range(2):
            self.assertEqual(self.run_client(*self.pin(), f"localhost:{server.port}", typed=LOGIN)[0], 0)
        self.assertEqual(server.resumed, [False, False])


if __name__ == "__main__":
    unittest.main()
