#!/usr/bin/env python3
"""A reload at the browsers' door: each request that comes after it has the new settings, on connections that are open, too."""
import http.client
import signal

from browser import Browser, user_of
from harness import PATIENCE, Daemon, TestCase, main
from web_limits_test import web_plain_port

PASSWORD = "correct horse battery staple"
GUARDED = """[listen]
web_plain = ["127.0.0.1:0"]
[web]
proxies = ["127.0.0.1"]
[[web.rule]]
host = "app.example.com"
path = "/reports"
require = "{reports}"
[[web.rule]]
host = "app.example.com"
require = "nothing"
"""


class Reload(TestCase):
    def start_with(self, settings):
        self.place.write_settings(settings)
        self.daemon = self.enterContext(Daemon(self.place, web=1))

    def reload_with(self, settings):
        self.place.write_settings(settings)
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait_for_event("reloaded")


class Rules(Reload):
    def setUp(self):
        super().setUp()
        self.start_with(GUARDED.format(reports="nothing"))

    def new_proxy(self):
        connection = http.client.HTTPConnection("127.0.0.1", web_plain_port(self.daemon), timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.connect()
        return connection

    def ask(self, proxy, path):
        """The answer, on the connection that there is."""
        kept = proxy.sock
        proxy.request("GET", "/verify", headers={"Host": "app.example.com", "X-Original-URL": "https://app.example.com" + path,
                                                 "X-Forwarded-For": "192.0.2.7"})
        answer = proxy.getresponse()
        answer.read()
        self.assertIs(kept, proxy.sock)
        return answer.status

    def test_a_path_that_has_been_closed_is_closed_at_once(self):
        asking, idle = self.new_proxy(), self.new_proxy()
        self.assertEqual([200] * 3, [self.ask(asking, "/reports/1"), self.ask(asking, "/other"), self.ask(idle, "/reports/1")])
        self.reload_with(GUARDED.format(reports="refuse"))
        for proxy in (asking, idle, self.new_proxy()):
            self.assertEqual([403, 200], [self.ask(proxy, "/reports/1"), self.ask(proxy, "/other")])


class Registration(Reload):
    def begin(self, browser, page, name):
        return browser.fill(page, "/register", username=name, password=PASSWORD, password_again=PASSWORD)

    def test_what_was_open_is_closed_at_once(self):
        self.start_with("[web]\nopen_registration = true\n")
        browser = self.enterContext(Browser(self.daemon.web[0]))
        page = browser.get("/register").page
        begun = self.begin(browser, page, "carol")
        self.assertEqual(200, begun.status)
        kept = browser.connection.sock
        self.reload_with("[web]\nopen_registration = false\n")
        refused = self.begin(browser, page, "dave")
        self.assertIs(kept, browser.connection.sock)
        self.assertEqual(422, refused.status)
        self.assertNotIn("username", refused.page.forms["/register"][0])
        self.assertNotIn("username", browser.get("/register").page.forms["/register"][0])
        carol = user_of(begun.page, "carol", PASSWORD)
        self.assertEqual(410, browser.fill(begun.page, "/register/prove", code=carol.code()).status, "begun while it was open")
        self.assertNotIn("carol", self.place.admin("user", "list").stdout)


if __name__ == "__main__":
    main()
