"""A browser without a picture: cookies, forms, redirects, over real TLS.  What it is shown is HTML, read as such."""
import html.parser
import http.client
import http.cookies
import ssl
import urllib.parse

from harness import PATIENCE, User

CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE  # the key is the test's business elsewhere


class Page(html.parser.HTMLParser):
    """The forms of a page with their fields, its text and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.text, self.loads, self.title = {}, "", [], ""
        self.choices = {}  # by action and field
        self._form = None
        self._in = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self._form, self._action = {}, attributes["action"]
            self.forms.setdefault(attributes["action"], []).append(self._form)
        elif tag == "input" and self._form is not None and "name" in attributes:
            if attributes.get("type") == "radio":
                self.choices.setdefault((self._action, attributes["name"]), []).append(attributes["value"])
                self._form.setdefault(attributes["name"], "")
            else:
                self._form[attributes["name"]] = attributes.get("value", "")
        for key in ("src", "href"):
            if tag in ("script", "link", "img") and key in attributes:
                self.loads.append(attributes[key])
        if tag not in ("input", "link", "meta", "img", "br", "path"):
            self._in.append(tag)

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data):
        if self._in[-1:] == ["title"]:
            self.title += data
        elif "script" not in self._in:
            self.text += " " + data


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def location(self):
        return self.headers["Location"]

    @property
    def page(self):
        return Page(self.body.decode())


class Browser:
    """Keeps cookies as a browser does; follows no redirect by itself."""

    def __init__(self, address, source="127.0.0.1", timeout=PATIENCE):
        self.address, self.source, self.timeout = address, source, timeout
        self.cookies = {}
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()

    @property
    def origin(self):
        return f"https://{self.address}"

    def request(self, method, target, body=None, headers=()):
        self.send(method, target, body, headers)
        return self.receive()

    def send(self, method, target, body=None, headers=()):
        if self.connection is None:
            host, port = self.address.rsplit(":", 1)
            self.connection = http.client.HTTPSConnection(host, int(port), timeout=self.timeout, context=CONTEXT,
                                                          source_address=(self.source, 0))
        sent = {"Accept": "text/html"} | dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.connection.request(method, target, body, {key: value for key, value in sent.items() if value is not None})

    def receive(self):
        response = self.connection.getresponse()
        # http.client takes a head that was cut off for a whole one; ours ends with its length.
        if response.status != 204 and not {"Content-Length", "Transfer-Encoding"} & set(response.headers.keys()):
            raise http.client.IncompleteRead(b"")
        answer = Answer(response, response.read())
        if response.will_close:
            self.connection.close()
            self.connection = None
        for value in response.headers.get_all("Set-Cookie", ()):
            for name, morsel in http.cookies.SimpleCookie(value).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def get(self, target, **headers):
        return self.request("GET", target, headers=headers.items())

    def post(self, target, fields, **headers):
        self.send_form(target, fields, **headers)
        return self.receive()

    def send_form(self, target, fields, **headers):
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin} | headers
        self.send("POST", target, urllib.parse.urlencode(fields), sent.items())

    def fill(self, page, action, **fields):
        """Posts the form of the page with what is typed into it."""
        form = page.forms[action][0]
        unknown = fields.keys() - form.keys()
        assert not unknown, f"{action} has no {unknown}, but {form.keys()}"
        return self.post(action, form | fields)

    def log_in(self, user, code=None, back=""):
        answer = self.get("/login" + ("?back=" + urllib.parse.quote(back, safe="") if back else ""))
        assert answer.status == 200, f"{answer.status}\n{answer.headers}\n{answer.body}"
        return self.fill(answer.page, "/login", username=user.name, password=user.password, code=code or user.next_code())


def user_of(page, name, password):
    """Who enrols with the key that the page shows in groups of four."""
    words = page.text.split()
    groups = [word for word in words if len(word) == 4 and all(c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for c in word)]
    return User(name, password, f"otpauth://totp/x?secret={''.join(groups[:8])}")
