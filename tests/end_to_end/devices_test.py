#!/usr/bin/env python3
"""Known devices: what the client shows, what the server remembers, and that a login does without."""
import json
import re
import shutil
import ssl
import stat
import subprocess

from harness import BIN, Client, Terminal, TestCase, connect_tcp, main, run, tls_context


def make_identity(directory, *kind):
    """A self-signed certificate and its key, as openssl(1) makes them; over those before."""
    certificate, key = directory / "own.pem", directory / "own.key"
    run("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=own")
    return certificate, key


class DevicesCase(TestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.start()
        self.alice = self.place.add_user("alice")

    def log_in(self, user=None, *options, home="config", check=True, pinned=True):
        """With the client, from a home of this name.  Each login takes a code: two a user."""
        user = user or self.alice
        self.place.environment["XDG_CONFIG_HOME"] = str(self.place.root / home)
        pin = ("--fingerprint", self.daemon.fingerprint) if pinned else ()
        return self.place.securelogin(*pin, *options, f"{user.name}@127.0.0.1:{self.daemon.port}", check=check,
                                      stdin=f"{user.password}\n{user.next_code()}\n")

    def devices(self, name="alice"):
        return json.loads(self.place.admin("user", "show", name, "--json").stdout)["devices"]

    def key_files(self, home="config"):
        return sorted((self.place.root / home / "securelogin" / "devices").glob("*"))


class OneHome(DevicesCase):
    def test_two_logins_are_one_device(self):
        self.log_in()
        first = self.devices()
        self.log_in()
        second = self.devices()
        self.assertEqual(1, len(second))
        self.assertEqual((first[0]["fingerprint"], first[0]["first_seen"]), (second[0]["fingerprint"], second[0]["first_seen"]))
        self.assertEqual("127.0.0.1", second[0]["source"])
        file, = self.key_files()
        self.assertEqual(f"127.0.0.1%3A{self.daemon.port}.pem", file.name)
        self.assertEqual((0o600, 0o700), tuple(stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)))

    def test_the_fingerprint_is_that_of_the_file_as_openssl_has_it(self):
        self.log_in()
        der = subprocess.run(["openssl", "pkey", "-in", self.key_files()[0], "-pubout", "-outform", "DER"],
                             capture_output=True, check=True).stdout
        digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, capture_output=True, check=True).stdout
        base64 = subprocess.run(["openssl", "base64"], input=digest, capture_output=True, check=True).stdout.decode().strip()
        self.assertEqual("SHA256:" + base64.rstrip("="), self.devices()[0]["fingerprint"])

    def test_log_and_audit_name_the_device(self):
        self.log_in()
        short = self.devices()[0]["fingerprint"][len("SHA256:"):][:12]
        self.daemon.wait_for_event("login", outcome="granted", user="alice", device=short)
        self.assertEqual([(short,)], self.place.query("SELECT device FROM audit WHERE event = 'login'"))

    def test_a_key_that_is_lost_is_a_new_device(self):
        self.log_in()
        self.key_files()[0].write_text("damaged")
        self.log_in()
        self.assertEqual(2, len(self.devices()))
        self.assertEqual(1, len(self.key_files()))

    def test_one_device_of_two_users(self):
        bob = self.place.add_user("bob")
        self.log_in()
        self.log_in(bob)
        self.assertEqual(self.devices()[0]["fingerprint"], self.devices("bob")[0]["fingerprint"])
        self.place.admin("user", "forget-device", "alice", "--all")
        self.assertEqual((0, 1), (len(self.devices()), len(self.devices("bob"))))

    def test_a_refused_login_makes_no_device_known(self):
        wrong = f"wrong\n{self.alice.wrong_code()}\n"
        done = self.place.securelogin("--fingerprint", self.daemon.fingerprint, f"alice@127.0.0.1:{self.daemon.port}",
                                      stdin=wrong, check=False)
        self.assertEqual(77, done.returncode, done.stderr)
        self.assertEqual([], self.devices())
        self.assertIn("device", self.daemon.wait_for_event("login", outcome="refused"))


class SeveralHomes(DevicesCase):
    def test_another_home_is_another_device(self):
        self.log_in()
        self.log_in(home="elsewhere")
        self.assertEqual(2, len({device["fingerprint"] for device in self.devices()}))

    def test_forgotten_by_the_administrator(self):
        self.log_in()
        self.log_in(home="elsewhere")
        kept, forgotten = (device["fingerprint"] for device in self.devices())
        self.place.admin("user", "forget-device", "alice", forgotten[:len("SHA256:") + 12])
        self.assertEqual([kept], [device["fingerprint"] for device in self.devices()])

    def test_a_copied_home_is_the_same_device(self):
        self.log_in()
        shutil.copytree(self.place.root / "config", self.place.root / "copy")
        self.log_in(home="copy")
        self.assertEqual(1, len(self.devices()))


class FirstVisit(DevicesCase):
    def test_accepted_at_once(self):
        self.log_in(None, "--accept-new", pinned=False)
        self.assertEqual(1, len(self.devices()))

    def test_accepted_by_a_person(self):
        with Terminal([BIN / "securelogin", f"alice@127.0.0.1:{self.daemon.port}", "whoami"], self.place.environment,
                      self.place.root) as terminal:
            terminal.expect(re.escape(self.daemon.fingerprint))
            self.assertEqual([], self.key_files(), "none is made for a server that is not trusted")
            terminal.send_line("yes")
            terminal.expect("[Pp]assword: ")
            terminal.send_line(self.alice.password)
            terminal.expect("[Cc]ode: ")
            terminal.send_line(self.alice.next_code())
            self.assertEqual(0, terminal.wait())
        self.assertEqual(1, len(self.devices()))

    def test_a_server_that_is_refused_gets_no_key(self):
        done = self.log_in(pinned=False, check=False)
        self.assertEqual(78, done.returncode)
        self.assertEqual([], self.key_files())


class Without(DevicesCase):
    def test_not_wanted(self):
        self.log_in(None, "--no-device-key")
        self.assertEqual(([], []), (self.devices(), self.key_files()))
        self.assertNotIn("device", self.daemon.wait_for_event("login", outcome="granted"))

    def test_nowhere_to_keep_it(self):
        """Files in the way, which stop root as well."""
        (self.place.root / "config").write_text("not a directory")
        done = self.log_in()
        self.assertRegex(done.stdout, "(?m)^user alice$")
        self.assertEqual("", done.stderr)
        with Terminal([BIN / "securelogin", "--fingerprint", self.daemon.fingerprint, f"alice@127.0.0.1:{self.daemon.port}",
                       "whoami"], self.place.environment, self.place.root) as terminal:
            terminal.expect("No device key: ")
            terminal.expect("[Pp]assword: ")
            terminal.send_line(self.alice.password)
            terminal.expect("[Cc]ode: ")
            terminal.send_line(self.alice.next_code())
            self.assertEqual(0, terminal.wait())
        self.assertEqual([], self.devices())


class OtherClients(DevicesCase):
    def s_client(self, *options):
        return run("openssl", "s_client", "-quiet", "-verify_quiet", "-connect", f"127.0.0.1:{self.daemon.port}", *options,
                   stdin=f"alice\n{self.alice.password}\n{self.alice.next_code()}\nquit\n").stdout

    def test_openssl_without_a_certificate(self):
        self.assertIn("230 Login successful", self.s_client())
        self.assertEqual([], self.devices())

    def test_openssl_with_a_certificate_of_its_own(self):
        for kind in (("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), ("ed25519",)):
            with self.subTest(kind):
                certificate, key = make_identity(self.place.root, *kind)
                self.assertIn("230 Login successful", self.s_client("-cert", certificate, "-key", key))
        self.assertEqual(2, len(self.devices()))

    def test_openssl_with_a_certificate_of_another_kind_is_served_as_without(self):
        certificate, key = make_identity(self.place.root, "rsa:2048")
        self.assertIn("230 Login successful", self.s_client("-cert", certificate, "-key", key))
        self.assertEqual([], self.devices())

    def test_a_chain_is_refused_by_an_alert_and_nothing_else(self):
        certificate, key = make_identity(self.place.root, "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        chain = self.place.root / "chain.pem"
        chain.write_text(2 * certificate.read_text())
        context = tls_context()
        context.load_cert_chain(chain, key)
        with Client(context.wrap_socket(connect_tcp(self.daemon.port))) as client:
            # TLS 1.3: the client is through with the handshake before the server has judged it.
            with self.assertRaisesRegex(ssl.SSLError, "(?i)bad certificate"):
                client.socket.recv(1)
        with self.daemon.connect() as other:
            other.expect(220)


class NewPassword(TestCase):
    def test_a_holders_new_password_keeps_the_device_that_it_came_from(self):
        self.place.write_settings("[totp]\nwindow = 2\n")  # three codes are wanted
        daemon = self.start()
        user = self.place.add_user("alice")
        shown = []
        for number in range(2):
            context = tls_context()
            context.load_cert_chain(*make_identity(self.place.root, "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
            client = self.connect(daemon, context=context)
            client.log_in(user, user.code(number))
            shown.append(self.place.query("SELECT fingerprint FROM devices ORDER BY last_seen_at, first_seen_at"))
        self.assertEqual([1, 2], [len(devices) for devices in shown])
        self.assertEqual(331, client.ask("PASSWD").code)
        self.assertEqual(332, client.ask(user.password).code)
        self.assertEqual(333, client.ask(user.code(2)).code)
        self.assertEqual(250, client.ask("seventeen purple lampposts").code)
        kept = self.place.query("SELECT fingerprint FROM devices")
        self.assertEqual(1, len(kept))
        self.assertNotEqual(shown[0], kept)


class UnderTls12(TestCase):
    def test_a_device_is_known_there_too(self):
        """By clients that show it there; securelogin does not, since anyone on the way could read it."""
        self.place.write_settings('[tls]\nminimum_version = "1.2"\n')
        daemon = self.start()
        user = self.place.add_user("alice")
        context = tls_context(newest=ssl.TLSVersion.TLSv1_2)
        context.load_cert_chain(*make_identity(self.place.root, "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
        with daemon.connect(context=context) as client:
            client.log_in(user)
        self.assertEqual([(1,)], self.place.query("SELECT COUNT(*) FROM devices"))


class AfterARestart(DevicesCase):
    def test_devices_are_remembered(self):
        self.log_in()
        before = self.devices()
        port = self.daemon.port
        self.daemon.stop()
        self.daemon = self.start(listen=(f"127.0.0.1:{port}",))
        self.assertEqual(before, self.devices())
        self.log_in()
        self.assertEqual(1, len(self.devices()))


if __name__ == "__main__":
    main()
