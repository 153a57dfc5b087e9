# SPDX-License-Identifier: Apache-2.0
"""The UNIX extensions of SMB1: what two clients and the server's own disk see of each other. (parity.py compares system
calls with those on a local folder.)"""
import fcntl
import os
import stat
import time
import unittest

import harness
from harness import Mount, SambaServer
from test_smb1 import Program, Recorder


class Locker(Program):
    """A Program that locks bytes: take(kind, begin, length) says whether it could."""
    LOOP = """
import fcntl, struct, sys
def take(kind, begin, length):
    try:
        fcntl.fcntl(file, fcntl.F_SETLK, struct.pack("hhqqi", kind, 0, begin, length, 0))
        return True
    except BlockingIOError:
        return False
""" + Program.LOOP

    def take(self, *lock):
        return self.ask(f"take{lock}")


class UnixExtensions(unittest.TestCase):
    OPTIONS = ["server min protocol = NT1", "server max protocol = NT1", "create mask = 07777", "directory mask = 07777"]

    def setUp(self):
        self.server = self.enterContext(SambaServer(self.OPTIONS))
        self.disk = self.server.folder()

    def mounted(self, options="", through=None):
        options = ",".join(filter(None, ("vers=1.0,actimeo=0", options)))
        return self.enterContext(Mount(self.server, options=options, port=through and through.port))

    def test_what_is_made_here_is_the_same_on_the_servers_disk(self):
        mount = self.mounted()
        mount.work(["sh", "-ec", """
            umask 0
            mkdir -m 2750 folder; echo text > folder/file; chmod 0604 folder/file
            ln folder/file second; ln -s 'nowhere\\:*?' link; mkfifo -m 620 fifo; : > 'a:b*c?d\\e'; : > A; : > a
            """], cwd=mount.path)
        modes = {name: stat.filemode(os.lstat(self.disk / name).st_mode)
                 for name in ("folder", "folder/file", "second", "link", "fifo", "a:b*c?d\\e", "A", "a")}
        self.assertEqual(modes, {"folder": "drwxr-s---", "folder/file": "-rw----r--", "second": "-rw----r--", "link": "lrwxrwxrwx",
                                 "fifo": "prw--w----", "a:b*c?d\\e": "-rw-rw-rw-", "A": "-rw-rw-rw-", "a": "-rw-rw-rw-"})
        self.assertEqual(os.readlink(self.disk / "link"), "nowhere\\:*?")
        self.assertEqual(os.stat(self.disk / "second").st_nlink, 2)

    def test_what_is_on_the_servers_disk_is_shown(self):
        file, device = self.disk / "file", self.disk / "device"
        file.write_text("text")
        os.chmod(file, 0o4751)
        os.mknod(device, stat.S_IFCHR | 0o640, os.makedev(1, 3))
        os.symlink("file", self.disk / "link")
        mount = self.mounted()
        for name in ("file", "device", "link"):
            there, here = os.lstat(self.disk / name), os.lstat(mount.path / name)
            for field in ("st_mode", "st_uid", "st_gid", "st_nlink", "st_size", "st_rdev"):
                self.assertEqual(getattr(here, field), getattr(there, field), (name, field))
        self.assertEqual(sorted(entry.name for entry in os.scandir(mount.path) if entry.is_symlink()), ["link"])
        forced = os.stat(self.mounted("uid=1234,gid=567").path / "file")
        self.assertEqual((forced.st_uid, forced.st_gid), (1234, 567))
        plain = os.stat(self.mounted("nounix,file_mode=0640").path / "file")
        self.assertEqual(stat.S_IMODE(plain.st_mode), 0o640)

    def test_a_file_removed_while_it_is_open_is_gone_at_once_and_works_on(self):
        (self.disk / "file").write_text("text")
        os.chmod(self.disk / "file", 0o666)
        mount = self.mounted()
        with Program(mount.path / "file", "r+") as program:
            mount.work(["rm", mount.path / "file"])
            self.assertEqual(os.listdir(self.disk), [])
            self.assertEqual(program.ask("(file.write('TEXT'), file.flush(), file.seek(0), file.read())[3]"), "TEXT")

    def test_a_rename_from_another_folder_replaces_the_target_at_once(self):
        mount = self.mounted()
        mount.work(["sh", "-ec", "mkdir d; echo new > d/from; echo old > to; echo hidden > .h; mv d/from to; cat to; mv .h to; cat to"],
                   cwd=mount.path)
        self.assertEqual(sorted(os.listdir(self.disk)), ["d", "to"])
        self.assertEqual((self.disk / "to").read_text(), "hidden\n")

    def test_locks_are_advisory_and_change_in_one_step(self):
        (self.disk / "file").write_text("0123456789")
        os.chmod(self.disk / "file", 0o666)
        mine, theirs = self.mounted(), self.mounted()
        read, write, unlock = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
        with Locker(mine.path / "file", "r+") as here, Locker(theirs.path / "file", "r+") as there:
            self.assertTrue(here.take(write, 0, 10))
            self.assertFalse(there.take(read, 5, 1))
            self.assertEqual(there.ask("(file.seek(0), file.read())[1]"), "0123456789", "nobody is kept from reading")
            self.assertTrue(here.take(read, 0, 5))
            self.assertTrue(there.take(read, 0, 5))
            self.assertFalse(there.take(read, 5, 1), "of a lock that became weaker in part the rest is as it was")
            self.assertFalse(here.take(write, 0, 10))
            self.assertTrue(here.take(unlock, 5, 5))
            self.assertTrue(there.take(write, 5, 5))
            self.assertFalse(there.take(write, 0, 1), "after the refusal the first half is still shared")

    def test_what_one_client_writes_the_other_reads(self):
        (self.disk / "file").write_text("as it was\n")
        os.chmod(self.disk / "file", 0o666)
        mine, theirs = self.mounted(), self.mounted()
        with Program(mine.path / "file", "r+") as writer:
            writer.ask("(file.write('changed!!'), file.flush())")
            self.assertEqual(theirs.work(["cat", theirs.path / "file"]).stdout, "changed!!\n")
            theirs.work(["sh", "-c", f"echo in return > {theirs.path}/file"])
            self.assertEqual(writer.ask("(file.seek(0), file.read())[1]"), "in return\n")

    def test_a_small_file_is_opened_and_read_in_one_round_trip(self):
        (self.disk / "file").write_text("as it was\n")
        os.chmod(self.disk / "file", 0o666)
        turns = {}  # with the extensions, and without
        for options in ("", "nounix"):
            wire = self.enterContext(Recorder(self.server))
            wire.delay = 0.2  # so that what goes out together is together
            mount = self.mounted(options, wire)
            os.stat(mount.path / "file")
            wire.reset()
            # A file that changed lately is read again after it was opened.
            self.assertTrue(harness.eventually(lambda: os.stat(self.disk / "file").st_ctime < time.time() - 6, 20))
            wire.reset()
            self.assertEqual(mount.work(["cat", mount.path / "file"]).stdout, "as it was\n")
            turns[options] = wire.turns()
        self.assertEqual(turns[""], turns["nounix"])


if __name__ == "__main__":
    harness.main()
