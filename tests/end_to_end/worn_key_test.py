#!/usr/bin/env python3
"""The holder reads it when half of the wrong codes that the key bears are used up."""
import contextlib
import sqlite3

from browser import Browser
from harness import TestCase, main

LIMIT = 103


class WornKey(TestCase):
    def use_up(self, user, failures):
        with contextlib.closing(sqlite3.connect(self.place.database)) as database, database:
            database.execute("UPDATE totp SET failures = ? WHERE user_id = (SELECT id FROM users WHERE name = ?)",
                             (failures, user.name))

    def test_is_told_from_half_on(self):
        daemon = self.start(web=1)
        for failures, told in ((0, None), (LIMIT // 2, None), (LIMIT // 2 + 1, "52 103"), (LIMIT - 1, "102 103")):
            with self.subTest(failures):
                user = self.place.add_user(f"user{failures}")
                self.use_up(user, failures)
                with daemon.connect() as client:
                    reply = client.log_in(user)
                self.assertEqual(told, reply["code-failures"] if "code-failures" in reply else None)
                with Browser(daemon.web[0]) as browser:
                    page = browser.get(browser.log_in(user, back="/account").location).page
                self.assertEqual(bool(told), bool(told) and "{} of {} wrong codes".format(*told.split()) in page.text)
                self.assertEqual(bool(told), "wrong codes" in page.text)

    def test_the_client_says_what_to_do(self):
        daemon = self.start()
        user = self.place.add_user("alice")
        self.use_up(user, 60)
        done = self.place.securelogin("--fingerprint", daemon.fingerprint, f"alice@127.0.0.1:{daemon.port}", "whoami",
                                      stdin=f"{user.password}\n{user.next_code()}\n")
        self.assertIn("60 of 103 wrong codes", done.stderr)
        self.assertIn("ask your administrator for a new key", done.stderr)
        self.assertNotIn("60 of 103", done.stdout)

    def test_a_new_key_starts_anew(self):
        daemon = self.start()
        user = self.place.add_user("alice")
        self.use_up(user, 60)
        uri = self.place.admin("user", "reset-totp", "alice", "--qr", self.place.root / "new.png").stdout.strip()
        fresh = type(user)("alice", user.password, uri)
        with daemon.connect() as client:
            self.assertNotIn("code-failures", client.log_in(fresh))


if __name__ == "__main__":
    main()
