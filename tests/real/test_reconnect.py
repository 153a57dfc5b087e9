# SPDX-License-Identifier: Apache-2.0
"""A mount outlives its connections: those that a server drops while nothing is open, and those that break under work."""
import contextlib
import errno
import json
import os
import unittest

import harness
from harness import LagProxy, Mount, SambaServer


def connection(mount):
    told = harness.run([harness.SMB3FUSE, "status", mount.path, "--json"]).stdout
    return json.loads(told)["connection"]


class Over(unittest.TestCase):
    """In one dialect; see the classes below."""
    OPTIONS, SERVER = None, ()

    @contextlib.contextmanager
    def mounted(self):
        with SambaServer(self.SERVER) as server, LagProxy(server) as proxy:
            with Mount(server, port=proxy.port, options=self.OPTIONS) as mount:
                yield server, proxy, mount

    def cut(self, proxy, mount):
        before = connection(mount)["count"]
        proxy.ask("cut")
        self.assertTrue(harness.eventually(lambda: connection(mount)["state"] == "lost"))
        return before

    def refused(self, call):
        with self.assertRaises(OSError) as caught:
            call()
        self.assertEqual(caught.exception.errno, errno.EHOSTDOWN)

    def test_idle_connections_are_made_again_without_an_error(self):
        with self.mounted() as (server, proxy, mount):
            for name in ("read", "kept", "gone"):
                (server.folder() / name).write_text(f"old {name}")
            self.assertEqual((mount.path / "kept").read_text(), "old kept")
            self.assertEqual(sorted(os.listdir(mount.path)), ["gone", "kept", "read"])
            for use in (lambda: os.listdir(mount.path), lambda: (mount.path / "new").write_text("new"),
                        lambda: os.unlink(mount.path / "gone"), lambda: (mount.path / "read").read_text(),
                        lambda: os.mkdir(mount.path / "folder"), lambda: os.statvfs(mount.path)):
                before = self.cut(proxy, mount)
                use()
                told = connection(mount)
                self.assertEqual((told["state"], told["count"]), ("connected", before + 1))
            self.assertEqual((server.folder() / "new").read_text(), "new")
            self.assertEqual(sorted(os.listdir(server.folder())), ["folder", "kept", "new", "read"])

    def test_nothing_is_believed_that_was_kept_under_a_lost_right(self):
        with self.mounted() as (server, proxy, mount):
            file = server.folder() / "kept"
            file.write_text("old")
            self.assertEqual((mount.path / "kept").read_text(), "old")
            self.cut(proxy, mount)
            file.write_text("and now something else")  # on the server's own disk, of which no client is ever told
            self.assertEqual((mount.path / "kept").read_text(), "and now something else")
            self.assertEqual(os.stat(mount.path / "kept").st_size, len("and now something else"))

    def test_what_was_open_says_so_until_it_is_opened_again(self):
        with self.mounted() as (server, proxy, mount):
            (server.folder() / "open").write_text("data")
            os.chmod(server.folder() / "open", 0o666)
            with open(mount.path / "open", "r+b", buffering=0) as file:
                self.assertEqual(file.read(4), b"data")
                self.cut(proxy, mount)
                self.refused(lambda: os.pread(file.fileno(), 4, 0))
                self.refused(lambda: (os.pwrite(file.fileno(), b"lost", 0), os.fsync(file.fileno())))
                self.assertEqual((mount.path / "open").read_text(), "data")
                with open(mount.path / "open", "r+b", buffering=0) as again:
                    again.write(b"kept")
                    os.fsync(again.fileno())
                self.refused(lambda: os.pread(file.fileno(), 4, 0))
            self.assertEqual((server.folder() / "open").read_text(), "kept")

    def test_a_server_that_was_away(self):
        with SambaServer(self.SERVER) as server, Mount(server, options=self.OPTIONS) as mount:
            (mount.path / "file").write_text("before")
            server.kill()
            self.refused(lambda: os.listdir(mount.path))
            self.refused(lambda: (mount.path / "file").read_text())
            server.start()
            answers = lambda: connection(mount)["state"] == "connected" or not suppressed(os.listdir, mount.path)
            self.assertTrue(harness.eventually(answers, 60), "after a pause of some seconds")
            self.assertEqual((mount.path / "file").read_text(), "before")
            (mount.path / "file").write_text("after")
            self.assertEqual((server.folder() / "file").read_text(), "after")


def suppressed(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error
    return None


class Smb311(Over):
    OPTIONS = "vers=3.1.1"


class Sealed(Over):
    OPTIONS = "vers=3.1.1,seal"


class Smb202(Over):
    OPTIONS = "vers=2.0"


class Smb1(Over):
    OPTIONS, SERVER = "vers=1.0", ("server min protocol = NT1",)


def load_tests(loader, tests, _pattern):
    return unittest.TestSuite(test for suite in tests for test in suite if type(test) is not Over)


if __name__ == "__main__":
    harness.main()
