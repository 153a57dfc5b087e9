# SPDX-License-Identifier: Apache-2.0
"""System calls on a mount against the same calls on a local folder: results and errno, one row each.

A row is a function of a small prepared folder; what it returns, or the errno it fails with, is compared. What may
differ stands in DIFFERENCES with its reason, and is checked both ways: a difference that is gone fails the test too.

    parity.py                   compares on a real mount
    parity.py --differences     prints DIFFERENCES as Markdown
    parity.py --run FOLDER      prints what the rows give in FOLDER, as JSON
"""
import ctypes
import errno
import fcntl
import json
import mmap
import os
import pathlib
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
import unittest

import harness

ROWS = {}
_libc = ctypes.CDLL(None, use_errno=True)

RDONLY, WRONLY, RDWR, CREAT, EXCL, TRUNC, APPEND = (
    os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_EXCL, os.O_TRUNC, os.O_APPEND)
AT_FDCWD, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = -100, 1, 2, 4
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2


# --- reasons for differences ----------------------------------------------------------------------------------------

class Difference:
    def __init__(self, local, mounted, reason):
        self.local, self.mounted, self.reason = local, mounted, reason


def _differences(*groups):
    return {name: Difference(local, mounted, reason) for reason, rows in groups for name, (local, mounted) in rows.items()}


DIFFERENCES = _differences(
    ("SMB keeps a read-only attribute instead of permission bits; `file_mode` and `dir_mode` say the rest.", {
        "stat: permission bits of a file": ("0o644", "0o755"),
        "chmod: 0600": ("0o600", "0o755"),
        "chmod: folder 0700": ("0o700", "0o755"),
        "access: execute a file without x": (False, True)}),
    ("SMB counts time in steps of 100 ns.", {
        "utimensat: nanoseconds": ("(1500000000123456789, 1600000000987654321)", "(1500000000123456700, 1600000000987654300)")}),
    ("Samba sends the modification time in place of the change time.", {
        "stat: change time moves with chmod": (True, False),
        "stat: change time moves with rename": (True, False)}),
    ("SMB has no link count for folders.", {
        "stat: links of a folder with one folder in it": (3, 2)}),
    ("On the server, names that differ in case only are the same name.", {
        "name: upper and lower case are two files": ("A", "B"),
        "name: another case does not find it": ("ENOENT", 11),
        "name: another case can be made with O_EXCL": ("ok", "EEXIST")}),
    ("The kernel finds one file under both names, and so has nothing to rename.", {
        "rename: only the case of a name": ("FILE,empty,full,other", "empty,file,full,other")}),
    ("Samba lists names of DOS devices as short names (`mangled names = no` there turns it off).", {
        "name: that of a DOS device": ("CON,empty,file,full,other", "CSHOFG~F,empty,file,full,other")}),
    ("SMB's names are UTF-16.", {
        "name: not UTF-8": ("ok", "ENOENT")}),
    ("Without POSIX extensions a file removed while open keeps a hidden name in its folder until it is closed.", {
        "unlink: while open, folder can be removed at once": ("(b'x', 'empty,file,other')", "ENOTEMPTY")}),
    ("The server refuses to rename a folder in which a file is open.", {
        "rename: the folder of an open file": ("(b'y', 'y')", "EACCES")}),
    ("The kernel's FUSE finds nothing in a folder that was removed.", {
        "rmdir: while it is listed": ("[]", "ESTALE"),
        "rmdir: while it is the current folder": ("('ENOENT', 'ENOENT', '')", "ENOENT")}),
    ("SMB has no request for it.", {
        "rename: EXCHANGE of two files": ("empty=/ file=another file full/inside=x full=/ other=hello world", "EINVAL"),
        "fallocate: keep size": ("(11, b'hello world')", "ENOTSUP"),
        "open: O_TMPFILE": ("ok", "ENOTSUP")}),
    ("The server tells holes only of files that are marked as sparse; the whole file counts as data, which POSIX allows.", {
        "lseek: SEEK_HOLE and SEEK_DATA in a sparse file": ("(65536, 16777216, 16842752)", "(16842752, 1048576, 16842752)")}),
    ("A symbolic link is a small file with room for 1,024 bytes.", {
        "symlink: target of 4,095 bytes": (4095, "ENAMETOOLONG")}),
    ("Not supported yet.", {
        "mknod: fifo": (True, "EPERM"),
        "xattr: set and get": ("b'value'", "ENOTSUP"),
        "xattr: list": ("user.test", "ENOTSUP"),
        "xattr: remove": ("ENODATA", "ENOTSUP"),
        "xattr: remove a missing one": ("ENODATA", "ENOTSUP"),
        "xattr: XATTR_CREATE on an existing one": ("EEXIST", "ENOTSUP"),
        "xattr: XATTR_REPLACE of a missing one": ("ENODATA", "ENOTSUP")}),
    ("Only Samba's UNIX extensions of SMB1 have them.", {
        "acl: of an open file": ("('0o650', True, 'HELLO!world')", "ENOTSUP")}),
)

# Over SMB1 all of those, and:
SMB1_DIFFERENCES = DIFFERENCES | _differences(
    ("Samba 4.17 does not take this control code over SMB1.", {
        "fallocate: punch a hole": ("(11, b'he\\x00\\x00\\x00\\x00world')", "ENOTSUP")}))

# With its UNIX extensions these are left:
UNIX_DIFFERENCES = {name: SMB1_DIFFERENCES[name] for name in (
    "utimensat: nanoseconds", "name: not UTF-8", "rmdir: while it is listed", "rmdir: while it is the current folder",
    "rename: EXCHANGE of two files", "fallocate: keep size", "fallocate: punch a hole", "open: O_TMPFILE",
    "lseek: SEEK_HOLE and SEEK_DATA in a sparse file", *(name for name in DIFFERENCES if name.startswith("xattr: ")))}
UNIX_DIFFERENCES |= _differences(
    ("The kernel takes the umask off modes, whatever the folder says of what is made in it.", {
        "acl: what is made in a folder, with a umask": ("('0o660', '0o770')", "('0o600', '0o700')")}),
    ("Samba 4.17 changes nothing but the bytes of a file that has lost its name.", {
        "unlink: while open, then write, read, fstat, truncate": ("(b'HELLO wo', 8, 0, 'empty,full,other', 'ENOENT')", "ENOENT")}))


# --- how rows are written -------------------------------------------------------------------------------------------

def row(name):
    def register(function):
        assert name not in ROWS, name
        ROWS[name] = function
        return function
    return register


def rows(table):
    for name, function in table.items():
        row(name)(function)


def prepare(folder):
    """file (11 bytes), other, empty/, full/inside, open only to us."""
    folder.mkdir()
    (folder / "file").write_text("hello world")
    (folder / "other").write_text("another file")
    (folder / "empty").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "inside").write_text("x")
    return folder


def outcome(function, folder):
    try:
        value = function(folder)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "ok" if value is None else value if isinstance(value, (bool, int, str)) else str(value)


def call(function, *arguments):
    """A libc function by name, errno as an exception."""
    encoded = [os.fsencode(a) if isinstance(a, (str, os.PathLike)) else a for a in arguments]
    result = getattr(_libc, function)(*encoded)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class Opened:
    """An open file that closes itself."""

    def __init__(self, path, flags, mode=0o644):
        self.fd = os.open(path, flags, mode)

    def __enter__(self):
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)


def opens(path, flags, mode=0o644):
    with Opened(path, flags, mode):
        return None


def text(path):
    return pathlib.Path(path).read_text()


def names(path):
    return ",".join(sorted(os.listdir(path)))


def errno_of(function, *arguments):
    try:
        function(*arguments)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


# --- open and create ------------------------------------------------------------------------------------------------

rows({
    "open: missing file": lambda p: opens(p / "missing", RDONLY),
    "open: below a missing folder": lambda p: opens(p / "missing" / "x", RDONLY),
    "open: below a file": lambda p: opens(p / "file" / "x", RDONLY),
    "open: create below a missing folder": lambda p: opens(p / "missing" / "x", CREAT | WRONLY),
    "open: create below a file": lambda p: opens(p / "file" / "x", CREAT | WRONLY),
    "open: O_CREAT on a file": lambda p: opens(p / "file", CREAT | RDWR) or text(p / "file"),
    "open: O_CREAT|O_EXCL on a file": lambda p: opens(p / "file", CREAT | EXCL | RDWR),
    "open: O_CREAT|O_EXCL on a folder": lambda p: opens(p / "empty", CREAT | EXCL | RDWR),
    "open: O_CREAT|O_EXCL of a new name": lambda p: opens(p / "new", CREAT | EXCL | RDWR) or names(p),
    "open: O_CREAT on a folder": lambda p: opens(p / "empty", CREAT | WRONLY),
    "open: folder for reading": lambda p: opens(p / "empty", RDONLY),
    "open: folder for writing": lambda p: opens(p / "empty", WRONLY),
    "open: folder with O_TRUNC": lambda p: opens(p / "empty", RDWR | TRUNC),
    "open: O_DIRECTORY on a folder": lambda p: opens(p / "empty", RDONLY | os.O_DIRECTORY),
    "open: O_DIRECTORY on a file": lambda p: opens(p / "file", RDONLY | os.O_DIRECTORY),
    "open: O_DIRECTORY on a missing name": lambda p: opens(p / "missing", RDONLY | os.O_DIRECTORY),
    "open: file with a trailing slash": lambda p: opens(f"{p}/file/", RDONLY),
    "open: new file with a trailing slash": lambda p: opens(f"{p}/new/", CREAT | WRONLY),
    "open: O_TRUNC": lambda p: opens(p / "file", WRONLY | TRUNC) or os.stat(p / "file").st_size,
    "open: O_TRUNC with O_RDWR then read": lambda p: opens(p / "file", RDWR | TRUNC) or text(p / "file"),
    "open: O_CREAT|O_TRUNC on a file": lambda p: opens(p / "file", CREAT | TRUNC | WRONLY) or text(p / "file"),
    "open: O_PATH": lambda p: opens(p / "file", os.O_PATH),
    "open: O_TMPFILE": lambda p: opens(p / "empty", os.O_TMPFILE | RDWR),
    "open: O_DIRECT": lambda p: opens(p / "file", RDONLY | os.O_DIRECT),
    "open: O_SYNC": lambda p: opens(p / "file", RDWR | os.O_SYNC),
    "open: name of 255 bytes": lambda p: opens(p / ("n" * 255), CREAT | WRONLY),
    "open: name of 256 bytes": lambda p: opens(p / ("n" * 256), CREAT | WRONLY),
    "open: missing name of 256 bytes": lambda p: opens(p / ("n" * 256), RDONLY),
    "open: path longer than PATH_MAX": lambda p: opens(f"{p}/" + "d/" * 2100, RDONLY),
    "open: empty path": lambda p: opens("", RDONLY),
    "open: O_NOFOLLOW on a file": lambda p: opens(p / "file", RDONLY | os.O_NOFOLLOW),
    "open: mode of a new file lets its owner write": lambda p: opens(p / "new", CREAT | WRONLY) or bool(os.stat(p / "new").st_mode & 0o200),
    "open: new file is empty and regular": lambda p: opens(p / "new", CREAT | WRONLY) or (os.stat(p / "new").st_size, stat.S_ISREG(os.stat(p / "new").st_mode)),
    "open: owner of a new file": lambda p: opens(p / "new", CREAT | WRONLY) or os.stat(p / "new").st_uid == os.getuid(),
})


@row("open: new file read-only by mode, still writable through its descriptor")
def _(p):
    with Opened(p / "new", CREAT | WRONLY, 0o400) as fd:
        os.write(fd, b"data")
    return text(p / "new")


@row("open: umask takes write permission away")
def _(p):
    old = os.umask(0o222)
    try:
        opens(p / "new", CREAT | WRONLY, 0o666)
    finally:
        os.umask(old)
    return oct(os.stat(p / "new").st_mode & 0o200)


@row("open: twice at once, write through one, read through the other")
def _(p):
    with Opened(p / "file", RDWR) as a, Opened(p / "file", RDONLY) as b:
        os.pwrite(a, b"HELLO", 0)
        return os.pread(b, 100, 0)


@row("open: same inode number by stat and fstat, and at a second open")
def _(p):
    with Opened(p / "file", RDONLY) as a, Opened(p / "file", RDONLY) as b:
        return os.fstat(a).st_ino == os.fstat(b).st_ino == os.stat(p / "file").st_ino


# --- read, write, seek ----------------------------------------------------------------------------------------------

def with_fd(flags, body, name="file"):
    def function(p):
        with Opened(p / name, flags) as fd:
            return body(fd, p)
    return function


rows({
    "read: on a write-only descriptor": with_fd(WRONLY, lambda fd, p: os.read(fd, 1)),
    "write: on a read-only descriptor": with_fd(RDONLY, lambda fd, p: os.write(fd, b"x")),
    "read: on a folder": with_fd(RDONLY, lambda fd, p: os.read(fd, 1), "empty"),
    "read: past the end": with_fd(RDONLY, lambda fd, p: os.pread(fd, 10, 100)),
    "read: over the end": with_fd(RDONLY, lambda fd, p: os.pread(fd, 100, 6)),
    "read: nothing": with_fd(RDONLY, lambda fd, p: os.pread(fd, 0, 0)),
    "read: at a negative offset": with_fd(RDONLY, lambda fd, p: os.pread(fd, 1, -1)),
    "read: at the largest offset": with_fd(RDONLY, lambda fd, p: os.pread(fd, 1, 2**63 - 2)),
    "read: on a closed descriptor": lambda p: os.read(999, 1),
    "write: nothing": with_fd(RDWR, lambda fd, p: os.write(fd, b"")),
    "write: in the middle": with_fd(RDWR, lambda fd, p: os.pwrite(fd, b"XX", 3) and text(p / "file")),
    "write: past the end leaves zeros": with_fd(RDWR, lambda fd, p: os.pwrite(fd, b"X", 20) and os.pread(fd, 100, 0)),
    "write: past the end, size at once": with_fd(RDWR, lambda fd, p: os.pwrite(fd, b"X", 70000) and os.stat(p / "file").st_size),
    "write: at a negative offset": with_fd(RDWR, lambda fd, p: os.pwrite(fd, b"x", -1)),
    "write: writev and readv": with_fd(RDWR, lambda fd, p: os.writev(fd, [b"ab", b"", b"cd"]) and os.pread(fd, 6, 0)),
    "write: seen by stat before close": with_fd(RDWR, lambda fd, p: os.pwrite(fd, b"x" * 100, 0) and os.stat(p / "file").st_size),
    "write: seen by another open before close": with_fd(RDWR, lambda fd, p: os.pwrite(fd, b"HELLO", 0) and text(p / "file")),
    "append: offset is ignored": with_fd(RDWR | APPEND, lambda fd, p: (os.lseek(fd, 0, 0), os.write(fd, b"!"), text(p / "file"))),
    "append: pwrite appends too": with_fd(RDWR | APPEND, lambda fd, p: os.pwrite(fd, b"!", 0) and text(p / "file")),
    "append: position after it": with_fd(RDWR | APPEND, lambda fd, p: os.write(fd, b"!!") and os.lseek(fd, 0, 1)),
    "append: reading from the start": with_fd(RDWR | APPEND, lambda fd, p: os.read(fd, 5)),
    "append: O_APPEND set later by fcntl": with_fd(RDWR, lambda fd, p: (fcntl.fcntl(fd, fcntl.F_SETFL, APPEND), os.write(fd, b"!"), text(p / "file"))),
    "lseek: end": with_fd(RDONLY, lambda fd, p: os.lseek(fd, 0, 2)),
    "lseek: before the start": with_fd(RDONLY, lambda fd, p: os.lseek(fd, -1, 0)),
    "lseek: wrong whence": with_fd(RDONLY, lambda fd, p: os.lseek(fd, 0, 99)),
    "lseek: SEEK_DATA of data": with_fd(RDONLY, lambda fd, p: os.lseek(fd, 0, os.SEEK_DATA)),
    "lseek: SEEK_HOLE without a hole is the end": with_fd(RDONLY, lambda fd, p: os.lseek(fd, 0, os.SEEK_HOLE)),
    "lseek: SEEK_DATA past the end": with_fd(RDONLY, lambda fd, p: os.lseek(fd, 100, os.SEEK_DATA)),
    "lseek: SEEK_HOLE past the end": with_fd(RDONLY, lambda fd, p: os.lseek(fd, 100, os.SEEK_HOLE)),
    "fsync": with_fd(RDWR, lambda fd, p: os.write(fd, b"x") and os.fsync(fd)),
    "fdatasync": with_fd(RDWR, lambda fd, p: os.write(fd, b"x") and os.fdatasync(fd)),
    "fsync: of a read-only descriptor": with_fd(RDONLY, lambda fd, p: os.fsync(fd)),
    "fsync: of a folder": with_fd(RDONLY, lambda fd, p: os.fsync(fd), "empty"),
    "syncfs": with_fd(RDONLY, lambda fd, p: call("syncfs", fd)),
    "posix_fadvise": with_fd(RDONLY, lambda fd, p: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)),
    "sendfile from the file": with_fd(RDONLY, lambda fd, p: _sendfile(fd, p)),
})


def _sendfile(fd, p):
    with Opened(p / "sent", CREAT | RDWR) as out:
        os.sendfile(out, fd, 0, 100)
        return os.pread(out, 100, 0)


@row("append: two descriptors in turn")
def _(p):
    with Opened(p / "file", WRONLY | APPEND) as a, Opened(p / "file", WRONLY | APPEND) as b:
        for i in range(5):
            os.write(a, b"a")
            os.write(b, b"b")
    return text(p / "file")


@row("append: while another descriptor truncates")
def _(p):
    with Opened(p / "file", WRONLY | APPEND) as a, Opened(p / "file", RDWR) as b:
        os.write(a, b"1")
        os.ftruncate(b, 3)
        os.write(a, b"2")
        return os.pread(b, 100, 0)


@row("lseek: SEEK_HOLE and SEEK_DATA in a sparse file")
def _(p):
    with Opened(p / "sparse", CREAT | RDWR) as fd:
        os.pwrite(fd, b"a" * 65536, 0)
        os.pwrite(fd, b"b" * 65536, 16 << 20)
        os.fsync(fd)
        return os.lseek(fd, 0, os.SEEK_HOLE), os.lseek(fd, 1 << 20, os.SEEK_DATA), os.lseek(fd, 16 << 20, os.SEEK_HOLE)


@row("read and write: 3 MiB in one call")
def _(p):
    data = bytes(range(256)) * (3 << 12)
    with Opened(p / "big", CREAT | RDWR) as fd:
        return os.write(fd, data) == len(data) and os.pread(fd, len(data) + 10, 0) == data


@row("O_DIRECT: aligned write and read")
def _(p):
    block = mmap.mmap(-1, 8192)
    block.write(b"d" * 8192)
    with Opened(p / "direct", CREAT | RDWR | os.O_DIRECT) as fd:
        os.pwritev(fd, [block], 4096)
        got = mmap.mmap(-1, 4096)
        return os.preadv(fd, [got], 8192), got[:3], os.fstat(fd).st_size


@row("mmap: private mapping of a file, written in memory only")
def _(p):
    with Opened(p / "file", RDONLY) as fd, mmap.mmap(fd, 11, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as m:
        m[0:5] = b"HELLO"
        return bytes(m), text(p / "file")


@row("mmap: shared mapping read")
def _(p):
    with Opened(p / "file", RDONLY) as fd, mmap.mmap(fd, 11, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        return bytes(m)


@row("mmap: shared mapping written, msync, read through the descriptor")
def _(p):
    with Opened(p / "file", RDWR) as fd:
        with mmap.mmap(fd, 11, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as m:
            m[0:5] = b"HELLO"
            m.flush()
            during = os.pread(fd, 11, 0)
    return during, text(p / "file")


@row("mmap: shared mapping survives close and unlink")
def _(p):
    fd = os.open(p / "file", RDWR)
    m = mmap.mmap(fd, 11, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(fd)
    os.unlink(p / "file")
    m[0:2] = b"##"
    value = bytes(m)
    m.close()
    return value, names(p)


@row("mmap: shared writable mapping of a read-only descriptor")
def _(p):
    with Opened(p / "file", RDONLY) as fd:
        mmap.mmap(fd, 11, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)


@row("execute a program")
def _(p):
    shutil.copy("/bin/true", p / "true")
    os.chmod(p / "true", 0o755)
    return os.spawnv(os.P_WAIT, str(p / "true"), ["true"])


@row("copy_file_range: within the file system")
def _(p):
    with Opened(p / "file", RDONLY) as a, Opened(p / "copied", CREAT | RDWR) as b:
        return os.copy_file_range(a, b, 100, 6, 2), os.pread(b, 100, 0)


@row("copy_file_range: from a folder")
def _(p):
    with Opened(p / "empty", RDONLY) as a, Opened(p / "copied", CREAT | RDWR) as b:
        return os.copy_file_range(a, b, 1)


# --- size and space -------------------------------------------------------------------------------------------------

def allocate(mode, offset, length, flags=RDWR, name="file"):
    def function(p):
        with Opened(p / name, flags) as fd:
            call("fallocate", fd, mode, ctypes.c_long(offset), ctypes.c_long(length))
            return os.fstat(fd).st_size, os.pread(fd, 30, 0)
    return function


rows({
    "truncate: shrink": lambda p: os.truncate(p / "file", 5) or text(p / "file"),
    "truncate: grow": lambda p: os.truncate(p / "file", 15) or text(p / "file"),
    "truncate: to the same size": lambda p: os.truncate(p / "file", 11) or text(p / "file"),
    "truncate: to 5 GiB": lambda p: os.truncate(p / "file", 5 << 30) or os.stat(p / "file").st_size,
    "truncate: negative": lambda p: os.truncate(p / "file", -1),
    "truncate: missing": lambda p: os.truncate(p / "missing", 0),
    "truncate: folder": lambda p: os.truncate(p / "empty", 0),
    "truncate: below a file": lambda p: os.truncate(p / "file" / "x", 0),
    "ftruncate: shrink": with_fd(RDWR, lambda fd, p: os.ftruncate(fd, 5) or os.pread(fd, 100, 0)),
    "ftruncate: grow": with_fd(RDWR, lambda fd, p: os.ftruncate(fd, 13) or os.pread(fd, 100, 0)),
    "ftruncate: shrink then grow reads zeros": with_fd(RDWR, lambda fd, p: (os.ftruncate(fd, 2), os.ftruncate(fd, 6), os.pread(fd, 9, 0))),
    "ftruncate: read-only descriptor": with_fd(RDONLY, lambda fd, p: os.ftruncate(fd, 0)),
    "ftruncate: position stays": with_fd(RDWR, lambda fd, p: (os.read(fd, 8), os.ftruncate(fd, 2), os.lseek(fd, 0, 1), os.read(fd, 5))),
    "fallocate: grow": allocate(0, 0, 100),
    "fallocate: keep size": allocate(1, 0, 100000),
    "fallocate: punch a hole": allocate(3, 2, 4),
    "fallocate: punch without keeping the size": allocate(2, 0, 4),
    "fallocate: length 0": allocate(0, 0, 0),
    "fallocate: negative offset": allocate(0, -1, 10),
    "fallocate: read-only descriptor": allocate(0, 0, 100, RDONLY),
    "posix_fallocate": with_fd(RDWR, lambda fd, p: os.posix_fallocate(fd, 5, 20) or os.fstat(fd).st_size),
    "statvfs: sane figures": lambda p: (lambda s: s.f_blocks >= s.f_bfree >= s.f_bavail > 0 and s.f_bsize >= 512)(os.statvfs(p)),
    "statvfs: longest name": lambda p: os.statvfs(p).f_namemax,
    "statvfs: of a missing name": lambda p: os.statvfs(p / "missing"),
    "fstatvfs": with_fd(RDONLY, lambda fd, p: os.fstatvfs(fd).f_blocks > 0),
    "stat: blocks cover the data": lambda p: (p / "big").write_bytes(b"x" * 100000) and os.stat(p / "big").st_blocks * 512 >= 100000,
})


# --- stat -----------------------------------------------------------------------------------------------------------

rows({
    "stat: missing": lambda p: os.stat(p / "missing"),
    "stat: below a file": lambda p: os.stat(p / "file" / "x"),
    "stat: file with a trailing slash": lambda p: os.stat(f"{p}/file/"),
    "stat: folder with a trailing slash": lambda p: stat.S_ISDIR(os.stat(f"{p}/empty/").st_mode),
    "stat: through ..": lambda p: os.stat(p / "empty" / ".." / "file").st_size,
    "stat: through a missing folder and ..": lambda p: os.stat(p / "missing" / ".." / "file").st_size,
    "stat: kind and size of a file": lambda p: (stat.S_IFMT(os.stat(p / "file").st_mode), os.stat(p / "file").st_size),
    "stat: kind of a folder": lambda p: stat.S_IFMT(os.stat(p / "empty").st_mode),
    "stat: links of a file": lambda p: os.stat(p / "file").st_nlink,
    "stat: owner is us": lambda p: os.stat(p / "file").st_uid == os.getuid(),
    "stat: permission bits of a file": lambda p: oct(os.stat(p / "file").st_mode & 0o7777),
    "stat: permission bits of a folder": lambda p: oct(os.stat(p / "empty").st_mode & 0o7777),
    "stat: links of a folder with one folder in it": lambda p: os.mkdir(p / "empty" / "x") or os.stat(p / "empty").st_nlink,
    "stat: modification time moves with a write": lambda p: _mtime_moves(p, lambda: (p / "file").write_text("x"), "file"),
    "stat: modification time of a folder moves with a new name": lambda p: _mtime_moves(p, lambda: (p / "empty" / "x").touch(), "empty"),
    "stat: change time moves with chmod": lambda p: _ctime_moves(p, lambda: os.chmod(p / "file", 0o444)),
    "stat: change time moves with rename": lambda p: _ctime_moves(p, lambda: os.rename(p / "file", p / "moved"), "moved"),
    "stat: modification time stays with a read": lambda p: not _mtime_moves(p, lambda: text(p / "file"), "file"),
    "stat: inode number survives a rename": lambda p: (lambda before: os.rename(p / "file", p / "moved") or os.stat(p / "moved").st_ino == before)(os.stat(p / "file").st_ino),
    "stat: two files, two inode numbers": lambda p: os.stat(p / "file").st_ino != os.stat(p / "other").st_ino,
    "access: read and write of a file": lambda p: (os.access(p / "file", os.R_OK), os.access(p / "file", os.W_OK)),
    "access: execute a file without x": lambda p: os.access(p / "file", os.X_OK),
    "access: missing": lambda p: os.access(p / "missing", os.F_OK),
    "access: search of a folder": lambda p: os.access(p / "empty", os.X_OK | os.W_OK),
})


def _mtime_moves(p, action, name):
    before = os.stat(p / name).st_mtime_ns
    time.sleep(0.03)
    action()
    return os.stat(p / name).st_mtime_ns > before


def _ctime_moves(p, action, after="file"):
    before = os.stat(p / "file").st_ctime_ns
    time.sleep(0.03)
    action()
    return os.stat(p / after).st_ctime_ns > before


# --- times, mode, owner ---------------------------------------------------------------------------------------------

class _Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


def utimensat(path, access, modification):
    call("utimensat", AT_FDCWD, path, (_Timespec * 2)(access, modification), 0)


def _omit(p, which):
    os.utime(p / "file", ns=(10**18 + 100, 2 * 10**18 + 200))
    new = (5, 500)
    utimensat(p / "file", *[(0, UTIME_OMIT) if i == which else new for i in range(2)])
    s = os.stat(p / "file")
    return s.st_atime_ns, s.st_mtime_ns


def _now(p, which):
    os.utime(p / "file", ns=(10**18, 10**18))
    utimensat(p / "file", *[(0, UTIME_NOW) if i == which else (0, UTIME_OMIT) for i in range(2)])
    s = os.stat(p / "file")
    value = (s.st_atime, s.st_mtime)
    return abs(value[which] - time.time()) < 5, value[1 - which]


rows({
    "utimensat: to 100 ns": lambda p: os.utime(p / "file", ns=(1_500_000_000_123_456_700, 1_600_000_000_765_432_100)) or (os.stat(p / "file").st_atime_ns, os.stat(p / "file").st_mtime_ns),
    "utimensat: nanoseconds": lambda p: os.utime(p / "file", ns=(1_500_000_000_123_456_789, 1_600_000_000_987_654_321)) or (os.stat(p / "file").st_atime_ns, os.stat(p / "file").st_mtime_ns),
    "utimensat: folder": lambda p: os.utime(p / "empty", ns=(10**18, 10**18)) or os.stat(p / "empty").st_mtime_ns,
    "utimensat: before 1970": lambda p: os.utime(p / "file", ns=(-10**18, -10**18)) or os.stat(p / "file").st_mtime_ns,
    "utimensat: the epoch itself": lambda p: os.utime(p / "file", ns=(0, 0)) or os.stat(p / "file").st_mtime_ns,
    "utimensat: after 2106": lambda p: os.utime(p / "file", ns=(5 * 10**18, 5 * 10**18)) or os.stat(p / "file").st_mtime_ns,
    "utimensat: UTIME_OMIT of the access time": lambda p: _omit(p, 0),
    "utimensat: UTIME_OMIT of the modification time": lambda p: _omit(p, 1),
    "utimensat: UTIME_NOW of the access time": lambda p: _now(p, 0),
    "utimensat: UTIME_NOW of the modification time": lambda p: _now(p, 1),
    "utimensat: missing": lambda p: os.utime(p / "missing"),
    "utimensat: nanoseconds out of range": lambda p: utimensat(p / "file", (0, 10**9), (0, 0)),
    "futimens: after a write": with_fd(RDWR, lambda fd, p: (os.write(fd, b"x"), os.utime(fd, ns=(10**18, 10**18)), os.stat(p / "file").st_mtime_ns)),
    "futimens: kept by close": lambda p: with_fd(RDWR, lambda fd, p: os.write(fd, b"x") and os.utime(fd, ns=(10**18, 10**18)))(p) or os.stat(p / "file").st_mtime_ns,
    "chmod: take write permission away": lambda p: os.chmod(p / "file", 0o444) or oct(os.stat(p / "file").st_mode & 0o222),
    "chmod: and give it back": lambda p: os.chmod(p / "file", 0o444) or os.chmod(p / "file", 0o644) or oct(os.stat(p / "file").st_mode & 0o200),
    "chmod: writing a file without w as its owner": lambda p: os.chmod(p / "file", 0o444) or errno_of(opens, p / "file", WRONLY),
    "chmod: 0600": lambda p: os.chmod(p / "file", 0o600) or oct(os.stat(p / "file").st_mode & 0o7777),
    "chmod: 0755": lambda p: os.chmod(p / "file", 0o755) or oct(os.stat(p / "file").st_mode & 0o7777),
    "chmod: folder 0700": lambda p: os.chmod(p / "empty", 0o700) or oct(os.stat(p / "empty").st_mode & 0o7777),
    "chmod: missing": lambda p: os.chmod(p / "missing", 0o600),
    "fchmod": with_fd(RDWR, lambda fd, p: os.fchmod(fd, 0o444) or oct(os.fstat(fd).st_mode & 0o222)),
    "unlink: file without write permission": lambda p: os.chmod(p / "file", 0o444) or os.unlink(p / "file") or names(p),
    "rename: file without write permission": lambda p: os.chmod(p / "file", 0o444) or os.rename(p / "file", p / "moved") or names(p),
    "rename: over a file without write permission": lambda p: os.chmod(p / "file", 0o444) or os.rename(p / "other", p / "file") or text(p / "file"),
    "chown: to ourselves": lambda p: os.chown(p / "file", os.getuid(), os.getgid()),
    "chown: nothing": lambda p: os.chown(p / "file", -1, -1),
    "chown: to somebody else": lambda p: os.chown(p / "file", 12345, -1),
    "chown: missing": lambda p: os.chown(p / "missing", os.getuid(), -1),
})


# --- folders --------------------------------------------------------------------------------------------------------

rows({
    "mkdir": lambda p: os.mkdir(p / "new") or (names(p), names(p / "new")),
    "mkdir: on a file": lambda p: os.mkdir(p / "file"),
    "mkdir: on a folder": lambda p: os.mkdir(p / "empty"),
    "mkdir: below a missing folder": lambda p: os.mkdir(p / "missing" / "x"),
    "mkdir: below a file": lambda p: os.mkdir(p / "file" / "x"),
    "mkdir: .": lambda p: os.mkdir(p / "empty" / "."),
    "mkdir: with a trailing slash": lambda p: os.mkdir(f"{p}/new/") or names(p),
    "mkdir: name of 256 bytes": lambda p: os.mkdir(p / ("n" * 256)),
    "rmdir": lambda p: os.rmdir(p / "empty") or names(p),
    "rmdir: not empty": lambda p: os.rmdir(p / "full"),
    "rmdir: file": lambda p: os.rmdir(p / "file"),
    "rmdir: missing": lambda p: os.rmdir(p / "missing"),
    "rmdir: .": lambda p: call("rmdir", f"{p}/empty/."),
    "rmdir: ..": lambda p: call("rmdir", f"{p}/full/.."),
    "rmdir: below a file": lambda p: os.rmdir(p / "file" / "x"),
    "rmdir: while it is listed": lambda p: with_fd(RDONLY | os.O_DIRECTORY, lambda fd, p: os.rmdir(p / "empty") or os.listdir(fd), "empty")(p),
    "rmdir: while it is the current folder": lambda p: _rmdir_below_us(p),
    "mkdir: again after rmdir": lambda p: os.rmdir(p / "empty") or os.mkdir(p / "empty") or names(p / "empty"),
    "readdir: . and .. first, then all once": lambda p: _raw_names(p),
    "readdir: of a file": lambda p: os.listdir(p / "file"),
    "readdir: of a missing folder": lambda p: os.listdir(p / "missing"),
    "readdir: kinds of entries": lambda p: ",".join(sorted(f"{e.name}:{e.is_dir()}" for e in os.scandir(p))),
    "readdir: inode numbers are stat's": lambda p: all(e.inode() == e.stat().st_ino for e in os.scandir(p)),
    "readdir: inode number of ..": lambda p: _dot_dot_inode(p),
    "readdir: a name made after opendir and rewinddir": lambda p: _rewound(p),
    "readdir: position after a seek": lambda p: _sought(p),
    "chdir and relative paths": lambda p: _from_inside(p, lambda: (text("../file"), os.getcwd() == str(p / "empty"))),
    "chdir: into a file": lambda p: os.chdir(p / "file"),
})


def _rmdir_below_us(p):
    def inside():
        os.rmdir(p / "empty")
        return errno_of(os.getcwd), errno_of(opens, "x", CREAT | WRONLY), ",".join(os.listdir("."))
    return _from_inside(p, inside)


def _from_inside(p, body):
    before = os.getcwd()
    os.chdir(p / "empty")
    try:
        return body()
    finally:
        os.chdir(before)


class _Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("reclen", ctypes.c_ushort), ("type", ctypes.c_ubyte),
                ("name", ctypes.c_char * 256)]


for _name, _result, _arguments in (("opendir", ctypes.c_void_p, [ctypes.c_char_p]), ("closedir", ctypes.c_int, [ctypes.c_void_p]),
                                   ("readdir", ctypes.POINTER(_Dirent), [ctypes.c_void_p]),
                                   ("rewinddir", None, [ctypes.c_void_p]), ("telldir", ctypes.c_long, [ctypes.c_void_p]),
                                   ("seekdir", None, [ctypes.c_void_p, ctypes.c_long])):
    getattr(_libc, _name).restype, getattr(_libc, _name).argtypes = _result, _arguments


class Listing:
    def __init__(self, path):
        self.stream = _libc.opendir(os.fsencode(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _libc.closedir(self.stream)

    def next(self):
        entry = _libc.readdir(self.stream)
        return (entry.contents.name.decode(), entry.contents.ino) if entry else None

    def rest(self):
        return list(iter(self.next, None))


def _raw_names(p):
    with Listing(p) as listing:
        found = [name for name, _ in listing.rest()]
    return sorted(found[:2]), sorted(found[2:])


def _dot_dot_inode(p):
    with Listing(p / "empty") as listing:
        found = dict(listing.rest())
    return found["."] == os.stat(p / "empty").st_ino, found[".."] == os.stat(p).st_ino


def _rewound(p):
    with Listing(p / "empty") as listing:
        listing.rest()
        (p / "empty" / "late").touch()
        _libc.rewinddir(listing.stream)
        return sorted(name for name, _ in listing.rest())


def _sought(p):
    with Listing(p) as listing:
        listing.next()
        place = _libc.telldir(listing.stream)
        expected = listing.rest()
        _libc.seekdir(listing.stream, place)
        return listing.rest() == expected


# --- unlink and rename ----------------------------------------------------------------------------------------------

def renameat2(old, new, flags):
    call("renameat2", AT_FDCWD, old, AT_FDCWD, new, flags)


def renames(old, new, flags=0):
    return lambda p: (renameat2(p / old, p / new, flags) if flags else os.rename(p / old, p / new)) or _tree(p)


def _tree(p):
    return " ".join(sorted(f"{os.path.relpath(path, p)}={text(path) if os.path.isfile(path) else '/'}"
                           for base, folders, files in os.walk(p) for path in (os.path.join(base, n) for n in folders + files)))


rows({
    "unlink": lambda p: os.unlink(p / "file") or names(p),
    "unlink: missing": lambda p: os.unlink(p / "missing"),
    "unlink: folder": lambda p: os.unlink(p / "empty"),
    "unlink: below a file": lambda p: os.unlink(p / "file" / "x"),
    "unlink: with a trailing slash": lambda p: os.unlink(f"{p}/file/"),
    "rename: file to a new name": renames("file", "new"),
    "rename: file over a file": renames("file", "other"),
    "rename: file over a folder": renames("file", "empty"),
    "rename: file over a full folder": renames("file", "full"),
    "rename: folder to a new name": renames("full", "new"),
    "rename: folder over an empty folder": renames("full", "empty"),
    "rename: folder over a full folder": renames("empty", "full"),
    "rename: folder over a file": renames("empty", "file"),
    "rename: folder into itself": renames("full", "full/below"),
    "rename: folder over its parent": renames("full/inside", "full"),
    "rename: to itself": renames("file", "file"),
    "rename: missing": renames("missing", "new"),
    "rename: into another folder": renames("file", "full/file"),
    "rename: out of a folder": renames("full/inside", "inside"),
    "rename: into a missing folder": renames("file", "missing/file"),
    "rename: below a file": renames("file", "other/file"),
    "rename: file to a name with a trailing slash": lambda p: os.rename(p / "file", f"{p}/new/"),
    "rename: to a name of 256 bytes": renames("file", "n" * 256),
    "rename: only the case of a name": lambda p: os.rename(p / "file", p / "FILE") or names(p),
    "rename: to another file system": lambda p: os.rename(p / "file", "/proc/never-made"),
    "rename: NOREPLACE to a new name": renames("file", "new", RENAME_NOREPLACE),
    "rename: NOREPLACE over a file": renames("file", "other", RENAME_NOREPLACE),
    "rename: NOREPLACE over an empty folder": renames("full", "empty", RENAME_NOREPLACE),
    "rename: EXCHANGE of two files": renames("file", "other", RENAME_EXCHANGE),
    "rename: EXCHANGE with a missing name": renames("file", "missing", RENAME_EXCHANGE),
    "rename: NOREPLACE with EXCHANGE": renames("file", "other", RENAME_NOREPLACE | RENAME_EXCHANGE),
    "rename: ..": lambda p: os.rename(p / "empty" / "..", p / "new"),
})


@row("unlink: while open, then write, read, fstat, truncate")
def _(p):
    with Opened(p / "file", RDWR) as fd:
        os.unlink(p / "file")
        os.pwrite(fd, b"HELLO", 0)
        os.ftruncate(fd, 8)
        return os.pread(fd, 100, 0), os.fstat(fd).st_size, os.fstat(fd).st_nlink, names(p), errno_of(os.stat, p / "file")


@row("unlink: while open twice, one closed")
def _(p):
    with Opened(p / "file", RDWR) as a:
        with Opened(p / "file", RDONLY):
            os.unlink(p / "file")
        return os.pread(a, 100, 0), names(p)


@row("unlink: while open, folder can be removed at once")
def _(p):
    with Opened(p / "full" / "inside", RDWR) as fd:
        os.unlink(p / "full" / "inside")
        os.rmdir(p / "full")
        return os.pread(fd, 10, 0), names(p)


@row("unlink: while open, the name made again")
def _(p):
    with Opened(p / "file", RDWR) as fd:
        os.unlink(p / "file")
        (p / "file").write_text("second")
        os.pwrite(fd, b"first", 0)
        return os.pread(fd, 100, 0), text(p / "file"), os.fstat(fd).st_ino != os.stat(p / "file").st_ino


@row("unlink: while open, nothing is left after close")
def _(p):
    with Opened(p / "file", RDWR):
        os.unlink(p / "file")
    return sorted(os.listdir(p))


@row("unlink: while open read-only")
def _(p):
    with Opened(p / "file", RDONLY) as fd:
        os.unlink(p / "file")
        return os.read(fd, 100), names(p)


@row("rename: while open, then write and read")
def _(p):
    with Opened(p / "file", RDWR) as fd:
        os.rename(p / "file", p / "moved")
        os.pwrite(fd, b"HELLO", 0)
        return os.pread(fd, 100, 0), text(p / "moved"), names(p)


@row("rename: over an open file, which stays readable")
def _(p):
    with Opened(p / "other", RDWR) as fd:
        os.rename(p / "file", p / "other")
        os.pwrite(fd, b"ANOTHER", 0)
        return os.pread(fd, 100, 0), text(p / "other"), names(p), os.fstat(fd).st_nlink


@row("rename: an open file over an open file")
def _(p):
    with Opened(p / "file", RDWR) as a, Opened(p / "other", RDONLY) as b:
        os.rename(p / "file", p / "other")
        return os.pread(a, 100, 0), os.pread(b, 100, 0), text(p / "other"), names(p)


@row("rename: the folder of an open file")
def _(p):
    with Opened(p / "full" / "inside", RDWR) as fd:
        os.rename(p / "full", p / "moved")
        os.pwrite(fd, b"y", 0)
        return os.pread(fd, 10, 0), text(p / "moved" / "inside")


@row("rename: the folder above the current one")
def _(p):
    os.mkdir(p / "full" / "deep")
    before = os.getcwd()
    os.chdir(p / "full" / "deep")
    try:
        os.rename(p / "full", p / "moved")
        pathlib.Path("made").write_text("x")
        return os.getcwd() == str(p / "moved" / "deep"), names(p / "moved" / "deep")
    finally:
        os.chdir(before)


@row("truncate by path while open")
def _(p):
    with Opened(p / "file", RDWR) as fd:
        os.truncate(p / "file", 3)
        return os.pread(fd, 100, 0), os.fstat(fd).st_size


@row("O_TRUNC by another open while open")
def _(p):
    with Opened(p / "file", RDWR) as fd:
        opens(p / "file", WRONLY | TRUNC)
        return os.pread(fd, 100, 0), os.fstat(fd).st_size


# --- links ----------------------------------------------------------------------------------------------------------

rows({
    "link: a second name": lambda p: os.link(p / "file", p / "hard") or (os.stat(p / "hard").st_nlink, os.stat(p / "file").st_nlink, os.stat(p / "hard").st_ino == os.stat(p / "file").st_ino),
    "link: data is shared": lambda p: os.link(p / "file", p / "hard") or (p / "hard").write_text("new") and text(p / "file"),
    "link: one name removed": lambda p: os.link(p / "file", p / "hard") or os.unlink(p / "file") or (text(p / "hard"), os.stat(p / "hard").st_nlink),
    "link: rename of one name over the other": lambda p: os.link(p / "file", p / "hard") or os.rename(p / "file", p / "hard") or names(p),
    "link: on an existing name": lambda p: os.link(p / "file", p / "other"),
    "link: of a folder": lambda p: os.link(p / "empty", p / "hard"),
    "link: of a missing name": lambda p: os.link(p / "missing", p / "hard"),
    "link: into a missing folder": lambda p: os.link(p / "file", p / "missing" / "hard"),
    "link: to another file system": lambda p: os.link(p / "file", "/proc/never-made"),
    "symlink: and through it": lambda p: os.symlink("file", p / "soft") or text(p / "soft"),
    "symlink: readlink": lambda p: os.symlink("full/../file", p / "soft") or os.readlink(p / "soft"),
    "symlink: lstat": lambda p: os.symlink("file", p / "soft") or (stat.S_ISLNK(os.lstat(p / "soft").st_mode), os.lstat(p / "soft").st_size),
    "symlink: in a listing": lambda p: os.symlink("file", p / "soft") or [e.is_symlink() for e in os.scandir(p) if e.name == "soft"],
    "symlink: dangling": lambda p: os.symlink("nowhere", p / "soft") or (errno_of(os.stat, p / "soft"), os.readlink(p / "soft")),
    "symlink: create through a dangling one": lambda p: os.symlink("new", p / "soft") or opens(p / "soft", CREAT | WRONLY) or names(p),
    "symlink: O_EXCL on one": lambda p: os.symlink("new", p / "soft") or opens(p / "soft", CREAT | EXCL | WRONLY),
    "symlink: O_NOFOLLOW on one": lambda p: os.symlink("file", p / "soft") or opens(p / "soft", RDONLY | os.O_NOFOLLOW),
    "symlink: loop": lambda p: os.symlink("b", p / "a") or os.symlink("a", p / "b") or text(p / "a"),
    "symlink: to a folder": lambda p: os.symlink("full", p / "soft") or text(p / "soft" / "inside"),
    "symlink: absolute": lambda p: os.symlink("/etc/passwd", p / "soft") or os.readlink(p / "soft"),
    "symlink: target of 1,000 bytes": lambda p: os.symlink("t" * 1000, p / "soft") or len(os.readlink(p / "soft")),
    "symlink: target of 4,095 bytes": lambda p: os.symlink("t" * 4095, p / "soft") or len(os.readlink(p / "soft")),
    "symlink: empty target": lambda p: os.symlink("", p / "soft"),
    "symlink: on an existing name": lambda p: os.symlink("x", p / "file"),
    "symlink: unlink removes the link only": lambda p: os.symlink("file", p / "soft") or os.unlink(p / "soft") or names(p),
    "symlink: rename moves the link": lambda p: os.symlink("file", p / "soft") or os.rename(p / "soft", p / "softer") or os.readlink(p / "softer"),
    "readlink: of a file": lambda p: os.readlink(p / "file"),
    "readlink: of a missing name": lambda p: os.readlink(p / "missing"),
    "mknod: regular file": lambda p: os.mknod(p / "new", 0o644) or names(p),
    "mknod: fifo": lambda p: os.mkfifo(p / "fifo") or stat.S_ISFIFO(os.stat(p / "fifo").st_mode),
})


# --- extended attributes, locks, ioctls -----------------------------------------------------------------------------

rows({
    "xattr: get a missing one": lambda p: os.getxattr(p / "file", "user.missing"),
    "xattr: set and get": lambda p: os.setxattr(p / "file", "user.test", b"value") or os.getxattr(p / "file", "user.test"),
    "xattr: list": lambda p: os.setxattr(p / "file", "user.test", b"value") or ",".join(n for n in os.listxattr(p / "file") if n == "user.test"),
    "xattr: remove": lambda p: os.setxattr(p / "file", "user.test", b"v") or os.removexattr(p / "file", "user.test") or errno_of(os.getxattr, p / "file", "user.test"),
    "xattr: remove a missing one": lambda p: os.removexattr(p / "file", "user.missing"),
    "xattr: XATTR_CREATE on an existing one": lambda p: os.setxattr(p / "file", "user.a", b"1") or os.setxattr(p / "file", "user.a", b"2", os.XATTR_CREATE),
    "xattr: XATTR_REPLACE of a missing one": lambda p: os.setxattr(p / "file", "user.a", b"1", os.XATTR_REPLACE),
    "xattr: of a missing file": lambda p: os.getxattr(p / "missing", "user.a"),
    "xattr: unknown namespace": lambda p: os.getxattr(p / "file", "nonsense.a"),
    "xattr: list of a fresh file": lambda p: len([n for n in os.listxattr(p / "file") if not n.startswith(("security.", "system."))]),
})


# --- access control lists -------------------------------------------------------------------------------------------

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
USER_OBJ, A_USER, GROUP_OBJ, A_GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


def acl(*entries):
    """The value of the attribute: entries are (tag, permissions) or (tag, permissions, id)."""
    rest = [struct.pack("<HHI", tag, permissions, *(identity or [0xFFFFFFFF])) for tag, permissions, *identity in entries]
    return struct.pack("<I", 2) + b"".join(rest)


FULL = acl((USER_OBJ, 6), (A_USER, 6, 12345), (GROUP_OBJ, 4), (A_GROUP, 7, 54321), (MASK, 5), (OTHER, 0))
AS_A_MODE = acl((USER_OBJ, 6), (GROUP_OBJ, 2), (OTHER, 4))
OF_A_FOLDER = acl((USER_OBJ, 7), (A_USER, 7, 12345), (GROUP_OBJ, 5), (MASK, 7), (OTHER, 0))


def mode(path):
    return oct(stat.S_IMODE(os.stat(path).st_mode))


def setting(name, value, then, of="file"):
    """Sets a list, then asks."""
    def run(p):
        os.stat(p / of)  # so that there is a mode to be remembered
        os.setxattr(p / of, name, value)
        return then(p / of)
    return run


def with_umask(mask, function):
    def run(p):
        before = os.umask(mask)
        try:
            return function(p)
        finally:
            os.umask(before)
    return run


def made_in(p):
    (p / "new").write_text("x")
    (p / "folder").mkdir()
    return (mode(p / "new"), os.getxattr(p / "new", ACCESS).hex(), mode(p / "folder"), os.getxattr(p / "folder", DEFAULT).hex())


def mode_by_statx(path):
    """As ls -l asks, for the mode alone."""
    return subprocess.run(["ls", "-ld", path], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0]


def lists(path):
    return ",".join(sorted(name for name in os.listxattr(path) if name.startswith("system.posix_acl")))


def on_open_file(p):
    with open(p / "file", "r+b", buffering=0) as file:
        file.write(b"HELLO")
        os.setxattr(file.fileno(), ACCESS, FULL)
        file.write(b"!")
        return mode(p / "file"), os.getxattr(file.fileno(), ACCESS) == FULL, text(p / "file")


rows({
    "acl: set and get": setting(ACCESS, FULL, lambda path: os.getxattr(path, ACCESS).hex()),
    "acl: listed": setting(ACCESS, FULL, lists),
    "acl: the mode follows": setting(ACCESS, FULL, mode),
    "acl: ls -l sees mode and list at once": setting(ACCESS, FULL, mode_by_statx),
    "acl: one that a mode can say": setting(ACCESS, AS_A_MODE, lambda path: (mode(path), lists(path), errno_of(os.getxattr, path, ACCESS))),
    "acl: chmod changes the mask": setting(ACCESS, FULL, lambda path: os.chmod(path, 0o620) or os.getxattr(path, ACCESS).hex()),
    "acl: removed, and the mode stays": setting(ACCESS, FULL, lambda path: os.removexattr(path, ACCESS) or (mode(path), lists(path))),
    "acl: of an open file": on_open_file,
    "acl: get a missing one": lambda p: os.getxattr(p / "file", ACCESS),
    "acl: get a folder's missing one": lambda p: os.getxattr(p / "empty", DEFAULT),
    "acl: remove a missing one": lambda p: os.removexattr(p / "file", ACCESS),
    "acl: what is none": lambda p: os.setxattr(p / "file", ACCESS, b"none"),
    "acl: without the mask that it needs": lambda p: os.setxattr(p / "file", ACCESS, acl((USER_OBJ, 6), (A_USER, 6, 1), (GROUP_OBJ, 4), (OTHER, 0))),
    "acl: a default one of a file": lambda p: os.setxattr(p / "file", DEFAULT, OF_A_FOLDER),
    "acl: of a link": lambda p: os.symlink("file", p / "link") or os.getxattr(p / "link", ACCESS, follow_symlinks=False),
    "acl: of a folder": setting(DEFAULT, OF_A_FOLDER, lambda path: (os.getxattr(path, DEFAULT).hex(), lists(path), mode(path)), "full"),
    "acl: both of a folder": setting(DEFAULT, OF_A_FOLDER, lambda path: os.setxattr(path, ACCESS, FULL) or (lists(path), mode(path)), "full"),
    "acl: removed from a folder": setting(DEFAULT, OF_A_FOLDER, lambda path: os.removexattr(path, DEFAULT) or lists(path), "full"),
    "acl: what is made in a folder": with_umask(0, setting(DEFAULT, OF_A_FOLDER, made_in, "empty")),
    "acl: what is made in a folder, with a umask": with_umask(0o077, setting(DEFAULT, OF_A_FOLDER, lambda path: made_in(path)[::2], "empty")),
})

rows({
    "ioctl: unknown": with_fd(RDONLY, lambda fd, p: fcntl.ioctl(fd, 0x7FFF)),
    "ioctl: FIONREAD": with_fd(RDONLY, lambda fd, p: struct.unpack("i", fcntl.ioctl(fd, 0x541B, bytes(4)))[0]),
})


def _locks(kind):
    """Two processes, one lock: what the second one gets, and after release."""
    def function(p):
        with Opened(p / "file", RDWR) as fd:
            kind(fd, fcntl.LOCK_EX)
            first = _in_child(lambda: kind(os.open(p / "file", RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB))
            kind(fd, fcntl.LOCK_UN)
            second = _in_child(lambda: kind(os.open(p / "file", RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB))
        return first, second
    return function


def _in_child(action):
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return errno.errorcode.get(code, code)


def lock_in_the_way(p, begin, length):
    """(kind, begin, length) of it."""
    with Opened(p / "file", RDWR) as fd:
        found = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, begin, length, 0))
    kind, _, begin, length, _ = struct.unpack("hhqqi4x", found)
    return (kind, begin, length) if kind != fcntl.F_UNLCK else (0, 0, 0)


def ofd_lock(fd):
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))


def fails(action):
    try:
        return action()
    except OSError as error:
        return errno.errorcode[error.errno]


rows({
    "flock: exclusive against another process": _locks(fcntl.flock),
    "fcntl lock: exclusive against another process": _locks(fcntl.lockf),
    "fcntl lock: shared with shared": lambda p: with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_SH), _in_child(lambda: fcntl.lockf(os.open(p / "file", RDWR), fcntl.LOCK_SH | fcntl.LOCK_NB))))(p),
    "fcntl lock: disjoint ranges": lambda p: with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX, 5, 0), _in_child(lambda: fcntl.lockf(os.open(p / "file", RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 5))))(p),
    "fcntl lock: exclusive on a read-only descriptor": with_fd(RDONLY, lambda fd, p: fcntl.lockf(fd, fcntl.LOCK_EX)),
    "fcntl lock: an unlock in the middle splits": with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX, 30), fcntl.lockf(fd, fcntl.LOCK_UN, 10, 10), [_in_child(lambda: fcntl.lockf(os.open(p / "file", RDWR), fcntl.LOCK_SH | fcntl.LOCK_NB, 1, at)) for at in (0, 9, 10, 19, 20, 29, 30)])),
    "fcntl lock: a weaker one takes the place of a stronger": with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX, 30), fcntl.lockf(fd, fcntl.LOCK_SH, 10, 10), [_in_child(lambda: fcntl.lockf(os.open(p / "file", RDWR), fcntl.LOCK_SH | fcntl.LOCK_NB, 1, at)) for at in (9, 10, 19, 20)])),
    "fcntl lock: which one is in the way": with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX, 5, 7), _in_child(lambda: os._exit(sum(lock_in_the_way(p, 6, 0)))))),
    "fcntl lock: nothing is in the way of its owner": with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX), lock_in_the_way(p, 0, 0))),
    "fcntl lock: ends with the close of another descriptor": with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX), opens(p / "file", RDONLY), _in_child(lambda: fcntl.lockf(os.open(p / "file", RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)))),
    "fcntl lock: an interrupted wait": with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX), _in_child(lambda: (signal.signal(signal.SIGALRM, lambda *_: os._exit(77)), signal.setitimer(signal.ITIMER_REAL, 0.2), fcntl.lockf(os.open(p / "file", RDWR), fcntl.LOCK_EX))))),
    "fcntl lock: of an open file description ends with it": with_fd(RDWR, lambda fd, p: (ofd_lock(other := os.open(p / "file", RDWR)), fails(lambda: ofd_lock(fd)), os.close(other), time.sleep(0.1), ofd_lock(fd))),
    "fcntl lock: past the end of off_t": with_fd(RDWR, lambda fd, p: fcntl.lockf(fd, fcntl.LOCK_EX, 2**63 - 1, 2)),
    "flock: does not see that of fcntl": with_fd(RDWR, lambda fd, p: (fcntl.lockf(fd, fcntl.LOCK_EX), _in_child(lambda: fcntl.flock(os.open(p / "file", RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)))),
    "flock: on a read-only descriptor": with_fd(RDONLY, lambda fd, p: (fcntl.flock(fd, fcntl.LOCK_EX), _in_child(lambda: fcntl.flock(os.open(p / "file", RDONLY), fcntl.LOCK_SH | fcntl.LOCK_NB)))),
    "flock: shared by two, exclusive for none": with_fd(RDWR, lambda fd, p: (fcntl.flock(fd, fcntl.LOCK_SH), _in_child(lambda: fcntl.flock(other := os.open(p / "file", RDWR), fcntl.LOCK_SH | fcntl.LOCK_NB) or fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)))),
    "flock: goes with a descriptor that is inherited": with_fd(RDWR, lambda fd, p: (fcntl.flock(fd, fcntl.LOCK_EX), _in_child(lambda: fcntl.flock(fd, fcntl.LOCK_UN)), fcntl.flock(os.open(p / "file", RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB))),
    "flock: lock ends with close": lambda p: with_fd(RDWR, lambda fd, p: fcntl.flock(fd, fcntl.LOCK_EX))(p) or _in_child(lambda: fcntl.flock(os.open(p / "file", RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)),
})


# --- names ----------------------------------------------------------------------------------------------------------

rows({
    "name: upper and lower case are two files": lambda p: (p / "Name").write_text("A") and (p / "nAME").write_text("B") and text(p / "Name"),
    "name: another case does not find it": lambda p: os.stat(p / "FILE").st_size,
    "name: another case can be made with O_EXCL": lambda p: opens(p / "FILE", CREAT | EXCL | WRONLY),
    "name: not UTF-8": lambda p: opens(os.fsencode(p) + b"/\xff\xfe", CREAT | WRONLY),
    "name: backslash": lambda p: opens(p / "a\\b", CREAT | WRONLY) or names(p),
    "name: colon": lambda p: opens(p / "a:b", CREAT | WRONLY) or names(p),
    "name: wildcards": lambda p: opens(p / "*", CREAT | WRONLY) or opens(p / "?", CREAT | WRONLY) or os.unlink(p / "*") or names(p),
    "name: trailing dot and space": lambda p: opens(p / "a.", CREAT | WRONLY) or opens(p / "a ", CREAT | WRONLY) or opens(p / "a", CREAT | WRONLY) or names(p),
    "name: that of a DOS device": lambda p: opens(p / "CON", CREAT | WRONLY) or names(p),
    "name: a long path": lambda p: _deep(p),
})


def _deep(p):
    path = p
    for _ in range(12):
        path = path / ("d" * 100)
    os.makedirs(path)
    (path / "leaf").write_text("deep")
    return text(path / "leaf"), len(list(os.walk(p / ("d" * 100))))


# --- running and comparing ------------------------------------------------------------------------------------------

def run_rows(top):
    top = pathlib.Path(top)
    found = {}
    for number, (name, function) in enumerate(ROWS.items()):
        folder = prepare(top / f"row{number}")
        found[name] = outcome(function, folder)
    return found


def differences_markdown():
    lines = ["| operation | local folder | mount | why |", "|---|---|---|---|"]
    cell = lambda value: f"`{value}`".replace("|", "\\|")
    lines += [f"| {name} | {cell(d.local)} | {cell(d.mounted)} | {d.reason} |" for name, d in DIFFERENCES.items()]
    return "\n".join(lines)


class Parity(unittest.TestCase):
    maxDiff = None

    def compare(self, server, user, options="", differences=DIFFERENCES, has_lists=False):
        here = [harness.PYTHON, harness.TESTS / "parity.py", "--run"]
        local_folder = harness.fresh_folder("local", user)
        local = json.loads(harness.run([*here, local_folder], user).stdout)
        with harness.Mount(server, options=options, user=user) as mount:
            top = mount.path / harness.fresh_folder("parity").name
            mount.work(["mkdir", top])
            found = json.loads(mount.work([*here, top]).stdout)
        self.assertEqual(set(local), set(ROWS))
        for name in ROWS:
            if name.startswith("acl: ") and not has_lists and name not in differences:
                continue  # one of them is enough
            with self.subTest(name):
                allowed = differences.get(name)
                if allowed is None:
                    self.assertEqual(found[name], local[name])
                else:
                    self.assertEqual((found[name], local[name]), (allowed.mounted, allowed.local),
                                     "this difference has changed: correct the table of them")

    def test_the_table_names_rows_that_exist(self):
        self.assertLessEqual(set(DIFFERENCES), set(ROWS))

    def test_an_ordinary_user_gets_what_a_local_folder_gives(self):
        with harness.SambaServer() as server:
            self.compare(server, harness.USER)

    def test_so_it_is_in_smb_2_0_2(self):
        with harness.SambaServer() as server:
            self.compare(server, harness.USER, "vers=2.0")

    SMB1 = ["server min protocol = NT1", "server max protocol = NT1", "create mask = 07777", "directory mask = 07777"]

    def test_so_it_is_in_smb1(self):
        with harness.SambaServer(self.SMB1) as server:
            self.compare(server, harness.USER, "vers=1.0,nounix", SMB1_DIFFERENCES)

    def test_the_unix_extensions_of_smb1_leave_little(self):
        with harness.SambaServer(self.SMB1) as server:
            self.compare(server, harness.USER, "vers=1.0", UNIX_DIFFERENCES, has_lists=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--differences"]:
        print(differences_markdown())
    elif sys.argv[1:2] == ["--run"]:
        json.dump(run_rows(sys.argv[2]), sys.stdout)
    else:
        harness.main()
