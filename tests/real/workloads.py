# SPDX-License-Identifier: Apache-2.0
"""What people do in a folder, each a function that checks its own result. They know nothing of SMB.

    workloads.py fixtures DIR                                     makes what the works start from
    workloads.py run [--full] [--without WHAT,...] FIXTURES SCRATCH FOLDER BACKING NAME...

FOLDER is an empty folder of the file system under test, BACKING the same folder as the server sees it (or FOLDER
itself), SCRATCH a local one. Without --full, sizes are cut, operations are not. --without names what the server cannot
do: truncate, times (keep those that are set), holes (write past the end of a file), crowds (large folders in due time),
Unicode (it has the code page 850).
"""
import ctypes
import errno
import hashlib
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import time

ENVIRONMENT = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8",
               "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org",
               "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org"}
WORKS = {}


def work(function):
    WORKS[function.__name__] = function
    return function


class Place:
    """Where a work runs: its fresh folder, the same on the server, a local one, the fixtures, and how much to do."""

    def __init__(self, folder, backing, scratch, fixtures, full, without):
        self.folder, self.backing, self.scratch, self.fixtures, self.full = folder, backing, scratch, fixtures, full
        self.without = without
        self.tree = fixtures / ("tree" if self.can("crowds") else "small-tree")

    def can(self, what):
        return what not in self.without

    def sized(self, full, small):
        return full if self.full else small


def sh(*argv, cwd=None, input=None):
    done = subprocess.run([str(a) for a in argv], cwd=cwd, env=ENVIRONMENT, text=True, input=input,
                          stdin=None if input is not None else subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def equal(got, expected, what):
    if got != expected:
        raise AssertionError(f"{what}: got {_short(got)}, expected {_short(expected)}")


def _short(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "..."


def require(condition, what):
    if not condition:
        raise AssertionError(what)


# --- fixtures -------------------------------------------------------------------------------------------------------

COMMITS, GIT_FILES, SOURCES, TREE_FILES = 300, 400, 300, 2000


def make_fixtures(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    _make_repository(folder / "repository.git", COMMITS, GIT_FILES)
    _make_repository(folder / "small-repository.git", 20, 30)
    _make_project(folder / "project.tar", SOURCES)
    _make_project(folder / "small-project.tar", 30)
    _make_tree(folder / "tree", 20, TREE_FILES // 20)
    _make_tree(folder / "small-tree", 2, 20)


def _make_tree(path, folders, files_in_each):
    chance = random.Random(2)
    for i in range(folders * files_in_each):
        file = path / f"d{i % folders:02}" / f"file {i:04}.dat"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(chance.randbytes(chance.choice((0, 1, 100, 3000, 20000))))
        os.utime(file, ns=(10**18 + i * 10**9, 10**18 + i * 1_000_000_100))


def _make_repository(path, commits, files):
    """A bare repository by git fast-import: each commit changes a file or adds two."""
    (path.parent / "gitconfig").write_text("[safe]\n\tdirectory = *\n")  # it belongs to whoever made it
    sh("git", "init", "-q", "--bare", "-b", "main", path)
    stream, per_commit = [], -(-files // commits)
    names = [f"src/part{i % 17}/file{i}.txt" for i in range(files)]
    for commit in range(commits):
        stream.append(f"commit refs/heads/main\ncommitter T <t@example.org> {1700000000 + commit} +0000\ndata 3\nc {commit % 10}\n")
        for name in names[commit * per_commit:(commit + 1) * per_commit] or [names[commit % files]]:
            text = f"{name}, written by commit {commit}\n" * (commit % 50 + 1)
            stream.append(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
    sh("git", "-C", path, "fast-import", "--quiet", input="".join(stream))


def _make_project(path, count):
    folder = path.with_suffix("")
    for i in range(count):
        source = folder / f"part{i % 12}" / f"unit{i}.c"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(f'#include "../project.h"\nint unit{i}(int x) {{ return x + {i} + OFFSET; }}\n')
    (folder / "project.h").write_text("#define OFFSET 1\n" + "".join(f"int unit{i}(int);\n" for i in range(count)))
    calls = "".join(f"  sum += unit{i}(0);\n" for i in range(count))
    (folder / "main.c").write_text(
        f'#include <stdio.h>\n#include "project.h"\nint main(void) {{\n  long sum = 0;\n{calls}  printf("%ld\\n", sum);\n  return 0;\n}}\n')
    (folder / "Makefile").write_text(
        "OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c */*.c))\nprogram: $(OBJECTS)\n\t$(CC) -o $@ $^\n%.o: %.c\n\t$(CC) -O0 -c -o $@ $<\n"
        "assembly: $(OBJECTS:.o=.s)\n%.s: %.c\n\t$(CC) -O0 -S -o $@ $<\n")
    with tarfile.open(path, "w") as archive:
        archive.add(folder, "project")
    shutil.rmtree(folder)


# --- the works ------------------------------------------------------------------------------------------------------

@work
def git(place):
    """clone, status, commit, branch, merge, gc, fsck"""
    clone = place.folder / "clone"
    ENVIRONMENT["GIT_CONFIG_GLOBAL"] = str(place.fixtures / "gitconfig")
    repository, files, commits = ("repository", GIT_FILES, COMMITS) if place.can("crowds") else ("small-repository", 30, 20)
    sh("git", "clone", "-q", f"file://{place.fixtures}/{repository}.git", clone)
    tracked = sh("git", "-C", clone, "ls-files").split()
    equal(len(tracked), files, "files in the clone")
    equal(sh("git", "-C", clone, "status", "--porcelain"), "", "status after clone")
    (clone / tracked[0]).write_text("changed\n")
    (clone / "new.txt").write_text("new\n")
    (clone / tracked[1]).unlink()
    equal(sorted(sh("git", "-C", clone, "status", "--porcelain").split()),
          sorted(["M", tracked[0], "D", tracked[1], "??", "new.txt"]), "status after changes")
    sh("git", "-C", clone, "add", "-A")
    sh("git", "-C", clone, "commit", "-q", "-m", "through the mount")
    equal(sh("git", "-C", clone, "status", "--porcelain"), "", "status after commit")
    sh("git", "-C", clone, "checkout", "-q", "-b", "side", "HEAD~5")
    (clone / "side.txt").write_text("side\n")
    sh("git", "-C", clone, "add", "side.txt")
    sh("git", "-C", clone, "commit", "-q", "-m", "side")
    sh("git", "-C", clone, "merge", "-q", "-m", "merge", "main")
    if place.full:
        sh("git", "-C", clone, "gc", "-q")
    sh("git", "-C", clone, "fsck", "--full", "--strict", "--no-dangling")
    equal(int(sh("git", "-C", clone, "rev-list", "--count", "HEAD")), commits + 3, "commits")


@work
def build(place):
    """untar a C project, make -j2, run the program, rebuild after one change"""
    archive = place.fixtures / place.sized("project.tar", "small-project.tar")
    count = place.sized(SOURCES, 30)
    sh("tar", "-x", "--no-same-owner", "-f", archive, "-C", place.folder)
    project = place.folder / "project"
    with tarfile.open(archive) as members:
        for member in members:
            found = (place.folder / member.name).stat()
            if place.can("times"):
                equal(int(found.st_mtime), int(member.mtime), f"mtime of {member.name}")
            if member.isfile():
                equal(found.st_size, member.size, f"size of {member.name}")
    if not place.can("holes"):  # assemblers and linkers write files from the end, too
        sh("make", "-s", "-j2", "assembly", cwd=project)
        equal(len(sh("find", project, "-name", "*.s", "-size", "+0").splitlines()), count + 1, "files compiled")
        return
    sh("make", "-s", "-j2", cwd=project)
    equal(int(sh(project / "program")), sum(range(count)) + count, "what the program printed")
    require("up to date" in sh("make", cwd=project), "a second make should find everything up to date")
    time.sleep(0.05)
    unit = project / "part0" / "unit0.c"
    unit.write_text(unit.read_text().replace("OFFSET", "OFFSET + 1000"))
    rebuilt = sh("make", cwd=project)
    equal(rebuilt.count(" -c "), 1, "files compiled again")
    equal(int(sh(project / "program")), sum(range(count)) + count + 1000, "what the changed program printed")


@work
def rsync(place):
    """both directions with checksums, then a change in the middle of a file, in place"""
    there, back = place.folder / "there", place.scratch / "back"
    only = [] if place.full else ["--include=/d0[0-4]/", "--include=/d0[0-4]/*", "--exclude=*"]
    options = ["-rt" if place.can("times") else "-r", "--checksum", *only]
    source = f"{place.tree}/"
    sh("rsync", *options, source, f"{there}/")
    equal(sh("rsync", *options, "--dry-run", "--itemize-changes", source, f"{there}/"), "", "left to do after rsync")
    sh("rsync", *options, f"{there}/", f"{back}/")
    equal(sh("rsync", *options, "--dry-run", "--itemize-changes", source, f"{back}/"), "", "differences after the way back")
    if not place.can("truncate"):
        return
    big = place.scratch / "big"
    data = bytearray(random.Random(3).randbytes(place.sized(8, 2) << 20))
    big.write_bytes(data)
    sh("rsync", "-t", big, there / "big")
    data[len(data) // 2:len(data) // 2 + 100] = bytes(100)
    big.write_bytes(data)
    sh("rsync", "-t", "--inplace", "--no-whole-file", "--ignore-times", big, there / "big")
    equal(_digest(there / "big"), hashlib.sha256(data).hexdigest(), "the file changed in place")


def _digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@work
def sqlite(place):
    """durable transactions with a rollback journal, a rollback, two connections, the command line"""
    path = place.folder / "data.db"
    rounds = place.sized(60, 15)
    first = sqlite3.connect(path, timeout=10, isolation_level=None)
    equal(first.execute("pragma journal_mode=delete").fetchone()[0], "delete", "journal mode")
    first.execute("pragma synchronous=full")
    first.execute("create table t (id integer primary key, body text)")
    second = sqlite3.connect(path, timeout=10, isolation_level=None)
    for i in range(rounds):
        connection = (first, second)[i % 2]
        connection.execute("begin immediate")
        connection.executemany("insert into t (body) values (?)", [(f"row {i} " * 40,)] * 10)
        connection.execute("commit")
    first.execute("begin")
    first.execute("delete from t")
    first.execute("rollback")
    equal(second.execute("select count(*) from t").fetchone()[0], rounds * 10, "rows seen by the other connection")
    first.execute("begin exclusive")
    second.execute("pragma busy_timeout=50")
    try:
        second.execute("insert into t (body) values ('must wait')")
        raise AssertionError("the second connection wrote although the first held the lock")
    except sqlite3.OperationalError:
        pass
    first.execute("commit")
    equal(first.execute("pragma integrity_check").fetchone()[0], "ok", "integrity")
    first.close()
    second.close()
    equal(sh("sqlite3", path, "pragma integrity_check; select count(*) from t;").split(), ["ok", str(rounds * 10)], "what sqlite3 says")
    sh("sqlite3", path, "update t set body = upper(body) where id % 3 = 0; vacuum;")
    equal(sh("sqlite3", path, "pragma integrity_check;").strip(), "ok", "integrity after vacuum")
    equal(sorted(os.listdir(place.folder)), ["data.db"], "no journal left")


@work
def editors(place):
    """vim with each way of making backups, sed -i"""
    in_place = ("nobackup nowritebackup", "writebackup backupcopy=yes") if place.can("truncate") else ()
    text = place.folder / "text.txt"

    def settle():
        # vim asks before it overwrites a file whose time has changed: let it be the server's
        if not (place.can("times") and place.can("fractions of a second")):
            time.sleep(1.2)
    for style in (*in_place, "writebackup backupcopy=no", "backup backupcopy=auto"):
        text.write_text("one two\n" * 1000)
        settle()
        sh("vim.tiny", "-es", "-u", "NONE", "-n", "-c", f"set {style} backupskip=", "-c", "%s/two/three/g", "-c", "wq", text)
        equal(text.read_text(), "one three\n" * 1000, f"vim with {style}")
    (place.folder / "text.txt~").unlink()
    settle()
    if place.can("truncate"):  # vim grows and cuts its swap file
        sh("vim.tiny", "-es", "-u", "NONE", "--cmd", "set swapfile updatecount=1 writebackup backupcopy=no backupskip=", "-c", "%s/three/four/g", "-c", "w", "-c", "q", text)
    else:
        sh("sed", "-i", "s/three/four/", text)
    equal(text.read_text(), "one four\n" * 1000, "vim with a swap file, or sed")
    sh("sed", "-i", "s/four/five/", text)
    sh("sed", "-i.bak", "-e", "1d", text)
    equal(text.read_text(), "one five\n" * 999, "sed -i")
    equal((place.folder / "text.txt.bak").read_text(), "one five\n" * 1000, "sed -i.bak")
    with open(text, "a") as f:
        f.write("appended\n")
    equal(text.read_text()[-9:], "appended\n", "append")
    equal(sorted(os.listdir(place.folder)), ["text.txt", "text.txt.bak"], "files left by the editors")


@work
def copy(place):
    """cp -r of 2,000 files in, or 800, one level copied within, compared, moved, tar, removed"""
    folders = sorted(os.listdir(place.tree))[:place.sized(None, 8)]
    each = len(os.listdir(place.tree / "d00"))
    tree = place.folder / "tree"
    tree.mkdir()
    sh("cp", "-r", *(place.tree / name for name in folders), tree)
    for name in folders:
        sh("diff", "-r", place.tree / name, tree / name)
    sh("cp", "-rp", tree / "d01", place.folder / "again")
    sh("diff", "-r", place.tree / "d01", place.folder / "again")
    if place.can("times"):
        for file in (place.folder / "again").iterdir():
            equal(file.stat().st_mtime_ns // 100, (tree / "d01" / file.name).stat().st_mtime_ns // 100, f"time of {file.name}")
    sh("mv", place.folder / "again", tree / "moved")
    equal(len(sh("find", tree, "-type", "f").splitlines()), (len(folders) + 1) * each, "files found")
    archive = place.scratch / "out.tar"
    sh("tar", "-cf", archive, "-C", tree, "d00", "d01")
    with tarfile.open(archive) as members:
        equal(sum(1 for m in members if m.isfile()), 2 * each, "files in the tar")
    sh("rm", "-r", tree)
    equal(os.listdir(place.folder), [], "left after rm -r")


@work
def sparse(place):
    """a file of more than 4 GiB of which little exists"""
    if not place.can("holes"):
        return
    path = place.folder / "sparse"
    end = (4 << 30) + 12345
    with open(path, "w+b") as f:
        f.write(b"head")
        f.seek(end)
        f.write(b"tail")
        f.flush()
        os.fsync(f.fileno())
        equal(os.fstat(f.fileno()).st_size, end + 4, "size while open")
    found = path.stat()
    equal(found.st_size, end + 4, "size")
    require(found.st_blocks * 512 < 16 << 20, f"{found.st_blocks} blocks are many for two pages of data")
    with open(path, "r+b") as f:
        for offset, expected in ((0, b"head\0\0"), (end - 3, b"\0\0\0tail"), (1 << 32, bytes(16)), (3 << 30, bytes(1 << 16))):
            f.seek(offset)
            equal(f.read(len(expected)), expected, f"data at {offset}")
        f.truncate((1 << 32) + 1)
        f.seek(0, os.SEEK_END)
        equal(f.tell(), (1 << 32) + 1, "size after truncate")
        f.truncate((5 << 30) + 1)
    equal(path.stat().st_size, (5 << 30) + 1, "size after growing")
    with open(path, "rb") as f:
        f.seek(end)
        equal(f.read(4), bytes(4), "what was cut off must read as zeros")
    path.unlink()


@work
def crowd(place):
    """20,000 entries in one folder, or 9,000: complete, none twice, telldir and seekdir, removal while listing"""
    count = place.sized(20000, 9000) if place.can("crowds") else 300  # a server's answer holds some 8,000
    expected = {f"entry-{i:05}" for i in range(count)}
    (place.folder / "many").mkdir()
    for name in expected:
        os.close(os.open(place.backing / "many" / name, os.O_CREAT | os.O_WRONLY, 0o666))
    many = place.folder / "many"
    listed = os.listdir(many)
    equal(len(listed), count, "entries listed")
    equal(set(listed), expected, "names listed")
    with os.scandir(many) as entries:
        equal(sum(1 for e in entries if e.is_file() and e.stat().st_size == 0), count, "empty files by scandir and stat")
    _seek_about(many, count)
    doomed = place.folder / "doomed"
    count = place.sized(3000, 400) if place.can("crowds") else 50
    doomed.mkdir()
    for i in range(count):
        (place.backing / "doomed" / f"{i}").touch()
    removed = []
    with os.scandir(doomed) as entries:
        for entry in entries:
            os.unlink(entry.path)
            removed.append(entry.name)
    equal(len(removed), len(set(removed)), "a removed name was listed again")
    equal(len(removed), count, "entries seen while removing them")
    os.rmdir(doomed)


class _Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("reclen", ctypes.c_ushort), ("type", ctypes.c_ubyte),
                ("name", ctypes.c_char * 256)]


def _seek_about(folder, count):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.opendir.restype = ctypes.c_void_p
    libc.readdir.restype = ctypes.POINTER(_Dirent)
    libc.telldir.restype = ctypes.c_long
    for name in ("readdir", "telldir", "closedir", "rewinddir"):
        getattr(libc, name).argtypes = [ctypes.c_void_p]
    libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
    stream = libc.opendir(os.fsencode(folder))
    require(stream, "opendir failed")
    try:
        order, places = [], []
        while True:
            places.append(libc.telldir(stream))
            entry = libc.readdir(stream)
            if not entry:
                break
            order.append(entry.contents.name)
        equal(len(order), count + 2, "entries with . and ..")
        require({b".", b".."} < set(order), ". and .. are listed")
        chance = random.Random(4)
        for index in [0, 1, count, count + 1, 200, 199] + [chance.randrange(count) for _ in range(40)]:
            libc.seekdir(stream, places[index])
            equal(libc.telldir(stream), places[index], f"telldir after seekdir to entry {index}")
            equal(libc.readdir(stream).contents.name, order[index], f"entry {index} after seekdir")
        libc.rewinddir(stream)
        again = []
        while entry := libc.readdir(stream):
            again.append(entry.contents.name)
        equal(sorted(again), sorted(order), "entries after rewinddir")
    finally:
        libc.closedir(stream)


SCRIPTS = {"Latin": "Žluťoučký kůň", "Greek": "Καλημέρα κόσμε", "Cyrillic": "Съешь ещё этих булок", "Hebrew": "שלום עולם",
           "Arabic": "مرحبا بالعالم", "Devanagari": "नमस्ते दुनिया", "Han": "你好世界", "Hangul": "안녕 세계", "Thai": "สวัสดีชาวโลก"}
AWKWARD = ["a:b", "a*b", "what?", 'say "hi"', "<tag>", "pipe|pipe", "back\\slash", ":", "*", "?", "|", "\\", "trailing dot.",
           "trailing space ", "dots...", "spaces   ", ". .", " leading", "-rf", "tab\there", "new\nline", "\x01\x1f", "~", "#", "%20",
           "$(x)", "a&b;c", "'quoted'", "e\u0301 decomposed", "\u00e9 composed", "desktop.ini", "...",
           "..data", ".hidden", "x" * 251 + ".txt", "界" * 85, "\U0001f600" * 63, "\U0001f600 emoji \U0001f468\u200d\U0001f469\u200d\U0001f467",
           "\U00020000 beyond the basic plane", "\u202eright to left"]

# What the code page 850 has, for servers without Unicode, which have no room for reserved characters either.
WESTERN = ["Größe", "ÅÄÖ", "señor ¿qué", "Þórr", "½ × ³", "░▒▓", "façade.txt", "..data", ".hidden", " leading", "x" * 251 + ".txt", "ü" * 85]


def _is_refused(path, expected):
    try:
        path.touch()
    except OSError as error:
        return equal(error.errno, expected, f"errno for the name {_short(path.name)}")
    raise AssertionError(f"the name {_short(path.name)} was accepted")


@work
def names(place):
    """six scripts and more, emoji, long names, characters and endings that SMB reserves; or what a code page has"""
    wanted = sorted([*SCRIPTS.values(), *AWKWARD] if place.can("Unicode") else WESTERN)
    for i, name in enumerate(wanted):
        (place.folder / name).write_text(f"content {i}")
    equal(sorted(os.listdir(place.folder)), wanted, "names listed")
    for i, name in enumerate(wanted):
        equal((place.folder / name).read_text(), f"content {i}", f"content of {name!r}")
    for name in wanted:
        os.rename(place.folder / name, place.folder / "in between")
        os.rename(place.folder / "in between", place.folder / name)
    for name in wanted:
        os.unlink(place.folder / name)
    if not place.can("folders with long names"):
        wanted = [name for name in wanted if len(name.encode()) < 200]
    for name in wanted:
        os.mkdir(place.folder / name)
        (place.folder / name / name).touch()
    equal(sorted(os.listdir(place.folder)), wanted, "folders listed")
    for name in wanted:
        equal(os.listdir(place.folder / name), [name], f"what lies in {name!r}")
    sh("rm", "-r", "--", *(place.folder / name for name in wanted))
    equal(os.listdir(place.folder), [], "left after removal")
    _is_refused(place.folder / ("x" * 256), errno.ENAMETOOLONG)
    if not place.can("Unicode"):
        for name in ("日本", "€uro", "a:b"):
            _is_refused(place.folder / name, errno.EILSEQ)
    equal(os.listdir(place.folder), [], "left of what was refused")


@work
def large(place):
    """a file larger than every buffer: written in uneven pieces, read at random, overwritten, truncated"""
    path, chance = place.folder / "large", random.Random(5)
    data = bytearray(chance.randbytes(place.sized(48, 12) << 20))
    with open(path, "wb", buffering=0) as f:
        at = 0
        while at < len(data):
            at += f.write(memoryview(data)[at:at + chance.choice((1, 511, 4096, 65537, 1 << 20, 3 << 20))])
    equal(_digest(path), hashlib.sha256(data).hexdigest(), "data after writing")
    with open(path, "r+b", buffering=0) as f:
        for _ in range(200):
            offset, size = chance.randrange(len(data)), chance.choice((1, 100, 5000, 300000))
            if chance.random() < 0.5:
                piece = chance.randbytes(min(size, len(data) - offset))
                equal(os.pwrite(f.fileno(), piece, offset), len(piece), "bytes written")
                data[offset:offset + len(piece)] = piece
            else:
                equal(os.pread(f.fileno(), size, offset), bytes(data[offset:offset + size]), f"{size} bytes at {offset}")
        os.fsync(f.fileno())
    equal(_digest(path), hashlib.sha256(data).hexdigest(), "data after changes")
    if place.can("truncate"):
        os.truncate(path, 1000)
        equal(path.read_bytes(), bytes(data[:1000]), "data after truncate")
    sh("dd", f"if={place.fixtures}/project.tar", f"of={path}", "bs=64k", "conv=fsync", "status=none")
    sh("cmp", place.fixtures / "project.tar", path)


# --- the command ----------------------------------------------------------------------------------------------------

def main(arguments):
    if arguments[0] == "fixtures":
        return make_fixtures(arguments[1])
    arguments = arguments[1:]
    without = set()
    full = "--full" in arguments
    if full:
        arguments.remove("--full")
    if arguments[0] == "--without":
        without = set(arguments[1].split(","))
        arguments = arguments[2:]
    fixtures, scratch, folder, backing, *chosen = arguments
    for name in chosen or WORKS:
        begin = time.monotonic()
        paths = [pathlib.Path(p) / name for p in (folder, backing, scratch)]
        paths[0].mkdir()
        paths[2].mkdir()
        try:
            WORKS[name](Place(*paths, pathlib.Path(fixtures), full, without))
        except Exception as error:
            error.add_note(f"(in the work '{name}': {WORKS[name].__doc__})")
            raise
        print(f"{name} {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
