#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tree stands alone: no path of somebody's machine, no reference to what a reader cannot open, nothing left to do."""
import re
import sys

import lint

FORBIDDEN = [
    (r"(?<![\w.~$}>*-])/(?:Users|root)/\w", "a path of one machine"),
    (r"(?<![\w.~$}>*-])/home/(?!user\b|you\b|alice\b)\w", "a path of one machine"),
    (r"\b[Ii]ssue #?\d", "an issue's number: say what it says"),
    (r"\b(?:TODO|FIXME|XXX|HACK)\b", "a note to oneself: do it, or say what is missing in the README"),
    (r"^(?:<{7}|>{7}|={7})(?: |$)", "a merge conflict"),
]
_FORBIDDEN = [(re.compile(pattern, re.MULTILINE), complaint) for pattern, complaint in FORBIDDEN]


def covers(path):
    return path not in ("LICENSE", "tests/lint/words.py")


def check(path, text):
    for pattern, complaint in _FORBIDDEN:
        for match in pattern.finditer(text):
            yield lint.line_of(text, match.start()), f"{complaint}: {match[0].strip()!r}"


BAD = [("cache/a.cpp", text) for text in (
    "// see /Users/bob/cache\n", "path = '/home/bob/x'\n", '"/root/x"\n', "// as issue 2 says\n", "// see Issue #14\n", "// TODO: later\n", "a\n<<<<<<< HEAD\n",
)]
GOOD = [("cache/a.cpp", text) for text in (
    "// smb/root/it, ~/root/x and $HOME/root/x\n", "/home/user/media\n", "// an issue of its own, 3 times\n", "// a design\n",
)]

if __name__ == "__main__":
    lint.run(sys.modules[__name__])
