#!/usr/bin/env python3
"""The browsers' door: pages, forms, sessions, the interface for programs; and what none of them lets through."""
import contextlib
import email
import json
import re
import signal
import socket
import sqlite3
import unittest

from browser import CONTEXT, Browser, Page, user_of
from harness import PATIENCE, Daemon, TestCase, User, run


class WebCase(TestCase):
    settings = ""

    def setUp(self):
        super().setUp()
        self.alice = self.place.add_user("alice", password="correct horse battery staple")
        if self.settings:
            self.place.write_settings(self.settings)
        self.daemon = self.enterContext(Daemon(self.place, web=1))
        self.browser = self.new_browser()

    def new_browser(self, source="127.0.0.1"):
        return self.enterContext(Browser(self.daemon.web[0], source))

    def logged_in(self):
        answer = self.browser.log_in(self.alice)
        self.assertEqual((303, "/account"), (answer.status, answer.location))
        return self.browser

    def account(self, browser=None):
        answer = (browser or self.browser).get("/account")
        self.assertEqual(200, answer.status, answer.body)
        return answer.page

    def assert_told(self, answer, query, text):
        """Led to the account's page, which says so."""
        self.assertEqual((303, "/account?" + query), (answer.status, answer.location.split("&proof=")[0]), answer.body)
        self.assertIn(text, self.browser.get(answer.location).page.text)


class Login(WebCase):
    def test_name_password_and_code_open_a_session(self):
        answer = self.browser.log_in(self.alice)
        self.assertEqual((303, "/account"), (answer.status, answer.location))
        cookies = answer.headers.get_all("Set-Cookie")
        session = next(cookie for cookie in cookies if cookie.startswith("__Host-securelogin=slt_"))
        for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
            self.assertIn(attribute, session)
        self.assertNotIn("Domain", session)
        self.assertIn("alice", self.account().text)
        self.daemon.wait_for_event("login", outcome="granted", user="alice", door="web")
        [(stored,)] = self.place.query("SELECT count(*) FROM sessions WHERE token_hash IS NOT NULL")
        self.assertEqual(1, stored)
        self.assertNotIn(self.browser.cookies["__Host-securelogin"].encode(), self.place.database.read_bytes())

    def test_nothing_tells_which_of_the_three_was_wrong(self):
        pages = []
        for name, password, code in (("alice", "wrong password entirely", self.alice.code()),
                                     ("alice", self.alice.password, self.alice.wrong_code()),
                                     ("nobody", self.alice.password, self.alice.code())):
            page = self.browser.get("/login").page
            answer = self.browser.fill(page, "/login", username=name, password=password, code=code)
            self.assertEqual(401, answer.status)
            self.assertNotIn("__Host-securelogin", self.browser.cookies)
            pages.append((answer.body.replace(name.encode(), b"NAME"), sorted(answer.headers.keys())))
        self.assertEqual(pages[0], pages[1])
        self.assertEqual(pages[0], pages[2])

    def test_a_spent_code_is_refused_at_this_door_and_the_other(self):
        code = self.alice.next_code()
        self.assertEqual(303, self.browser.log_in(self.alice, code).status)
        self.assertEqual(401, self.new_browser().log_in(self.alice, code).status)
        client = self.daemon.connect()
        self.enterContext(client).expect(220)
        self.assertEqual(530, client.attempt(self.alice.name, self.alice.password, code).code)
        self.daemon.wait_for_event("login", reason="replayed_code")

    def test_refused_attempts_are_told_at_the_next_login(self):
        for _ in range(3):
            page = self.browser.get("/login").page
            self.browser.fill(page, "/login", username="alice", password="wrong password entirely", code="000000")
        answer = self.browser.log_in(self.alice)
        self.assert_told(answer, "refused=3", "refused since your last login: 3.")
        bob = self.place.add_user("bob")
        other = self.new_browser()
        self.assertEqual(303, other.log_in(bob).status)
        for browser, forged in ((self.browser, "/account?refused=3"), (self.browser, answer.location.replace("=3", "=4")),
                                (other, answer.location)):
            self.assertNotIn("refused since", browser.get(forged).page.text)

    def test_refused_attempts_are_told_on_the_way_back(self):
        page = self.browser.get("/login").page
        self.browser.fill(page, "/login", username="alice", password="wrong password entirely", code="000000")
        answer = self.browser.log_in(self.alice, back="/account?x=1&y=2")
        self.assert_told(answer, "refused=1&back=%2Faccount%3Fx%3D1%26y%3D2", "refused since your last login: 1.")
        self.assertIn('<a href="/account?x=1&amp;y=2">', self.browser.get(answer.location).body.decode())
        other = self.new_browser()
        self.assertEqual("/account?x=1&y=2", other.log_in(self.alice, back="/account?x=1&y=2").location, "no news")

    def test_a_device_is_remembered(self):
        self.logged_in()
        device = self.browser.cookies["__Host-device"]
        shown = json.loads(self.place.admin("user", "show", "alice", "--json").stdout)
        self.assertEqual(1, len(shown["devices"]))
        page = self.account()
        self.assertIn("/account/devices/forget", page.forms)
        self.assertNotIn(device, self.browser.get("/account").body.decode())

    def test_a_device_that_comes_back_is_remembered_for_as_long_again(self):
        def told(answer):
            self.assertEqual(303, answer.status)
            [cookie] = [one for one in answer.headers.get_all("Set-Cookie") if one.startswith("__Host-device=")]
            self.assertIn("; Max-Age=34560000", cookie)  # 400 days
            return cookie
        first = told(self.browser.log_in(self.alice))
        bob = self.place.add_user("bob", password="correct horse battery staple")
        self.browser.fill(self.browser.get("/logout").page, "/logout")
        self.assertEqual(first, told(self.browser.log_in(bob)))
        self.browser.fill(self.browser.get("/logout").page, "/logout")
        self.browser.cookies["__Host-device"] = "none of ours"
        erin = self.place.add_user("erin", password="correct horse battery staple")
        self.assertNotEqual(first, told(self.browser.log_in(erin)), "what has not the form of one is replaced")

    def test_logging_out_ends_the_session_at_once(self):
        browser = self.logged_in()
        token = browser.cookies["__Host-securelogin"]
        page = browser.get("/logout").page
        self.assertEqual(200, browser.fill(page, "/logout").status)
        self.assertNotIn("__Host-securelogin", browser.cookies)
        browser.cookies["__Host-securelogin"] = token
        self.assertEqual(303, browser.get("/account").status)

    def test_a_disabled_user_is_out_at_once(self):
        self.logged_in()
        self.place.admin("user", "disable", "alice")
        answer = self.browser.get("/account")
        self.assertEqual((303, "/login?back=%2Faccount"), (answer.status, answer.location))

    def test_a_recovery_code_in_the_same_field(self):
        browser = self.logged_in()
        page = self.account()
        answer = browser.fill(page, "/account/recovery-codes", password=self.alice.password, code=self.alice.next_code())
        self.assertEqual(200, answer.status)
        self.daemon.wait_for_event("recovery_codes_replaced", user="alice", door="web", source="127.0.0.1")
        codes = [word for word in answer.page.text.split() if len(word) == 19 and word.count("-") == 3]
        self.assertEqual(10, len(codes))
        other = self.new_browser()
        self.assertEqual(303, other.log_in(self.alice, codes[0]).status)
        self.assertEqual(401, self.new_browser().log_in(self.alice, codes[0]).status, "each is good once")


class Assets(WebCase):
    def test_what_a_page_asks_for_is_kept_for_good_and_nothing_else(self):
        page = self.browser.get("/login").body.decode()
        named = re.findall(r'"(/assets/[^"]+)"', page)
        self.assertEqual(["/assets/style.css", "/assets/script.js"], [name.partition("?v=")[0] for name in named])
        for name in named:
            answer = self.browser.get(name)
            self.assertEqual((200, "public, max-age=31536000, immutable"), (answer.status, answer.headers["Cache-Control"]))
            path = name.partition("?")[0]
            for other in (path, path + "?v=0123456789abcdef", path + "?v=", name + "0"):
                answer = self.browser.get(other)
                self.assertEqual((200, "no-cache"), (answer.status, answer.headers["Cache-Control"]), other)


class WaysBack(WebCase):
    settings = '[web]\nback_to = ["https://app.example.com"]\n'

    def test_a_login_leads_to_where_the_operator_lets_it(self):
        for wanted, leads_to in (("https://app.example.com/page?x=1", "https://app.example.com/page?x=1"),
                                 ("/account", "/account"),
                                 ("//evil.example/", "/account"), ("https://evil.example/", "/account"),
                                 ("/\\evil.example", "/account"), ("javascript:alert(1)", "/account"),
                                 ("https://app.example.com@evil.example/", "/account"),
                                 ("/a\r\nSet-Cookie: x=y", "/account")):
            with self.subTest(wanted):
                browser = self.new_browser()
                user = self.place.add_user(f"user{abs(hash(wanted)) % 10**6}", password="correct horse battery staple")
                answer = browser.log_in(user, back=wanted)
                self.assertEqual((303, leads_to), (answer.status, answer.location))


class Account(WebCase):
    def with_other_sessions(self):
        """A user who is logged in here and by the line protocol, and the codes to go on with."""
        made = json.loads(self.place.admin("user", "add", "erin", "--generate-password", "--recovery-codes", "--json").stdout)
        erin = User("erin", made["password"], made["otpauth_uri"])
        self.assertEqual(303, self.browser.log_in(erin, made["recovery_codes"][0]).status)
        client, _ = self.daemon.log_in(erin, made["recovery_codes"][1])
        self.enterContext(client)
        return self.browser, erin, client, made["recovery_codes"][2:]

    def end_sessions(self, which, user, code):
        return self.browser.post("/account/sessions/end", self.account().forms["/account/sessions/end"][0] |
                                 {"session": which, "password": user.password, "code": code})

    def test_the_password_is_changed_and_other_sessions_end(self):
        browser, erin, client, _ = self.with_other_sessions()
        other = self.new_browser()
        bob = self.place.add_user("bob", password="correct horse battery staple")
        self.assertEqual(303, other.log_in(bob).status)
        page = self.account()
        new = "a longer and better passphrase"
        wrong = browser.fill(page, "/account/password", password="not the password at all", code=erin.wrong_code(),
                             new_password=new, new_password_again=new)
        self.assertEqual(401, wrong.status)
        self.assertEqual(422, browser.fill(page, "/account/password", password=erin.password, code="000000",
                                           new_password=new, new_password_again=new + "x").status)
        before = browser.cookies["__Host-securelogin"]
        answer = browser.fill(page, "/account/password", password=erin.password, code=erin.next_code(),
                              new_password=new, new_password_again=new)
        self.assertNotEqual(before, browser.cookies["__Host-securelogin"], "a new token for the changed credentials")
        self.daemon.wait_for_event("password_changed", user="erin", door="web")
        self.assert_told(answer, "done=password", "The password has been changed")
        self.assertEqual(421, client.ask("WHOAMI").code, "the same user's have ended")
        self.assertEqual(200, other.get("/account").status, "bob's is his own")

    def test_an_enrolment_is_for_what_it_was_begun_for(self):
        browser = self.logged_in()
        invited = json.loads(self.place.admin("user", "invite", "carol", "--json").stdout)
        password = "correct horse battery staple"
        shown = browser.fill(browser.get("/register?invitation=" + invited["invitation"]).page, "/register",
                             password=password, password_again=password)
        carol = user_of(shown.page, "carol", password)
        form = shown.page.forms["/register/prove"][0]
        self.assertEqual(410, browser.post("/account/totp/prove", form | {"code": carol.next_code()}).status)
        self.assertEqual(200, browser.get("/account").status)
        self.assertEqual(200, browser.fill(shown.page, "/register/prove", code=carol.code()).status)

    def test_weak_passwords_are_refused_with_the_reason(self):
        browser = self.logged_in()
        answer = browser.fill(self.account(), "/account/password", password=self.alice.password,
                              code=self.alice.next_code(), new_password="password1", new_password_again="password1")
        self.assertEqual(422, answer.status)
        self.assertIn("password", answer.page.text.lower())
        self.assertEqual(200, browser.get("/account").status)

    def test_a_new_key_is_proved_before_it_replaces_the_old_one(self):
        browser = self.logged_in()
        answer = browser.fill(self.account(), "/account/totp", password=self.alice.password, code=self.alice.next_code())
        self.assertEqual(200, answer.status, answer.body)
        self.assertIn("enrolment", answer.page.forms["/account/totp/prove"][0])
        renewed = user_of(answer.page, "alice", self.alice.password)
        wrong = browser.fill(answer.page, "/account/totp/prove", code=renewed.wrong_code())
        self.assertEqual(422, wrong.status)
        done = browser.fill(wrong.page, "/account/totp/prove", code=renewed.next_code())
        self.assert_told(done, "done=totp", "The new key is in use")
        self.assertEqual(401, self.new_browser().log_in(self.alice, self.alice.code(1)).status)
        self.assertEqual(303, self.new_browser().log_in(renewed).status)

    def test_sessions_are_listed_and_ended(self):
        made = json.loads(self.place.admin("user", "add", "erin", "--generate-password", "--recovery-codes", "--json").stdout)
        erin, codes = User("erin", made["password"], made["otpauth_uri"]), made["recovery_codes"]
        browser = self.browser
        self.assertEqual(303, browser.log_in(erin).status)
        client, reply = self.daemon.log_in(erin)
        self.enterContext(client)
        page = self.account()
        choices = page.choices["/account/sessions/end", "session"]
        self.assertIn(reply["session"], choices)
        self.assertIn("all", choices)
        wrong = browser.fill(page, "/account/sessions/end", session=reply["session"], password="not the password",
                             code=erin.wrong_code())
        self.assertEqual(401, wrong.status)
        self.assertEqual(250, client.ask("WHOAMI").code, "nothing has ended")
        done = browser.fill(page, "/account/sessions/end", session=reply["session"], password=erin.password, code=codes[0])
        self.assertEqual(421, client.ask("WHOAMI").code)
        self.assert_told(done, "done=sessions", "Done.")

    def test_all_other_sessions_are_ended(self):
        browser, erin, client, codes = self.with_other_sessions()
        done = self.end_sessions("all", erin, codes[0])
        self.assert_told(done, "done=sessions", "Done.")
        self.assertEqual(421, client.ask("WHOAMI").code)
        self.assertEqual(200, browser.get("/account").status, "this one stays")
        self.daemon.wait_for_event("sessions_revoked", user="erin", sessions="1", door="web", source="127.0.0.1")
        self.assert_told(self.end_sessions("all", erin, codes[1]), "done=sessions", "Done.")
        self.assertEqual(1, sum(event["event"] == "sessions_revoked" for event in self.daemon.events()), "none has ended")

    def test_ones_own_session_is_ended(self):
        browser, erin, client, codes = self.with_other_sessions()
        token = browser.cookies["__Host-securelogin"]
        [(own,)] = self.place.query("SELECT id FROM sessions WHERE token_hash IS NOT NULL")
        done = self.end_sessions(own, erin, codes[0])
        self.assertEqual((303, "/login"), (done.status, done.location))
        self.assertNotIn("__Host-securelogin", browser.cookies)
        browser.cookies["__Host-securelogin"] = token
        self.assertEqual(303, browser.get("/account").status)
        self.assertEqual(250, client.ask("WHOAMI").code, "and no other")

    def test_a_session_that_there_is_not_is_not_ended(self):
        bob = self.place.add_user("bob")
        client, reply = self.daemon.log_in(bob)
        self.enterContext(client)
        _, erin, _, codes = self.with_other_sessions()
        for which, code in (("00000000", codes[0]), (reply["session"], codes[1]), ("", codes[2])):
            answer = self.end_sessions(which, erin, code)
            self.assertEqual(422, answer.status)
            self.assertIn("You have no such session.", answer.page.text)
        self.assertEqual(250, client.ask("WHOAMI").code, "bob's is his own")
        self.assertFalse([event for event in self.daemon.events() if event["event"] == "sessions_revoked"])

    def test_not_all_of_many_sessions_are_listed(self):
        browser = self.logged_in()
        with contextlib.closing(sqlite3.connect(self.place.database, timeout=PATIENCE)) as database, database:
            database.executemany("INSERT INTO sessions SELECT user_id, ?, opened_at, expires_at, last_used_at - 9, source, NULL"
                                 " FROM sessions WHERE token_hash IS NOT NULL", [(f"{number:08x}",) for number in range(66)])
        page = self.account(browser)
        self.assertEqual(64 + 1, len(page.choices["/account/sessions/end", "session"]), "and `all`")
        self.assertIn("And 3 more", page.text)

    def test_a_device_is_forgotten(self):
        browser, erin, _, codes = self.with_other_sessions()
        page = self.account()
        [device] = page.choices["/account/devices/forget", "device"]

        def forget(which, code):
            return browser.fill(page, "/account/devices/forget", device=which, password=erin.password, code=code)
        self.assertEqual(401, forget(device, erin.wrong_code()).status)
        none = forget("00000000", codes[0])
        self.assertEqual(422, none.status)
        self.assertIn("You have no such device.", none.page.text)
        self.assertEqual([device], self.account().choices["/account/devices/forget", "device"])
        self.assert_told(forget(device, codes[1]), "done=devices", "The device is forgotten.")
        self.assertNotIn("/account/devices/forget", self.account().forms)

    def test_who_must_change_the_password_can_do_nothing_else(self):
        self.place.admin("user", "passwd", "alice", "--password-stdin", "--must-change", stdin="correct horse battery staple\n")
        answer = self.browser.log_in(self.alice)
        self.assertEqual((303, "/account"), (answer.status, answer.location))
        page = self.account()
        self.assertEqual({"/account/password", "/logout"}, set(page.forms) - {"#"})
        new = "a longer and better passphrase"
        done = self.browser.fill(page, "/account/password", new_password=new, new_password_again=new)
        self.assert_told(done, "done=password", "The password has been changed")
        self.assertIn("/account/totp", self.account().forms)


class Registration(WebCase):
    def test_an_invitation_becomes_an_account(self):
        invited = json.loads(self.place.admin("user", "invite", "carol", "--json").stdout)
        browser = self.new_browser()
        page = browser.get("/register?invitation=" + invited["invitation"]).page
        self.assertEqual(invited["invitation"], page.forms["/register"][0]["invitation"])
        weak = browser.fill(page, "/register", password="password1", password_again="password1")
        self.assertEqual(422, weak.status)
        shown = browser.fill(weak.page, "/register", password="correct horse battery staple",
                             password_again="correct horse battery staple")
        self.assertEqual(200, shown.status, shown.body)
        carol = user_of(shown.page, "carol", "correct horse battery staple")
        wrong = browser.fill(shown.page, "/register/prove", code=carol.wrong_code())
        self.assertEqual(422, wrong.status)
        done = browser.fill(wrong.page, "/register/prove", code=carol.next_code())
        self.assertEqual(200, done.status, done.body)
        self.assertEqual(10, sum(word.count("-") == 3 for word in done.page.text.split()))
        self.assertEqual(303, browser.log_in(carol).status)
        again = browser.fill(page, "/register", password="correct horse battery staple",
                             password_again="correct horse battery staple")
        self.assertNotEqual(200, again.status, "the invitation is spent")

    def test_nobody_registers_without_one(self):
        page = self.browser.get("/register").page
        self.assertNotIn("username", page.forms["/register"][0])
        answer = self.browser.fill(page, "/register", invitation="0000-0000-0000-0000-0000-0000-00",
                                   password="correct horse battery staple", password_again="correct horse battery staple")
        self.assertEqual(422, answer.status)


class OpenRegistration(WebCase):
    settings = "[web]\nopen_registration = true\n"

    def test_whoever_comes_may_have_an_account(self):
        page = self.browser.get("/register").page
        password = "correct horse battery staple"
        taken = self.browser.fill(page, "/register", username="Alice", password=password, password_again=password)
        self.assertEqual(422, taken.status)
        shown = self.browser.fill(taken.page, "/register", username="dave", password=password, password_again=password)
        self.assertEqual(200, shown.status, shown.body)
        dave = user_of(shown.page, "dave", password)
        self.assertEqual(200, self.browser.fill(shown.page, "/register/prove", code=dave.next_code()).status)
        self.assertEqual(303, self.browser.log_in(dave).status)


class Forgery(WebCase):
    def refused(self, browser, fields, **headers):
        answer = browser.post("/logout", fields, **headers)
        self.assertEqual(403, answer.status)
        self.assertEqual(200, self.browser.get("/account").status, "still logged in")

    def test_forms_of_other_sites_and_other_browsers_are_refused(self):
        browser = self.logged_in()
        own = browser.get("/logout").page.forms["/logout"][0]["csrf"]
        with self.subTest("none"):
            self.refused(browser, {})
        with self.subTest("forged"):
            self.refused(browser, {"csrf": own[:-1] + ("A" if own[-1] != "A" else "B")})
        with self.subTest("another browser's"):
            self.refused(browser, {"csrf": self.new_browser().get("/login").page.forms["/login"][0]["csrf"]})
        for origin in ("https://evil.example", "null", "http://" + browser.address):
            with self.subTest(origin):
                self.refused(browser, {"csrf": own}, Origin=origin)
        self.assertEqual(200, browser.post("/logout", {"csrf": own}).status)
        with self.subTest("replayed after the logout"):
            self.assertEqual(403, browser.post("/logout", {"csrf": own}).status)

    def test_the_login_form_is_bound_as_well(self):
        page = self.browser.get("/login").page
        other = self.new_browser()
        other.get("/login")
        answer = other.fill(page, "/login", username="alice", password=self.alice.password, code=self.alice.code())
        self.assertEqual(403, answer.status)
        self.assertEqual(303, self.browser.log_in(self.alice).status, "and the code is not spent")


class Weight(WebCase):
    LARGEST = 32 * 1024
    logo = property(lambda self: self.place.root / "logo.png")

    def setUp(self):
        TestCase.setUp(self)
        self.logo.write_bytes(b"\x89PNG" + bytes(self.LARGEST - 4))
        self.place.write_settings(f'[web]\nlogo = "{self.logo}"\n')
        self.daemon = self.enterContext(Daemon(self.place, web=1))
        self.browser = self.new_browser()

    def test_a_first_load_with_the_largest_logo_is_light(self):
        answer = self.browser.get("/login")
        parts = [self.browser.get(target) for target in answer.page.loads if not target.startswith("data:")]
        self.assertEqual([200] * 3, [part.status for part in parts])
        self.assertIn(self.logo.read_bytes(), [part.body for part in parts])
        self.assertLessEqual(sum(len(part.body) for part in (answer, *parts)), 50 * 1024)

    def test_a_larger_one_is_refused_with_the_limit(self):
        with self.logo.open("ab") as logo:
            logo.write(b"x")
        self.daemon.signal(signal.SIGHUP)
        told = self.daemon.wait_for_event("reload_refused")["error"]
        self.assertIn(f"{self.logo}: it is larger than 32 KiB: make it smaller", told)


class Headers(WebCase):
    def test_every_page_is_kept_in_order(self):
        for path in ("/login", "/register", "/nothing-here"):
            headers = self.browser.get(path).headers
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual("no-store", headers["Cache-Control"])
            self.assertEqual("nosniff", headers["X-Content-Type-Options"])
            self.assertIn("max-age", headers["Strict-Transport-Security"])

    def test_a_page_is_light(self):
        octets, loads = 0, {"/login"}
        answer = self.browser.get("/login")
        loads |= {target for target in answer.page.loads if not target.startswith("data:")}
        for target in loads:
            part = self.browser.get(target)
            self.assertEqual(200, part.status, target)
            octets += len(part.body)
        self.assertLessEqual(len(loads), 3)
        self.assertLessEqual(octets, 50 * 1024)

    def test_wrong_methods_and_paths(self):
        self.assertEqual(404, self.browser.get("/admin").status)
        answer = self.browser.request("PUT", "/login")
        self.assertEqual((405, "GET, HEAD, POST"), (answer.status, answer.headers["Allow"]))
        self.assertEqual(415, self.browser.post("/login", {}, **{"Content-Type": "text/plain"}).status)
        head = self.browser.request("HEAD", "/login")
        self.assertEqual((200, b""), (head.status, head.body))


class WireCase(WebCase):
    def say(self, octets):
        host, port = self.daemon.web[0].rsplit(":", 1)
        with CONTEXT.wrap_socket(socket.create_connection((host, int(port)), timeout=40), server_hostname="localhost") as peer:
            peer.sendall(octets)
            got = b""
            while part := peer.recv(65536):
                got += part
            return got

    def assert_refused(self, got, status, path, what_to_do):
        """Once, as a page or as a problem, with a sentence that says what to do."""
        self.assertEqual(f"HTTP/1.1 {status}", got[:12].decode())
        head, body = got.decode().split("\r\n\r\n", 1)
        headers = email.message_from_string(head.split("\r\n", 1)[1])
        self.assertEqual((str(len(body.encode())), "no-store", "close"),
                         tuple(headers[name] for name in ("Content-Length", "Cache-Control", "Connection")), "one response")
        if path.startswith("/api/"):
            self.assertEqual("application/problem+json", headers["Content-Type"])
            told = json.loads(body)
            self.assertEqual(status, told["status"])
            self.assertIn(what_to_do, told["detail"])
        else:
            self.assertEqual("text/html; charset=utf-8", headers["Content-Type"])
            self.assertIn("Content-Security-Policy", headers)
            self.assertIn(what_to_do, Page(body).text)


class Wire(WireCase):
    """What is no clean request gets one answer, and the connection ends."""

    def test_ambiguous_requests_are_refused_once(self):
        host = "Host: localhost\r\n"
        smuggled = "GET /smuggled HTTP/1.1\r\n" + host + "\r\n"
        coded = host + "Transfer-Encoding: chunked\r\n"
        for name, start, rest, status, what_to_do in (
                ("conflicting lengths", " HTTP/1.1\r\n", host + "Content-Length: 0\r\nContent-Length: 40\r\n\r\n", 400, "RFC 9112"),
                ("length and coding", " HTTP/1.1\r\n", coded + "Content-Length: 4\r\n\r\n0\r\n\r\n", 400, "RFC 9112"),
                ("chunked", " HTTP/1.1\r\n", coded + "\r\n0\r\n\r\n", 411, "Content-Length"),
                ("bare LF", " HTTP/1.1\n", host + "\r\n", 400, "RFC 9112"),
                ("folding", " HTTP/1.1\r\n", host + "X: a\r\n b\r\n\r\n", 400, "RFC 9112"),
                ("large body", " HTTP/1.1\r\n", host + "Content-Length: 99999\r\n\r\n", 413, "shorten it"),
                ("long target", "?" + "a" * 5000 + " HTTP/1.1\r\n", host + "\r\n", 414, "shorten it"),
                ("large head", " HTTP/1.1\r\n", host + "X: " + "a" * 20000 + "\r\n\r\n", 431, "remove the cookies"),
                ("many fields", " HTTP/1.1\r\n", host + "X: a\r\n" * 200 + "\r\n", 431, "remove the cookies"),
                ("version", " HTTP/2.0\r\n", host + "\r\n", 505, "HTTP/1.1")):
            for path in ("/login", "/api/v1/login"):
                with self.subTest(name, path=path):
                    got = self.say(("POST " + path + start + rest + smuggled).encode())
                    self.assert_refused(got, status, path, what_to_do)

    def test_what_is_no_request_at_all_gets_a_page(self):
        for octets in (b"\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"HELP\r\n\r\n"):
            with self.subTest(octets):
                self.assert_refused(self.say(octets), 400, "", "RFC 9112")

    def test_requests_in_one_go_are_answered_in_turn(self):
        one = b"GET /assets/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
        got = self.say(one * 3 + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        self.assertEqual(4, got.count(b"HTTP/1.1 200"))


class Slow(WireCase):
    settings = "[deadlines]\nhandshake = 1\n"

    def test_a_request_that_does_not_come_to_an_end_is_told_so(self):
        for path in ("/login", "/api/v1/login"):
            for octets in (f"POST {path} HTTP/1.1\r\nHost: loc", f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na"):
                with self.subTest(octets):
                    self.assert_refused(self.say(octets.encode()), 408, path, "send it again")


class Programs(WebCase):
    def log_in(self, user, code):
        body = json.dumps({"username": user.name, "password": user.password, "code": code})
        return self.browser.request("POST", "/api/v1/login", body, {"Content-Type": "application/json"}.items())

    def test_login_session_and_its_end(self):
        answer = self.log_in(self.alice, self.alice.next_code())
        self.assertEqual(200, answer.status, answer.body)
        told = json.loads(answer.body)
        bearer = {"Authorization": "Bearer " + told["token"]}.items()
        session = self.browser.request("GET", "/api/v1/session", headers=bearer)
        self.assertEqual({"user": "alice", "session": told["session"], "expires": told["expires"]}, json.loads(session.body))
        self.assertEqual(204, self.browser.request("DELETE", "/api/v1/session", headers=bearer).status)
        gone = self.browser.request("GET", "/api/v1/session", headers=bearer)
        self.assertEqual((401, "application/problem+json"), (gone.status, gone.headers["Content-Type"]))
        self.assertEqual(401, json.loads(gone.body)["status"])

    def test_tokens_of_the_line_protocol_are_the_same(self):
        client, _ = self.daemon.log_in(self.alice)
        self.enterContext(client)
        token = client.ask("TOKEN")["token"]
        session = self.browser.request("GET", "/api/v1/session", headers={"Authorization": "Bearer " + token}.items())
        self.assertEqual("alice", json.loads(session.body)["user"])

    def test_what_is_not_right_is_a_problem(self):
        self.assertEqual(401, self.log_in(self.alice, self.alice.wrong_code()).status)
        for body, kind, status in (("{", "application/json", 400), ("[]", "application/json", 400),
                                   ('{"username":"alice","password":1,"code":"2"}', "application/json", 400),
                                   ('{"username":"bob","password":"1","code":"2","username":"alice"}', "application/json", 400),
                                   ('{"code":["1"],"username":"bob","password":"1","code":"2"}', "application/json", 400),
                                   ('{"username":"bob","password":"1","\\u0063ode":"1","code":"2"}', "application/json", 400),
                                   (r'{"username":"a\\\"b","password":"\u0022","code":"2"}', "application/json", 401),
                                   ("{}", "text/plain", 415)):
            answer = self.browser.request("POST", "/api/v1/login", body, {"Content-Type": kind}.items())
            self.assertEqual((status, "application/problem+json"), (answer.status, answer.headers["Content-Type"]))

    def test_names_are_compared_without_case(self):
        token = json.loads(self.log_in(self.alice, self.alice.next_code()).body)["token"]
        for shown, status in (("bearer ", 200), ("BEARER  ", 200), ("Bearer", 401), ("Bearer\t", 401), ("Basic ", 401), ("", 401)):
            answer = self.browser.request("GET", "/api/v1/session", headers={"Authorization": shown + token}.items())
            self.assertEqual(status, answer.status, shown)
        self.assertEqual(401, self.browser.request("GET", "/api/v1/session", headers={"Authorization": "Bearer"}.items()).status)
        for kind, status in (("Application/JSON", 400), ("application/json ; charset=utf-8", 400), ("application/json\t;x=y", 400),
                             ("application/jsonx", 415), ("application/ json", 415), (";application/json", 415)):
            answer = self.browser.request("POST", "/api/v1/login", "{}", {"Content-Type": kind}.items())
            self.assertEqual(status, answer.status, kind)
        page = self.browser.get("/login").page
        answer = self.browser.post("/login", page.forms["/login"][0], **{"Content-Type": "Application/X-WWW-Form-Urlencoded ; a=b"})
        self.assertEqual(401, answer.status, "it has been read")

    def test_curl_is_a_client(self):
        shown = run("curl", "--silent", "--insecure", "--include", f"https://{self.daemon.web[0]}/api/v1/session")
        self.assertIn("HTTP/1.1 401", shown.stdout)


class Stop(WebCase):
    def test_the_stop_is_orderly_with_open_connections(self):
        self.browser.get("/login")
        self.assertEqual(0, self.daemon.stop())


if __name__ == "__main__":
    unittest.main()
