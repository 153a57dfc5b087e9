# SPDX-License-Identifier: Apache-2.0
"""Locks of fcntl(2) and flock(2) between two mounts of one share, and between a mount and another client: who holds one
keeps all others out, and sees what was written under it before. Seeded random work with an oracle, a counter that
several processes add to, and sqlite on one database. SMB3FUSE_TEST_SEED repeats a random work."""
import contextlib
import fcntl
import os
import random
import signal
import sqlite3
import struct
import subprocess
import time
import unittest

import harness
from harness import Mount, SambaServer

SEED = int(os.environ.get("SMB3FUSE_TEST_SEED", time.time_ns() % 1_000_000))
SHARED, EXCLUSIVE, FREE = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
FLOCK = "hhqqi4x"


def lock(file, kind, begin=0, length=0, command=fcntl.F_OFD_SETLK):
    """Of an open file description, so that one process can be several owners. True: it was granted."""
    try:
        fcntl.fcntl(file, command, struct.pack(FLOCK, kind, os.SEEK_SET, begin, length, 0))
    except BlockingIOError:
        return False
    return True


def lock_in_the_way(file, kind, begin=0, length=0):
    """(kind, begin, length) of it, or None."""
    found, _, begin, length, _ = struct.unpack(FLOCK, fcntl.fcntl(
        file, fcntl.F_OFD_GETLK, struct.pack(FLOCK, kind, os.SEEK_SET, begin, length, 0)))
    return None if found == FREE else (found, begin, length)


def close_if_open(file):
    with contextlib.suppress(OSError):
        os.close(file)


class TwoMounts(unittest.TestCase):
    options = ""
    server_options = ()

    def setUp(self):
        self.server = self.enterContext(SambaServer(options=self.server_options))
        self.mounts = [self.enterContext(Mount(self.server, options=self.options)) for _ in range(2)]
        self.a, self.b = (mount.path for mount in self.mounts)

    def open(self, path, flags=os.O_RDWR | os.O_CREAT):
        file = os.open(path, flags, 0o644)
        self.addCleanup(close_if_open, file)
        return file


class Locks(TwoMounts):
    def test_ranges_exclude_each_other(self):
        for here, there, name in ((self.a, self.b, "ab"), (self.b, self.a, "ba")):
            (here / name).write_bytes(bytes(100))
            x, y = self.open(here / name), self.open(there / name)
            self.assertTrue(lock(x, EXCLUSIVE, 10, 10))
            self.assertFalse(lock(y, EXCLUSIVE, 15, 1))
            self.assertFalse(lock(y, SHARED, 0, 0))
            self.assertEqual(lock_in_the_way(y, SHARED, 12, 1), (EXCLUSIVE, 12, 1))
            self.assertTrue(lock(y, EXCLUSIVE, 20, 10))
            self.assertTrue(lock(x, SHARED, 40, 10))
            self.assertTrue(lock(y, SHARED, 45, 10))
            self.assertFalse(lock(y, EXCLUSIVE, 45, 10))
            self.assertTrue(lock(y, SHARED, 45, 10), "is held as it was before")
            self.assertEqual(lock_in_the_way(x, EXCLUSIVE, 52, 1), (SHARED, 52, 1))
            self.assertIsNone(lock_in_the_way(x, SHARED, 52, 1))
            self.assertTrue(lock(x, FREE, 12, 2))
            self.assertTrue(lock(y, EXCLUSIVE, 12, 2))
            self.assertFalse(lock(y, EXCLUSIVE, 11, 1))
            os.close(x)
            self.assertTrue(harness.eventually(lambda: lock(y, EXCLUSIVE)), "a closed file has no locks")

    def test_locks_taken_alone_hold_when_another_comes(self):
        (self.a / "file").write_bytes(bytes(100))
        x = self.open(self.a / "file")
        os.pwrite(x, b"written", 0)
        self.assertTrue(lock(x, EXCLUSIVE, 0, 10))
        self.assertTrue(lock(x, SHARED, 20, 10))
        y = self.open(self.b / "file")
        self.assertFalse(lock(y, SHARED, 0, 1))
        self.assertFalse(lock(y, EXCLUSIVE, 20, 1))
        self.assertTrue(lock(y, SHARED, 20, 1))
        with self.assertRaises(PermissionError):
            os.pread(y, 5, 0)
        self.assertTrue(lock(x, FREE))
        self.assertEqual(os.pread(y, 7, 0), b"written")

    def test_smbclient_is_kept_out_and_let_in_again(self):
        (self.a / "file").write_bytes(b"content")
        x = self.open(self.a / "file")
        local = harness.fresh_folder("smbclient") / "file"
        self.assertTrue(lock(x, EXCLUSIVE, 0, 1))
        with self.assertRaisesRegex(harness.Failed, "FILE_LOCK_CONFLICT"):
            self.server.smbclient(f"get file {local}")
        self.assertTrue(lock(x, SHARED, 0, 1))
        self.server.smbclient(f"get file {local}")
        self.assertEqual(local.read_bytes(), b"content")

    def test_random_work_is_granted_and_refused_as_on_a_local_disk(self):
        print(f"seed {SEED}: ", end="", flush=True)
        chance = random.Random(SEED)
        (self.a / "file").write_bytes(bytes(64))
        owners = [self.open(mount / "file") for mount in (self.a, self.a, self.b, self.b)]
        held = [[FREE] * 64 for _ in owners]
        for turn in range(250):
            who, kind = chance.randrange(4), chance.choice([SHARED, EXCLUSIVE, FREE])
            begin = chance.randrange(64)
            end = chance.randrange(begin + 1, 65)
            others = [h for i, h in enumerate(held) if i != who]
            refused = kind != FREE and any(h[i] == EXCLUSIVE or (kind == EXCLUSIVE and h[i] == SHARED)
                                           for h in others for i in range(begin, end))
            granted = lock(owners[who], kind, begin, end - begin)
            self.assertEqual(granted, not refused, f"turn {turn}: {who} wants {kind} of {begin}-{end}")
            if granted:
                held[who][begin:end] = [kind] * (end - begin)

    def test_who_waits_gets_the_lock_and_sees_what_was_written_under_it(self):
        (self.a / "file").write_bytes(b"old")
        x, y = self.open(self.a / "file"), self.open(self.b / "file")
        self.assertEqual(os.pread(y, 3, 0), b"old")
        self.assertTrue(lock(x, EXCLUSIVE))
        waiting = self.run_on_b("fcntl.lockf(f, fcntl.LOCK_EX); print(os.pread(f, 100, 0).decode())")
        time.sleep(0.3)
        self.assertIsNone(waiting.poll())
        os.pwrite(x, b"new and longer", 0)
        self.assertTrue(lock(x, FREE))
        self.assertEqual(waiting.communicate(timeout=10 * harness.PATIENCE)[0], "new and longer\n")

    def run_on_b(self, work):
        script = f"import fcntl, os, signal; f = os.open({str(self.b / 'file')!r}, os.O_RDWR); {work}"
        process = subprocess.Popen([harness.PYTHON, "-c", script], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_who_waits_can_be_interrupted_and_has_no_lock_then(self):
        (self.a / "file").touch()
        for holder in (self.a, self.b):  # elsewhere and here
            x = self.open(holder / "file")
            self.assertTrue(lock(x, EXCLUSIVE))
            waiting = self.run_on_b("signal.signal(signal.SIGINT, lambda *_: os._exit(7)); fcntl.lockf(f, fcntl.LOCK_EX)")
            time.sleep(0.3)
            waiting.send_signal(signal.SIGINT)
            self.assertEqual(waiting.wait(5 * harness.PATIENCE), 7)
            self.assertTrue(lock(x, FREE))
            y = self.open(self.b / "file")
            self.assertTrue(harness.eventually(lambda: lock(y, EXCLUSIVE), 1))
            os.close(x)
            os.close(y)

    def test_who_is_killed_has_no_locks(self):
        (self.a / "file").touch()
        holder = self.run_on_b("fcntl.lockf(f, fcntl.LOCK_EX); print('locked', flush=True); signal.pause()")
        self.assertEqual(holder.stdout.readline(), "locked\n")
        x = self.open(self.a / "file")
        self.assertFalse(lock(x, SHARED))
        holder.kill()
        holder.wait()
        self.assertTrue(harness.eventually(lambda: lock(x, EXCLUSIVE)))

    def test_flock_excludes_on_one_mount_and_on_two(self):
        (self.a / "file").touch()
        for holder in (self.a, self.b):
            with open(holder / "file") as f:
                fcntl.flock(f, fcntl.LOCK_EX)
                for folder in (self.a, self.b):
                    self.assertEqual(subprocess.run(["flock", "-n", folder / "file", "true"]).returncode, 1)
            for folder in (self.a, self.b):
                self.assertEqual(subprocess.run(["flock", "-w", "5", folder / "file", "true"]).returncode, 0)
            with open(self.a / "file") as f, open(self.b / "file") as g:
                fcntl.flock(f, fcntl.LOCK_SH)
                fcntl.flock(g, fcntl.LOCK_SH | fcntl.LOCK_NB)
                self.assertRaises(BlockingIOError, fcntl.flock, f, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_a_counter_that_many_add_to_counts_all(self):
        (self.a / "counter").write_bytes(b"0")
        script = """
import fcntl, os, sys
f = os.open(sys.argv[1], os.O_RDWR)
for _ in range(40):
    fcntl.lockf(f, fcntl.LOCK_EX, 1, 1 << 30)  # elsewhere: to read and to write are not forbidden by it
    count = int(os.pread(f, 100, 0)) + 1
    os.pwrite(f, str(count).encode(), 0)
    fcntl.lockf(f, fcntl.LOCK_UN, 1, 1 << 30)
"""
        counters = [subprocess.Popen([harness.PYTHON, "-c", script, str(mount / "counter")]) for mount in (self.a, self.b) * 2]
        self.assertEqual([each.wait(60 * harness.PATIENCE) for each in counters], [0] * 4)
        self.assertEqual((self.server.folder() / "counter").read_bytes(), b"160")

    def test_sqlite_keeps_each_transaction_of_two_mounts(self):
        script = """
import sqlite3, sys
path, who = sys.argv[1:]
database = sqlite3.connect(path, timeout=50, isolation_level=None)
for i in range(25):
    database.execute("BEGIN IMMEDIATE")
    [(count,)] = database.execute("SELECT count(*) FROM work")
    database.execute("INSERT INTO work VALUES (?, ?, ?)", (who, i, count))
    database.execute("COMMIT")
"""
        with contextlib.closing(sqlite3.connect(self.a / "database")) as database:
            database.execute("CREATE TABLE work (who, i, place UNIQUE)")
            database.commit()
        workers = [subprocess.Popen([harness.PYTHON, "-c", script, str(mount / "database"), str(who)])
                   for who, mount in enumerate((self.a, self.b))]
        self.assertEqual([each.wait(100 * harness.PATIENCE) for each in workers], [0] * 2)
        for folder in (self.b, self.a):
            with contextlib.closing(sqlite3.connect(folder / "database")) as database:
                self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                self.assertEqual(database.execute("SELECT count(*), max(place) FROM work").fetchall(), [(50, 49)])


class LocalLocks(TwoMounts):
    options = "nobrl"

    def test_hold_between_programs_of_one_mount_and_not_between_two(self):
        (self.a / "file").touch()
        x, y, z = (self.open(mount / "file") for mount in (self.a, self.a, self.b))
        self.assertTrue(lock(x, EXCLUSIVE))
        self.assertFalse(lock(y, SHARED))
        self.assertTrue(lock(z, EXCLUSIVE))


class LocksInSmb202(Locks):
    options = "vers=2.0"


class LocksInSmb1(Locks):
    options = "vers=1.0,nounix"
    server_options = ["server min protocol = NT1"]


class LocksWithoutLeases(Locks):
    server_options = ["smb2 leases = no", "oplocks = no", "level2 oplocks = no"]


if __name__ == "__main__":
    harness.main()
