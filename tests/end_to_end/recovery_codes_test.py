#!/usr/bin/env python3
"""The phone is gone: recovery codes, from CODES to the last one, raced, mistyped, and after a rotation and a kill."""
import json
import threading

from harness import BIN, OneDaemon, Terminal, TestCase, User, keep_clear_of_the_next_step, main, run

CODE = r"\A[A-HJ-NP-Z2-9]{4}(-[A-HJ-NP-Z2-9]{4}){3}\Z"
NO = b"530 Login failed\r\n"


def make_codes(client, user):
    """As somebody who is logged in makes them."""
    assert client.ask("CODES").code == 331
    reply = client.ask(user.password)
    assert reply.code == 332 and "newer" in reply.text, reply
    reply = client.ask(user.next_code())
    assert reply.code == 250, reply
    assert reply.text == "Recovery codes replaced", reply
    assert {key for key, _ in reply.facts} == {"recovery-code"}, reply
    return [value for _, value in reply.facts]


class RecoveryCodes(OneDaemon):
    SETTINGS = "[waits]\nfirst = 100\nlongest = 900\n"  # a slow machine is not to have waited by itself
    numbers = iter(range(1, 250))

    def fresh(self):
        """A user with ten codes, given by the administrator, at an address of their own."""
        name = f"rec{next(self.numbers)}"
        made = json.loads(self.place.admin("user", "add", name, "--generate-password", "--recovery-codes", "--json").stdout)
        return User(name, made["password"], made["otpauth_uri"]), made["recovery_codes"], f"127.0.8.{next(self.numbers)}"

    def attempt(self, user, code, password=None, source="127.0.8.1"):
        with self.daemon.connect(source) as client:
            client.expect(220)
            return client.attempt(user.name, password or user.password, code)

    def left(self, user):
        return json.loads(self.place.admin("user", "show", user.name, "--json").stdout)["recovery_codes"]["left"]

    def audit(self, user):
        return self.place.query("SELECT a.event, a.outcome, a.reason FROM audit a JOIN users u ON u.id = a.user_id"
                                " WHERE u.name = ? AND a.source <> 'admin' ORDER BY a.id", user.name)

    def test_made_by_codes_and_each_works_once(self):
        user = self.fresh_user()
        keep_clear_of_the_next_step()
        client, _ = self.daemon.log_in(user, user.code(-1))
        with client:
            codes = make_codes(client, user)
        self.assertEqual(10, len(set(codes)))
        for code in codes:
            self.assertRegex(code, CODE)
        reply = self.attempt(user, codes[0], source="127.0.7.1")
        self.assertEqual((230, "9"), (reply.code, reply["recovery-codes"]))
        self.assertEqual(NO, self.attempt(user, codes[0], source="127.0.7.1").raw)
        self.assertEqual(NO, self.attempt(user, codes[0].lower(), source="127.0.7.1").raw)
        self.assertEqual(230, self.attempt(user, codes[1].lower().replace("-", ""), source="127.0.7.1").code)
        self.assertEqual(8, self.left(user))
        self.daemon.wait_for_event("alarm.recovery-code", user=user.name, source="127.0.7.1")
        self.daemon.wait_for_event("recovery_codes_replaced", user=user.name)
        events = self.audit(user)
        self.assertIn(("login", "granted", "recovery_code"), events)
        self.assertIn(("alarm.recovery-code", "raised", None), events)
        self.assertIn(("recovery-codes.replace", "done", None), events)

    def test_told_at_each_login_when_few_are_left(self):
        user, codes, source = self.fresh()
        for used, code in enumerate(codes[:7], 1):
            self.assertEqual(str(10 - used), self.attempt(user, code, source=source)["recovery-codes"])
        self.assertEqual("3", self.attempt(user, user.next_code(), source=source)["recovery-codes"])

    def test_nothing_is_told_of_many_or_to_who_never_had_any(self):
        user, _, source = self.fresh()
        self.assertNotIn("recovery-codes", self.attempt(user, user.next_code(), source=source))
        user = self.fresh_user()
        self.assertNotIn("recovery-codes", self.attempt(user, user.next_code(), source=source))

    def test_an_app_code_is_still_good_afterwards(self):
        user, codes, source = self.fresh()
        self.assertEqual(230, self.attempt(user, codes[0], source=source).code)
        self.assertEqual(230, self.attempt(user, user.next_code(), source=source).code)

    def test_what_is_none_is_refused_alike_and_counted(self):
        user, codes, source = self.fresh()
        _, others, _ = self.fresh()
        wrong = codes[0][:-1] + ("A" if codes[0][-1] != "A" else "B")
        rows = {"mistyped": wrong, "another's": others[0], "cut short": codes[0][:-5], "two": codes[0] + codes[1],
                "blank behind": codes[0] + " ", "blanks": codes[0].replace("-", " "), "six digits": user.wrong_code()}
        for count, (what, code) in enumerate(rows.items(), 1):
            with self.subTest(what):
                # From another address each: the waits are another test's.
                self.assertEqual(NO, self.attempt(user, code, source=f"127.0.9.{next(self.numbers)}").raw)
                self.assertEqual([(count,)], self.place.query("SELECT failures FROM totp WHERE user_id ="
                                                              " (SELECT id FROM users WHERE name = ?)", user.name))
        self.assertEqual(NO, self.attempt(user, codes[0], password="wrong", source=source).raw)
        self.assertEqual(10, self.left(user), "none of these has spent one")
        self.assertEqual(230, self.attempt(user, codes[0], source=source).code)

    def test_mistyped_ones_bring_the_same_waits(self):
        user, _, source = self.fresh()
        codes = [self.attempt(user, "ABCD-EFGH-JKLM-2345", source=source).code for _ in range(6)]
        self.assertEqual([530] * 5 + [450], codes)

    def test_two_who_have_the_same_code(self):
        """Raced on many connections: one of them gets in."""
        user, codes, _ = self.fresh()
        clients = []
        for number in range(12):
            client = self.connect_for(f"127.0.10.{number + 1}")
            client.expect(220, 330)
            self.assertEqual(331, client.ask(user.name).code)
            clients.append(client)
        for client in clients:
            client.send(user.password)
        for client in clients:
            client.expect(332)
        verdicts = []
        lock = threading.Lock()

        def give(client):
            verdict = client.ask(codes[0]).code
            with lock:
                verdicts.append(verdict)

        threads = [threading.Thread(target=give, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(1, verdicts.count(230), verdicts)
        self.assertEqual(9, self.left(user))

    def connect_for(self, source):
        client = self.daemon.connect(source)
        self.addCleanup(client.close)
        return client

    def test_codes_takes_a_recovery_code_and_ends_the_old_ones(self):
        user, old, source = self.fresh()
        client, _ = self.daemon.log_in(user, old[0], source=source)
        with client:
            client.ask("CODES")
            client.ask(user.password)
            reply = client.ask(old[1])
            self.assertEqual(250, reply.code)
            fresh = [value for _, value in reply.facts]
        self.assertEqual(NO, self.attempt(user, old[2], source=source).raw)
        self.assertEqual("9", self.attempt(user, fresh[0], source=source)["recovery-codes"])

    def test_codes_that_are_refused_change_nothing(self):
        user, codes, source = self.fresh()
        client, _ = self.daemon.log_in(user, source=source)
        with client:
            for password, code in (("wrong", codes[0]), (user.password, user.wrong_code())):
                client.ask("CODES")
                client.ask(password)
                self.assertEqual(NO, client.ask(code).raw)
            self.assertEqual(501, client.ask("CODES 5").code)
            self.assertEqual(250, client.ask("WHOAMI").code)
        self.assertEqual(10, self.left(user))

    def test_a_new_key_ends_them(self):
        user, codes, source = self.fresh()
        self.place.admin("user", "reset-totp", user.name)
        self.assertEqual(NO, self.attempt(user, codes[0], source=source).raw)

    def test_nothing_of_them_is_in_the_log_or_the_database(self):
        user, codes, source = self.fresh()
        self.attempt(user, codes[0], source=source)
        self.attempt(user, codes[0], source=source)
        self.daemon.wait_for_event("login", user=user.name, outcome="refused")
        content = self.daemon.stderr.text().encode() + b"".join(
            path.read_bytes() for path in self.place.data.glob("securelogin.db*"))
        for code in codes:
            self.assertNotIn(code.encode(), content)
            self.assertNotIn(code.replace("-", "").encode(), content)


class Lives(TestCase):
    def add(self):
        made = json.loads(self.place.admin("user", "add", "alice", "--generate-password", "--recovery-codes", "--json").stdout)
        return made["password"], made["recovery_codes"]

    def attempt(self, daemon, password, code):
        client = self.connect(daemon)
        client.expect(220)
        return client.attempt("alice", password, code).code

    def test_through_a_kill_and_a_rotation_of_the_master_key(self):
        password, codes = self.add()
        daemon = self.start()
        self.assertEqual(230, self.attempt(daemon, password, codes[0]))
        daemon.kill()
        daemon = self.start()
        self.assertEqual(530, self.attempt(daemon, password, codes[0]), "spent is spent")
        self.place.admin("key", "rotate")
        self.assertEqual(230, self.attempt(daemon, password, codes[1]))
        daemon.kill()
        daemon = self.start()
        self.assertEqual(530, self.attempt(daemon, password, codes[1]))
        self.assertEqual(230, self.attempt(daemon, password, codes[2]))
        self.assertEqual(7, json.loads(self.place.admin("user", "show", "alice", "--json").stdout)["recovery_codes"]["left"])
        self.assertIn("intact yes", self.place.admin("audit", "verify").stdout)

    def test_in_the_client(self):
        password, codes = self.add()
        daemon = self.start()
        pin = ("--fingerprint", daemon.fingerprint)
        where = f"alice@127.0.0.1:{daemon.port}"
        done = self.place.securelogin(*pin, where, stdin="\n".join([password, codes[0], "codes", password, codes[1]]) + "\n")
        lines = done.stdout.splitlines()
        self.assertIn("recovery-codes 9", lines)
        fresh = [line.split(" ", 1)[1] for line in lines if line.startswith("recovery-code ")]
        self.assertEqual(10, len(fresh))
        for code in fresh:
            self.assertRegex(code, CODE)
        with Terminal([BIN / "securelogin", *pin, where], self.place.environment, self.place.root) as terminal:
            terminal.expect("Password: ")
            terminal.send_line(password)
            terminal.expect("Code: ")
            terminal.send_line(fresh[0])
            terminal.expect("9 recovery codes are left")
            terminal.expect("securelogin> ")
            terminal.send_line("quit")
            self.assertEqual(0, terminal.wait())

    def test_help_names_the_option(self):
        self.assertIn("--recovery-codes", run(BIN / "securelogin-admin", "user", "add", "--help").stdout)


if __name__ == "__main__":
    main()
