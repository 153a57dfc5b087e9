#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""co_await stands alone: a whole statement, or the whole right-hand side of one declaration or assignment.

g++ 12.2 miscompiles several other forms: an aggregate braced inside the awaited call, co_await in an aggregate
initialiser, in ?: or in a condition. So: no braces in the awaited expression outside a lambda's body (name the
aggregate first, then move it in), and nothing around the co_await but `name = ` before and `;` after.
"""
import re
import sys

import lint

_AWAIT = re.compile(r"\bco_await\b")
# What stands before it: nothing, or `x =`, `this->x_ =`, `auto [a, b] =`, `std::map<A, B> x =`.
_LEFT = re.compile(r"\s*(?:\(void\)\s*)?|(?!\s*(?:return|co_return|co_yield|throw)\b)(?:[\w:<>,&*\s.\[\]]|->)+=\s*")
# What it awaits, once every bracket is emptied: names and calls, no operator on the result.
_AWAITED = re.compile(r"(?:\s*(?:\(\)|\[\]|->|\.|::|\w+|<[\w:<>,&*\s]*>(?=\s*\()))+\s*")
_LAMBDA_HEAD = re.compile(r"\]\s*(?:\([^{}]*\)\s*)?(?:mutable\s*)?(?:noexcept\s*)?(?:->[^{}()]*)?$")
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_STATEMENT_HEAD = re.compile(r"\s*(?:(?:case\b(?:[^:;{}?]|::)*|default\s*):(?!:)|else\b|do\b|(?P<bracket>(?:if|while|for)\b[^(]*)\()")


def covers(path):
    return lint.is_cpp(path)


def check(path, text):
    code = _PREPROCESSOR.sub(lambda directive: re.sub(r"[^\n]", " ", directive[0]), lint.code_only(text))
    for match in _AWAIT.finditer(code):
        complaint = _complaint(_before(code, match.start()), _after(code, match.end()))
        if complaint:
            yield lint.line_of(text, match.start()), complaint


def _complaint(before, awaited):
    if before is None or awaited is None or not _LEFT.fullmatch(before):
        return "co_await must be a whole statement or a whole right-hand side: name what is around it"
    if "{" in awaited:
        return "an aggregate is braced inside the awaited expression: name it first, then move it"
    if "?" in awaited or _AWAIT.search(awaited):
        return "the awaited expression holds ?: or another co_await: name it first"
    if not _AWAITED.fullmatch(_emptied(awaited)):
        return "co_await's result is used in its own statement: name it first"
    return None


def _before(code, end):
    """What stands before `end` in its statement, without `if (...)` and the like; None inside a bracket."""
    depth, start = 0, end
    while start > 0 and (depth > 0 or code[start - 1] not in ";{}"):
        start -= 1
        depth += (code[start] == ")") - (code[start] == "(")
        if depth < 0:
            return None
    before = code[start:end]
    while head := _STATEMENT_HEAD.match(before):
        before = before[_closing(before, head.end() - 1) + 1 if head["bracket"] else head.end():]
    return before


def _after(code, start):
    """The text from `start` to its statement's end, without the bodies of lambdas; None inside a bracket."""
    kept, offset, depth = "", start, 0
    while offset < len(code) and (depth > 0 or code[offset] != ";"):
        if code[offset] == "{" and _LAMBDA_HEAD.search(kept):
            offset = _closing(code, offset) + 1
            continue
        depth += (code[offset] in "([{") - (code[offset] in ")]}")
        if depth < 0:
            return None
        kept += code[offset]
        offset += 1
    return kept


def _closing(code, opening):
    """Offset of the bracket that closes the one at `opening`, or the end of the text."""
    depth = 0
    for offset in range(opening, len(code)):
        depth += (code[offset] in "([{") - (code[offset] in ")]}")
        if depth == 0:
            return offset
    return len(code)


def _emptied(expression):
    previous = None
    while previous != expression:
        previous = expression
        expression = re.sub(r"\((?:[^()]|\(\))+\)", "()", re.sub(r"\[[^\[\]]+\]", "[]", expression))
    return expression


def _body(statement):
    return ("smb/client/a.cpp", "Task<void> f() {\n  " + statement + "\n}\n")


BAD = [_body(statement) for statement in (
    "if (co_await ready()) co_return;",
    "while (!co_await ready()) {}",
    "switch (co_await kind()) {}",
    "co_return co_await stat(path);",
    "return co_await stat(path);",
    "auto x = a ? co_await b() : c;",
    "auto x = co_await (a ? b() : c());",
    "auto x = co_await send({1, 2});",
    "auto x = co_await send(Request{.path = path});",
    "Pair p{co_await a(), 2};",
    "Pair p = {co_await a(), 2};",
    "f(co_await a());",
    "auto x = 1 + co_await a();",
    "auto x = co_await a() + 1;",
    "auto x = (co_await a()).value();",
    "auto x = *co_await a();",
    "auto x = co_await a(co_await b());",
    "auto x = std::move(co_await a());",
    "for (auto x = co_await a(); co_await b();) {}",
    "auto g = [&]() -> Task<int> { co_return co_await a(); };",
    "co_await run([&] { return 1; }, Options{3});",
    "auto x = co_await a() < b;",
    "auto x = co_await a() && b();",
    "if (int x = 1; co_await a()) {}",
)]
GOOD = [_body(statement) for statement in (
    "co_await a();",
    "(void)co_await a();",
    "auto x = co_await stat(std::move(path), names[3], a < b);",
    "const auto& [x, y] = co_await a();",
    "x = co_await a();",
    "this->members_[0].x_ = co_await a();",
    "tl::expected<std::map<int, A>, std::error_code> x = co_await a();",
    "if (ready) co_await a();",
    "if (f(g(1)) && h) x = co_await a(); else co_await b();",
    "for (int i = 0; i < f(3); ++i) co_await a(i);",
    "for (auto& x : all) { co_await x->run(); }",
    "while (more()) x = co_await next();",
    "switch (k) { case Kind::a: co_await a(); break; default: co_await b(); }",
    "auto v = co_await callback<int>([&](auto done) { start(Request{1}, std::move(done)); });",
    "auto v = co_await callback<int>([this, x = 3](auto done) mutable { if (a) { b(); } });",
    "// f(co_await a())\n  log(\"co_await {\");",
    "[](Task<void> t) -> Detached { co_await t; }(std::move(task));",
    "auto x = co_await (*this).a(b->c, d.e());",
    "auto x = co_await share->stat(path);",
    "auto x = co_await open().read<int>(f(a, b < c));",
)]

if __name__ == "__main__":
    lint.run(sys.modules[__name__])
