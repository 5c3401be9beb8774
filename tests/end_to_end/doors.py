"""The daemon's doors, as whoever logs in meets them: name, password and code from an address, with a device or without, and
one verdict.  What must hold at each is written once:

    @at_each_door
    class Codes(TestCase):          # CodesAtLine, CodesAtPages and CodesAtPrograms are run
        def test_it(self):
            door = self.Door(self.start(web=1))
            self.assertEqual(REFUSED, door.attempt("alice", "wrong", "000000", source="127.0.0.9").outcome)
"""
import hashlib
import http.client
import itertools
import json
import re
import sys

from browser import Browser
from harness import PATIENCE, TLS, Closed, run, tls_context

GRANTED, REFUSED, LATER = "granted", "refused", "later"
HOME = "127.0.0.1"


class Verdict:
    """`outcome`: one of the three, or whatever else was said; `wait`: the seconds that came with LATER; `said`: what came, but for
    what has nothing to do with the verdict: the name as it was typed, and what is drawn at random."""

    def __init__(self, outcome, said, wait=None, session=None, token=None):
        self.outcome, self.said, self.wait, self.session, self.token = outcome, said, wait, session, token

    def __repr__(self):
        return f"{self.outcome}: {self.said}"

    def session_in(self, place):
        """The id of the session that it has opened: told, or looked up by the token."""
        if self.session is None and self.token is not None:
            found = place.query("SELECT id FROM sessions WHERE token_hash = ?", hashlib.sha256(self.token.encode()).digest())
            self.session = found[0][0] if found else None
        return self.session


class Door:
    """One login: begin() and what it returns, send(code) and verdict(); or attempt(), which is all of it."""

    def __init__(self, daemon, patience=PATIENCE):
        self.daemon, self.patience = daemon, patience  # seconds, for each thing that is waited for

    def attempt(self, name, password, code, source=HOME, device=None):
        """Raises Closed where the door has closed without a verdict, and OSError where there is none."""
        with self.begin(name, password, source, device) as login:
            login.send(code)
            return login.verdict()

    def outcome(self, *answers, **how):
        """For whom it is all one why there is no verdict: its outcome, or the error's name."""
        try:
            return self.attempt(*answers, **how).outcome
        except (Closed, OSError, AssertionError, ValueError) as error:
            return type(error).__name__

    def log_in(self, user, code=None, **how):
        verdict = self.attempt(user.name, user.password, code or user.next_code(), **how)
        assert verdict.outcome == GRANTED, f"logging in {user.name}: {verdict}"
        return verdict


class Line(Door):
    """The line protocol.  The password is sent by begin(), and judged from then on."""

    LOG = {}  # what its events say of it

    @staticmethod
    def new_device(directory):
        """A TLS context that shows one, as openssl(1) makes it."""
        certificate, key = directory / "device.pem", directory / "device.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", certificate, "-subj", "/CN=device")
        context = tls_context()
        context.load_cert_chain(certificate, key)
        return context

    def begin(self, name, password, source=HOME, device=None):
        return LineLogin(self.daemon.connect(source, device or TLS, self.patience), name, password)


class LineLogin:
    OUTCOMES = {230: GRANTED, 530: REFUSED, 450: LATER}

    def __init__(self, client, name, password):
        self.client = client
        try:
            client.expect(220, 330)
            for answer, question in ((name, 331), (password, 332)):
                client.send(answer)
                client.expect(question)
        except BaseException:
            client.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def send(self, code):
        self.client.send(code)

    def verdict(self):
        reply = self.client.read_reply()
        wait = int(reply["retry-after"]) if "retry-after" in reply else None
        said = re.sub(rb"retry-after \d+", b"retry-after N", reply.raw)
        return Verdict(self.OUTCOMES.get(reply.code, reply.code), said, wait, reply["session"] if reply.code == 230 else None)

    def lives(self):
        """Whether the session that it has opened is still one."""
        try:
            return self.client.ask("WHOAMI").code == 250
        except (Closed, OSError):
            return False


class WebLogin:
    """A browser, or a program, that is to send its form."""

    OUTCOMES = {303: GRANTED, 200: GRANTED, 401: REFUSED, 429: LATER}

    def __init__(self, door, source):
        self.browser = Browser(door.daemon.web[0], source, door.patience)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.__exit__()

    def told(self, call, *arguments):
        """What the connection's end is told as by the other door."""
        try:
            return call(*arguments)
        except (http.client.HTTPException, ConnectionError) as error:
            raise Closed(repr(error)) from None

    def judged(self, answer, token):
        wait = int(answer.headers["Retry-After"]) if "Retry-After" in answer.headers else None
        # As it was typed: in the form once more, or the cursor where there was nothing; and the form's own token.
        body = re.sub(rb'(name="(?:csrf|username)" value=")[^"]*| autofocus', rb"\1", answer.body)
        body = re.sub(rb"again in \d+ s", b"again in N s", body)
        headers = sorted((key, value) for key, value in answer.headers.items()
                         if key not in ("Set-Cookie", "Content-Length", "Retry-After"))
        cookies = sorted(value.split("=")[0] for value in answer.headers.get_all("Set-Cookie", ()))
        return Verdict(self.OUTCOMES.get(answer.status, answer.status), (answer.status, headers, cookies, body), wait, token=token)


class PagesLogin(WebLogin):
    def __init__(self, door, name, password, source, device):
        super().__init__(door, source)
        self.device = device
        if device:
            self.browser.cookies.update(device)
        self.fields = {"username": name, "password": password}
        try:
            answer = self.told(self.browser.get, "/login")
            assert answer.status == 200, f"the page to log in was due, and this came: {answer.status} {answer.body}"
            self.form = answer.page.forms["/login"][0]
        except BaseException:
            self.__exit__()
            raise

    def send(self, code):
        self.told(self.browser.send_form, "/login", self.form | self.fields | {"code": code})

    def verdict(self):
        answer = self.told(self.browser.receive)
        cookies = self.browser.cookies
        if self.device is not None and "__Host-device" in cookies:
            self.device["__Host-device"] = cookies["__Host-device"]
        return self.judged(answer, cookies.get("__Host-securelogin"))

    def lives(self):
        return self.browser.get("/account").status == 200


class ProgramsLogin(WebLogin):
    def __init__(self, door, name, password, source):
        super().__init__(door, source)
        self.fields = {"username": name, "password": password}

    def send(self, code):
        self.told(self.browser.send, "POST", "/api/v1/login", json.dumps(self.fields | {"code": code}),
                  {"Content-Type": "application/json"}.items())

    def verdict(self):
        answer = self.told(self.browser.receive)
        return self.judged(answer, json.loads(answer.body)["token"] if answer.status == 200 else None)


class Pages(Door):
    """The browsers' door as a browser uses it.  What is typed comes all at once, with send()."""

    LOG = {"door": "web"}

    @staticmethod
    def new_device(_):
        """Cookies: what the first login brings is kept, and shown from then on."""
        return {}

    def begin(self, name, password, source=HOME, device=None):
        return PagesLogin(self, name, password, source, device)


class Programs(Door):
    """The same door's interface for programs, which knows no devices."""

    LOG = {"door": "web"}
    new_device = None

    def begin(self, name, password, source=HOME, device=None):
        assert not device, "programs show none"
        return ProgramsLogin(self, name, password, source)


class Both(Door):
    """The line protocol and the pages in turn."""

    def __init__(self, daemon):
        super().__init__(daemon)
        self.turn = itertools.cycle((Line(daemon), Pages(daemon)))

    def begin(self, *answers, **how):
        return next(self.turn).begin(*answers, **how)


DOORS = (Line, Pages, Programs)
CHOICE = {"line": Line, "web": Pages}  # on command lines


def at_doors(*doors):
    """Classes of tests in the place of the one below: one for each door, which is its Door."""
    def at_each(case):
        about = {"__module__": case.__module__, "__doc__": case.__doc__}
        made = [type(f"{case.__name__}At{door.__name__}", (case,), about | {"Door": door}) for door in doors]
        for one in made:
            setattr(sys.modules[case.__module__], one.__name__, one)
        return made  # no class: what is tested is not run once more without a door
    return at_each


at_each_door = at_doors(*DOORS)
