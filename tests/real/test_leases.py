# SPDX-License-Identifier: Apache-2.0
"""Leases and oplocks against a real server: two mounts of one share, and smbclient, take files from each other.

Seeded random work with an oracle, a storm of breaks, both mounts at once at the same few files, and what is kept under a
lease counted on the wire. SMB3FUSE_TEST_LEASE_SECONDS is how long each stress takes; SMB3FUSE_TEST_SEED repeats one.
"""
import concurrent.futures
import contextlib
import mmap
import os
import random
import threading
import time
import unittest

import harness
from harness import LagProxy, Mount, SambaServer
from roundtrips import Measure

SECONDS = float(os.environ.get("SMB3FUSE_TEST_LEASE_SECONDS", "4"))
SEED = int(os.environ.get("SMB3FUSE_TEST_SEED", time.time_ns() % 1_000_000))
SOON = 2.0  # a break that nobody waits for comes in milliseconds; what is old and not broken stays for TRUST
TRUST = 60
SLOW = 4.0  # a break that is answered takes milliseconds; the daemon gives the kernel up after 5 s, Samba the daemon after 35


class TwoMounts(unittest.TestCase):
    server_options = ()
    options = ""

    def setUp(self):
        self.server = self.enterContext(SambaServer(options=self.server_options))
        self.mounts = [self.mount(self.options) for _ in range(2)]
        # What the server tells of a file, which is not always what its disk does.
        self.uncached = self.mount(",".join(filter(None, (self.options, "cache=none,actimeo=0"))))

    def mount(self, options, port=None):
        options = ",".join(filter(None, (f"actimeo={TRUST}", options)))
        return self.enterContext(Mount(self.server, port=port, options=options, limit=60 + 4 * SECONDS)).path

    def break_timeouts(self):
        """What the server says about breaks that nobody answered."""
        logs = "".join(f.read_text(errors="replace") for f in self.server.home.glob("log.*"))
        return [line for line in logs.splitlines() if "replying anyway" in line or "break timeout" in line.lower()]


class Held:
    """Fails if the kernel holds a daemon's notification, and with it a break, for long."""

    def __enter__(self):
        self.over = threading.Event()
        self.held = []
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        since = {}
        while not self.over.wait(0.05):
            waits = {(pid, task): self.waits_in(pid, task) for pid in harness.daemons() for task in self.tasks(pid)}
            now = time.monotonic()
            since = {key: since.get(key, now) for key in waits.items() if key[1] not in ("", "0") and "poll" not in key[1] and "futex" not in key[1]}
            self.held += [f"{place} for {now - begun:.1f} s" for (_, place), begun in since.items() if now - begun > SLOW * harness.PATIENCE]

    @staticmethod
    def tasks(pid):
        with contextlib.suppress(OSError):
            return os.listdir(f"/proc/{pid}/task")
        return []

    @staticmethod
    def waits_in(pid, task):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/wchan") as f:
            return f.read()
        return ""

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        if kind is None and self.held:
            raise AssertionError(f"a daemon waited in {self.held[0]}")


class Timed:
    """Fails if what happens within takes suspiciously long."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.begin = time.monotonic()

    def __exit__(self, kind, *_):
        took = time.monotonic() - self.begin
        if kind is None and took > SLOW * harness.PATIENCE:
            raise AssertionError(f"{self.what} took {took:.1f} s")


def difference(seen, expected):
    at = next((i for i, (a, b) in enumerate(zip(seen, expected)) if a != b), min(len(seen), len(expected)))
    return f"{len(seen)} bytes where {len(expected)} were expected, other ones from {at} on"


class Oracle:
    """What each file holds, and the random works that change it: each begins and ends with the file closed."""
    NAMES = [f"file{i}" for i in range(4)]
    LARGEST = 300_000

    def __init__(self, test, seed, renames):
        self.test, self.server, self.mounts = test, test.server, test.mounts
        self.random = random.Random(seed)
        self.files = {}
        self.times = {}
        self.history = []
        self.works = [self.write, self.overwrite, self.overwrite, self.append, self.append, self.truncate,
                      self.write_mapped, self.write_and_sync, self.read, self.read, self.read, self.read_mapped, self.stat]
        self.renames = renames
        if renames:
            self.works += [self.rename, self.unlink]
        self.kept = []  # mappings that stay, and what they show
        self.local = harness.fresh_folder("smbclient") / "file"

    def run(self, seconds):
        until = time.monotonic() + seconds
        with contextlib.ExitStack() as stack:
            stack.callback(self.drop_kept)
            return self.do_works(until)

    def do_works(self, until):
        turns = 0
        while time.monotonic() < until:
            turns += 1
            side, name = self.random.randrange(2), self.random.choice(self.NAMES)
            if turns % 40 == 0:
                work, side = self.random.choice([self.put_by_smbclient, self.get_by_smbclient]), 2
            else:
                work = self.random.choice(self.works)
            if name not in self.files and work not in (self.put_by_smbclient, self.unlink):
                work, side = self.write, self.random.randrange(2)
            self.history.append(f"{work.__name__} {name} on {'ABS'[side]}")
            # smbclient is a process of its own, which takes time to start.
            with Timed(self.history[-1]) if side < 2 and not self.renames else contextlib.nullcontext():
                self.settled(lambda: work(side, name))
            if name in self.files and side < 2:
                self.settled(lambda: self.check(1 - side, name))
        for name, data in self.files.items():
            self.test.assertEqual((self.server.folder() / name).read_bytes(), data, self.told(name))
        return turns

    # Samba 4.17 asks nobody for a handle back when a file is removed: while the other mount keeps one, which is a second
    # or two for a file that both have had, its name can neither be opened nor made nor replaced.
    def settled(self, work):
        deadline = time.monotonic() + 2.5 * harness.PATIENCE
        while True:
            try:
                return work()
            except OSError:
                if not self.renames or time.monotonic() > deadline:
                    raise

    def told(self, what):
        return f"{what} (after {len(self.history)} works: {', '.join(self.history[-8:])})"

    def path(self, side, name):
        return self.mounts[side] / name

    def bytes(self, length):
        return self.random.randbytes(length)

    def same(self, seen, expected, what):
        if seen != expected:
            self.test.fail(self.told(f"{what}: {difference(seen, expected)}"))

    # The next open on the other side sees exactly what was closed: at once where that one had the right to write, and
    # else when the break that nobody waits for has come there. Samba 4.17 sends it a millisecond or two after it has
    # answered the change.
    def check(self, side, name):
        deadline = time.monotonic() + SOON * harness.PATIENCE
        while wrong := self.what_is_wrong(side, name):
            self.test.assertLess(time.monotonic(), deadline, self.told(wrong))

    def what_is_wrong(self, side, name):
        expected = self.files[name]
        with open(self.path(side, name), "rb", buffering=0) as f:
            size = os.fstat(f.fileno()).st_size
            seen = f.read()
        here = os.stat(self.path(side, name))
        # Without a right only an open asks for what is not a second old.
        with open(self.path(1 - side, name), "rb", buffering=0) as f:
            there = os.fstat(f.fileno())
        if {size, here.st_size, there.st_size} != {len(expected)}:
            return f"size of {name} on {'AB'[side]}: {size}, then {here.st_size}, and there {there.st_size}, not {len(expected)}"
        if seen != expected:
            return f"{name} on {'AB'[side]}: {difference(seen, expected)}"
        # Not the writer's, who trusts what it has told: with the CLOSE of an open that has once set a time Samba 4.17 sets
        # that time again, if it comes after another client's. Beyond SMB's 100 ns is what makes the kernel ask again.
        served = os.stat(self.test.uncached / name)
        if here.st_mtime_ns // 100 != served.st_mtime_ns // 100:
            return f"mtime of {name}: {here.st_mtime_ns} on {'AB'[side]}, {served.st_mtime_ns} on the server"
        return None

    def write(self, side, name):
        data = self.bytes(self.random.choice([1, 100, 5000, self.random.randrange(1, self.LARGEST)]))
        with open(self.path(side, name), "wb", buffering=0) as f:
            f.write(data)
        self.files[name] = data

    def overwrite(self, side, name):
        data = bytearray(self.files[name])
        with open(self.path(side, name), "r+b", buffering=0) as f:
            for _ in range(self.random.randrange(1, 4)):
                at = self.random.randrange(len(data) + 1)
                piece = self.bytes(self.random.choice([1, 10, 4096, 20000]))
                os.pwrite(f.fileno(), piece, at)
                data[at:at + len(piece)] = piece
                if self.random.random() < 0.3:
                    self.same(os.pread(f.fileno(), len(data) + 1, 0), bytes(data), f"{name} as just written")
        self.files[name] = bytes(data)

    def write_and_sync(self, side, name):
        data = bytearray(self.files[name])
        with open(self.path(side, name), "r+b", buffering=0) as f:
            piece = self.bytes(3000)
            os.pwrite(f.fileno(), piece, 0)
            data[0:len(piece)] = piece
            self.files[name] = bytes(data)
            os.fsync(f.fileno())
            self.check(1 - side, name)

    def append(self, side, name):
        data = self.bytes(self.random.choice([1, 50, 70_000]))
        with open(self.path(side, name), "ab", buffering=0) as f:
            f.write(data)
        self.files[name] += data

    def truncate(self, side, name):
        size = self.random.randrange(len(self.files[name]) + 5000)
        # A time alone breaks no right to read, so who has one is not told of it.
        size += size == len(self.files[name])
        os.truncate(self.path(side, name), size)
        self.files[name] = self.files[name][:size].ljust(size, b"\0")

    def write_mapped(self, side, name):
        if not self.files[name]:
            return
        data = bytearray(self.files[name])
        with open(self.path(side, name), "r+b", buffering=0) as f, mmap.mmap(f.fileno(), 0) as m:
            at = self.random.randrange(len(data))
            piece = self.bytes(min(self.random.choice([1, 5000]), len(data) - at))
            m[at:at + len(piece)] = piece
            m.flush()
            data[at:at + len(piece)] = piece
        self.files[name] = bytes(data)

    def read(self, side, name):
        self.check(side, name)

    # A mapping stays over the other side's changes: after our next open it shows what that one shows.
    def read_mapped(self, side, name):
        if self.kept and self.random.random() < 0.5:
            side, name, m = self.random.choice(self.kept)
            if name in self.files and len(self.files[name]) == len(m):
                self.check(side, name)
                self.same(m[:], self.files[name], f"the mapping of {name} on {'AB'[side]}")
            return
        if not self.files[name]:
            return
        with open(self.path(side, name), "rb", buffering=0) as f:
            m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        self.same(m[:], self.files[name], f"a new mapping of {name} on {'AB'[side]}")
        if len(self.kept) == 2:
            self.kept.pop(0)[2].close()
        self.kept.append((side, name, m))

    def drop_kept(self):
        """A mapping counts as an open: with it a file could not be replaced, nor the mount left."""
        while self.kept:
            self.kept.pop()[2].close()

    def stat(self, side, name):
        self.test.assertEqual(os.stat(self.path(side, name)).st_size, len(self.files[name]), self.told(f"stat of {name}"))

    def rename(self, side, name):
        to = self.random.choice(self.NAMES)
        self.drop_kept()
        os.rename(self.path(side, name), self.path(side, to))
        self.files[to] = self.files[name]
        if to != name:
            del self.files[name]

    def unlink(self, side, name):
        self.drop_kept()
        if name in self.files:
            os.unlink(self.path(side, name))
            del self.files[name]
        self.test.assertFalse(os.path.exists(self.path(1 - side, name)), self.told(f"{name} is still there"))

    def put_by_smbclient(self, _, name):
        self.files[name] = self.bytes(self.random.randrange(20_000))
        self.local.write_bytes(self.files[name])
        self.server.smbclient(f"put {self.local} {name}")
        self.check(self.random.randrange(2), name)

    def get_by_smbclient(self, _, name):
        self.server.smbclient(f"get {name} {self.local}")
        self.same(self.local.read_bytes(), self.files[name], f"{name} by smbclient")


class Work(TwoMounts):
    """In SMB 3.1.1; the other classes have other dialects."""

    def test_each_open_sees_what_was_closed_before_it(self):
        print(f"seed {SEED}: ", end="", flush=True)
        turns = Oracle(self, SEED, renames="actimeo=0" in self.options).run(SECONDS)
        self.assertGreater(turns, 20)
        self.assertEqual(self.break_timeouts(), [])

    def test_both_at_once_at_the_same_files_end_with_the_same_files(self):
        names = [f"shared{i}" for i in range(3)]
        for name in names:
            (self.mounts[0] / name).touch()
        stop = time.monotonic() + SECONDS / 2
        failures = []

        def hammer(mount, seed):
            chance = random.Random(seed)
            try:
                while time.monotonic() < stop and not failures:
                    path = mount / chance.choice(names)
                    with open(path, "a+b", buffering=0) as f:
                        match chance.randrange(5):
                            case 0: f.write(chance.randbytes(chance.choice([10, 10_000])))
                            case 1: os.pread(f.fileno(), 1 << 20, 0)
                            case 2: os.ftruncate(f.fileno(), chance.randrange(50_000))
                            case 3: os.fstat(f.fileno())
                            case 4:
                                with open(path, "r+b", buffering=0) as g:
                                    os.pwrite(g.fileno(), chance.randbytes(5000), chance.randrange(20_000))
                                    os.fsync(g.fileno())
            except BaseException as error:  # told by the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=hammer, args=(m, SEED + i)) for i, m in enumerate(self.mounts * 2)]
        # How long each work takes says nothing: Samba 4.17 now and then sleeps 5 to 10 s on a lock of its own when two
        # of its processes want it at once.
        with Held():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        for name in names:
            contents = lambda: {(folder / name).read_bytes() for folder in (*self.mounts, self.server.folder())}
            self.assertTrue(harness.eventually(lambda: len(contents()) == 1, SOON), f"sizes: {[len(c) for c in contents()]}")
        self.assertEqual(self.break_timeouts(), [])

    def test_a_storm_of_breaks_is_answered(self):
        a, b = self.mounts
        names = [f"f{i}" for i in range(200)]
        with contextlib.ExitStack() as stack:
            kept = []
            for name in names:
                f = stack.enter_context(open(a / name, "w+b", buffering=0))
                f.write(b"from A: " + name.encode())
                kept.append(f)
            for name in names:
                with Timed(f"writing {name} on B"):
                    with open(b / name, "r+b", buffering=0) as f:
                        self.assertEqual(f.read(), b"from A: " + name.encode())
                        os.pwrite(f.fileno(), b"from B", 0)
            for name, f in zip(names, kept):
                expected = b"from B: " + name.encode()
                with Timed(f"reading {name} on A"):
                    self.assertEqual(os.pread(f.fileno(), 100, 0), expected, "through the handle that A kept")
                    self.assertEqual((a / name).read_bytes(), expected)
        self.assertEqual(self.break_timeouts(), [])


    def test_a_mapping_shows_what_the_other_mount_writes_through_its_own(self):
        size = 5 * mmap.PAGESIZE + 100
        expected = bytearray(size)
        for here, there, name in ((*self.mounts, "ab"), (*reversed(self.mounts), "ba")):
            expected[:] = b"-" * size
            (here / name).write_bytes(expected)
            for turn in range(4):
                time.sleep(0.5 * harness.PATIENCE)  # the writer's CLOSE arrives, and the next open gets the right to read
                with open(there / name, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as shown:
                    self.assertEqual(shown[:], expected)
                    with open(here / name, "r+b", buffering=0) as g, mmap.mmap(g.fileno(), 0) as written:
                        piece = b"%d msync " % turn
                        at = (turn * 7919) % (size - 100)
                        written[at:at + len(piece)] = expected[at:at + len(piece)] = piece
                        written.flush()
                        # Nobody asks: the break has the pages read again.
                        self.same_as(lambda: shown[:], expected)
                        self.same_as((there / name).read_bytes, expected)
                        written[-50:-40] = expected[-50:-40] = b"close %4d" % turn
                    self.same_as((there / name).read_bytes, expected)
                    self.assertEqual(shown[:], expected)

    def same_as(self, seen, expected):
        if not harness.eventually(lambda: seen() == expected, SOON):
            self.fail(difference(seen(), expected))


class WorkInSmb202(Work):
    options = "vers=2.0"


class WorkInSmb21(Work):
    options = "vers=2.1"


class WorkInSmb30(Work):
    options = "vers=3.0"


class WorkInSmb1(Work):
    options = "vers=1.0"
    server_options = ["server min protocol = NT1"]


class WorkSealed(Work):
    options = "vers=3.1.1,seal"


class WorkSealedInSmb30(Work):
    options = "vers=3.0,seal"


class WorkWithoutLeases(Work):
    server_options = ["smb2 leases = no"]


class WorkWithNames(Work):
    """Without leases of directories names are as old as actimeo lets them be."""
    options = "actimeo=0"


class Storm(TwoMounts):
    """200 files that one mount has written and keeps open are taken by the other, 16 at once."""
    FILES = 200
    ANSWERS = 2

    def test_each_break_is_acknowledged_and_work_on_another_file_goes_on(self):
        proxy = self.enterContext(LagProxy(self.server))
        a, b = self.mount(self.options, proxy.port), self.mounts[1]
        names = [f"f{i}" for i in range(self.FILES)]
        kept = [self.enterContext(open(a / name, "w+b", buffering=0)) for name in names]
        for f, name in zip(kept, names):
            f.write(b"from A: " + name.encode())
        proxy.reset()
        over, took = threading.Event(), []

        def work_on_another():
            with open(a / "another", "wb", buffering=0) as f:
                while not over.is_set():
                    begin = time.monotonic()
                    os.pwrite(f.fileno(), b"x" * 5000, 0)
                    os.fsync(f.fileno())
                    took.append(time.monotonic() - begin)

        def take(name):
            with open(b / name, "r+b", buffering=0) as f:
                self.assertEqual(f.read(), b"from A: " + name.encode())
                os.pwrite(f.fileno(), b"from B", 0)

        worker = threading.Thread(target=work_on_another)
        with Held(), concurrent.futures.ThreadPoolExecutor(16) as takers:
            worker.start()
            try:
                list(takers.map(take, names))
            finally:
                over.set()
                worker.join()
        for name, f in zip(names, kept):
            self.assertEqual(os.pread(f.fileno(), 100, 0), b"from B: " + name.encode())
        self.assertGreater(len(took), 10)
        self.assertLess(max(took), SLOW * harness.PATIENCE)
        stats = proxy.stats()
        # Two a file: one when it is opened there, one when it is written.
        self.assertEqual((stats["breaks"], stats["break_acknowledgments"]), (2 * self.FILES, self.ANSWERS * self.FILES))
        self.assertEqual(self.break_timeouts(), [])


class StormInSmb202(Storm):
    options = "vers=2.0"
    ANSWERS = 1  # the loss of a level II oplock is not acknowledged


class StormInSmb1(Storm):
    options = "vers=1.0,nounix"
    server_options = ["server min protocol = NT1"]
    ANSWERS = 1


class StormWithoutLeases(Storm):
    server_options = ["smb2 leases = no"]
    ANSWERS = 1


class OnTheWire(unittest.TestCase):
    """What is kept costs nothing again."""
    options = ""
    server_options = ()

    def setUp(self):
        server = self.enterContext(SambaServer(options=self.server_options))
        self.proxy = self.enterContext(LagProxy(server, 0))
        self.mount = self.enterContext(Mount(server, port=self.proxy.port, options=f"{self.options},actimeo=30".strip(",")))
        self.file = self.mount.path / "file"
        self.file.write_bytes(b"content")

    def requests_of(self, action):
        with Measure(self.proxy) as measure:
            action()
        return measure.sequence

    def test_a_file_read_again(self):
        self.file.read_bytes()
        self.assertEqual(self.requests_of(self.file.read_bytes), [])

    def test_a_file_looked_at_again(self):
        os.stat(self.file)
        self.assertEqual(self.requests_of(lambda: os.stat(self.file)), [])

    def test_a_line_appended(self):
        def append():
            with open(self.file, "ab", buffering=0) as f:
                f.write(b"line\n")
        append()
        with Measure(self.proxy) as measure:
            append()
        self.assertEqual(measure.turns, 1, str(measure))
        self.assertEqual(measure.sequence, ["Write+SetInfo"], str(measure))  # with the time that is shown here

    def test_a_file_rewritten_and_read(self):
        with open(self.file, "r+b", buffering=0) as f:
            f.write(b"CONTENT")
        self.assertEqual(self.requests_of(lambda: self.assertEqual(self.file.read_bytes(), b"CONTENT")), [])


class OnTheWireInSmb202(OnTheWire):
    options = "vers=2.0"


class OnTheWireWithoutLeases(OnTheWire):
    server_options = ["smb2 leases = no"]


if __name__ == "__main__":
    harness.main()
