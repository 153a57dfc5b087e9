# SPDX-License-Identifier: Apache-2.0
"""Two mounts of one share: what one has written and closed, the next open on the other reads; names within a second.
And the same against smbclient, a client that shares no code with ours."""
import os
import random
import time
import unittest

import harness
from harness import Mount, SambaServer

SOON = 1.0  # how long names and attributes may be out of date (actimeo's default)


class TwoMounts(unittest.TestCase):
    options = ""
    server_options = ()

    def setUp(self):
        server = self.enterContext(SambaServer(self.server_options))
        self.server = server
        self.a = self.enterContext(Mount(server, options=self.options)).path
        self.b = self.enterContext(Mount(server, options=self.options)).path

    def both_ways(self):
        return ((self.a, self.b, "ab"), (self.b, self.a, "ba"))

    def soon(self, condition, what):
        deadline = time.monotonic() + SOON + 0.5 * harness.PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"not seen within a second: {what}")
            time.sleep(0.02)


class Data(TwoMounts):
    def test_a_new_file_can_be_read_on_the_other_mount_at_once(self):
        for here, there, name in self.both_ways():
            (here / name).write_bytes(b"first")
            self.assertEqual((there / name).read_bytes(), b"first")

    def test_each_open_reads_what_was_closed_before_it(self):
        for here, there, name in self.both_ways():
            for turn in range(60):
                data = os.urandom(1 + (turn * 7919) % 200000)
                (here / name).write_bytes(data)
                self.assertEqual((there / name).read_bytes(), data, f"turn {turn}")

    def test_a_change_of_the_same_size_is_seen(self):
        for here, there, name in self.both_ways():
            for turn in range(60):
                data = (b"%08d" % turn) * 4096
                (here / name).write_bytes(data)
                self.assertEqual((there / name).read_bytes(), data, f"turn {turn}")

    def test_a_change_in_the_middle_is_seen(self):
        for here, there, name in self.both_ways():
            expected = bytearray(1 << 20)
            (here / name).write_bytes(expected)
            self.assertEqual((there / name).read_bytes(), expected)
            for turn in range(30):
                at = (turn * 104729) % (1 << 20)
                expected[at:at + 1] = b"x"
                with open(here / name, "r+b") as f:
                    f.seek(at)
                    f.write(b"x")
                self.assertEqual((there / name).read_bytes(), expected, f"turn {turn}")

    def test_files_that_were_read_ahead_are_given_back_to_who_writes_them(self):
        for here, there, name in self.both_ways():
            (here / name).mkdir()
            files = [f"{i:02}" for i in range(30)]
            for file in files:
                (here / name / file).write_text("old")
            self.soon(lambda: sorted(os.listdir(there / name)) == files, "the new files")
            for file in files[:4]:
                self.assertEqual((there / name / file).read_text(), "old")
            for file in files[4:20]:
                (here / name / file).write_text(f"new {file}")
                self.assertEqual((there / name / file).read_text(), f"new {file}")
            for file in files[20:]:
                self.assertEqual((there / name / file).read_text(), "old")

    def test_size_and_time_are_right_at_the_open_after_a_close(self):
        for here, there, name in self.both_ways():
            for size in (10, 5, 100000, 0, 3):
                (here / name).write_bytes(b"x" * size)
                with open(there / name, "rb") as f:
                    seen = os.fstat(f.fileno())
                    self.assertEqual(seen.st_size, size)
                written = (here / name).stat()
                self.soon(lambda: (there / name).stat().st_mtime_ns == (here / name).stat().st_mtime_ns, "mtime")
                self.assertLess(abs(written.st_mtime - time.time()), 60)

    def test_truncation_is_seen_by_the_next_open(self):
        for here, there, name in self.both_ways():
            (here / name).write_bytes(b"0123456789")
            self.assertEqual((there / name).read_bytes(), b"0123456789")
            os.truncate(here / name, 4)
            self.assertEqual((there / name).read_bytes(), b"0123")
            os.truncate(here / name, 6)
            self.assertEqual((there / name).read_bytes(), b"0123\0\0")

    def test_a_file_kept_open_sees_what_the_other_has_fsynced_within_a_second(self):
        for here, there, name in self.both_ways():
            (here / name).write_bytes(b"old")
            with open(there / name, "rb", buffering=0) as reader, open(here / name, "r+b", buffering=0) as writer:
                self.assertEqual(reader.read(), b"old")
                writer.write(b"new and longer")
                os.fsync(writer.fileno())
                self.soon(lambda: os.pread(reader.fileno(), 100, 0) == b"new and longer", "data of an open file")

    def test_two_append_in_turn_and_nothing_is_overwritten(self):
        lines = []
        for turn in range(40):
            for here, _, name in self.both_ways():
                line = f"{name} {turn}\n"
                with open(here / "log", "a") as f:
                    f.write(line)
                lines.append(line)
        self.assertEqual((self.a / "log").read_text(), "".join(lines))
        self.assertEqual((self.b / "log").read_text(), "".join(lines))

    def test_two_keep_the_file_open_and_append_in_turn(self):
        (self.a / "log").touch()
        lines = []
        with open(self.a / "log", "a") as a, open(self.b / "log", "a") as b:
            time.sleep(0.01)  # an append at once after the open trusts what the open told of the end
            for turn in range(40):
                for f, name in ((a, "a"), (b, "b")):
                    line = f"{name} {turn}\n"
                    f.write(line)
                    f.flush()
                    os.fsync(f.fileno())
                    lines.append(line)
        self.assertEqual((self.server.folder() / "log").read_text(), "".join(lines))

    def test_smbclient_reads_what_was_closed_and_its_change_is_read_here(self):
        local = harness.fresh_folder("smbclient") / "file"
        for turn in range(3):
            (self.a / "shared").write_text(f"from here {turn}")
            self.server.smbclient(f"get shared {local}")
            self.assertEqual(local.read_text(), f"from here {turn}")
            local.write_text(f"from smbclient {turn}, longer")
            self.server.smbclient(f"put {local} shared")
            self.assertEqual((self.a / "shared").read_text(), f"from smbclient {turn}, longer")


class Folders(TwoMounts):
    """What one mount has listed again and again it keeps, under a lease of the folder or a watch on it, and is told when the
    other changes it."""
    TOLD = 0.25  # seconds; it takes milliseconds, and without being told a second

    def setUp(self):
        super().setUp()
        self.slowest = 0
        self.folder = "folder"
        (self.b / self.folder).mkdir()

    def hold(self, *names):
        """Lists folders on A until they are kept, and more: what is known is a moment old."""
        for wait in (0, SOON + 0.1, 0.1):
            time.sleep(wait)
            for name in ("", *names):
                with os.scandir(self.a / self.folder / name) as entries:
                    for entry in entries:
                        entry.stat(follow_symlinks=False)

    def told(self, condition, what):
        begin = time.monotonic()
        while not condition():
            self.assertLess(time.monotonic() - begin, self.TOLD * harness.PATIENCE, f"not seen in time: {what}")
            time.sleep(0.001)
        self.slowest = max(self.slowest, time.monotonic() - begin)

    def test_each_change_of_the_other_is_seen(self):
        here, there = self.b / self.folder, self.a / self.folder
        self.hold()
        self.assertFalse((there / "new").exists())  # a negative entry to be forgotten
        (here / "new").write_text("x")
        self.told((there / "new").exists, "a new file")
        self.hold()
        (here / "new").write_text("longer")
        self.told(lambda: os.stat(there / "new").st_size == 6, "its new size")
        self.hold()
        os.utime(here / "new", (10, 10))
        self.told(lambda: os.stat(there / "new").st_mtime == 10, "its new time")
        self.hold()
        self.assertFalse((there / "other").exists())
        os.rename(here / "new", here / "other")
        self.told(lambda: (there / "other").exists() and not (there / "new").exists(), "a rename")
        self.hold()
        (here / "replacing").write_text("replaced")
        os.rename(here / "replacing", here / "other")
        self.told(lambda: (there / "other").read_text() == "replaced", "a file renamed over another")
        self.hold()
        os.unlink(here / "other")
        self.told(lambda: not (there / "other").exists(), "a removal")
        self.hold()
        (here / "sub").mkdir()
        self.told((there / "sub").is_dir, "a new folder")
        self.hold("sub")
        (here / "sub" / "inside").touch()
        self.told((there / "sub" / "inside").exists, "a file in it")
        self.hold("sub")
        os.rename(here / "sub", here / "moved")
        self.told((there / "moved" / "inside").exists, "a folder's new name")
        self.assertFalse((there / "sub").exists())
        self.hold("moved")
        os.unlink(here / "moved" / "inside")
        self.told(lambda: os.listdir(there / "moved") == [], "a removal in the listing")
        os.rmdir(here / "moved")
        self.told(lambda: not (there / "moved").exists(), "the folder's removal")
        print(f"at most {self.slowest * 1000:.0f} ms ... ", end="", flush=True)

    @staticmethod
    def done(action, path):
        """What has been removed lives on with Samba 4.17 until all who keep it open are told and have closed it."""
        try:
            action(path)
            return True
        except OSError:
            return False

    def test_the_changes_of_both_are_seen_by_both(self):
        seed = time.time_ns() % 1_000_000
        chance = random.Random(seed)
        names = [f"name{i}" for i in range(5)]
        expected = set()
        self.hold()
        for turn in range(60):
            here = chance.choice((self.a, self.b)) / self.folder
            name = chance.choice(names)
            other = chance.choice(names)
            if name not in expected:
                make = os.mkdir if chance.random() < 0.3 else os.mknod
                self.soon(lambda: self.done(make, here / name), f"that {name} is free, turn {turn} of {seed}")
                expected.add(name)
            elif other not in expected and chance.random() < 0.5:
                os.rename(here / name, here / other)
                expected = expected - {name} | {other}
            else:
                os.rmdir(here / name) if (here / name).is_dir() else os.unlink(here / name)
                expected.remove(name)
            for mount in (self.a, self.b):
                there = mount / self.folder
                self.soon(lambda: {n for n in names if (there / n).exists()} == expected, f"turn {turn} of {seed}")
                self.soon(lambda: set(os.listdir(there)) == expected, f"turn {turn} of {seed}, in the listing")

    def test_a_folder_that_is_kept_can_be_removed_and_moved_by_both(self):
        here, there = self.b / self.folder, self.a / self.folder
        for name, mover in (("one", here), ("two", there)):
            (here / name / "below").mkdir(parents=True)
            self.soon((there / name / "below").exists, "the folders")
            self.hold(name, f"{name}/below")
            os.rename(mover / name, mover / "moved")
            for folder in (here, there):
                self.soon((folder / "moved" / "below").exists, "the new name")
            self.hold("moved", "moved/below")
            os.rmdir(mover / "moved" / "below")
            self.soon(lambda: self.done(os.rmdir, mover / "moved"), "that the folder is empty")
            for folder in (here, there):
                self.soon(lambda: os.listdir(folder) == [], "the removal of both")


class Names(TwoMounts):
    def test_names_made_removed_and_renamed_are_seen_within_a_second(self):
        for here, there, name in self.both_ways():
            self.assertFalse((there / name).exists())  # a negative entry to be forgotten
            self.assertNotIn(name, os.listdir(there))
            (here / name).write_text("x")
            self.soon((there / name).exists, "a new file")
            self.soon(lambda: name in os.listdir(there), "a new file in the listing")
            os.rename(here / name, here / f"{name}2")
            self.soon(lambda: not (there / name).exists() and (there / f"{name}2").exists(), "a rename")
            self.soon(lambda: name not in os.listdir(there) and f"{name}2" in os.listdir(there), "a rename in the listing")
            self.assertEqual((there / f"{name}2").read_text(), "x")
            os.unlink(here / f"{name}2")
            self.soon(lambda: not (there / f"{name}2").exists(), "a removal")
            self.soon(lambda: f"{name}2" not in os.listdir(there), "a removal in the listing")

    def test_folders_made_and_removed_are_seen_within_a_second(self):
        for here, there, name in self.both_ways():
            (here / name).mkdir()
            self.soon((there / name).is_dir, "a new folder")
            (there / name / "inside").touch()
            self.soon((here / name / "inside").exists, "a file in it, the other way")
            os.unlink(there / name / "inside")
            self.soon(lambda: os.listdir(here / name) == [], "its removal")
            os.rmdir(here / name)
            self.soon(lambda: not (there / name).exists(), "the folder's removal")

    def test_a_file_replaced_by_rename_is_the_new_one_at_once_for_an_open(self):
        for here, there, name in self.both_ways():
            (here / name).write_text("old")
            self.assertEqual((there / name).read_text(), "old")
            (here / "temporary").write_text("replaced")
            os.rename(here / "temporary", here / name)
            self.soon(lambda: (there / name).read_text() == "replaced", "the file renamed over another")

    def test_a_file_replaced_by_a_folder_and_back_is_seen(self):
        for here, there, name in self.both_ways():
            (here / name).write_text("file")
            self.assertTrue((there / name).is_file())
            os.unlink(here / name)
            (here / name).mkdir()
            self.soon((there / name).is_dir, "a folder where a file was")
            os.rmdir(here / name)
            (here / name).write_text("again")
            self.soon((there / name).is_file, "a file where a folder was")
            self.assertEqual((there / name).read_text(), "again")

    def test_exclusive_creation_is_won_by_one(self):
        for turn in range(20):
            won = 0
            for folder in (self.a, self.b):
                try:
                    os.close(os.open(folder / f"lock{turn}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                    won += 1
                except FileExistsError:
                    pass
            self.assertEqual(won, 1)

    def test_a_file_removed_on_the_other_mount_while_open_here_does_not_hang(self):
        (self.a / "file").write_text("data")
        with open(self.a / "file", "rb") as f:
            try:
                os.unlink(self.b / "file")
            except OSError as error:
                self.assertIn(error.strerror, ("Device or resource busy", "Text file busy"))
            f.read()
        self.soon(lambda: not os.path.exists(self.b / "file") or os.unlink(self.b / "file") is None, "the removal")


class DataInSmb202(Data):
    options = "vers=2.0"


class DataInSmb1(Data):
    options = "vers=1.0"
    server_options = ["server min protocol = NT1"]


class FoldersInSmb1(Folders):
    options, server_options = DataInSmb1.options, DataInSmb1.server_options


class DataWithoutAttributeCache(Data):
    options = "actimeo=0"


class ServersSide(unittest.TestCase):
    def test_a_change_on_the_server_itself_is_read_by_the_next_open(self):
        # Samba does not watch its own disk (unless with "kernel oplocks"): no lease is broken by such a change.
        with SambaServer() as server, Mount(server, options="cache=none") as mount:
            for turn in range(20):
                (server.folder() / "file").write_text(f"turn {turn} " * (turn + 1))
                self.assertEqual((mount.path / "file").read_text(), f"turn {turn} " * (turn + 1))

    def test_what_fsync_returned_for_is_on_the_server(self):
        with SambaServer() as server, Mount(server) as mount:
            with open(mount.path / "file", "wb") as f:
                for size in (1, 5000, 3 << 20):
                    f.write(b"x" * size)
                    f.flush()
                    os.fsync(f.fileno())
                    self.assertEqual((server.folder() / "file").read_bytes(), b"x" * f.tell())

    def test_inode_numbers_are_the_same_after_another_mount(self):
        with SambaServer() as server:
            (server.folder() / "folder").mkdir()
            (server.folder() / "folder" / "file").touch()
            seen = []
            for _ in range(2):
                with Mount(server) as mount:
                    seen.append([os.stat(mount.path / n).st_ino for n in (".", "folder", "folder/file")])
            self.assertEqual(seen[0], seen[1])
            self.assertEqual(len(set(seen[0])), 3)


if __name__ == "__main__":
    harness.main()
