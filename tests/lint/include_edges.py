#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which room may include which: the same edges as the table of rooms in CMakeLists.txt."""
import re
import sys

import lint

# A room may include itself and what stands here. smb/status.h, the one word for errors, is in smb/ itself.
ROOMS = {
    "nbt": [],
    "smb": [],
    "smb/wire": ["smb"],
    "smb/crypto": ["smb", "smb/wire"],
    "smb/auth": ["smb", "smb/wire", "smb/crypto"],
    "smb/smb2": ["smb", "smb/wire", "smb/crypto", "smb/auth", "nbt"],
    "smb/rpc": ["smb", "smb/wire"],
    "smb/rap": ["smb", "smb/wire"],
    "smb/cifs": ["smb", "smb/wire"],
    "smb/smb1": ["smb", "smb/wire", "smb/cifs", "smb/crypto", "smb/auth"],
    "cache": [],
    "smb/client": ["smb", "smb/wire", "smb/cifs", "smb/crypto", "smb/auth", "smb/smb1", "smb/smb2", "smb/rpc", "smb/rap", "cache", "nbt"],
    "fuse": ["smb/client", "cache", "nbt"],
}
# Single headers that a room may include beside its rooms.
ALSO = {"fuse": ["smb/status.h", "smb/crypto/secret.h"]}

# Libraries, by how their headers are named, and the files that may include them.
LIBRARIES = {
    "Asio": (r"boost/asio(\.hpp|/)", r"smb/client/asio_[^/]*\.(cpp|h)|fuse/(session_loop|control_socket)\.(cpp|h)|fuse/main\.cpp"),
    "OpenSSL": (r"openssl/", r"smb/(crypto|auth)/.*"),
    "libfuse": (r"(fuse3/)?fuse[^/]*\.h$", r"fuse/.*"),
    "CLI11": (r"CLI/", r"fuse/.*"),
    "spdlog": (r"spdlog/", r"(smb/client|fuse)/.*"),
    "nlohmann-json": (r"nlohmann/", r"fuse/status_report\.cpp"),
}

_ROOM_LINE = re.compile(r"^smb3fuse_room\((\w+)\s+([\w/]+)([^)]*)\)", re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path):
    """The longest room that holds the path; None for tests and what is at the root."""
    return max((room for room in ROOMS if path.startswith(room + "/")), key=len, default=None)


def covers(path):
    return lint.is_cpp(path) or path == "CMakeLists.txt"


def check_cmake(text):
    """The two tables agree: CMake links no more, directly, and no less, in the end, than the table here allows."""
    lines = {match[1]: match for match in _ROOM_LINE.finditer(text)}
    reached = {}
    for name, match in lines.items():
        folder, line = match[2], lint.line_of(text, match.start())
        linked = [other for other in re.findall(r"smb3fuse::(\w+)", match[3]) if other in lines]
        reached[folder] = set().union(*({lines[other][2]} | reached.get(lines[other][2], set()) for other in linked))
        allowed = set(ROOMS.get(folder, [])) - {"smb"}
        if folder not in ROOMS:
            yield line, f"{folder}/ is no room in tests/lint/include_edges.py"
        elif extra := {lines[other][2] for other in linked} - allowed:
            yield line, f"{folder}/ links {sorted(extra)}, which tests/lint/include_edges.py does not allow"
        elif missing := allowed - reached[folder]:
            yield line, f"{folder}/ does not link {sorted(missing)}, which tests/lint/include_edges.py allows"


def check(path, text):
    if path == "CMakeLists.txt":
        yield from check_cmake(text)
        return
    room = room_of(path)
    if room is None:
        if not path.startswith("tests/"):
            yield 1, "lies in no room: the table in tests/lint/include_edges.py and CMakeLists.txt"
        return
    for match in _INCLUDE.finditer(lint.code_only(text, keep_strings=True)):
        line, quoted, name = lint.line_of(text, match.start(2)), match[1] == '"', match[2]
        if quoted:
            target = room_of(name)
            if target is None:
                yield line, f'"{name}" is in no room: includes are written from the root, and no room includes tests/'
            elif target != room and target not in ROOMS[room] and name not in ALSO.get(room, []):
                yield line, f'{room}/ must not include {target}/ ("{name}")'
            continue
        for library, (header, allowed) in LIBRARIES.items():
            if re.match(header, name) and not re.fullmatch(allowed, path):
                yield line, f"{library} (<{name}>) belongs in {allowed} alone"


BAD = [
    ("cache/a.h", '#include "smb/wire/codec.h"\n'),
    ("cache/a.h", '  #  include "fuse/nodes.h"\n'),
    ("smb/wire/a.h", '#include "smb/smb2/header.h"\n'),
    ("smb/smb2/a.cpp", '#include "cache/buffer.h"\n'),
    ("smb/client/a.cpp", '#include "fuse/errno.h"\n'),
    ("smb/client/share.h", "#include <boost/asio.hpp>\n"),
    ("smb/client/share.cpp", "#include <fuse3/fuse_lowlevel.h>\n"),
    ("fuse/nodes.cpp", "#include <boost/asio/io_context.hpp>\n"),
    ("fuse/nodes.cpp", "#include <nlohmann/json.hpp>\n"),
    ("fuse/nodes.cpp", '#include "smb/smb2/connection.h"\n'),
    ("fuse/nodes.cpp", '#include "smb/wire/utf16.h"\n'),
    ("fuse/nodes.cpp", '#include "smb/crypto/hmac.h"\n'),
    ("fuse/nodes.cpp", '#include "nodes.h"\n'),
    ("smb/client/open.cpp", '#include "tests/support/server.h"\n'),
    ("smb/smb2/a.cpp", "#include <openssl/evp.h>\n"),
    ("utils/a.h", ""),
    ("CMakeLists.txt", "smb3fuse_room(cache cache)\nsmb3fuse_room(wire smb/wire PUBLIC smb3fuse::cache)\n"),
    ("CMakeLists.txt", "smb3fuse_room(wire smb/wire)\nsmb3fuse_room(crypto smb/crypto)\n"),
    ("CMakeLists.txt", "smb3fuse_room(utils utils)\n"),
]
GOOD = [
    ("fuse/session_loop.cpp", '#include <boost/asio.hpp>\n#include "smb/client/share.h"\n#include "cache/access.h"\n'),
    ("fuse/main.cpp", '#include <boost/asio.hpp>\n#include "smb/status.h"\n#include "smb/crypto/secret.h"\n'),
    ("smb/client/asio_transport.cpp", '#include <boost/asio/ip/tcp.hpp>\n#include "smb/smb2/connection.h"\n'),
    ("nbt/a.cpp", '// #include "smb/status.h"\n#include <boost/endian/conversion.hpp>\n#include "nbt/framing.h"\n'),
    ("tests/unit/client/a_test.cpp", '#include "tests/support/server.h"\n#include <boost/asio.hpp>\n'),
]

if __name__ == "__main__":
    lint.run(sys.modules[__name__])
