#!/usr/bin/env python3
"""Sites behind real proxies, with the configuration files of docs/proxies: who is let in, and what cannot be talked into."""
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import unittest

from browser import Browser
from harness import PATIENCE, TestCase, eventually, main, run

PROXIES = pathlib.Path(__file__).resolve().parents[2] / "docs/proxies"
SPOOFED = {"Remote-User": "mallory", "Remote-Session": "00000000", "Remote-Expires": "2099-01-01T00:00:00Z"}
MISLEADING = {"X-Original-URL": "https://app.example.com/public/", "X-Original-Method": "GET",
              "X-Forwarded-Uri": "/public/", "X-Forwarded-Host": "open.localhost", "X-Forwarded-Method": "GET",
              "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.66"}


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


class Application(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that reached it."""

    def do_GET(self):
        body = json.dumps(self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Guarded:
    """What must hold behind any proxy: a mixin, with proxy_command()."""

    SETTINGS = """
[listen]
web_plain = ["127.0.0.1:{daemon}"]
[web]
proxies = ["127.0.0.1"]
[[web.rule]]
host = "localhost"
path = "/public"
require = "nothing"
[[web.rule]]
host = "localhost"
path = "/app/public"
require = "nothing"
[[web.rule]]
host = "localhost"
path = "/secret"
users = ["alice"]
[[web.rule]]
host = "localhost"
path = "/closed"
require = "refuse"
[[web.rule]]
host = "localhost"
"""

    def setUp(self):
        super().setUp()
        self.root = self.place.root
        self.ports = {name: self.free_port() for name in ("daemon", "site", "http", "application")}
        self.place.write_settings(self.SETTINGS.format(daemon=self.ports["daemon"]))
        self.daemon = self.start()
        self.user = self.place.add_user("bob")
        self.make_site()
        self.serve_application()
        self.start_proxy()

    def make_site(self):
        for name in ("", "public", "secret", "closed"):
            (self.root / "www" / name).mkdir(parents=True)
            (self.root / "www" / name / "index.html").write_text(f"the page {name}\n")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.root / "key.pem", "-out",
            self.root / "fullchain.pem")

    def serve_application(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.ports["application"]), Application)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close(), thread.join(PATIENCE)))

    def start_proxy(self):
        output = open(self.root / "proxy.log", "w+")
        self.addCleanup(output.close)
        proxy = subprocess.Popen(self.proxy_command(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                 cwd=self.root, env=self.place.environment)
        self.addCleanup(self.stop_proxy, proxy)

        def ready():
            self.assertIsNone(proxy.poll(), "the proxy ended: " + (self.root / "proxy.log").read_text())
            return listens(self.ports["site"])
        eventually(ready, "the proxy listens")

    def stop_proxy(self, proxy):
        proxy.send_signal(signal.SIGTERM)
        proxy.wait(PATIENCE)

    def configuration(self, name, *changes):
        """The documentation's, with what differs here; each change has to find what it is for, and only that: the port
        30006 has 3000 in it."""
        text = (PROXIES / name).read_text()
        everywhere = (("127.0.0.1:8100", f"127.0.0.1:{self.ports['daemon']}"),
                      ("127.0.0.1:3000", f"127.0.0.1:{self.ports['application']}"), ("/var/www/app", f"{self.root}/www"))
        changes = dict((*everywhere, *changes))
        for old in changes:
            self.assertIn(old, text)
        text = re.sub("|".join(map(re.escape, sorted(changes, key=len, reverse=True))), lambda found: changes[found[0]], text)
        file = self.root / name
        file.write_text(text)
        return file

    @property
    def site(self):
        return f"localhost:{self.ports['site']}"

    def browser(self):
        browser = Browser(self.site)
        self.addCleanup(browser.__exit__)
        return browser

    def logged_in(self):
        browser = self.browser()
        answer = browser.log_in(self.user, back="/app/x")
        self.assertEqual(303, answer.status, answer.body)
        return browser

    def headers_at_the_application(self, answer):
        self.assertEqual(200, answer.status, answer.body)
        return [(name.lower(), value) for name, value in json.loads(answer.body)]

    def assert_sent_to_login(self, answer, back):
        self.assertEqual(303, answer.status, answer.body)
        self.assertEqual(f"https://{self.site}/login?back=" + urllib.parse.quote(back, safe=""), answer.location)
        self.assertNotIn(b"the page", answer.body)

    def test_a_login_leads_back_to_the_page(self):
        browser = self.browser()
        answer = browser.get("/?x=1&y=%20")
        self.assert_sent_to_login(answer, "/?x=1&y=%20")
        login = browser.get(answer.location.removeprefix(f"https://{self.site}"))
        self.assertEqual(200, login.status)
        answer = browser.fill(login.page, "/login", username=self.user.name, password=self.user.password,
                              code=self.user.next_code())
        self.assertEqual((303, "/?x=1&y=%20"), (answer.status, answer.location))
        self.assertEqual(b"the page \n", browser.get(answer.location).body)

    def test_the_daemon_sees_where_a_login_comes_from(self):
        self.browser().log_in(self.user)
        self.assertEqual("127.0.0.1", self.daemon.wait_for_event("login", outcome="granted")["source"])

    def test_the_application_is_told_who_it_is_and_not_the_key(self):
        browser = self.logged_in()
        own = dict(browser.cookies)
        self.assertEqual({"__Host-securelogin", "__Host-device", "__Host-visit"}, set(own))
        others = {"theme": "dark", "language": "en"}
        for cookies in (own | others, others | own, {"theme": "dark"} | own | {"language": "en"},
                        dict(reversed(own.items())) | others):
            browser.cookies = dict(cookies)
            headers = self.headers_at_the_application(browser.get("/app/x"))
            self.assertEqual(["bob"], [value for name, value in headers if name == "remote-user"])
            passed_on = "".join(value for name, value in headers if name == "cookie")
            with self.subTest(sent=list(cookies), passed_on=passed_on):
                self.assertEqual({"theme=dark", "language=en"}, {one.strip() for one in passed_on.strip("; ").split(";")})

    def test_what_was_revoked_is_refused_at_once(self):
        browser = self.logged_in()
        self.assertEqual(200, browser.get("/").status)
        self.place.admin("session", "revoke", "bob", "all")
        self.assert_sent_to_login(browser.get("/"), "/")
        self.assert_sent_to_login(browser.get("/app/x"), "/app/x")

    def test_a_logout_ends_it(self):
        browser = self.logged_in()
        kept = dict(browser.cookies)
        self.assertEqual(200, browser.fill(browser.get("/logout").page, "/logout").status)
        self.assert_sent_to_login(browser.get("/"), "/")
        browser.cookies = kept
        self.assert_sent_to_login(browser.get("/"), "/")

    def test_rules_hold(self):
        stranger, bob = self.browser(), self.logged_in()
        for browser, path, status in ((stranger, "/public/", 200), (stranger, "/secret/", 303), (stranger, "/closed/", 403),
                                      (bob, "/public/", 200), (bob, "/secret/", 403), (bob, "/closed/", 403)):
            with self.subTest(path, user=browser is bob):
                answer = browser.get(path)
                self.assertEqual(status, answer.status)
                self.assertEqual(status == 200, answer.body.startswith(b"the page"), answer.body)

    def test_no_spelling_of_a_path_gets_round_the_rules(self):
        for path in ("/public/../", "/public/..%2f", "/public/%2e%2e/", "/public/..;/", "//secret/", "/public/../secret/",
                     "/public/%2e%2e/secret/", "/public//../secret/", "/%73ecret/", "/secret%2f", "/public/..%5csecret/",
                     "/public%00/../secret/", "/public/%252e%252e/secret/", "/./secret/", "/secret;x/"):
            with self.subTest(path):
                answer = self.browser().get(path)
                self.assertNotEqual(200, answer.status)
                self.assertNotIn(b"the page", answer.body)

    def test_what_a_client_says_of_itself_has_no_effect(self):
        answer = self.browser().request("GET", "/", headers=(SPOOFED | MISLEADING).items())
        self.assertNotEqual(200, answer.status)
        self.assertIn(answer.status, (303, 401))
        if answer.status == 303:
            self.assertTrue(answer.location.startswith(f"https://{self.site}/login"), answer.location)
        headers = self.headers_at_the_application(self.browser().request("GET", "/app/public/", headers=SPOOFED.items()))
        self.assertEqual([], [(name, value) for name, value in headers if name.startswith("remote-") and value])
        headers = self.headers_at_the_application(self.logged_in().request("GET", "/app/x", headers=SPOOFED.items()))
        self.assertEqual(["bob"], [value for name, value in headers if name == "remote-user"])
        self.assertNotIn("00000000", dict(headers).get("remote-session", ""))
        self.assertFalse(dict(headers).get("remote-expires"))

    def test_the_address_that_a_client_claims_is_not_charged(self):
        browser = self.browser()
        form = browser.get("/login").page.forms["/login"][0]
        answer = browser.post("/login", form | {"username": "bob", "password": "wrong", "code": "000000"},
                              **{"X-Forwarded-For": "203.0.113.66"})
        self.assertNotEqual(303, answer.status)
        self.assertEqual("127.0.0.1", self.daemon.wait_for_event("login", outcome="refused")["source"])

    def test_another_sites_name_is_no_way_in(self):
        """The Host of a request is not what decides which site's rules hold."""
        for host in ("open.localhost", f"localhost.evil:{self.ports['site']}", f"LOCALHOST:{self.ports['site']}"):
            with self.subTest(host):
                answer = self.browser().request("GET", "/secret/", headers=[("Host", host)])
                self.assertNotIn(b"the page", answer.body)

    def test_no_program_is_sent_to_a_page_by_the_proxys_question(self):
        """A body, another method: the question is still asked, and the answer still no."""
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            with self.subTest(method):
                self.assertIn(self.browser().request(method, "/app/x", "a=b").status, (303, 401))

    def test_the_question_cannot_be_asked_from_outside(self):
        for path in ("/.securelogin", "/verify"):
            self.assertNotEqual(200, self.browser().get(path).status)

    def test_without_the_daemon_nobody_gets_in(self):
        browser = self.logged_in()
        self.assertEqual(0, self.daemon.stop())
        for path in ("/", "/app/x", "/public/"):
            self.assertGreaterEqual(browser.get(path).status, 500)


class Questions(TestCase):
    """What a proxy says on its connection, and in which order it is answered."""

    HEADERS = "Host: localhost\r\nX-Forwarded-For: 192.0.2.7\r\nX-Original-URL: https://localhost/app\r\n"

    def setUp(self):
        super().setUp()
        self.port = self.free_port()
        self.place.write_settings(f'[listen]\nweb_plain = ["127.0.0.1:{self.port}"]\n[web]\nproxies = ["127.0.0.1"]\n')
        self.daemon = self.start()

    def question(self, path="/verify", method="GET", headers=HEADERS, more=""):
        return f"{method} {path} HTTP/1.1\r\n{headers}{more}\r\n".encode()

    def say(self, *pieces, pause=0.0):
        """The statuses of what is answered until the daemon closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as proxy:
            for piece in pieces:
                proxy.sendall(piece)
                time.sleep(pause)
            got = b""
            while part := proxy.recv(65536):
                got += part
        return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", got)]

    def test_are_answered_in_turn_with_all_else(self):
        last = self.question(more="Connection: close\r\n")
        asked = [self.question(), self.question(), self.question("/none"), self.question(method="POST", more="Content-Length: 0\r\n"),
                 self.question(method="HEAD"), self.question(), self.question("/verify?x"), self.question(), last, self.question()]
        answered = [401, 401, 404, 405, 401, 401, 401, 401, 401]
        with self.subTest("in one go"):
            self.assertEqual(answered, self.say(b"".join(asked)))
        with self.subTest("one by one"):
            self.assertEqual(answered, self.say(*asked[:-1], pause=0.05))
        with self.subTest("in pieces"):
            octets = b"".join(asked)
            self.assertEqual(answered, self.say(*(octets[at:at + 97] for at in range(0, len(octets), 97)), pause=0.003))

    def test_what_is_malformed_ends_it_after_its_turn(self):
        self.assertEqual([401, 401, 400], self.say(self.question() * 2 + b"GET /verify HTTP/1.1\n\n" + self.question()))

    def test_a_stop_ends_a_connection_that_may_ask_again(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as proxy:
            proxy.sendall(self.question())
            self.assertIn(b"HTTP/1.1 401 ", proxy.recv(65536))
            self.daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(b"", proxy.recv(65536))
        self.assertEqual(0, self.daemon.process.wait(PATIENCE))

    def test_thousands_in_one_go(self):
        last = self.question(more="Connection: close\r\n")
        self.assertEqual([401] * 3001, self.say(self.question() * 3000 + last))

    def test_who_is_not_said_for_whom_is_refused(self):
        unsaid = "Host: localhost\r\nX-Original-URL: https://localhost/app\r\n"
        self.assertEqual([401, 401], self.say(self.question(headers=unsaid) + self.question(more="Connection: close\r\n")))
        self.daemon.wait_for_event("guard_in_doubt", reason="a proxy that does not say for whom it asks")


@unittest.skipUnless(shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "nginx is not installed")
class Nginx(Guarded, TestCase):
    def proxy_command(self):
        temporary = "".join(f"{kind}_temp_path {self.root}/{kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        file = self.configuration(
            "nginx.conf", ("events {}", f"pid {self.root}/nginx.pid; error_log {self.root}/error.log; daemon off;\nevents {{}}"),
            ("http {\n", f"http {{\n    access_log off; {temporary}\n"),
            ("listen 80;", f"listen 127.0.0.1:{self.ports['http']};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.ports['site']} ssl;"),
            ("set $site app.example.com;", f"set $site {self.site};"), ("app.example.com;", "localhost;"),
            ("/etc/ssl/app.example.com/", f"{self.root}/"))
        if os.geteuid() == 0:  # its workers would be another user's, who cannot enter the test's directory
            file.write_text("user root;\n" + file.read_text())
        return [shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-c", str(file), "-p", str(self.root),
                "-e", str(self.root / "error.log")]


@unittest.skipUnless(shutil.which("caddy"), "caddy is not installed")
class Caddy(Guarded, TestCase):
    def proxy_command(self):
        file = self.configuration(
            "Caddyfile", ("app.example.com {", f"{{\n\tadmin off\n\tauto_https off\n}}\n"
                          f"https://{self.site} {{\n\tbind 127.0.0.1\n\ttls {self.root}/fullchain.pem {self.root}/key.pem"))
        return [shutil.which("caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]



if __name__ == "__main__":
    main()
