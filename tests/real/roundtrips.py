# SPDX-License-Identifier: Apache-2.0
"""How many network round trips people wait for, counted on the wire and timed behind a delaying proxy.

A row states its budget. Two measures must keep it: the proxy's turns (frames sent while nothing was awaited), and the
time at a round trip of 20 ms. A Close alone in a frame is not counted: it is sent when close(2) has returned, nobody
waits for it, and the time shows that. Nor is a ChangeNotify, which asks to be told of the next change.

    roundtrips.py               asserts the budgets
    roundtrips.py --table       prints what was measured as Markdown
"""
import fcntl
import os
import subprocess
import sys
import tarfile
import time
import unittest

import harness
from harness import LagProxy, Mount, SambaServer

ONE_WAY_MS = 10
ROUND_TRIP = 2 * ONE_WAY_MS / 1000
SETTLE = 3 * ROUND_TRIP  # what was sent behind an application's back has been answered after this
measured = []


class Measure:
    """What passed between `with` and its end."""

    def __init__(self, proxy):
        self.proxy = proxy

    def __enter__(self):
        time.sleep(SETTLE)
        self.proxy.reset()
        self.begin = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.begin
        time.sleep(SETTLE)
        self.stats = self.proxy.stats()
        self.sequence = [s["request"] for s in self.stats["sequence"]]
        # What nobody waits for hides the turn of the frame sent meanwhile, or is one itself: without it, at most the other frames.
        unwaited = sum(request == "Close" or request.endswith("ChangeNotify") for request in self.sequence)
        self.turns = min(self.stats["turns"], self.stats["frames"] - unwaited)

    def __str__(self):
        shown = self.sequence if len(self.sequence) <= 12 else [*self.sequence[:12], f"... {len(self.sequence)} in all"]
        return f"{self.turns} turns in {self.seconds * 1000:.0f} ms: {', '.join(shown)}"


class Rows(unittest.TestCase):
    """Base of the classes below."""
    options = ""
    server_options = ()
    delayed = True

    def run(self, result=None):
        """What else the machine does can only add turns and time: what fails is told, and tried twice more."""
        for _ in range(2):
            trial, before = unittest.TestResult(), len(measured)
            super().run(trial)
            if trial.wasSuccessful():
                result.startTest(self)
                result.addSuccess(self)
                result.stopTest(self)
                return
            del measured[before:]
            print("again, after", *(text for _, text in trial.failures + trial.errors), flush=True)
        super().run(result)

    def setUp(self):
        self.server = self.enterContext(SambaServer(self.server_options))
        self.proxy = self.enterContext(LagProxy(self.server, ONE_WAY_MS))
        self.folder = self.server.folder() / "folder"
        self.folder.mkdir()
        os.chmod(self.folder, 0o777)

    def mount(self, trust=1):
        """`trust`: actimeo. What takes longer than that on a busy machine would look up names and attributes again."""
        options = ",".join(filter(None, (self.options, f"actimeo={trust}")))
        mount = self.enterContext(Mount(self.server, port=self.proxy.port, options=options))
        self.path = mount.path / "folder"
        return mount

    def fill(self, names, data=b"content"):
        """Files on the server itself, as if somebody else had made them."""
        paths = []
        for name in names:
            (self.folder / name).write_bytes(data)
            os.chmod(self.folder / name, 0o666)
            os.chown(self.folder / name, harness.USER_ID, harness.USER_ID)
            paths.append(self.path / name)
        return paths

    def mount_for_a_long_work(self):
        """Turns are counted, not timed: without delay, and what is known is not forgotten on a slow machine."""
        self.proxy.delay(0)
        self.delayed = False
        return self.mount(trust=60)

    def list(self):
        """Lists the folder with attributes, so that its names are known for the next second."""
        with os.scandir(self.path) as entries:
            return sorted((e.name, e.stat(follow_symlinks=False).st_size) for e in entries)

    def keep(self, name, budget, measure, count=1, spare=0, own_time=0.25):
        """`count` operations may wait for `budget` round trips each, `spare` in all, and compute for `own_time`."""
        allowed = budget * count + spare
        measured.append((name, budget, count, measure))
        self.assertLessEqual(measure.turns, allowed, f"{name}: {measure}")
        # Half a round trip each for the work itself; a busy machine is no round trip.
        if self.delayed:
            self.assertLess(measure.seconds, ((allowed + 0.5 * count) * ROUND_TRIP + own_time) * harness.PATIENCE, f"{name}: {measure}")

    def check_each(self, name, budget, count, action, prepare=lambda: None, spare=0):
        """action(i) for i < count, all prepared alike; turns are summed."""
        prepare()
        with Measure(self.proxy) as measure:
            for i in range(count):
                action(i)
        self.keep(name, budget, measure, count, spare)


class Budgets(Rows):
    def test_mount(self):
        with Measure(self.proxy) as measure:
            self.mount()
        self.keep("mount (NTLM)", 5, measure, spare=0)

    def test_stat(self):
        self.mount()
        paths = self.fill([f"f{i}" for i in range(10)])
        os.stat(self.path)
        self.check_each("stat of one path component", 1, len(paths), lambda i: os.stat(paths[i]), lambda: os.stat(self.path))

    def test_missing_name(self):
        self.mount()
        self.check_each("open of a missing name", 1, 10,
                        lambda i: self.assertRaises(FileNotFoundError, os.open, self.path / f"missing{i}", os.O_RDONLY),
                        lambda: os.stat(self.path))

    def test_missing_name_again(self):
        self.mount(trust=60)
        missing = lambda i: self.assertRaises(FileNotFoundError, os.stat, self.path / f"missing{i}")
        for i in range(3):
            missing(i)
        self.check_each("stat of a missing name again", 0, 3, missing)

    def test_sync_of_a_folder(self):
        self.mount(trust=60)
        os.stat(self.path)

        def sync(_):
            folder = os.open(self.path, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        self.check_each("open, fsync and close of a folder", 0, 10, sync)

    def test_list_with_attributes(self):
        for count in (10, 2000, 7500):
            with self.subTest(entries=count), Mount(self.server, port=self.proxy.port, options=f"{self.options},actimeo=30") as mount:
                self.path = mount.path / "folder"
                self.fill(f"{i:05}" for i in range(count))
                os.stat(self.path)
                with Measure(self.proxy) as measure:
                    self.assertEqual(len(self.list()), count)
                self.keep(f"list a directory of {count} with attributes", 1, measure, own_time=2)

    def test_open_read_close(self):
        self.mount()
        for size, kind in ((1000, "1 kB"), (1 << 20, "1 MiB")):
            paths = self.fill([f"{kind} {i}" for i in range(8)], os.urandom(size))
            with self.subTest(kind):
                self.check_each(f"open + read {kind} + close of a known name", 1, len(paths),
                                lambda i: self.assertEqual(len(paths[i].read_bytes()), size), self.list, spare=2)

    def test_read_sequentially(self):
        self.mount()
        [path] = self.fill(["large"], os.urandom(32 << 20))
        self.list()
        with Measure(self.proxy) as measure, open(path, "rb", buffering=0) as f:
            while f.read(1 << 20):
                pass
        measured.append(("read 32 MiB sequentially", "8 in all", 1, measure))
        self.assertLessEqual(measure.turns, 8, str(measure))
        self.assertLess(measure.seconds, 2 * harness.PATIENCE, str(measure))
        with Measure(self.proxy) as measure:
            self.assertEqual(len(path.read_bytes()), 32 << 20)
        self.keep("read it again", 0, measure, own_time=1)

    def test_write_sequentially(self):
        self.mount()
        self.list()
        data = os.urandom(32 << 20)
        with Measure(self.proxy) as measure:
            with open(self.path / "large", "wb", buffering=0) as f:
                for at in range(0, len(data), 1 << 20):
                    f.write(data[at:at + (1 << 20)])
        measured.append(("create + write 32 MiB + close", "10 in all", 1, measure))
        self.assertLessEqual(measure.turns, 10, str(measure))
        self.assertEqual((self.folder / "large").read_bytes(), data)

    def test_create_write_close(self):
        self.mount()
        data = os.urandom(100_000)

        def create(i):
            with open(self.path / f"new{i}", "wb", buffering=0) as f:
                f.write(data)
        self.check_each("create + write 100 kB + close", 2, 10, create, self.list)
        for i in range(10):
            self.assertEqual((self.folder / f"new{i}").read_bytes(), data)

    def test_create_with_lazy_close(self):
        self.options = ",".join(filter(None, (self.options, "close=lazy")))
        self.mount()

        def create(i):
            with open(self.path / f"new{i}", "wb", buffering=0) as f:
                f.write(b"x" * 100_000)
        self.check_each("create + write 100 kB + close, close=lazy", 1, 10, create, self.list, spare=1)
        for i in range(10):
            self.assertEqual((self.folder / f"new{i}").stat().st_size, 100_000)

    def test_copy_with_times_and_mode(self):
        self.mount(trust=60)
        source = harness.fresh_folder("source")
        for i in range(20):
            (source / f"file{i}").write_bytes(os.urandom(3000))
            os.utime(source / f"file{i}", (10**9 + i, 10**9 + i))
        self.list()
        with Measure(self.proxy) as measure:
            subprocess.run(["cp", "-p", "--no-preserve=ownership", *sorted(source.iterdir()), str(self.path)], check=True)
        self.keep("cp -p, a file", 2, measure, 20, spare=2, own_time=0.5)
        for i in range(20):
            self.assertEqual(int((self.folder / f"file{i}").stat().st_mtime), 10**9 + i)

    def test_rsync(self):
        self.mount(trust=60)
        source = harness.fresh_folder("source")
        for i in range(50):
            (source / f"file{i}").write_bytes(os.urandom(3000))
        os.stat(self.path)
        with Measure(self.proxy) as measure:
            subprocess.run(["rsync", "-rt", f"{source}/", f"{self.path}/"], check=True)
        # Each is made under another name, written, given its time, and renamed.
        self.keep("rsync -rt, a file", 3, measure, 50, spare=8, own_time=1)

    def test_git_status(self):
        self.mount_for_a_long_work()
        git = ["git", "-c", "safe.directory=*", "-C", str(self.path)]
        subprocess.run([*git, "init", "-q"], check=True)
        for d in range(10):
            (self.path / f"d{d}").mkdir()
            for i in range(50):
                (self.path / f"d{d}" / f"f{i}").write_bytes(b"x%d" % i)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "all"], check=True)
        mount = self.enterContext(Mount(self.server, port=self.proxy.port, options=f"{self.options},actimeo=60"))
        git[-1] = str(mount.path / "folder")
        os.stat(git[-1])
        self.proxy.delay(ONE_WAY_MS)
        self.delayed = True
        # Rights to the folders that it reads again are asked for meanwhile.
        for name, budget, spare in (("git status on 500 files", 60, 0), ("git status again", 5, 2)):
            with Measure(self.proxy) as measure:
                said = subprocess.run([*git, "status", "--porcelain"], check=True, stdout=subprocess.PIPE).stdout
            self.assertEqual(said, b"")
            self.keep(name, budget, measure, spare=spare, own_time=0.5)

    def test_append_and_close(self):
        self.mount(trust=30)
        [path] = self.fill(["log"], b"")

        def append(i):
            with open(path, "ab", buffering=0) as f:
                f.write(b"line %03d\n" % i)
        self.check_each("append and close", 1, 100, append, self.list, spare=10)
        self.assertEqual((self.folder / "log").read_bytes(), b"".join(b"line %03d\n" % i for i in range(100)))

    def test_mkdir_and_rmdir(self):
        self.mount()
        self.check_each("mkdir", 1, 10, lambda i: os.mkdir(self.path / f"d{i}"), self.list)
        self.check_each("rmdir", 1, 10, lambda i: os.rmdir(self.path / f"d{i}"), self.list)

    def test_unlink(self):
        self.mount()
        paths = self.fill([f"f{i}" for i in range(10)])
        self.check_each("unlink", 1, 10, lambda i: os.unlink(paths[i]), self.list)

    def test_rename(self):
        self.mount()
        paths = self.fill([f"f{i}" for i in range(10)])
        self.check_each("rename", 1, 10, lambda i: os.rename(paths[i], self.path / f"g{i}"), self.list)

    def test_symlink_and_readlink(self):
        self.mount()
        self.check_each("symlink", 1, 10, lambda i: os.symlink("target", self.path / f"l{i}"), self.list)
        time.sleep(1.2)
        self.check_each("readlink", 1, 10, lambda i: self.assertEqual(os.readlink(self.path / f"l{i}"), "target"), self.list)

    def test_chmod_and_utimes(self):
        self.mount()
        paths = self.fill([f"f{i}" for i in range(10)])
        self.check_each("chmod", 1, 10, lambda i: os.chmod(paths[i], 0o444), self.list)
        self.check_each("utimes", 1, 10, lambda i: os.utime(paths[i], (10**9, 10**9)), self.list)

    def test_locks(self):
        self.mount(trust=60)
        paths = self.fill(["alone", "with others"])

        def lock_and_unlock(f):
            fcntl.lockf(f, fcntl.LOCK_EX, 10, 1 << 30)
            fcntl.lockf(f, fcntl.LOCK_UN, 10, 1 << 30)
        with open(paths[0], "r+b") as f:
            self.check_each("fcntl lock and unlock of a file that nobody else has", 0, 10, lambda _: lock_and_unlock(f))
        elsewhere = self.enterContext(Mount(self.server)).path / "folder"
        with open(elsewhere / "with others", "rb"), open(paths[1], "r+b") as f:
            self.check_each("fcntl lock and unlock of one that others have", 2, 10, lambda _: lock_and_unlock(f))
            self.check_each("fcntl lock, read what it covers, unlock", 3, 10,
                            lambda _: (fcntl.lockf(f, fcntl.LOCK_EX), os.pread(f.fileno(), 7, 0), fcntl.lockf(f, fcntl.LOCK_UN)))

    def test_warm(self):
        """What is used again and again is known for longer than actimeo."""
        mount = self.mount()
        paths = self.fill([f"f{i}" for i in range(10)])
        for folder in ("one", "two"):
            (self.folder / folder).mkdir()
            (self.folder / folder / "file").touch()
        walk = lambda: subprocess.run(["ls", "-lR", str(mount.path)], check=True, stdout=subprocess.DEVNULL)

        def grow_old():
            """Lists it all, as it has been before, and lets more than actimeo go by."""
            walk()
            time.sleep(1.2)
        for _ in range(3):
            grow_old()
        self.check_each("stat of one path component, warm", 0, len(paths), lambda i: os.stat(paths[i]))
        self.check_each("list a directory with attributes, warm", 0, 1, lambda _: self.list())
        missing = lambda i: self.assertRaises(FileNotFoundError, os.open, self.path / f"missing{i}", os.O_RDONLY)
        self.check_each("open of a missing name, warm", 0, 10, missing)
        grow_old()
        self.check_each("ls -lR again, warm", 0, 1, lambda _: walk())

    def test_statfs(self):
        self.mount()
        self.check_each("statfs", 1, 1, lambda _: os.statvfs(self.path), lambda: os.stat(self.path))

    def test_remove_a_tree(self):
        self.mount_for_a_long_work()
        self.fill([f"file{i:04}" for i in range(1000)])
        with Measure(self.proxy) as measure:
            subprocess.run(["rm", "-rf", str(self.path)], check=True)
        self.keep("rm -rf, a file", 1, measure, 1000, spare=10)
        self.assertFalse(self.folder.exists())

    def test_untar(self):
        self.mount_for_a_long_work()
        source = harness.fresh_folder("source")
        for i in range(200):
            (source / f"file{i}").write_bytes(os.urandom(3000))
        archive = harness.fresh_folder("archive") / "a.tar"
        with tarfile.open(archive, "w") as a:
            a.add(source, "unpacked")
        os.stat(self.path)
        with Measure(self.proxy) as measure:
            subprocess.run(["tar", "-xf", str(archive), "--no-same-owner", "-C", str(self.path)], check=True)
        self.keep("untar, a file", 2, measure, 200, spare=6)

    def fill_tree(self):
        for d in range(20):
            (self.folder / f"d{d}").mkdir()
            for i in range(100):
                (self.folder / f"d{d}" / f"f{i}").touch()

    def check_tree(self, name, budget, command):
        self.fill_tree()
        with Measure(self.proxy) as measure:
            subprocess.run([*command, str(self.path)], check=True, stdout=subprocess.DEVNULL)
        self.keep(name, budget, measure, own_time=0.5)
        return measure

    def test_list_a_tree(self):
        self.mount(trust=60)
        self.check_tree("ls -lR of 20 folders of 100 files", 8, ["ls", "-lR"])

    def test_find_in_a_tree(self):
        self.mount(trust=60)
        self.check_tree("find in 20 folders of 100 files", 8, ["find"])

    def test_grep_in_a_tree(self):
        # The first folder shows in which order files are read; from then on a folder of files costs one.
        self.mount(trust=60)
        for d in range(20):
            (self.folder / f"d{d}").mkdir()
            for i in range(30):
                (self.folder / f"d{d}" / f"f{i}").write_bytes(b"needle")
        with Measure(self.proxy) as measure:
            found = subprocess.run(["grep", "-rc", "needle", str(self.path)], check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual(found.count(b":1\n"), 600)
        self.keep("grep -r through 20 folders of 30 files", 30, measure, own_time=1)

    def test_list_a_tree_without_delay(self):
        # What is asked for ahead is then answered before the next is, so that some of it counts as a turn.
        self.mount_for_a_long_work()
        self.check_tree("ls -lR of them, without delay", 12, ["ls", "-lR"])

    def test_list_a_tree_without_prefetch(self):
        self.options = ",".join(filter(None, (self.options, "prefetch=off")))
        self.mount_for_a_long_work()
        measure = self.check_tree("ls -lR of them, prefetch=off", 23, ["ls", "-lR"])
        self.assertGreater(measure.turns, 20, str(measure))

    def test_list_one_folder_of_a_tree(self):
        self.mount(trust=60)
        self.fill_tree()
        os.stat(self.path)
        with Measure(self.proxy) as measure:
            self.list()
        self.keep("ls of a folder with folders", 1, measure)
        self.assertEqual(measure.sequence, ["Create+QueryDirectory+QueryDirectory", "Close"])


    def read_all(self, names):
        for name in names:
            self.assertEqual((self.path / name).read_bytes(), b"content")

    def test_read_small_files_one_after_another(self):
        self.mount(trust=60)
        self.fill(f"f{i:02}" for i in range(100))
        names = [name for name, _ in self.list()]
        with Measure(self.proxy) as measure:
            self.read_all(names)
        self.keep("read 100 small files in order", 8, measure)
        with Measure(self.proxy) as measure:
            self.read_all(names)
        self.keep("read them again", 0, measure)

    def test_read_small_files_at_random(self):
        # Files that are opened for nothing would show as turns, and as load on the server.
        self.mount(trust=60)
        self.fill(f"f{i:02}" for i in range(100))
        self.list()
        with Measure(self.proxy) as measure:
            self.read_all(f"f{i * 37 % 100:02}" for i in range(30))
        self.keep("read 30 of 100 small files at random", 1, measure, 30, own_time=0.5)
        self.assertEqual(sum("Create" in request for request in measure.sequence), 30, str(measure))


class BudgetsInSmb202(Budgets):
    """Without multi-credit requests: large transfers and listings take more, the rest does not."""
    options = "vers=2.0"
    test_list_with_attributes = test_open_read_close = test_create_write_close = None
    test_read_sequentially = test_write_sequentially = test_untar = test_remove_a_tree = test_list_a_tree = None
    test_find_in_a_tree = test_list_a_tree_without_delay = test_list_a_tree_without_prefetch = None
    test_grep_in_a_tree = test_list_one_folder_of_a_tree = test_read_small_files_one_after_another = None


class BudgetsInSmb1(Rows):
    options = "vers=1.0,nounix"
    server_options = ("server min protocol = NT1", "server max protocol = NT1")

    def test_mount(self):
        with Measure(self.proxy) as measure:
            self.mount()
        self.keep("mount (NTLM), SMB1", 4, measure)

    def test_stat(self):
        self.mount()
        paths = self.fill([f"f{i}" for i in range(10)])
        os.stat(self.path)
        self.check_each("stat of one path component, SMB1", 1, len(paths), lambda i: os.stat(paths[i]), lambda: os.stat(self.path))

    def test_open_read_close(self):
        self.mount()
        paths = self.fill([f"f{i}" for i in range(8)], os.urandom(1000))
        self.check_each("open + read 1 kB + close of a known name, SMB1", 1, len(paths),
                        lambda i: self.assertEqual(len(paths[i].read_bytes()), 1000), self.list, spare=2)

    def test_create_write_close(self):
        self.mount()

        def create(i):
            with open(self.path / f"new{i}", "wb", buffering=0) as f:
                f.write(b"x" * 30_000)
        self.check_each("create + write 30 kB + close, SMB1", 3, 10, create, self.list)
        for i in range(10):
            self.assertEqual((self.folder / f"new{i}").stat().st_size, 30_000)

    def test_list_with_attributes(self):
        self.mount(trust=30)
        self.fill(f"{i:03}" for i in range(100))
        os.stat(self.path)
        with Measure(self.proxy) as measure:
            self.assertEqual(len(self.list()), 100)
        self.keep("list a directory of 100 with attributes, SMB1", 1, measure)


class BudgetsWithUnixExtensions(BudgetsInSmb1):
    options = "vers=1.0"
    test_mount = test_stat = test_open_read_close = test_create_write_close = test_list_with_attributes = None

    def test_list_with_access_control_lists(self):
        self.mount(trust=60)
        self.fill(f"{i:03}" for i in range(100))
        os.stat(self.path)
        for budget in (8, 4):  # the second time nothing but the folder is asked for
            with Measure(self.proxy) as measure:
                shown = subprocess.run(["ls", "-l", self.path], stdout=subprocess.PIPE, text=True, check=True).stdout
                self.assertEqual(len(shown.splitlines()), 101)
            self.keep("ls -l of 100 files, SMB1 with UNIX extensions", budget, measure, own_time=0.5)
        self.assertLess(measure.stats["frames"], 20)


def print_table():
    print("| operation | budget | measured | frames |\n|---|---|---|---|")
    for name, budget, count, measure in measured:
        print(f"| {name} | {budget} | {measure.turns / count:.2f} | {measure.stats['frames'] / count:.2f} |")


def entry():
    table = "--table" in sys.argv
    program = unittest.main(argv=[a for a in sys.argv if a != "--table"], exit=False)
    if table:
        print_table()
    sys.exit(not program.result.wasSuccessful())


if __name__ == "__main__":
    harness.main(entry)
