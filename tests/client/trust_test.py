"""No octet leaves for a server before it is settled that it is the right one."""

import os
import stat
import unittest

import client_case
from fake_server import Identity, friendly, scripted

LOGIN = "alice\npw\n492039\n"


class KnownHosts(client_case.ClientCase):
    def test_unknown_server_without_a_terminal_is_refused(self):
        server = self.serve(friendly)
        code, out, err = self.run_client(f"localhost:{server.port}", typed=LOGIN)
        self.assertEqual((code, out, server.received), (78, "", b""))
        self.assertIn(self.identity.fingerprint, err)
        self.assertIn("--fingerprint", err)
        self.assertIn("--accept-new", err)
        self.assertFalse(os.path.exists(self.known_hosts))

    def test_accepted_once_is_known_from_then_on(self):
        server = self.serve(friendly)
        self.assertEqual(self.run_client("--accept-new", f"localhost:{server.port}", typed=LOGIN)[0], 0)
        with open(self.known_hosts, encoding="ascii") as file:
            self.assertEqual(file.read(), f"localhost:{server.port} {self.identity.fingerprint}\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.known_hosts).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(self.known_hosts)).st_mode), 0o700)
        self.assertEqual(self.run_client(f"LOCALHOST:{server.port}", typed=LOGIN)[0], 0)

    def test_changed_key_is_refused_whatever_the_options(self):
        server = self.serve(friendly)
        self.write_known_hosts(f"# mine\nlocalhost:{server.port} {self.other.fingerprint}\n")
        for options in ([], ["--accept-new"]):
            with self.subTest(options=options):
                code, out, err = self.run_client(*options, f"localhost:{server.port}", typed=LOGIN)
                self.assertEqual((code, out, server.received), (78, "", b""))
                self.assertIn("HAS CHANGED", err)
                self.assertIn(self.identity.fingerprint, err)
                self.assertIn(self.other.fingerprint, err)
                self.assertIn(f"sed -i 2d '{self.known_hosts}'", err)

    def test_the_remedy_that_is_shown_is_one(self):
        server = self.serve(friendly)
        self.write_known_hosts(f"# mine\nlocalhost:{server.port} {self.other.fingerprint}\n")
        err = self.run_client(f"localhost:{server.port}", typed=LOGIN)[2]
        remedy = [line for line in err.splitlines() if "sed -i" in line][0].strip()
        self.assertEqual(os.system(remedy), 0)
        self.assertEqual(self.run_client("--accept-new", f"localhost:{server.port}", typed=LOGIN)[0], 0)

    def test_malformed_file_is_refused_by_file_and_line(self):
        server = self.serve(friendly)
        self.write_known_hosts("# mine\nnonsense\n")
        code, _, err = self.run_client("--accept-new", f"localhost:{server.port}", typed=LOGIN)
        self.assertEqual((code, server.received), (78, b""))
        self.assertIn(self.known_hosts, err)
        self.assertIn("line 2", err)

    def test_xdg_config_home_is_obeyed(self):
        server = self.serve(friendly)
        elsewhere = os.path.join(self.home, "elsewhere")
        self.environment["XDG_CONFIG_HOME"] = elsewhere
        self.assertEqual(self.run_client("--accept-new", f"localhost:{server.port}", typed=LOGIN)[0], 0)
        self.assertTrue(os.path.exists(os.path.join(elsewhere, "securelogin", "known_hosts")))
        self.assertFalse(os.path.exists(self.known_hosts))

    def write_known_hosts(self, text):
        os.makedirs(os.path.dirname(self.known_hosts))
        with open(self.known_hosts, "w", encoding="ascii") as file:
            file.write(text)


class FirstVisit(client_case.ClientCase):
    """A person is asked."""

    def first_visit(self, script=friendly):
        self.server = self.serve(script)
        person = self.sit_down(f"alice@localhost:{self.server.port}")
        person.expect(self.identity.fingerprint)
        person.expect("(yes/no/fingerprint)? ")
        self.assertEqual(self.server.received, b"")
        return person

    def test_yes(self):
        person = self.first_visit()
        person.send("yes\n")
        person.expect("Password: ")
        with open(self.known_hosts, encoding="ascii") as file:
            self.assertIn(self.identity.fingerprint, file.read())

    def test_the_fingerprint_itself(self):
        person = self.first_visit()
        person.send(self.identity.fingerprint + "\n")
        person.expect("Password: ")

    def test_refusals(self):
        for name, answers, code in (("no", ["no\n"], 78), ("another fingerprint", [self.other.fingerprint + "\n"], 78),
                                    ("never yes", ["y\n", "\n", "Yes\n"], 78), ("ctrl-D", ["\x04"], 78)):
            with self.subTest(name):
                person = self.first_visit()
                person.send(answers[0])
                for answer in answers[1:]:
                    person.expect("Please type yes, no or the fingerprint: ")
                    person.send(answer)
                self.assertEqual(person.wait(), code)
                self.assertEqual(self.server.received, b"")
                self.assertFalse(os.path.exists(self.known_hosts))

    def test_a_server_that_does_not_wait(self):
        def script(peer):
            peer.say("220 fake SecureLogin 1 ready", "330 Username:")
            peer.wait()
            peer.cut()

        person = self.first_visit(script)
        self.server.go_on()
        self.assertEqual(person.wait(), 75)
        self.assertIn(b"did not wait", person.output)
        self.assertFalse(os.path.exists(self.known_hosts))

    def test_what_the_server_says_meanwhile_is_not_shown(self):
        person = self.first_visit(scripted(b"220 type yes now\r\n330 Username:\r\n\x1b[2J"))
        person.send("no\n")
        self.assertEqual(person.wait(), 78)
        self.assertNotIn(b"type yes now", person.output)
        self.assert_harmless(person.output)


class Pinned(client_case.ClientCase):
    def test_the_right_key(self):
        server = self.serve(friendly)
        for text in (self.identity.fingerprint, self.identity.fingerprint + "="):
            with self.subTest(text=text):
                code, _, _ = self.run_client("--fingerprint", text, f"localhost:{server.port}", typed=LOGIN)
                self.assertEqual(code, 0)
        self.assertFalse(os.path.exists(self.known_hosts))

    def test_another_key_is_refused(self):
        server = self.serve(friendly)
        code, _, err = self.run_client(*self.pin(self.other), f"localhost:{server.port}", typed=LOGIN)
        self.assertEqual((code, server.received), (78, b""))
        self.assertIn(self.identity.fingerprint, err)
        self.assertIn(self.other.fingerprint, err)


class ByCa(client_case.ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = Identity(cls.identities.name, "elsewhere", names="DNS:login.example.net,IP:192.0.2.1")
        cls.wildcard = Identity(cls.identities.name, "wildcard", names="DNS:*,DNS:local*")

    def by_ca(self, ca, host, identity=None):
        server = self.serve(friendly, identity=identity)
        code, _, err = self.run_client("--ca", ca, f"{host}:{server.port}", typed=LOGIN)
        return code, err, server

    def test_a_chain_to_it_that_names_the_host(self):
        for host in ("localhost", "127.0.0.1"):
            with self.subTest(host=host):
                code, err, _ = self.by_ca(self.identity.certificate, host)
                self.assertEqual((code, err), (0, ""))
        self.assertFalse(os.path.exists(self.known_hosts))

    def test_refusals(self):
        rows = (
            # name                  CA              host         server
            ("another CA",          self.other,     "localhost", self.identity),
            ("another name",        self.elsewhere, "localhost", self.elsewhere),
            ("another address",     self.elsewhere, "127.0.0.1", self.elsewhere),
            ("partial wildcards",   self.wildcard,  "localhost", self.wildcard),
        )
        for name, ca, host, identity in rows:
            with self.subTest(name):
                code, err, server = self.by_ca(ca.certificate, host, identity)
                self.assertEqual((code, server.received), (78, b""))
                self.assertIn("nothing was sent", err)

    def test_with_a_fingerprint_both_must_hold(self):
        server = self.serve(friendly)
        code, _, _ = self.run_client("--ca", self.identity.certificate, *self.pin(self.other),
                                     f"localhost:{server.port}", typed=LOGIN)
        self.assertEqual((code, server.received), (78, b""))


if __name__ == "__main__":
    unittest.main()
