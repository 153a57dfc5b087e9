#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""C++ is formatted as .clang-format says (clang-format 14: others differ in places)."""
import re
import subprocess
import sys

import lint


def covers(path):
    return lint.is_cpp(path)


def check(path, text):
    command = ["clang-format", "--dry-run", "--Werror", "--style=file:" + str(lint.ROOT / ".clang-format"),
               "--assume-filename=" + path]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode != 0:
        found = re.search(r":(\d+):\d+: error:", result.stderr)
        yield (int(found[1]) if found else 1), "not formatted: run clang-format -i on it"


BAD = [("cache/a.cpp", "int  a;\n"), ("cache/a.h", "namespace a {\n  int *b;\n}\n")]
GOOD = [("cache/a.cpp", "int a;\n"), ("cache/a.h", "namespace a {\nint* b;\n}\n")]

if __name__ == "__main__":
    lint.run(sys.modules[__name__])
