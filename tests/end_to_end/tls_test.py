#!/usr/bin/env python3
"""TLS and where there is none: versions, protocol negotiation, the certificate, the plain listeners."""
import re
import socket
import ssl
import stat
import subprocess

from harness import BIN, Client, OneDaemon, TestCase, connect_tcp, main, run, tls_context

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def spki_fingerprint(certificate_pem):
    """By openssl(1), not by our own code."""
    key = run("openssl", "x509", "-noout", "-pubkey", stdin=certificate_pem).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.encode(), capture_output=True, check=True)
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der.stdout, capture_output=True, check=True)
    encoded = subprocess.run(["openssl", "base64"], input=digest.stdout, capture_output=True, check=True)
    return "SHA256:" + encoded.stdout.decode().strip().rstrip("=")


class ByDefault(OneDaemon):
    SETTINGS = 'name = "login.example.net"\n'

    def test_tls13_is_spoken(self):
        with self.daemon.connect() as client:
            self.assertEqual("TLSv1.3", client.socket.version())
            client.expect(220)

    def test_tls12_is_refused(self):
        with self.assertRaises(ssl.SSLError):
            self.daemon.connect(context=tls_context(newest=TLS12))

    def test_alpn(self):
        for offered, answered in (((), None), (("slp/1",), "slp/1"), (("http/1.1", "slp/1"), "slp/1")):
            with self.subTest(offered), self.daemon.connect(context=tls_context(alpn=offered)) as client:
                self.assertEqual(answered, client.socket.selected_alpn_protocol())
                client.expect(220)
        for offered in (("http/1.1",), ("h2", "http/1.1"), ("slp/2",), ("slp/10",), ("slp",)):
            with self.subTest(offered), self.assertRaisesRegex(ssl.SSLError, "(?i)no_application_protocol|alert"):
                self.daemon.connect(context=tls_context(alpn=offered))

    def test_the_end_is_told_by_tls(self):
        """close_notify: a login cannot be cut short unseen."""
        context = tls_context()
        tcp = connect_tcp(self.daemon.port)
        with Client(context.wrap_socket(tcp, suppress_ragged_eofs=False)) as client:
            client.send("a\nb\nc\n" * 3)
            client.expect(*[220, 330, 331, 332, 530, 330, 331, 332, 530][:4])
            while client.read_reply().code != 421:
                pass
            self.assertEqual(b"", client.socket.recv(1))

    def test_no_session_is_resumed(self):
        context = tls_context()
        with self.daemon.connect(context=context) as client:
            client.expect(220)
            session = client.socket.session
        self.assertFalse(session and session.has_ticket)

    def test_fingerprint_and_certificate(self):
        pem = ssl.get_server_certificate(("127.0.0.1", self.daemon.port))
        self.assertEqual(self.daemon.fingerprint, spki_fingerprint(pem))
        self.assertEqual((self.place.data / "tls" / "cert.pem").read_text().strip(), pem.strip())
        text = run("openssl", "x509", "-noout", "-text", "-ext", "subjectAltName", stdin=pem).stdout
        self.assertIn("DNS:login.example.net", text)
        self.assertIn("prime256v1", text)
        self.assertIn("CN = login.example.net", text)

    def test_files_are_private(self):
        data = self.place.data
        for path, mode in ((data, 0o700), (data / "master.key", 0o600), (data / "tls" / "key.pem", 0o600)):
            self.assertEqual(mode, stat.S_IMODE(path.stat().st_mode), path)
        for path in data.rglob("*"):
            if path.is_file() and path.name != "cert.pem":
                self.assertEqual(0, path.stat().st_mode & 0o077, path)

    def test_what_is_not_tls_is_closed(self):
        for what, octets in (("HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("a login in clear", b"alice\npassword\n123456\n"),
                             ("NUL", bytes(64)), ("noise", bytes(range(256)))):
            with self.subTest(what), Client(connect_tcp(self.daemon.port)) as client:
                client.send_raw(octets)
                rest = client.read_rest()  # at most an alert, never a greeting
                self.assertNotIn(b"220", rest)
                self.assertLess(len(rest), 64)

    def test_half_a_handshake_holds_nobody_up(self):
        halves = [connect_tcp(self.daemon.port) for _ in range(20)]
        for half in halves:
            half.sendall(bytes.fromhex("160301020001"))
        try:
            with self.daemon.connect() as client:
                client.expect(220, 330)
        finally:
            for half in halves:
                half.close()


class OnRequest(TestCase):
    def test_tls12_with_forward_secrecy_only(self):
        self.place.write_settings('[tls]\nminimum_version = "1.2"\n')
        daemon = self.start()
        user = self.place.add_user("alice")
        client = self.connect(daemon, context=tls_context(newest=TLS12))
        self.assertEqual("TLSv1.2", client.socket.version())
        self.assertRegex(client.socket.cipher()[0], r"^ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)")
        client.log_in(user)
        for cipher in ("ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256"):
            context = tls_context(newest=TLS12)
            context.set_ciphers(cipher + ":@SECLEVEL=0")
            with self.subTest(cipher), self.assertRaises(ssl.SSLError):
                daemon.connect(context=context)
        # No renegotiation, neither asked for nor given: s_client asks for one with R.
        asking = subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{daemon.port}"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with asking:
            while b"Username:" not in asking.stdout.readline():  # its question would come amid the handshake
                self.assertIsNone(asking.poll())
            _, told = asking.communicate(b"R\n", timeout=60)
        self.assertRegex(told.decode(), "no renegotiation|handshake failure|unexpected message")

    def test_the_certificate_survives_a_restart(self):
        first = self.start()
        first.stop()
        self.assertEqual(first.fingerprint, self.start().fingerprint)

    def test_a_certificate_of_ones_own(self):
        key, certificate = self.place.root / "own.key", self.place.root / "own.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "30",
            "-subj", "/CN=own.example.net", "-addext", "subjectAltName=DNS:own.example.net")
        key.chmod(0o600)
        self.place.write_settings(f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
        daemon = self.start()
        pem = ssl.get_server_certificate(("127.0.0.1", daemon.port))
        self.assertEqual(certificate.read_text().strip(), pem.strip())
        self.assertEqual(daemon.fingerprint, spki_fingerprint(pem))
        self.assertFalse((self.place.data / "tls" / "key.pem").exists())

    def test_an_expiring_certificate_is_renewed_with_the_same_key(self):
        first = self.start()
        first.stop()
        tls = self.place.data / "tls"
        old = run("openssl", "req", "-x509", "-key", tls / "key.pem", "-days", "10", "-subj", "/CN=" + socket.gethostname(),
                  "-addext", "subjectAltName=DNS:" + socket.gethostname()).stdout
        (tls / "cert.pem").write_text(old)
        second = self.start()
        self.assertEqual(first.fingerprint, second.fingerprint)
        self.assertNotEqual(old, (tls / "cert.pem").read_text())
        # Far from expiry.
        run("openssl", "x509", "-noout", "-checkend", 40 * 24 * 3600, "-in", tls / "cert.pem")


class InClear(TestCase):
    def test_loopback_and_unix_sockets_are_served(self):
        path = self.place.root / "login.sock"
        daemon = self.start(plain=("127.0.0.1:0", "127.0.0.2:0", "[::1]:0", f"unix:{path}"))
        self.assertEqual(f"unix:{path}", daemon.plain[3])
        self.assertEqual(0o660, stat.S_IMODE(path.stat().st_mode))
        for number, address in enumerate(daemon.plain):
            with self.subTest(address):
                user = self.place.add_user(f"user{number}")
                if address.startswith("["):
                    connection = socket.create_connection(("::1", int(address.rsplit(":", 1)[1])), timeout=30)
                elif address.startswith("127.0.0.2"):
                    connection = socket.create_connection(("127.0.0.2", int(address.rsplit(":", 1)[1])), timeout=30)
                else:
                    connection = None
                client = Client(connection) if connection else daemon.connect_plain(number)
                with client:
                    client.log_in(user)
                    self.assertEqual(user.name, client.ask("WHOAMI")["user"])
        source = self.place.query("SELECT last_login_source FROM users WHERE name = 'user3'")
        self.assertEqual([("local",)], source)
        self.assertEqual(0, daemon.stop())
        self.assertFalse(path.exists())

    def test_only_in_clear(self):
        daemon = self.start(listen=(), plain=("127.0.0.1:0",))
        self.connect_plain(daemon).expect(220, 330)

    def test_a_socket_left_behind_is_taken_over(self):
        path = self.place.root / "login.sock"
        first = self.start(plain=(f"unix:{path}",))
        first.kill()
        self.assertTrue(path.exists())
        second = self.start(plain=(f"unix:{path}",))
        self.connect_plain(second).expect(220)

    def refused(self, *options):
        return run(BIN / "securelogind", "--data", self.place.data, *options, check=False, env=self.place.environment)

    def test_what_is_in_use_is_not_taken_over(self):
        path = self.place.root / "login.sock"
        daemon = self.start(plain=(f"unix:{path}",))
        done = self.refused("--listen-plain", f"unix:{path}", "--listen", "127.0.0.1:0")
        self.assert_one_line_error(done, "securelogind", re.escape(str(path)), "in use")
        self.connect_plain(daemon).expect(220)
        file = self.place.root / "a file"
        file.write_text("of somebody's")
        self.assert_one_line_error(self.refused("--listen-plain", f"unix:{file}"), "securelogind", re.escape(str(file)))
        self.assertEqual("of somebody's", file.read_text())

    def test_other_addresses_are_refused(self):
        for address in ("0.0.0.0:0", "192.0.2.1:9999", "[::]:0", "[2001:db8::1]:9999", "localhost:9999", "10.0.0.1:0",
                        "[::ffff:192.0.2.1]:9999", "unix:", "unix:" + "x" * 200, ":9999", "127.0.0.1", "127.0.0.1:65536"):
            with self.subTest(address):
                done = self.refused("--listen-plain", address)
                self.assert_one_line_error(done, "securelogind", re.escape(address.split("xxx")[0]))
        self.assertFalse(self.place.data.exists(), "refused before anything was made")


if __name__ == "__main__":
    main()
