#!/usr/bin/env python3
"""Finds the coroutine shapes that g++ 12.2 miscompiles without a warning (docs/decisions/0005-coroutines-with-gcc-12.md).

    coroutine_shapes.py TREE...      lists the offenders; exits 1 when there are any

In the statement of a co_await there may be no second one, no lambda, no braces, no ?:, &&, || or throw; a loop's condition
may hold none; a coroutine lambda has no captures.
"""
import pathlib
import re
import sys

TOKEN = re.compile(
    r"""
      (?P<skip>   //[^\n]* | /\*.*?\*/ | ^[ \t]*\#(?:[^\n\\]|\\\n|\\.)* | \s+ )
    | (?P<text>   R"(?P<fence>[^()\s\\]*)\(.*?\)(?P=fence)" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    | (?P<number> \.?\d(?:'?[\w.])* )
    | (?P<word>   [A-Za-z_]\w* )
    | (?P<mark>   && | \|\| | :: | -> | . )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")": "(", "]": "[", "}": "{"}
CONTROL = {"if", "while", "for", "switch", "catch", "constexpr"}
# Before the brace of a block; before any other word's or type's brace stands an initializer.
BLOCK_WORDS = {"else", "do", "try", "const", "noexcept", "override", "final", "mutable"}
# Words after which a value begins, so that `[` opens a lambda there and no subscript.
VALUE_WORDS = {"return", "co_return", "co_await", "co_yield", "throw", "case"}
COROUTINE_WORDS = {"co_await", "co_return", "co_yield"}


def tokenize(source):
    tokens = []
    for match in TOKEN.finditer(source):
        if match.lastgroup == "skip" or match.group("skip"):
            continue
        tokens.append((match.group(), source.count("\n", 0, match.start()) + 1))
    return tokens


class Source:
    def __init__(self, source):
        tokens = tokenize(source)
        self.words = [word for word, _ in tokens]
        self.lines = [line for _, line in tokens]
        self.partner = self._match_brackets()

    def _match_brackets(self):
        partner, stack = {}, []
        for at, word in enumerate(self.words):
            if word in OPEN:
                stack.append(at)
            elif word in CLOSE and stack and self.words[stack[-1]] == CLOSE[word]:
                partner[at] = stack.pop()
                partner[partner[at]] = at
        return partner

    def before(self, at):
        return self.words[at - 1] if at > 0 else ";"

    def after(self, at):
        return self.words[at + 1] if at + 1 < len(self.words) else ";"

    def is_control(self, parenthesis):
        """Whether `(` opens the head of an if, a loop, ..."""
        return self.words[parenthesis] == "(" and self.before(parenthesis) in CONTROL

    def is_block(self, brace):
        """Whether `{` opens statements rather than an initializer: only statements have semicolons of their own."""
        return self.before(brace) in {")", ";", "}", ":"} | BLOCK_WORDS or ";" in self._own(brace)

    def _own(self, bracket):
        """The words directly between a bracket and its partner, not within others."""
        at, end = bracket + 1, self.partner.get(bracket, len(self.words))
        while at < end:
            yield self.words[at]
            at = self.partner.get(at, at) + 1 if self.words[at] in OPEN else at + 1

    def is_lambda(self, bracket):
        """Whether `[` opens a lambda rather than a subscript, an attribute or a structured binding."""
        before = self.before(bracket)
        if self.after(bracket) == "[" or before in {"[", "auto", "&", "&&", ")", "]", "operator", "delete"} | {"new"}:
            return False
        return before in VALUE_WORDS or not re.match(r"\w", before)

    def statement(self, at):
        """(first, past the last) of the full expression around `at`."""
        first = at
        while first > 0:
            word = self.words[first - 1]
            if word in {";", "else", "do"}:
                break
            if word in CLOSE:
                opening = self.partner.get(first - 1, first - 1)
                if word == ")" and self.is_control(opening):
                    break  # the head of the if or loop whose body this is
                ends_block = word == "}" and self.is_block(opening)
                if ends_block and self.after(first - 1) not in {",", ")", "(", "."}:
                    break  # what follows such a word is still the expression that the lambda stands in
                first = opening
                continue
            if word == "{" and self.is_block(first - 1):
                break
            if word == "(" and self.is_control(first - 1):
                break
            first -= 1
        past = at
        while past < len(self.words):
            word = self.words[past]
            if word == ";":
                break
            if word in OPEN:
                past = self.partner.get(past, past) + 1
                continue
            if word in CLOSE:
                opening = self.partner.get(past, past)
                if self.is_control(opening) or (word == "}" and self.is_block(opening)):
                    break
            past += 1
        return first, past

    def complaints(self):
        done = set()
        for at, word in enumerate(self.words):
            if word == "co_await":
                statement = self.statement(at)
                if statement not in done:
                    done.add(statement)
                    yield from self._judge(at, *statement)
            elif word == "[" and self.is_lambda(at):
                yield from self._judge_lambda(at)

    def _judge(self, at, first, past):
        line = self.lines[at]
        if self._repeated_by_loop(first):
            yield line, "co_await in the condition of a loop"
        awaits, position = 0, first
        while position < past:
            word = self.words[position]
            if word == "co_await":
                awaits += 1
            elif word == "[" and self.is_lambda(position):
                yield line, "a lambda in the statement of a co_await"
            elif word == "{":
                if self.is_block(position):  # a lambda's body: other statements
                    position = self.partner.get(position, past)
                else:
                    yield line, "braces in the statement of a co_await"
            elif word in {"?", "||", "or", "and", "throw"} or (word == "&&" and self.before(position) != "auto"):
                yield line, f"{word} in the statement of a co_await"
            position += 1
        if awaits > 1:
            yield line, "two co_await in one statement"

    def _repeated_by_loop(self, first):
        """Whether the expression stands in a loop's head and is evaluated each time round."""
        at, semicolons = first - 1, 0
        while at >= 0 and not (self.words[at] == "(" or self.words[at] == "{"):
            semicolons += self.words[at] == ";"
            at = self.partner.get(at, at) - 1 if self.words[at] in CLOSE else at - 1
        if at < 0 or not self.is_control(at):
            return False
        return self.before(at) == "while" or (self.before(at) == "for" and semicolons > 0)

    def _judge_lambda(self, bracket):
        captures = self.partner.get(bracket, bracket)
        if captures == bracket + 1:
            return
        at = captures + 1
        while at < len(self.words) and self.words[at] not in {"{", ";", ")", ","}:
            at = self.partner.get(at, at) + 1 if self.words[at] in {"(", "["} else at + 1
        if at < len(self.words) and self.words[at] == "{" and self._has_coroutine_word(at):
            yield self.lines[bracket], "a coroutine lambda with captures"

    def _has_coroutine_word(self, brace):
        at, end = brace + 1, self.partner.get(brace, len(self.words))
        while at < end:
            if self.words[at] in COROUTINE_WORDS:
                return True
            if self.words[at] == "[" and self.is_lambda(at):  # an inner lambda's body is its own
                while at < end and self.words[at] != "{":
                    at = self.partner.get(at, at) + 1 if self.words[at] in {"(", "["} else at + 1
                at = self.partner.get(at, at)
            at += 1
        return False


def offenders(tree):
    for file in sorted(f for f in tree.rglob("*") if f.suffix in {".cpp", ".hpp"}):
        for line, complaint in Source(file.read_text()).complaints():
            yield f"{file}:{line}: {complaint}"


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    trees = [pathlib.Path(tree) for tree in sys.argv[1:]]
    searched = sum(len(re.findall(r"\bco_await\b", f.read_text())) for t in trees for f in t.rglob("*.[ch]pp"))
    if searched == 0:
        print("coroutine_shapes: no co_await there: wrong tree?", file=sys.stderr)
        return 1
    found = [offender for tree in trees for offender in offenders(tree)]
    print("\n".join(found) if found else f"{searched} co_await, each in a statement that g++ 12 compiles right")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
