#!/usr/bin/env python3
"""What the interface for programs answers is what docs/api/openapi.yaml says, by Debian's python3-jsonschema."""
import contextlib
import json
import pathlib
import unittest

from browser import Browser
from harness import Daemon, TestCase, main, run

FILE = pathlib.Path(__file__).resolve().parents[2] / "docs/api/openapi.yaml"
# Debian's Python has python3-jsonschema and python3-yaml, whichever runs this test.
PYTHON = "/usr/bin/python3"
# {"file", "answers": [{"path", "method", "status", "type", "headers", "body"}]} -> what is wrong with each, or null
CHECK = r"""
import json, re, sys, yaml
from jsonschema import Draft202012Validator, RefResolver

asked = json.load(sys.stdin)
whole = yaml.safe_load(open(asked["file"]))

def resolved(node):
    while "$ref" in node:
        path = node["$ref"].removeprefix("#/").split("/")
        node = whole
        for name in path:
            node = node[name]
    return node

def errors(schema, instance):
    validator = Draft202012Validator(schema, resolver=RefResolver.from_schema(whole))
    return [error.message for error in validator.iter_errors(instance)]

def wrong(answer):
    responses = whole["paths"][answer["path"]][answer["method"]]["responses"]
    if str(answer["status"]) not in responses:
        return [f"no answer {answer['status']}"]
    response = resolved(responses[str(answer["status"])])
    content = response.get("content")
    if content is None:
        return ["a body where there is none"] if answer["body"] or answer["type"] else []
    if answer["type"] not in content:
        return [f"no type {answer['type']}"]
    found = errors(content[answer["type"]]["schema"], json.loads(answer["body"]))
    for name, header in response.get("headers", {}).items():
        if name not in answer["headers"]:
            found.append(f"no {name}")
        else:
            found += errors(header["schema"], json.loads(answer["headers"][name]))
    return found

print(json.dumps([wrong(answer) or None for answer in asked["answers"]]))
"""


def has_validator():
    with contextlib.suppress(OSError):
        return run(PYTHON, "-c", "import jsonschema, yaml", check=False).returncode == 0
    return False


@unittest.skipUnless(has_validator(), "needs python3-jsonschema and python3-yaml")
class Answers(TestCase):
    def setUp(self):
        super().setUp()
        self.place.write_settings("[waits]\nfree = 2\nfirst = 600\n")
        self.alice = self.place.add_user("alice")
        self.daemon = self.enterContext(Daemon(self.place, web=1))
        self.browser = self.enterContext(Browser(self.daemon.web[0]))

    def ask(self, method, path, body=None, **headers):
        answer = self.browser.request(method.upper(), path, body, {"Accept": "*/*"} | headers)
        return {"path": path, "method": method, "status": answer.status, "type": answer.headers["Content-Type"],
                "headers": dict(answer.headers), "body": answer.body.decode()}

    def log_in(self, code, body=None, kind="application/json"):
        body = body or json.dumps({"username": "alice", "password": self.alice.password, "code": code})
        return self.ask("post", "/api/v1/login", body, **{"Content-Type": kind})

    def wrong_with(self, *answers):
        asked = {"file": str(FILE), "answers": answers}
        return json.loads(run(PYTHON, "-W", "ignore", "-c", CHECK, stdin=json.dumps(asked)).stdout)

    def test_each_answer_is_one_of_those_that_are_described(self):
        granted = self.log_in(self.alice.next_code())
        bearer = {"Authorization": "Bearer " + json.loads(granted["body"])["token"]}
        answers = [granted,
                   self.ask("get", "/api/v1/session", **bearer), self.ask("delete", "/api/v1/session", **bearer),
                   self.ask("get", "/api/v1/session", **bearer), self.ask("delete", "/api/v1/session", **bearer),
                   self.log_in("", "{}"), self.log_in("", "{}", "text/plain"),
                   *(self.log_in(self.alice.wrong_code()) for _ in range(3)), self.log_in(self.alice.wrong_code())]
        self.assertEqual([200, 200, 204, 401, 401, 400, 415, 401, 401, 401, 429], [answer["status"] for answer in answers])
        self.assertEqual([None] * len(answers), self.wrong_with(*answers))

    def test_what_cannot_be_read_is_described_as_well(self):
        def refused(method, path, body=None, query="", **headers):
            return self.ask(method, path + query, body, **headers) | {"path": path}
        for method, path in (("post", "/api/v1/login"), ("get", "/api/v1/session"), ("delete", "/api/v1/session")):
            answers = [refused(method, path, **{"Content-Length": "x"}),
                       refused(method, path, **{"Transfer-Encoding": "chunked"}), refused(method, path, "a" * 20000),
                       refused(method, path, query="?" + "a" * 5000), refused(method, path, X="a" * 20000)]
            self.assertEqual([400, 411, 413, 414, 431], [answer["status"] for answer in answers])
            self.assertEqual([None] * 5, self.wrong_with(*answers), (method, path))

    def test_the_check_finds_what_is_not(self):
        granted = self.log_in(self.alice.next_code())
        refused = self.ask("get", "/api/v1/session")
        told = json.loads(granted["body"])
        without = {key: value for key, value in told.items() if key != "must_change_password"}
        changed = [granted | {"body": json.dumps(told | {"token": "slt_short"})}, granted | {"body": json.dumps(without)},
                   granted | {"type": "text/html"}, granted | {"status": 201},
                   refused | {"body": json.dumps(json.loads(refused["body"]) | {"status": "401"})},
                   refused | {"path": "/api/v1/login", "method": "post", "status": 429}]
        self.assertNotIn(None, self.wrong_with(*changed))


if __name__ == "__main__":
    main()
