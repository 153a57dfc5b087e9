# SPDX-License-Identifier: Apache-2.0
"""A server mounted without a share: its shares are folders."""
import json
import os
import unittest

import harness
from harness import Mount, SambaServer


class WholeServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(SambaServer(shares={
            "films": ["comment = Films"], "hidden$": [], "unlisted": ["browseable = no"],
            "paper": ["printable = yes"], "closed": ["valid users = nobody"]}))

    def mount(self, user=None):
        return Mount(self.server, source=f"//127.0.0.1:{self.server.port}", user=user)

    def mounted(self):
        return self.enterContext(self.mount())

    def errno_of(self, *call):
        with self.assertRaises(OSError) as caught:
            call[0](*call[1:])
        return os.strerror(caught.exception.errno)

    def connections(self):
        tools = self.server.tools
        told = json.loads(harness.run([*tools, "smbstatus", "-s", self.server.inside / "smb.conf", "--json"]).stdout)
        return sorted(tree["service"] for tree in told["tcons"].values())

    def test_shares_are_folders(self):
        for user in (None, harness.USER):
            with self.subTest(user), self.mount(user) as mount:
                listed = mount.work(["ls", "-l", mount.path]).stdout.split("\n")
                self.assertEqual([line.split()[-1] for line in listed[1:-1]],
                                 ["closed", "crypt", "films", "ro", "share", "small"])
                self.assertNotIn("share", self.connections())
                mount.work(["sh", "-c", f"echo hello > {mount.path}/share/hello"])
                self.assertEqual((self.server.folder() / "hello").read_text(), "hello\n")
                self.assertEqual(mount.work(["cat", mount.path / "SHARE" / "hello"]).stdout, "hello\n")
                self.assertEqual(self.connections(), ["share"])
                mount.work(["rm", mount.path / "share" / "hello"])

    def test_hidden_shares_are_found_by_name(self):
        mount = self.mounted()
        for name in ("hidden$", "unlisted"):
            (mount.path / name / "file").write_text(name)
            self.assertEqual((self.server.folder(name) / "file").read_text(), name)
            self.assertEqual([p.name for p in (mount.path / name).iterdir()], ["file"])
        for name in ("IPC$", "paper", "nosuch", ".hidden"):
            self.assertEqual(self.errno_of(os.stat, mount.path / name), "No such file or directory")

    def test_the_root_cannot_be_changed(self):
        mount = self.mounted()
        read_only = "Read-only file system"
        self.assertEqual(self.errno_of(os.mkdir, mount.path / "new"), read_only)
        self.assertEqual(self.errno_of(open, mount.path / "new", "x"), read_only)
        self.assertEqual(self.errno_of(os.rmdir, mount.path / "films"), read_only)
        self.assertEqual(self.errno_of(os.rename, mount.path / "films", mount.path / "movies"), read_only)
        self.assertEqual(self.errno_of(os.listdir, mount.path / "closed"), "Permission denied")

    def test_files_move_within_a_share_and_are_copied_between_two(self):
        mount = self.mounted()
        (mount.path / "share" / "file").write_text("content")
        os.rename(mount.path / "share" / "file", mount.path / "share" / "moved")
        self.assertEqual(self.errno_of(os.rename, mount.path / "share" / "moved", mount.path / "films" / "moved"),
                         "Invalid cross-device link")
        self.assertEqual(self.errno_of(os.link, mount.path / "share" / "moved", mount.path / "films" / "moved"),
                         "Invalid cross-device link")
        mount.work(["mv", mount.path / "share" / "moved", mount.path / "films"])
        self.assertEqual((self.server.folder("films") / "moved").read_text(), "content")
        self.assertEqual(list(self.server.folder().iterdir()), [])

    def test_one_folder_of_the_server_in_two_shares_is_two_here(self):
        mount = self.mounted()
        (self.server.folder() / "file").write_text("the same")
        seen = [os.stat(mount.path / share / "file") for share in ("share", "ro")]
        self.assertNotEqual(seen[0].st_ino, seen[1].st_ino)
        self.assertEqual(self.errno_of(open, mount.path / "ro" / "file", "w"), "Permission denied")
        (self.server.folder() / "file").unlink()

    def test_the_space_is_that_of_the_shares_that_are_connected(self):
        mount = self.mounted()
        os.listdir(mount.path / "small")
        told = os.statvfs(mount.path)
        self.assertEqual(told.f_blocks * told.f_frsize, 16 << 20)

    def test_a_new_share_is_shown_after_a_while(self):
        mount = self.mounted()
        os.listdir(mount.path)
        configuration = self.server.home / "smb.conf"
        self.addCleanup(configuration.write_text, self.server.configuration())
        configuration.write_text(f"{self.server.configuration()}[later]\npath = {self.server.inside}/share\n")
        self.assertTrue(harness.eventually(lambda: "later" in os.listdir(mount.path), 60, 1))

    def test_in_smb1(self):
        with SambaServer(["server min protocol = NT1", "server max protocol = NT1"], {"films": []}) as server:
            with Mount(server, source=f"//127.0.0.1:{server.port}", options="vers=1.0") as mount:
                self.assertEqual(sorted(os.listdir(mount.path)), ["crypt", "films", "ro", "share", "small"])
                (mount.path / "films" / "file").write_text("content")
                self.assertEqual((server.folder("films") / "file").read_text(), "content")
                mount.work(["mv", mount.path / "films" / "file", mount.path / "share"])
                self.assertEqual((server.folder() / "file").read_text(), "content")

    def test_what_cannot_be_listed_is_told(self):
        wrong = self.server.credentials(password="wrong")
        done = harness.run([harness.SMB3FUSE, f"//127.0.0.1:{self.server.port}", harness.fresh_folder("mountpoint"), "-o",
                            f"credentials={wrong}"], check=False)
        self.assertEqual(done.returncode, 32)
        self.assertRegex(done.stderr, "^smb3fuse: authenticate: .*STATUS_LOGON_FAILURE")


if __name__ == "__main__":
    harness.main()
