# SPDX-License-Identifier: Apache-2.0
"""The UNIX extensions of SMB1: what two clients and the server's own disk see of each other. (parity.py compares system
calls with those on a local folder.)"""
import errno
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

    def lists(self, *paths):
        """What getfacl says of them, with numbers for names and without the names of the files."""
        return [harness.run(["getfacl", "--absolute-names", "--numeric", "--omit-header", "--no-effective", path]).stdout for path in paths]

    def test_access_control_lists_are_the_servers(self):
        mount = self.mounted()
        mount.work(["sh", "-ec", """
            umask 0
            echo text > file; mkdir folder; setfacl -m u:12345:rw,g:54321:rwx,m::r-x file
            setfacl -m d:u:12345:rwx,d:o::- folder; echo more > folder/new; mkdir folder/inner
            cp -a file copy; rsync -A --archive folder/ synced
            cp file plain; setfacl -m u:12345:r plain; setfacl -b plain
            """], cwd=mount.path)
        for name in ("file", "folder", "folder/new", "folder/inner", "copy", "synced", "synced/new", "plain"):
            here, there = self.lists(mount.path / name, self.disk / name)
            self.assertEqual(here, there, name)
        self.assertEqual(self.lists(self.disk / "file", self.disk / "folder"), [
            "user::rw-\nuser:12345:rw-\ngroup::rw-\ngroup:54321:rwx\nmask::r-x\nother::rw-\n\n",
            "user::rwx\ngroup::rwx\nother::rwx\ndefault:user::rwx\ndefault:user:12345:rwx\n"
            "default:group::rwx\ndefault:mask::rwx\ndefault:other::---\n\n"])
        self.assertEqual(*self.lists(self.disk / "copy", self.disk / "file"))
        self.assertEqual(*self.lists(self.disk / "synced/new", self.disk / "folder/new"))
        marks = {line.split()[-1]: line[:11].strip() for line in mount.work(["ls", "-l", mount.path]).stdout.splitlines()[1:]}
        self.assertEqual(marks, {"file": "-rw-r-xrw-+", "folder": "drwxrwxrwx+", "copy": "-rw-r-xrw-+", "synced": "drwxrwxrwx+",
                                 "plain": "-rw-r-xrw-"})

    def test_access_control_lists_of_others_are_seen(self):
        (self.disk / "file").write_text("text")
        os.chown(self.disk / "file", harness.USER_ID, harness.USER_ID)
        mine, theirs = self.mounted(), self.mounted()
        with open(mine.path / "file", "r+"):  # an open file is asked, not its path
            for who in ("u:1:rw", "u:2:rw", "g:3:r"):
                theirs.work(["setfacl", "-m", who, theirs.path / "file"])
                here, there = self.lists(mine.path / "file", self.disk / "file")
                self.assertEqual(here, there)
                self.assertIn(who[2:], here)
                self.assertEqual(stat.S_IMODE(os.stat(mine.path / "file").st_mode), stat.S_IMODE(os.stat(self.disk / "file").st_mode))

    def test_access_control_lists_cost_no_oplock(self):
        (self.disk / "file").write_text("text")
        os.chown(self.disk / "file", harness.USER_ID, harness.USER_ID)
        wire = self.enterContext(Recorder(self.server))
        mount = self.mounted("actimeo=60", wire)
        with Program(mount.path / "file", "r+") as program:
            program.ask("file.read()")
            wire.reset()
            mount.work(["setfacl", "-m", "u:12345:rw", mount.path / "file"])
            mount.work(["getfacl", mount.path / "file"])
            self.assertEqual(wire.seen(lambda frame: "LOCKING" in frame.commands), [])
            program.ask("(file.seek(0), file.read())")
            self.assertEqual(wire.seen(lambda frame: "READ" in frame.commands), [], "nothing has to be read again")

    def test_there_are_no_access_control_lists_without_the_extensions(self):
        (self.disk / "file").write_text("text")
        wire = self.enterContext(Recorder(self.server))
        mount = self.mounted("nounix,actimeo=60", wire)
        os.stat(mount.path / "file")
        wire.reset()
        for ask in (lambda: os.getxattr(mount.path / "file", "system.posix_acl_access"),
                    lambda: os.removexattr(mount.path / "file", "system.posix_acl_access")):
            with self.assertRaises(OSError) as refused:
                ask()
            self.assertEqual(refused.exception.errno, errno.EOPNOTSUPP)
        self.assertEqual(os.listxattr(mount.path / "file"), [])
        self.assertEqual(wire.seen(), [], "nobody is asked")

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
