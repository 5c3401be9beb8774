#!/usr/bin/env python3
"""What was typed into pages, and what they showed, is gone from the daemon's memory after use, as memory_test.py has
it of the line protocol.

    SECURELOGIN_LOGINS     how many logins (default 100)
"""
import base64
import json
import os
import re
import unittest

from browser import Browser
from harness import SANITIZED, Daemon, TestCase, current_step, eventually, keep_clear_of_the_next_step, main, one_time_code
from memory_test import CANARY, DIGITS, LOGINS, PER_USER, regions, search


@unittest.skipIf(os.geteuid() != 0, "needs root: the daemon's memory is closed to others")
@unittest.skipIf(SANITIZED, "a sanitizer keeps what was freed")
class WebMemory(TestCase):
    def setUp(self):
        super().setUp()
        self.typed = {CANARY: CANARY.encode(), f"{CANARY} in UTF-32": CANARY.encode("utf-32-le"),
                      f"{CANARY} in UTF-16": CANARY.encode("utf-16-le"), "a wrong code": b"31415926"}
        self.shown = {}
        self.users = [self.place.add_user(f"user{number}", "--digits", str(DIGITS), password=f"{CANARY} blue lorry {number}")
                      for number in range(LOGINS // PER_USER + 1)]
        self.daemon = self.enterContext(Daemon(self.place, web=1))
        self.at_rest = self.daemon.sockets()

    def code_of(self, secret, step, digits=DIGITS):
        code = one_time_code(secret, step, digits=digits)
        if digits == DIGITS:  # six digits are found by chance
            self.typed[f"code {code}"] = code.encode()
        return code

    def log_in(self, name, password, code, expected):
        with Browser(self.daemon.web[0]) as browser:
            answer = browser.fill(browser.get("/login").page, "/login", username=name, password=password, code=code)
            self.assertEqual(expected, answer.status)

    def log_in_program(self, name, password, code, expected):
        body = json.dumps({"username": name, "password": password, "code": code})
        with Browser(self.daemon.web[0]) as browser:
            answer = browser.request("POST", "/api/v1/login", body, {"Content-Type": "application/json"}.items())
            self.assertEqual(expected, answer.status)
            if expected == 200:
                self.shown["a program's token"] = json.loads(answer.body)["token"].encode()

    def log_in_often(self, user):
        keep_clear_of_the_next_step()
        now = current_step()
        for step in (now - 1, now):
            self.log_in(user.name, user.password, self.code_of(user.secret, step), 303)
        self.log_in_program(user.name, user.password, self.code_of(user.secret, now + 1), 200)

    def have_bad_days(self, user):
        for log_in in (self.log_in, self.log_in_program):
            log_in(user.name, f"{CANARY} is wrong", "31415926", 401)
            log_in("nobody", f"{CANARY} is nobody's", "31415926", 401)
        with Browser(self.daemon.web[0]) as browser:
            form = browser.get("/login").page.forms["/login"][0]
            self.assertEqual(403, browser.post("/login", form | {"csrf": "x", "password": CANARY}).status)
            self.assertEqual(413, browser.post("/login", form | {"password": CANARY * 1100}).status)
            self.assertEqual(400, browser.request("POST", "/api/v1/login", f'{{"password": "{CANARY}", "x"',
                                                  {"Content-Type": "application/json"}.items()).status)

    def register(self):
        invitation = json.loads(self.place.admin("user", "invite", "carol", "--json").stdout)["invitation"]
        self.shown["the invitation"] = invitation.encode()
        password = f"{CANARY} of carol 7"
        with Browser(self.daemon.web[0]) as browser:
            page = browser.get("/register?invitation=" + invitation).page
            shown = browser.fill(page, "/register", password=password, password_again=password).page
            key = "".join(re.findall(r"\b[A-Z2-7]{4}\b", shown.text)[:8])
            raw = base64.b32decode(key)
            self.shown |= {"a key in base32": key.encode(), "a key in groups": " ".join(re.findall("....", key)).encode()}
            self.typed["a key"] = raw
            done = browser.fill(shown, "/register/prove", code=self.code_of(key, current_step(), 6))
            self.assertEqual(200, done.status)
            for code in [word for word in done.page.text.split() if word.count("-") == 3]:
                self.shown[f"recovery code {code}"] = code.encode()
            browser.fill(browser.get("/login").page, "/login", username="carol", password=password,
                         code=self.code_of(key, current_step() + 1, 6))
            self.change_password(browser, password, next(iter(code for code in self.shown if code.startswith("recovery")))[14:])
            self.shown |= {f"cookie {name}": value.encode() for name, value in browser.cookies.items()}

    def change_password(self, browser, password, code):
        page = browser.get("/account").page
        new = f"{CANARY} brand new 7 phrase"
        self.assertEqual(422, browser.fill(page, "/account/password", password=password, code=code, new_password=new,
                                           new_password_again=new + "x").status)
        answer = browser.fill(page, "/account/password", password=password, code=code, new_password=new, new_password_again=new)
        self.assertEqual(303, answer.status, answer.body)

    def test_what_was_typed_and_shown_is_gone(self):
        for user in self.users:
            self.log_in_often(user)
        self.have_bad_days(self.users[0])
        self.register()
        eventually(lambda: self.daemon.sockets() <= self.at_rest, "all connections are closed")
        image = regions(self.daemon.pid)
        size = sum(len(region.content) for region in image)
        canaries = self.typed | self.shown
        print(f"{len(canaries)} canaries after {PER_USER * len(self.users)} logins, in {size >> 20} MiB", flush=True)
        self.assertEqual([], search(image, canaries))
        print(f"trials {len(canaries)}, failures 0", flush=True)

    def test_what_is_still_needed_is_found(self):
        """The search finds what there is: a key that has been shown and is not yet proved."""
        invitation = json.loads(self.place.admin("user", "invite", "carol", "--json").stdout)["invitation"]
        password = f"{CANARY} of carol 7"
        with Browser(self.daemon.web[0]) as browser:
            page = browser.get("/register?invitation=" + invitation).page
            shown = browser.fill(page, "/register", password=password, password_again=password).page
        raw = base64.b32decode("".join(re.findall(r"\b[A-Z2-7]{4}\b", shown.text)[:8]))
        found = search(regions(self.daemon.pid), {"a key": raw})
        self.assertEqual({True}, {locked for _, _, locked in found}, found)


if __name__ == "__main__":
    main()
