#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file and script names its licence in its head, and a header is guarded."""
import sys

import lint

SPDX = "SPDX-License-Identifier: Apache-2.0"


def covers(path):
    return lint.is_cpp(path) or path.endswith((".py", ".sh"))


def check(path, text):
    lines = text.splitlines()
    if lint.is_cpp(path):
        if lines[:1] != ["// " + SPDX]:
            yield 1, f"the first line is not '// {SPDX}'"
        if path.endswith(".h") and "#pragma once" not in lines:
            yield 1, "a header without #pragma once"
    elif "# " + SPDX not in lines[:2]:
        yield 1, f"neither of the first two lines is '# {SPDX}'"


BAD = [
    ("cache/a.cpp", "int a;\n"),
    ("cache/a.cpp", ""),
    ("cache/a.cpp", "\n// SPDX-License-Identifier: Apache-2.0\n"),
    ("cache/a.h", "// SPDX-License-Identifier: Apache-2.0\nint a;\n"),
    ("tests/a.py", "#!/usr/bin/env python3\nimport sys\n"),
]
GOOD = [
    ("cache/a.h", "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n"),
    ("tests/a.py", "#!/usr/bin/env python3\n# SPDX-License-Identifier: Apache-2.0\n"),
]

if __name__ == "__main__":
    lint.run(sys.modules[__name__])
