#!/usr/bin/env python3
"""What is not a line: one 500, and the connection is closed; nothing of it is echoed or logged."""
import ssl

from harness import OneDaemon, main

MALFORMED = {
    "NUL": b"al\0ice\n",
    "C0": b"al\x01ice\n",
    "tab": b"al\tice\n",
    "escape sequence": b"\x1b[2Jalice\n",
    "bell": b"alice\a\n",
    "DEL": b"alice\x7f\n",
    "C1": b"al\xc2\x85ice\n",
    "CSI as C1": b"\xc2\x9b2J\n",
    "CR within": b"al\rice\n",
    "two CR": b"alice\r\r\n",
    "not UTF-8": b"al\xffice\n",
    "Latin-1": b"\xe4gypten\n",
    "lone continuation": b"al\x80ice\n",
    "truncated sequence": b"alice\xe2\x82\n",
    "overlong slash": b"\xc0\xaf\n",
    "overlong NUL": b"\xc0\x80\n",
    "overlong three": b"\xe0\x80\xaf\n",
    "surrogate": b"\xed\xa0\x80\n",
    "beyond Unicode": b"\xf4\x90\x80\x80\n",
    "1,025 octets": b"x" * 1025 + b"\n",
    "1,025 octets and CRLF": b"x" * 1025 + b"\r\n",
    "no end in sight": b"x" * 5000,
    "no end in sight, CR last": b"x" * 1025 + b"\rx",
    "a megabyte": b"x" * 1_000_000 + b"\n",
}
LEGAL = {
    "1,024 octets": b"x" * 1024 + b"\n",
    "1,024 octets and CRLF": b"x" * 1024 + b"\r\n",
    "empty": b"\n",
    "empty with CR": b"\r\n",
    "four octets a character": "\U0001f600".encode() * 256 + b"\n",
    "a line separator": "al\u2028ice\n".encode(),
    "right to left": "\u202ealice\n".encode(),
}
MARK = b"leaky-marker"  # stands in every malformed line, and may turn up nowhere


def marked(line):
    return MARK + line if len(line) < 900 else line.replace(b"x" * len(MARK), MARK, 1)


class Lines(OneDaemon):
    OPTIONS = {"plain": ("127.0.0.1:0",), "log_format": "json"}
    SETTINGS = "[log]\nlevel = \"debug\"\n"

    sources = 0

    def expect_500_and_close(self, client, line):
        try:
            client.send_raw(line + b"HELP\nHELP\n")
        except (ConnectionError, ssl.SSLEOFError):
            pass  # closed while a long line was still on its way
        reply = client.expect(500)
        self.assertNotIn(MARK, reply.raw)
        self.assertEqual(1, reply.raw.count(b"\r\n"))
        client.expect_closed()

    def connections(self):
        """In clear, and in TLS."""
        Lines.sources += 1
        source = f"127.1.{Lines.sources // 200}.{Lines.sources % 200 + 1}"
        yield self.daemon.connect_plain(source=source)
        yield self.daemon.connect(source=source)

    def test_malformed_ones_get_one_500_and_a_close(self):
        for what, line in MALFORMED.items():
            for stage, before in (("username", ()), ("password", ("bob",)), ("code", ("bob", "password"))):
                for client in self.connections():
                    with self.subTest(what, stage=stage), client:
                        client.expect(220, 330)
                        for answer in before:
                            client.send(answer)
                            client.read_reply()
                        self.expect_500_and_close(client, marked(line))

    def test_malformed_commands(self):
        for number, (what, line) in enumerate(MALFORMED.items()):
            if number % 2 == 0:
                user = self.fresh_user()
            with self.subTest(what):
                client, _ = self.daemon.log_in(user)
                with client:
                    self.expect_500_and_close(client, marked(line))

    def test_legal_ones_are_answers(self):
        for what, line in LEGAL.items():
            for client in self.connections():
                with self.subTest(what), client:
                    client.expect(220, 330)
                    client.send_raw(line)
                    client.expect(331)
                    client.send_raw(line)
                    client.expect(332)
                    client.send_raw(line)
                    client.expect(530, 330)

    def test_an_end_in_the_middle_of_a_line_is_no_line(self):
        user = self.fresh_user()
        with self.daemon.connect_plain(source="127.0.9.1") as client:
            client.expect(220)
            for answer, question in ((user.name, 330), (user.password, 331)):
                client.expect(question)
                client.send(answer)
            client.expect(332)
            client.send_raw(user.next_code().encode())  # and no LF
            client.socket.shutdown(1)
            client.expect_closed()
        self.assertEqual([], self.place.query("SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.name = ?",
                                              user.name))

    @classmethod
    def _finish_class(cls):
        super()._finish_class()
        log = cls.daemon.stderr.text()
        assert MARK.decode() not in log, "what was sent is in the log"
        bad = [line for line in log.splitlines() if any(not character.isprintable() for character in line)]
        assert not bad, f"not printable: {bad}"


if __name__ == "__main__":
    main()
