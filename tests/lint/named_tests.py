#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A test that a README names is there: `Suite.Name`, `Suite.Begin…`, `unit/wire`, `real/test_smb1`, `fuzz/wire_*`.

Names of tests say what they show; a table of them is worth something as long as none was renamed or removed since."""
import fnmatch
import functools
import re
import sys

import lint

CASE = re.compile(r"`([A-Z]\w+)\.([A-Z]\w+)(…?)`")
PLACE = re.compile(r"`((?:unit|real|lint|fuzz|simulation)/[\w/*.]*)`")
DEFINED = re.compile(r"\bTEST(?:_[FP])?\((\w+),\s*(\w+)\)")


@functools.cache
def cases():
    texts = ((lint.ROOT / path).read_text(encoding="utf-8") for path in lint.tracked_files()
             if path.startswith("tests/") and path.endswith(".cpp"))
    return {found for text in texts for found in DEFINED.findall(text)}


@functools.cache
def places():
    files = [path.removeprefix("tests/") for path in lint.tracked_files() if path.startswith("tests/")]
    folders = {"/".join(file.split("/")[:depth]) for file in files for depth in range(1, file.count("/") + 1)}
    return {re.sub(r"\.\w+$", "", file) for file in files} | set(files) | folders


def covers(path):
    return path.endswith(".md")


def check(_path, text):
    for match in CASE.finditer(text):
        suite, name, is_begin = match.groups()
        if not any(s == suite and (n.startswith(name) if is_begin else n == name) for s, n in cases()):
            yield lint.line_of(text, match.start()), f"there is no test {suite}.{name}"
    for match in PLACE.finditer(text):
        if not fnmatch.filter(places(), match[1].rstrip("/")):
            yield lint.line_of(text, match.start()), f"there is no tests/{match[1]}"


BAD = [
    ("a/README.md", "Shown by `FrameHeader.IsWrittenInTheStars`.\n"),
    ("a/README.md", "`FrameHeader.IsWritten…`\n"),
    ("a/README.md", "`unit/nowhere`, `real/test_nothing`\n"),
]
GOOD = [
    ("a/README.md", "`FrameHeader.IsReadBackAtBothEnds`, `FrameHeader.IsRead…`, `unit/wire/`, `real/test_smb1`, `fuzz/wire_*`\n"),
    ("a/README.md", "`share.h`, `Boost`, `lint.py`\n"),
]

if __name__ == "__main__":
    lint.run(sys.modules[__name__])
