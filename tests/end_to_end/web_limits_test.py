#!/usr/bin/env python3
"""The browsers' door when it has enough: waits, enrolments that are begun, connections from a proxy, and a stop."""
import contextlib
import http.client
import json
import re
import signal
import ssl
import threading
import time

from browser import CONTEXT, Browser, Page
from harness import PATIENCE, Daemon, TestCase, User, connect_tcp, eventually, main

PASSWORD = "correct horse battery staple"


def web_plain_port(daemon):
    told = daemon.stderr.wait_for(lambda line: re.fullmatch(r"listening on \S+:(\d+) \(HTTP\)", line), "plain")
    return int(told[1])


class WebLimits(TestCase):
    settings = ""

    def setUp(self):
        super().setUp()
        if self.settings:
            self.place.write_settings(self.settings)
        self.alice = self.place.add_user("alice", password=PASSWORD)
        self.daemon = self.enterContext(Daemon(self.place, web=1))

    def new_browser(self, source="127.0.0.1"):
        return self.enterContext(Browser(self.daemon.web[0], source))


class Waits(WebLimits):
    settings = "[waits]\nfirst = 600\n"

    def test_they_are_those_of_the_line_protocol(self):
        browser = self.new_browser()
        for _ in range(5):
            page = browser.get("/login").page
            browser.fill(page, "/login", username="alice", password="wrong password entirely", code="000000")
        answer = browser.log_in(self.alice)
        self.assertEqual(429, answer.status)
        self.assertTrue(500 < int(answer.headers["Retry-After"]) <= 600)
        client = self.enterContext(self.daemon.connect())
        client.expect(220)
        self.assertEqual(450, client.attempt(self.alice.name, self.alice.password, self.alice.code(1)).code)

    def test_who_must_change_the_password_cannot_guess_at_the_old_one_for_nothing(self):
        self.place.admin("user", "passwd", "alice", "--password-stdin", "--must-change", stdin=PASSWORD + "\n")
        browser = self.new_browser()
        browser.log_in(self.alice)
        page = browser.get("/account").page

        def set_to(new):
            return browser.fill(page, "/account/password", new_password=new, new_password_again=new)
        self.assertEqual([422] * 6, [set_to("password1").status for _ in range(6)], "too weak: nothing is told by that")
        self.assertEqual([422] * 5 + [429] * 2, [set_to(PASSWORD).status for _ in range(7)])
        self.assertEqual(429, set_to("a longer and better passphrase").status, "it has not been compared")
        again = self.new_browser()
        again.cookies["__Host-device"] = browser.cookies["__Host-device"]
        self.assertEqual(429, again.log_in(self.alice).status, "one budget with logging in, this device's")


class Enrolments(WebLimits):
    def begin(self, browser, invitation):
        page = browser.get("/register?invitation=" + invitation).page
        return browser.fill(page, "/register", password=PASSWORD, password_again=PASSWORD)

    def prove(self, browser, begun):
        return browser.fill(begun.page, "/register/prove", code="000000").status

    def invite(self, name):
        return json.loads(self.place.admin("user", "invite", name, "--json").stdout)["invitation"]

    def test_a_source_has_eight_under_way_and_pushes_out_its_own_oldest(self):
        invitation, neighbour = self.invite("carol"), self.new_browser("127.0.0.2")
        others = self.begin(neighbour, self.invite("dave"))
        browser = self.new_browser()
        begun = [self.begin(browser, invitation) for _ in range(9)]
        self.assertEqual([200] * 9, [answer.status for answer in begun])
        self.assertEqual(410, self.prove(browser, begun[0]), "the oldest has gone")
        self.assertEqual(422, self.prove(browser, begun[1]))
        self.assertEqual(422, self.prove(browser, begun[-1]))
        self.assertEqual(422, self.prove(neighbour, others), "another source's stays")

    def test_one_invitation_does_not_begin_without_end(self):
        browser, invitation = self.new_browser(), self.invite("carol")
        answers = [self.begin(browser, invitation) for _ in range(17)]
        self.assertEqual([200] * 16 + [429], [answer.status for answer in answers])
        self.assertTrue(30 <= int(answers[-1].headers["Retry-After"]) <= 60)
        client = self.enterContext(self.daemon.connect())
        client.expect(220, 330)
        self.assertEqual(450, client.ask("ENROL " + invitation).code, "one budget with the line protocol")
        words = answers[-2].page.text.split()
        key = "".join([word for word in words if re.fullmatch("[A-Z2-7]{4}", word)][:8])
        carol = User("carol", PASSWORD, f"otpauth://totp/x?secret={key}")
        self.assertEqual(200, browser.fill(answers[-2].page, "/register/prove", code=carol.code()).status)


class Proxied(WebLimits):
    """Behind a proxy of the operator's are many: its connections are not one source's."""
    settings = ('[listen]\nweb_plain = ["127.0.0.1:0"]\n[web]\nproxies = ["127.0.0.3"]\n'
                "[limits]\nconnections = 12\nconnections_per_source = 3\n")

    def setUp(self):
        super().setUp()
        self.port = web_plain_port(self.daemon)

    def served(self, source):
        """A connection that stays, or nothing."""
        connection = self.enterContext(connect_tcp(self.port, source))
        connection.sendall(b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            return connection if connection.recv(4096).startswith(b"HTTP/1.1 200") else None
        return None

    def test_a_proxy_has_slots_for_many_and_others_do_not(self):
        self.assertEqual([True] * 3 + [False], [self.served("127.0.0.4") is not None for _ in range(4)])
        self.assertEqual([True] * 9, [self.served("127.0.0.3") is not None for _ in range(9)])
        self.assertIsNone(self.served("127.0.0.3"), "not more than there are in all")


class Doubt(WebLimits):
    """A proxy of the operator's that does not say who asks."""
    settings = '[listen]\nweb_plain = ["127.0.0.1:0"]\n[web]\nproxies = ["127.0.0.1"]\n'

    def test_is_told_what_to_do(self):
        port = web_plain_port(self.daemon)
        for path, kind in (("/login", "text/html"), ("/api/v1/session", "application/problem+json"),
                           ("/verify?x", "application/problem+json")):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            self.addCleanup(connection.close)
            connection.request("GET", path, headers={"X-Forwarded-For": "nobody"})
            answer = connection.getresponse()
            self.assertEqual((401, kind), (answer.status, answer.headers["Content-Type"].partition(";")[0]))
            self.assertEqual("Bearer", answer.headers["WWW-Authenticate"])
            self.assertIn(b"X-Forwarded-For", answer.read())


class Full(WebLimits):
    settings = '[listen]\nweb_plain = ["127.0.0.1:0"]\n[limits]\nconnections_per_source = 1\n'

    def turned_away(self, connection):
        """What comes unasked."""
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        self.assertEqual((503, "1"), (answer.status, answer.headers["Retry-After"]))
        self.assertEqual(("text/html; charset=utf-8", "close"), (answer.headers["Content-Type"], answer.headers["Connection"]))
        return Page(answer.read().decode())

    def test_whoever_has_no_place_is_told_when_to_come_again(self):
        held = self.new_browser()
        held.get("/login")
        tls = CONTEXT.wrap_socket(connect_tcp(int(self.daemon.web[0].rsplit(":", 1)[1])), server_hostname="localhost")
        for connection in (self.enterContext(tls), self.enterContext(connect_tcp(web_plain_port(self.daemon)))):
            self.assertIn("try again", self.turned_away(connection).text)


class Stop(WebLimits):
    settings = "[password]\npasses = 16\n"  # hashes that take a while

    def test_a_login_whose_form_has_arrived_gets_its_answer(self):
        browser = self.new_browser()
        page = browser.get("/login").page
        answers = []
        waiting = self.new_browser()  # has said nothing yet
        waiting.get("/login")
        sending = threading.Thread(target=lambda: answers.append(
            browser.fill(page, "/login", username="alice", password=PASSWORD, code=self.alice.code())))
        sending.start()
        # The charge is committed before the hash begins.
        eventually(lambda: self.place.query("SELECT 1 FROM failures"), "the attempt is admitted")
        self.daemon.signal(signal.SIGTERM)
        sending.join(PATIENCE)
        self.assertEqual(0, self.daemon.wait())
        self.assertEqual((303, "close"), (answers[0].status, answers[0].headers["Connection"]))
        self.assertEqual([("granted",)], self.place.query("SELECT outcome FROM audit WHERE event = 'login'"))

    def test_who_has_not_sent_all_of_a_request_holds_nobody_up(self):
        port = int(self.daemon.web[0].rsplit(":", 1)[1])
        began = self.enterContext(CONTEXT.wrap_socket(connect_tcp(port), server_hostname="localhost"))
        began.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nusername=al")
        idle = self.new_browser()
        idle.get("/login")
        since = time.monotonic()
        self.assertEqual(0, self.daemon.stop())
        self.assertLess(time.monotonic() - since, 5)
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            self.assertEqual(b"", began.recv(100), "what is not all there is not answered")
        with self.assertRaises(OSError):
            connect_tcp(port).close()


if __name__ == "__main__":
    main()
