#!/usr/bin/env python3
"""The checks find what is planted, and nothing else."""
import pathlib
import tempfile
import unittest

import coroutine_shapes
import include_direction

BAD_INCLUDES = {
    # an offender                        its line                                    what is said of it
    "common/line.hpp":                  ('"server/auth/clock.hpp"',                  "common/ may include only"),
    "common/text.cpp":                  ('"client/display.hpp"',                     "common/ may include only"),
    "client/main.cpp":                  ('"server/auth/totp.hpp"',                   "client/ may include only"),
    "server/auth/source.hpp":           ('"server/store/seal.hpp"',                  "server/auth/ may include only"),
    "server/auth/clock.cpp":            ('"server/config.hpp"',                      "server/auth/ may include only"),
    "server/auth/hash_pool.cpp":        ("<boost/asio/post.hpp>",                    "must not know asio"),
    "server/auth/hash_pool.hpp":        ("<boost/beast/core.hpp>",                   "must not know asio"),
    "server/auth/session.cpp":          ("<sqlite3.h>",                              "must not know sqlite"),
    "server/auth/waits.cpp":            ('"common/stream.hpp"',                      "must not know asio"),
    "server/store/seal.cpp":            ('"server/login/readers.hpp"',               "server/store/ may include only"),
    "server/store/seal.hpp":            ('"server/log.hpp"',                         "server/store/ may include only"),
    "server/login/commands.cpp":        ("<openssl/ssl.h>",                          "must not know tls"),
    "server/login/commands.hpp":        ('"common/openssl.hpp"',                     "must not know tls"),
    "server/login/readers.cpp":         ("<SQLiteCpp/Database.h>",                   "must not know sqlite"),
    "server/login/readers.hpp":         ('"server/store/seal.hpp"',                  "server/login/ may include only"),
    "server/login/peer.hpp":            ('"server/net/tls.hpp"',                     "server/login/ may include only"),
    "server/net/tls.cpp":               ('"server/store/sqlite_store.hpp"',          "server/net/ may include only"),
    "server/net/tls.hpp":               ('"server/log.hpp"',                         "server/net/ may include only"),
    "server/verify/door.hpp":           ('"server/login/peer.hpp"',                  "server/verify/ may include only"),
    "server/verify/worker.cpp":         ("<sqlite3.h>",                              "must not know sqlite"),
    "server/admin/options.cpp":         ('"server/net/server.hpp"',                  "server/admin/ may include only"),
    "server/admin/options.hpp":         ('"server/login/peer.hpp"',                  "server/admin/ may include only"),
    "server/main.cpp":                  ("<sqlite3.h>",                              "must not know sqlite"),
    "server/log.cpp":                   ('"client/display.hpp"',                     "server/ may include only"),
    "elsewhere/odd.cpp":                ("<string>",                                 "belongs to no layer"),
}  # fmt: skip

GOOD_INCLUDES = {
    "common/openssl.hpp": ["<openssl/ssl.h>"],
    "common/stream.hpp": ["<boost/asio/buffer.hpp>", '"common/openssl.hpp"'],
    "common/line.hpp": ["<string>"],
    "client/display.hpp": ['"common/stream.hpp"'],
    "server/auth/clock.hpp": ["<chrono>"],
    "server/auth/totp.hpp": ['"server/auth/clock.hpp"', '"common/line.hpp"'],
    "server/store/seal.hpp": ['"server/auth/clock.hpp"', '"common/openssl.hpp"'],
    "server/store/sqlite_store.hpp": ["<sqlite3.h>"],
    "server/login/peer.hpp": ["<boost/asio/awaitable.hpp>", '"server/auth/totp.hpp"'],
    "server/net/server.hpp": ['"server/login/peer.hpp"', '"common/stream.hpp"'],
    "server/admin/options.hpp": ['"server/config.hpp"', '"server/store/seal.hpp"', '"server/auth/totp.hpp"'],
    "server/config.hpp": ['"server/auth/totp.hpp"'],
    "server/token_answer.hpp": ['"server/auth/totp.hpp"'],
    "server/verify/worker.hpp": ['"server/net/server.hpp"', '"server/token_answer.hpp"', "<boost/asio/buffer.hpp>"],
    "server/log.hpp": ['"common/line.hpp"'],
    "server/net/tls.hpp": ["<openssl/ssl.h>"],
    "server/notify.cpp": ['"server/net/server.hpp"', '"server/store/seal.hpp"'],
}

BAD_SHAPES = [
    # what is wrong                             the code                                                        said
    ("a capturing lambda",                      "co_await co_spawn(ex, [p]() -> awaitable<int> { return f(p); }, t);", "lambda"),
    ("a lambda behind it",                      "co_await async_initiate<T>(t, [&](auto h) { h(); });",          "lambda"),
    ("a lambda before it",                      "use([&] { return 1; }, co_await g());",                        "lambda"),
    ("an aggregate argument",                   "co_await f({a, 5});",                                          "braces"),
    ("a named temporary with braces",           "co_await f(Agg{a});",                                          "braces"),
    ("an aggregate around it",                  "auto x = Agg{co_await g(), 7};",                               "braces"),
    ("an initializer around it",                "Agg x{co_await g()};",                                         "braces"),
    ("a conditional around it",                 "auto x = a ? co_await f() : b;",                               "?"),
    ("a conditional argument",                  "co_await f(a ? b : c);",                                       "?"),
    ("a conjunction",                           "bool x = (co_await a()) && b;",                                "&&"),
    ("a disjunction",                           "if ((co_await a()) || b) go();",                               "||"),
    ("a spelled-out conjunction",               "bool x = b and co_await a();",                                 "and"),
    ("a throw",                                 "throw E(co_await g());",                                       "throw"),
    ("a loop's negated condition",              "while (!(co_await f(a))) go();",                               "condition of a loop"),
    ("a loop's plain condition",                "while (co_await f(a)) { go(); }",                              "condition of a loop"),
    ("a for's condition",                       "for (int i = 0; co_await f(i); ++i) go();",                    "condition of a loop"),
    ("a do loop's condition",                   "do { go(); } while (!co_await f(a));",                         "condition of a loop"),
    ("two in a statement",                      "auto x = co_await a() + co_await b();",                        "two co_await"),
    ("one within the other",                    "co_await a(co_await b());",                                    "two co_await"),
    ("over several lines",                      "auto x =\n    co_await f(\n        {a});",                      "braces"),
    ("after the head of an if",                 "if (a) co_await f({b});",                                      "braces"),
    ("in a lambda's body",                      "auto l = [] { co_await f({b}); };",                            "braces"),
    ("in a case",                               "switch (a) { case 1: co_await f({b}); }",                      "braces"),
    ("returned",                                "co_return Agg{co_await g()};",                                 "braces"),
    ("a coroutine lambda with captures",        "auto l = [a]() -> awaitable<void> { co_await f(a); };",        "captures"),
    ("one without co_await",                    "spawn(ex, [this] { co_return; });",                            "captures"),
]  # fmt: skip

GOOD_SHAPES = [
    "co_await f(a, std::move(b));",
    "const auto [error, count] = co_await s.async_read(buffer[0], t);",
    "auto&& x = co_await f();",
    "if (a && b) co_await f();",
    "if (a) { x = {1}; co_await f(); } else co_await g();",
    "for (auto x : list) { co_await f(x); }",
    "for (auto& x : co_await all()) go(x);",
    "const bool live = co_await f(); if (!live) co_return g({1, 2});",
    "auto l = [] { co_await f(); }; use([a] { return a; });",
    "post(ex, [a] { a.go(); }); co_await f();",
    "while (a && b) { co_await f(); }",
    "try { co_await f(); } catch (const E& e) { throw F{e}; }",
    "// co_await f({a});\nco_await g();",
    "say(\"co_await f({a})\"); co_await g();",
    "#define X co_await f({a})\nco_await g();",
    "auto t = a ? b : c; co_await f(t);",
    "co_return co_await f();",
    "int x{1}; co_await f(x);",
    "[[nodiscard]] awaitable<bool> f(); awaitable<void> g() { co_await f(); }",
]


class IncludeDirection(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = pathlib.Path(scratch.name)
        for name, headers in GOOD_INCLUDES.items():
            self.write(name, headers)

    def write(self, name, headers):
        file = self.tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"#include {header}\n" for header in headers))

    def test_right_ones_are_let_be(self):
        self.assertEqual([], list(include_direction.offenders(self.tree)))

    def test_planted_ones_are_found(self):
        for name, (header, said) in BAD_INCLUDES.items():
            with self.subTest(name):
                self.write(name, [header])
                found = [line for line in include_direction.offenders(self.tree) if line.startswith(name + ": ")]
                self.assertTrue(any(said in line for line in found), found)
                if name in GOOD_INCLUDES:
                    self.write(name, GOOD_INCLUDES[name])
                else:
                    (self.tree / name).unlink()


class CoroutineShapes(unittest.TestCase):
    def complaints(self, statements):
        source = "awaitable<void> f(int a)\n{\n" + statements + "\n}\n"
        return [complaint for _, complaint in coroutine_shapes.Source(source).complaints()]

    def test_right_ones_are_let_be(self):
        for statements in GOOD_SHAPES:
            with self.subTest(statements):
                self.assertEqual([], self.complaints(statements))

    def test_planted_ones_are_found(self):
        for what, statements, said in BAD_SHAPES:
            with self.subTest(what):
                found = self.complaints(statements)
                self.assertTrue(any(said in complaint for complaint in found), found)

    def test_lines_are_told(self):
        source = "void f()\n{\n    // one\n    co_await g({1});\n}\n"
        self.assertEqual([4], [line for line, _ in coroutine_shapes.Source(source).complaints()])


if __name__ == "__main__":
    unittest.main()
