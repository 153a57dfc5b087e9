# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the tree's files, C++ without comments and strings, and the two ways to run a lint.

A lint is a module with `check(path, text)`, which yields (line, complaint) for one file; `covers(path)`, which says
whether the file concerns it; and `BAD` and `GOOD`, lists of (path, text) that it must and must not complain about.
Run without arguments it checks the tree; with --self-test it proves on these samples that it can fail.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

_NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s\\]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL)


def tracked_files():
    """Committed and new files alike, without what .gitignore names."""
    listing = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             check=True, capture_output=True, text=True).stdout
    return sorted(path for path in listing.split("\0") if path and (ROOT / path).is_file())


def is_cpp(path):
    return path.endswith((".cpp", ".h"))


def code_only(text, keep_strings=False):
    """C++ with comments (and strings) blanked out, every line and column where it was."""
    def blank(match):
        if keep_strings and not match[0].startswith("/"):
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])
    return _NOT_CODE.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def run(lint):
    if sys.argv[1:] == ["--self-test"]:
        deaf = [sample for sample in lint.BAD if not (lint.covers(sample[0]) and list(lint.check(*sample)))]
        jumpy = [(sample, list(lint.check(*sample))) for sample in lint.GOOD if lint.covers(sample[0])]
        jumpy = [entry for entry in jumpy if entry[1]]
        for sample in deaf:
            print("not complained about:", sample)
        for sample, complaints in jumpy:
            print("wrongly complained about:", sample, complaints)
        sys.exit(1 if deaf or jumpy or not lint.BAD or not lint.GOOD else 0)
    complaints = 0
    for path in filter(lint.covers, tracked_files()):
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary file: golden bytes, a corpus
        for line, complaint in lint.check(path, text):
            print(f"{path}:{line}: {complaint}")
            complaints += 1
    sys.exit(1 if complaints else 0)
