#!/usr/bin/env python3
"""Moving in: users of other programs are imported, all of them or none, and log in with what they had.

The databases are made as the original programs make them: with Python's sqlite3 and hashlib, and with the statements that
SQLAlchemy issues for the Flask program's model.  Other hashes are made by openssl, crypt(3) and the Argon2 reference
implementation.
"""
import base64
import contextlib
import csv
import ctypes
import hashlib
import json
import os
import pathlib
import re
import sqlite3
import stat
import subprocess

from harness import (BIN, PATIENCE, Terminal, TestCase, User, current_step, eventually, keep_clear_of_the_next_step, main,
                     one_time_code, run)

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "correct horse"
SECRETS = ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
KNOWN_PHC = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"  # of `password`


def crypt_hash(setting, password=PASSWORD):
    """crypt(3) of the C library's own libcrypt."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    return library.crypt(password.encode(), setting.encode()).decode()


def apr1_hash(password=PASSWORD):
    return run("openssl", "passwd", "-apr1", "-salt", "saltsalt", "-stdin", stdin=password + "\n").stdout.strip()


def sha1_hash(password=PASSWORD):
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()


def sha256_hash(password=PASSWORD):
    return hashlib.sha256(password.encode()).hexdigest()


def key_uri(name, secret):
    return f"otpauth://totp/Old%20program:{name}?secret={secret}&issuer=Old%20program"


def make_userdata(file, users):
    """As the socket server's set-up script does."""
    connection = sqlite3.connect(file)
    cur = connection.cursor()
    cur.execute("""
CREATE TABLE IF NOT EXISTS userdata (
    id INTEGER PRIMARY KEY,
    username VARCHAR(255) NOT NULL,
    password VARCHAR(255) NOT NULL
)
""")
    for username, password in users:
        cur.execute("INSERT INTO userdata (username, password) VALUES (?, ?)",
                    (username, hashlib.sha256(password.encode()).hexdigest()))
    connection.commit()
    connection.close()


def make_flask_users(file, users):
    """What `db.create_all()` and `db.session.add(User(...))` issue for
    User(id: Integer, primary key; username: String(80), unique, not null; otp_secret: String(32), not null)."""
    connection = sqlite3.connect(file)
    connection.execute("""
CREATE TABLE user (
	id INTEGER NOT NULL, 
	username VARCHAR(80) NOT NULL, 
	otp_secret VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (username)
)
""")
    for username, otp_secret in users:
        connection.execute("INSERT INTO user (username, otp_secret) VALUES (?, ?)", (username, otp_secret))
    connection.commit()
    connection.close()


SHADOW_AGING = "19000:0:99999:7:::"


def shadow_text():
    return (f"root:*:{SHADOW_AGING}\ndaemon:!:{SHADOW_AGING}\n"
            f"anna:{crypt_hash('$y$j75$saltsalt$')}:{SHADOW_AGING}\nbert:{crypt_hash('$6$saltsalt$')}:{SHADOW_AGING}\n"
            f"locked:!{crypt_hash('$6$saltsalt$')}:{SHADOW_AGING}\n")


def htpasswd_text():
    return (f"# staff\nanna:{crypt_hash('$2y$05$abcdefghijklmnopqrstuu')}\nbert:{apr1_hash()}\ncleo:{sha1_hash()}\n")


def authelia_text():
    return f"""###############################################################
#                         Users Database                      #
###############################################################
users:
  john:
    disabled: false
    displayname: "John Doe"
    password: "{KNOWN_PHC}"
    email: john.doe@authelia.com
    groups:
      - admins
      - dev
  harry:
    disabled: false
    displayname: "Harry Potter"
    password: "{crypt_hash('$6$rounds=50000$saltsalt$')}"
    groups: []
  gone:
    disabled: true
    displayname: "Gone"
    password: "{KNOWN_PHC}"
"""


class ImportCase(TestCase):
    def write(self, name, text):
        file = self.place.root / name
        file.write_text(text, newline="")
        return file

    def import_json(self, file, *options, check=True):
        done = self.place.admin("import", file, "--json", *options, check=check)
        return json.loads(done.stdout)

    def names(self):
        return [row[0] for row in self.place.query("SELECT name FROM users ORDER BY name")]

    def assert_counts(self, report, **counts):
        self.assertEqual(counts, {key: report[key] for key in counts}, report)

    def assert_nowhere_at_rest(self, *texts):
        """In no file of the data directory."""
        for path in self.place.data.rglob("*"):
            octets = path.read_bytes() if path.is_file() else b""
            for text in texts:
                self.assertNotIn(text.encode(), octets, path)


class WhatTheyHadGoesOnWorking(ImportCase):
    HASHES = {"argon2id": (KNOWN_PHC, "password"), "sha256": (sha256_hash, PASSWORD), "sha1": (sha1_hash, PASSWORD),
              "apr1": (apr1_hash, PASSWORD), "bcrypt": (lambda: crypt_hash("$2b$06$abcdefghijklmnopqrstuu"), PASSWORD),
              "md5": (lambda: crypt_hash("$1$saltsalt$"), PASSWORD), "sha512": (lambda: crypt_hash("$6$saltsalt$"), PASSWORD),
              "yescrypt": (lambda: crypt_hash("$y$j9T$saltsalt$"), PASSWORD)}

    def test_every_kind_of_hash_logs_in_while_the_daemon_runs_and_is_renewed(self):
        daemon = self.start()
        hashes = {kind: made if isinstance(made, str) else made() for kind, (made, _) in self.HASHES.items()}
        with open(self.place.root / "people.csv", "w", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["otpauth_uri", "Name", "password_hash"])
            for kind, value in hashes.items():
                rows.writerow([key_uri(kind, SECRETS[0]), kind.capitalize(), value])
        file = self.place.root / "people.csv"

        report = self.import_json(file)
        self.assert_counts(report, kind="csv", applied=False, rows=8, accounts=8, wrapped=7, invited=0, faults=0)
        self.assertEqual([], self.names())
        report = self.import_json(file, "--apply")
        self.assert_counts(report, applied=True, accounts=8, wrapped=7)
        self.assertEqual(sorted(hashes), self.names())
        weak = {value for kind, value in hashes.items() if kind != "argon2id"}
        self.assert_nowhere_at_rest(*weak, *(value.rsplit("$", 1)[-1] for value in weak), *SECRETS)

        keep_clear_of_the_next_step(20)
        for kind, (_, password) in self.HASHES.items():
            user = User(kind, password, key_uri(kind, SECRETS[0]))
            with daemon.connect() as client:
                client.expect(220)
                self.assertEqual(530, client.attempt(kind, password + ".", user.wrong_code()).code, kind)
            with daemon.connect() as client:
                client.log_in(user)
        renewed = lambda: self.place.query("SELECT COUNT(*) FROM audit WHERE event = 'password.renew'") == [(8,)]
        eventually(renewed, "all hashes are renewed")
        self.assertEqual(0, json.loads(self.place.admin("status", "--json").stdout)["outdated_hashes"])

        for kind, (_, password) in list(self.HASHES.items())[:2]:  # the renewed hash is of the same password
            user = User(kind, password, key_uri(kind, SECRETS[0]))
            with daemon.connect() as client:
                client.log_in(user, code=user.code(1))

    def test_json_lines_and_the_real_client(self):
        daemon = self.start()
        file = self.write("people.jsonl", json.dumps({"name": "alice", "password_hash": sha256_hash(),
                                                      "otpauth_uri": key_uri("alice", SECRETS[1])}) + "\n")
        self.assert_counts(self.import_json(file, "--apply"), kind="jsonl", accounts=1, wrapped=1)
        user = User("alice", PASSWORD, key_uri("alice", SECRETS[1]))
        done = self.place.securelogin("--fingerprint", daemon.fingerprint, f"localhost:{daemon.port}", "whoami",
                                      stdin=f"alice\n{PASSWORD}\n{user.next_code()}\n")
        self.assertIn("user alice", done.stdout)

    def test_the_audit_has_one_record_of_it_and_stays_whole(self):
        file = self.write("people.csv", f"name,password_hash\nanna,\"{KNOWN_PHC}\"\nbert,{sha256_hash()}\n")
        self.import_json(file, "--apply")
        self.assertEqual([("user.import", "done", "2 accounts, 2 of them invited, from people.csv (csv)", "admin")],
                         self.place.query("SELECT event, outcome, reason, source FROM audit"))
        self.place.admin("audit", "verify")


class TheTwoPrograms(ImportCase):
    def test_the_socket_servers_users_enrol_with_their_invitations(self):
        file = self.place.root / "userdata.db"
        make_userdata(file, [("mike213", "mikepassword"), ("Alicexyz", "ilovecats"), ("jane", "letmein")])
        before = file.read_bytes()
        self.assert_counts(self.import_json(file), kind="socket", applied=False, accounts=3, wrapped=3, invited=3)
        invitations = self.place.root / "invitations.csv"
        self.assert_counts(self.import_json(file, "--apply", "--invitations", invitations), applied=True, accounts=3)
        self.assertEqual(before, file.read_bytes())
        self.assertEqual(["alicexyz", "jane", "mike213"], self.names())
        self.assertEqual(0o600, stat.S_IMODE(invitations.stat().st_mode))
        rows = list(csv.DictReader(invitations.read_text().splitlines()))
        self.assertEqual(["alicexyz", "jane", "mike213"], [row["name"] for row in rows])
        self.assert_nowhere_at_rest(*(sha256_hash(word) for word in ("mikepassword", "ilovecats", "letmein")),
                                    *(row["invitation"] for row in rows))

        daemon = self.start()
        with self.connect(daemon) as client:  # the old password alone opens nothing
            client.expect(220)
            self.assertEqual(530, client.attempt("jane", "letmein", "123456").code)
        for row in rows:
            user = self.enrol(daemon, row["name"], row["invitation"])
            with self.connect(daemon) as client:
                client.log_in(user, code=user.code(1))

    def enrol(self, daemon, name, invitation):
        keep_clear_of_the_next_step()
        with self.connect(daemon) as client:
            client.expect(220, 330)
            client.send(f"ENROL {invitation}")
            client.expect(333)
            password = f"an entirely new password for {name} here"
            client.send(password)
            uri = client.expect(332)["otpauth"]
            user = User(name, password, uri)
            client.send(user.code())
            self.assertEqual(name, client.expect(250)["user"])
        return user

    def test_the_flask_programs_users_keep_their_phones_and_get_a_password(self):
        file = self.place.root / "users.db"
        make_flask_users(file, [("alice", SECRETS[0]), ("Bob", "JBSWY3DPEHPK3PXP")])
        self.assert_counts(self.import_json(file, "--apply"), kind="flask", accounts=2, invited=0, no_password=2, wrapped=0)
        self.assert_nowhere_at_rest(SECRETS[0], "JBSWY3DPEHPK3PXP")
        daemon = self.start()
        with self.connect(daemon) as client:
            client.expect(220)
            self.assertEqual(530, client.attempt("alice", "", one_time_code(SECRETS[0], current_step())).code)
        for name, secret in (("alice", SECRETS[0]), ("bob", "JBSWY3DPEHPK3PXP")):
            password = json.loads(self.place.admin("user", "passwd", name, "--generate-password", "--json").stdout)["password"]
            with self.connect(daemon) as client:
                client.log_in(User(name, password, key_uri(name, secret)))


class OtherFiles(ImportCase):
    def test_each_is_recognised_and_imported(self):
        for name, text, counts in (
                (".htpasswd", htpasswd_text(), {"kind": "htpasswd", "accounts": 3, "wrapped": 3}),
                ("people.shadow", shadow_text(), {"kind": "shadow", "accounts": 2, "wrapped": 2, "left_out": 3, "rows": 5}),
                ("users_database.yml", authelia_text(), {"kind": "authelia", "accounts": 2, "wrapped": 1, "left_out": 1})):
            with self.subTest(name):
                report = self.import_json(self.write(name, text))
                self.assert_counts(report, faults=0, invited=counts["accounts"], **counts)
                self.assertEqual(report, self.import_json(self.place.root / name, "--from", counts["kind"]))
                other = self.place.root / f"data-{name}"
                done = run(BIN / "securelogin-admin", "--data", other, "import", self.place.root / name, "--apply", "--json")
                self.assert_counts(json.loads(done.stdout), applied=True, **counts)

    def test_what_is_left_out_is_named(self):
        report = self.import_json(self.write("people.shadow", shadow_text()))
        self.assertEqual([(1, "root", "it is locked"), (2, "daemon", "it is locked"), (5, "locked", "it is locked")],
                         [(row["row"], row["name"], row["reason"]) for row in report["passed_over"]])


class Faults(ImportCase):
    BAD = ("name,password_hash,otpauth_uri\n"
           f"anna,{sha256_hash()},\n"
           "bert@example.org," + sha256_hash() + ",\n"
           "cleo,letmein,\n"
           f"ANNA,{sha256_hash()},\n"
           "dora,$2y$20$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e,\n"
           f"emil,{sha256_hash()},otpauth://hotp/emil?secret=GEZDGNBVGY3TQOJQ\n"
           "fritz,\n"
           "gina,,\n"
           f"Taken,{sha256_hash()},\n"
           f"zoe,{sha256_hash()},\n")

    def setUp(self):
        super().setUp()
        self.place.add_user("taken")
        self.file = self.write("bad.csv", self.BAD)

    def test_each_row_is_named_and_nothing_is_imported(self):
        before = self.place.query("SELECT COUNT(*) FROM audit")
        for options in ((), ("--apply",), ("--apply", "--invitations", self.place.root / "invitations.csv")):
            with self.subTest(options):
                done = self.place.admin("import", self.file, "--json", *options, check=False)
                self.assertEqual(65, done.returncode, done.stderr)
                self.assertRegex(done.stderr, r"\Asecurelogin-admin: importing .*: 8 of 10 rows cannot be imported, and "
                                              r"nothing has been: .*--skip-bad\n\Z")
                report = json.loads(done.stdout)
                self.assert_counts(report, applied=False, rows=10, accounts=2, faults=8)
                found = {row["row"]: (row["name"], row["reason"]) for row in report["passed_over"]}
                self.assertEqual([3, 4, 5, 6, 7, 8, 9, 10], list(found))
                self.assertEqual(("ANNA", 'its name is also that of "anna" of line 2'), found[5])
                self.assertEqual(("Taken", "there is an account taken already"), found[10])
                self.assertIn("above 14", found[6][1])
                self.assertEqual(["taken"], self.names())
                self.assertEqual(before, self.place.query("SELECT COUNT(*) FROM audit"))
        self.assertFalse((self.place.root / "invitations.csv").exists())

    def test_the_rest_is_imported_when_asked_for_by_name(self):
        done = self.place.admin("import", self.file, "--apply", "--skip-bad")
        self.assertIn("line 4: cleo: its hash is of no kind that is known\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^accounts +2$")
        self.assertEqual(["anna", "taken", "zoe"], self.names())

    def test_control_characters_do_not_reach_the_terminal(self):
        file = self.write("evil.csv", 'name,password_hash\na\x1b[2Jb,x\n')
        done = self.place.admin("import", file, check=False)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertIn(r"\x1b", done.stdout)

    def test_a_file_that_is_none_of_them(self):
        for name, text, words in (("prose", "Dear administrator,\n", "--from"), ("empty", "", "--from"),
                                  ("head.csv", "name,password_hash,mail\n", "column mail")):
            with self.subTest(name):
                done = self.place.admin("import", self.write(name, text), check=False)
                self.assertEqual(65, done.returncode)
                self.assert_one_line_error(done, "securelogin-admin", words)
        foreign = self.place.root / "foreign.db"
        with contextlib.closing(sqlite3.connect(foreign)) as database:
            database.execute("CREATE TABLE people (name)")
        self.assert_one_line_error(self.place.admin("import", foreign, check=False), "securelogin-admin", "userdata")
        self.assert_one_line_error(self.place.admin("import", self.place.root / "none", check=False), "securelogin-admin",
                                   "No such file")

    def test_options_that_do_not_go_together(self):
        for options in (("--from", "ldap"), ("--invitations", "x.csv"), ("--expires", "31d"), ("--expires", "soon")):
            with self.subTest(options):
                done = self.place.admin("import", self.file, *options, check=False)
                self.assertEqual(64, done.returncode, done.stderr)
        self.assertEqual(64, self.place.admin("import", check=False).returncode)


class OnTheWay(ImportCase):
    def many_weak(self, users=20_000):
        return self.write("many.csv", "name,password_hash\n" + "".join(f"user{number},{sha256_hash(str(number))}\n"
                                                                       for number in range(users)))

    def test_a_dry_run_makes_no_directory(self):
        self.import_json(self.write("people.csv", f"name,password_hash\nanna,\"{KNOWN_PHC}\"\n"))
        self.assertFalse(self.place.data.exists())

    def test_killed_it_leaves_nothing_and_logins_go_on_meanwhile(self):
        user = self.place.add_user("alice")
        daemon = self.start()
        file, invitations = self.many_weak(), self.place.root / "invitations.csv"
        process = subprocess.Popen([BIN / "securelogin-admin", "--data", self.place.data, "import", file, "--apply",
                                    "--invitations", invitations], stdout=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        eventually(lambda: len(os.listdir(f"/proc/{process.pid}/task")) > 1, "the import hashes")
        with daemon.connect() as client:
            client.log_in(user)
        self.assertIsNone(process.poll(), "it has ended too soon for this test")
        process.kill()
        process.wait(PATIENCE)
        self.assertEqual(["alice"], self.names())
        left = {path.name for path in self.place.data.iterdir()}
        self.assertEqual(set(), {name for name in left if name.startswith("import")})
        eventually(lambda: not invitations.exists(), "the invitations' file goes")
        self.assertEqual([("ok",)], self.place.query("PRAGMA integrity_check"))
        with daemon.connect() as client:
            client.log_in(user)

    def test_a_person_sees_how_far_it_is(self):
        file = self.write("many.csv", "name,password_hash\n" + "".join(f'user{number},"{KNOWN_PHC}"\n' for number in range(30_000)))
        command = [BIN / "securelogin-admin", "--data", self.place.data, "import", file, "--apply"]
        with Terminal(command, self.place.environment, self.place.root) as terminal:
            terminal.expect(r"importing \[#*\.*\] +\d+ %, \d+ rows, \S+ \S+ left")
            self.assertEqual(0, terminal.wait())
            self.assertRegex(terminal.transcript, r"accounts +30000")
            self.assertRegex(terminal.transcript, "30000 of the accounts have no key")


class ThePage(ImportCase):
    """docs/moving-in.md, as it stands: each section's commands, in a directory with its files."""

    ACCOUNTS = {"From the socket server": 2, "From the Flask program": 2, "From htpasswd": 3, "From /etc/shadow": 2,
                "From Authelia": 2, "From anything else: CSV and JSON lines": 2}

    def sections(self):
        text = (PROJECT / "docs" / "moving-in.md").read_text()
        for section in re.split(r"(?m)^## ", text)[1:]:
            blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", section)
            if blocks:
                yield section.splitlines()[0], blocks

    def test_its_commands(self):
        found = dict(self.sections())
        self.assertEqual(set(self.ACCOUNTS), set(found))
        for number, (title, blocks) in enumerate(found.items()):
            with self.subTest(title):
                here = self.place.root / str(number)
                here.mkdir()
                self.provide(here)
                script = "\n".join(blocks).replace("sudo ", "").replace("/etc/shadow", "./shadow")
                environment = self.place.environment | {"PATH": f"{BIN}:{os.environ['PATH']}", "STATE_DIRECTORY": str(here / "data")}
                run("/bin/bash", "-euo", "pipefail", "-c", script, cwd=here, env=environment)
                with contextlib.closing(sqlite3.connect(here / "data" / "securelogin.db")) as database:
                    self.assertEqual(self.ACCOUNTS[title], database.execute("SELECT COUNT(*) FROM users").fetchone()[0])

    @staticmethod
    def provide(here):
        make_userdata(here / "userdata.db", [("mike213", "mikepassword"), ("alice", "ilovecats")])
        make_flask_users(here / "users.db", [("alice", SECRETS[0]), ("bob", SECRETS[1])])
        (here / ".htpasswd").write_text(htpasswd_text())
        (here / "shadow").write_text(shadow_text())
        (here / "users_database.yml").write_text(authelia_text())
        (here / "people.csv").write_text(f"name,password_hash,otpauth_uri\nanna,\"{KNOWN_PHC}\",{key_uri('anna', SECRETS[0])}\n"
                                         f"bert,{sha256_hash()},\n")


if __name__ == "__main__":
    main()
