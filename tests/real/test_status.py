# SPDX-License-Identifier: Apache-2.0
"""`smb3fuse status` tells what a mount is doing, to whom it belongs and to root, whatever state server and mount are in."""
import contextlib
import json
import operator
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import time
import unittest

import harness
from harness import LagProxy, Mount, SambaServer

MANUAL = (harness.HERE.parents[1] / "packaging/smb3fuse.8").read_text()
FOLDER = pathlib.Path("/run/smb3fuse")  # root's


def status(*arguments, user=None, timeout=30):
    return harness.run([harness.SMB3FUSE, "status", *arguments], user, timeout=timeout, check=False)


def told(mountpoint, user=None):
    done = status(mountpoint, "--json", user=user)
    if done.returncode != 0 or done.stderr:
        raise harness.Failed(f"status ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def sockets(folder=FOLDER):
    return sorted(os.listdir(folder)) if folder.exists() else []


def fields(value, place=""):
    """The names of all fields; commands and operations are one each."""
    if not isinstance(value, dict):
        return {place}
    found = set()
    for name, part in value.items():
        name = "NAME" if place in ("requests.commands", "kernel.requests") else name
        found |= fields(part, f"{place}.{name}" if place else name)
    return found


class Refused(unittest.TestCase):
    def refused(self, *arguments, pattern, user=None, timeout=30):
        done = status(*arguments, user=user, timeout=timeout)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, rf"\Asmb3fuse: [^\n]*{pattern}[^\n]*\n\Z")


class WhatIsTold(Refused):
    def test_how_messages_are_protected(self):
        cases = {"vers=3.1.1": ("SMB 3.1.1", "AES-128-GCM", False, "AES-GMAC", False),
                 "vers=3.1.1,sign": ("SMB 3.1.1", "AES-128-GCM", False, "AES-GMAC", True),
                 "vers=3.1.1,seal": ("SMB 3.1.1", "AES-128-GCM", True, "AES-GMAC", False),
                 "vers=3.0,seal": ("SMB 3.0", "AES-128-CCM", True, "AES-CMAC", False),
                 "vers=2.1,sign": ("SMB 2.1", None, False, "HMAC-SHA256", True),
                 "vers=2.0": ("SMB 2.0.2", None, False, "HMAC-SHA256", False)}
        with SambaServer() as server:
            for options, expected in cases.items():
                with self.subTest(options), Mount(server, options=options) as mount:
                    protocol = told(mount.path)["protocol"]
                    self.assertEqual((protocol["dialect"], protocol["cipher"], protocol["encrypted"], protocol["signing"],
                                      protocol["signed"]), expected)
            with Mount(server, share="crypt") as mount:
                self.assertTrue(told(mount.path)["protocol"]["encrypted"], "the share demands it")

    def test_the_connection(self):
        with SambaServer() as server, Mount(server) as mount:
            now = told(mount.path)
            self.assertEqual(now["mountpoint"], str(mount.path))
            self.assertEqual(now["source"], mount.source)
            self.assertEqual(now["pid"], mount.daemon)
            connection = now["connection"]
            self.assertEqual((connection["state"], connection["address"], connection["port"], connection["share"]),
                             ("connected", "127.0.0.1", server.port, "share"))
            self.assertLess(connection["seconds"], 30 * harness.PATIENCE)
            self.assertGreater(now["credits"]["granted"], now["credits"]["in_use"])
            self.assertGreater(now["round_trip_ms"]["least"], 0)
            self.assertLessEqual(now["round_trip_ms"]["least"], now["round_trip_ms"]["smoothed"])

    def test_a_connection_that_is_lost(self):
        with SambaServer() as server, Mount(server) as mount:
            server.kill()
            self.assertTrue(harness.eventually(lambda: told(mount.path)["connection"]["state"] == "lost", 10))
            self.assertRegex(status(mount.path).stdout, r"lost since .*: \w+")

    def test_what_reading_does(self):
        with SambaServer() as server, Mount(server) as mount:
            (server.folder() / "large").write_bytes(os.urandom(16 << 20))
            (server.folder() / "small").write_text("a")
            before = told(mount.path)
            self.assertIsNone(before["cache"]["read_hit_rate"])
            for _ in range(2):
                self.assertEqual((mount.path / "small").read_text(), "a")
            after = told(mount.path)
            self.assertEqual(after["cache"]["reads_from_memory"], after["cache"]["reads"], "it came with the open")
            self.assertEqual(after["cache"]["read_hit_rate"], 1)
            self.assertEqual(after["opens"]["reused"], 1)
            self.assertEqual(after["requests"]["commands"]["CREATE"]["round_trips"],
                             before["requests"]["commands"]["CREATE"]["round_trips"] + 2, "a look-up, an open")
            self.assertEqual(after["leases"]["RWH"], 1)
            self.assertEqual(after["opens"]["kept"], 1)

            (mount.path / "large").read_bytes()
            last = told(mount.path)
            self.assertGreaterEqual(last["cache"]["read_bytes"], 16 << 20)
            self.assertGreater(last["requests"]["bytes_received"], 16 << 20)
            self.assertGreater(last["read_ahead"]["used_bytes"], 8 << 20)
            self.assertLess(last["read_ahead"]["unused_bytes"], 4 << 20)
            self.assertGreater(last["cache"]["byte_hit_rate"], 0)
            self.assertLessEqual(last["cache"]["byte_hit_rate"], 1)
            self.assertGreater(last["kernel"]["requests"]["READ"], after["kernel"]["requests"]["READ"])

    def test_the_numbers_are_those_on_the_wire(self):
        with SambaServer() as server, LagProxy(server) as proxy, Mount(server, port=proxy.port) as mount:
            (server.folder() / "there").write_bytes(b"x" * 3_000_000)
            (mount.path / "there").read_bytes()
            for i in range(20):
                (mount.path / f"file{i}").write_text("x" * i)
                self.assertEqual((mount.path / f"file{i}").stat().st_size, i)
            for i in range(10):
                (mount.path / f"file{i}").rename(mount.path / f"name{i}")
                (mount.path / f"name{i}").unlink()
            self.assertFalse((mount.path / "missing").exists())
            os.listdir(mount.path)

            def counted():
                wire, requests = proxy.stats(), told(mount.path)["requests"]
                commands = {name.title().replace("_", ""): count["requests"] for name, count in requests["commands"].items()}
                here = (commands, requests["total"], requests["messages"], requests["compounds"], requests["in_flight"])
                standing = min(1, wire["by_command"].get("ChangeNotify", 0))  # the watch on the folder, if there is one
                there = (wire["by_command"], wire["requests"], wire["frames"], wire["compounds"], standing)
                return (here, there, wire, requests)
            # A CLOSE that nobody waits for follows some milliseconds later.
            harness.eventually(lambda: operator.eq(*counted()[:2]), 5)
            here, there, wire, requests = counted()
            self.assertEqual(here, there)
            prefixes = 4 * requests["messages"]
            self.assertEqual(requests["bytes_sent"] + prefixes, wire["bytes_to_server"])
            self.assertGreaterEqual(requests["round_trips"], wire["turns"])
            self.assertLessEqual(requests["round_trips"], requests["messages"])
            self.assertGreater(requests["commands"]["CREATE"]["errors"], 0, "a name was looked up that is not there")

    def test_what_is_written_and_waits(self):
        with SambaServer() as server, Mount(server) as mount:
            with open(mount.path / "file", "wb", buffering=0) as file:
                file.write(b"x" * 1000)
                now = told(mount.path)
                self.assertEqual(now["cache"]["dirty_bytes"] + now["cache"]["writing_bytes"] + now["cache"]["clean_bytes"], 1000)
                self.assertEqual((now["cache"]["writes"], now["cache"]["written_bytes"]), (1, 1000))
                self.assertEqual(now["opens"]["in_use"], 1)
                os.fsync(file.fileno())
            now = told(mount.path)
            self.assertEqual(now["cache"]["dirty_bytes"] + now["cache"]["writing_bytes"], 0)
            self.assertEqual(now["requests"]["commands"]["WRITE"]["requests"], 1)

    def test_breaks_and_what_the_kernel_is_told(self):
        with SambaServer() as server, Mount(server) as mount:
            (mount.path / "file").write_text("mine")
            self.assertEqual((mount.path / "file").read_text(), "mine")
            self.assertEqual(told(mount.path)["breaks"]["received"], 0)
            server.smbclient(f"put {harness.__file__} file")
            breaks = told(mount.path)["breaks"]
            self.assertGreaterEqual(breaks["received"], 1)
            self.assertEqual(breaks["acknowledged"], breaks["received"])
            self.assertLess(breaks["longest_ms"], 1000 * harness.PATIENCE)
            self.assertGreaterEqual(told(mount.path)["kernel"]["notifications"]["data"], 1)

    def test_oplocks_where_there_are_no_leases(self):
        with SambaServer() as server, Mount(server, options="vers=2.0") as mount:
            (mount.path / "file").write_text("mine")
            self.assertEqual(told(mount.path)["leases"]["oplock_batch"], 1)

    def test_what_goes_ahead_of_need(self):
        with SambaServer() as server, Mount(server) as mount:
            for folder in range(30):
                (server.folder() / f"folder{folder:02}").mkdir()
                (server.folder() / f"folder{folder:02}" / "inner").mkdir()
            for file in range(40):
                (server.folder() / f"file{file:02}").write_text("x")
            for _ in os.walk(mount.path):
                pass
            for name in sorted(os.listdir(mount.path)):
                if name.startswith("file"):
                    (mount.path / name).read_text()
            now = told(mount.path)
            self.assertGreater(now["listings_ahead"]["used"], 10)
            self.assertGreater(now["files_ahead"]["used"], 10)
            self.assertLessEqual(now["files_ahead"]["used"] + now["files_ahead"]["unused"], now["files_ahead"]["asked"])

    def test_every_field_that_the_manual_has_and_no_other(self):
        section = MANUAL.split(".Sh STATUS\n")[1].split(".Sh ")[0]
        documented = {name for line in re.findall(r"^\.It Va (.*)$", section, re.MULTILINE) for name in line.split(" , ")}
        with SambaServer() as server, Mount(server) as mount:
            (mount.path / "file").write_text("x")
            self.assertEqual(fields(told(mount.path)), documented)

    def test_it_fits_a_screen(self):
        with SambaServer() as server, Mount(server) as mount:
            harness.run(["bash", "-c", "cd $0; for i in 1 2 3; do mkdir d$i; echo > d$i/f; mv d$i/f d$i/g; ln -s x d$i/l; done; "
                         "ls -lR; df .; truncate -s 5 d1/g; cp -r d1 d4; rm -r d2", mount.path])
            lines = status(mount.path).stdout.splitlines()
            self.assertEqual(lines[0], f"{mount.source} on {mount.path}")
            self.assertLess(len(lines), 40)
            self.assertLess(max(map(len, lines)), 110)

    def test_nothing_else_is_a_mount(self):
        with SambaServer() as server, Mount(server) as mount:
            self.refused("/", pattern="/ is not mounted by smb3fuse")
            self.refused("/proc", pattern="not mounted by smb3fuse")
            self.refused("/no/such/folder", pattern="not mounted by smb3fuse")
            self.refused(mount.path / "folder" / "file", pattern=f"mounted on {mount.path}: ask for that")
            self.refused(mount.path, "/", pattern="too much")
            self.refused("--jsn", pattern="--json")


class Whose(Refused):
    def test_is_told_to_its_owner_and_to_root_alone(self):
        with SambaServer() as server, Mount(server) as roots, Mount(server, user=harness.USER) as users:
            self.refused(roots.path, user=harness.USER, pattern="mounted by user root")
            self.refused(roots.path, "--json", user=harness.USER, pattern="mounted by user root")
            for user in (None, harness.USER):
                self.assertEqual(told(users.path, user)["pid"], users.daemon)
            [only] = json.loads(status("--json", user=harness.USER).stdout)
            self.assertEqual(only["pid"], users.daemon)
            self.assertEqual({each["pid"] for each in json.loads(status("--json").stdout)}, {roots.daemon, users.daemon})
            both = status()
            self.assertEqual((both.returncode, both.stderr), (0, ""))
            self.assertIn(f"on {roots.path}\n", both.stdout)
            self.assertIn(f"on {users.path}\n", both.stdout)
        nothing = status()
        self.assertEqual((nothing.returncode, nothing.stdout), (0, "Nothing is mounted.\n"))
        self.assertEqual(json.loads(status("--json").stdout), [])

    def test_nobody_else_reaches_the_socket(self):
        with SambaServer() as server, Mount(server) as mount, Mount(server, user=harness.USER) as users:
            told(mount.path), told(users.path)
            for folder, owner in ((FOLDER, 0), (pathlib.Path(f"/run/user/{harness.USER_ID}/smb3fuse"), harness.USER_ID)):
                self.assertEqual((folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)), (owner, 0o700))
                [name] = sockets(folder)
                self.assertEqual(stat.S_IMODE((folder / name).stat().st_mode), 0o600)
            # Let in by mistake, it is told nothing.
            self.addCleanup(os.chmod, FOLDER, 0o700)
            os.chmod(FOLDER, 0o777)
            os.chmod(FOLDER / sockets()[0], 0o666)
            asked = harness.run([harness.PYTHON, "-c", "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
                                 "s.connect(sys.argv[1])\nprint(s.recv(10))", FOLDER / sockets()[0]], harness.USER)
            self.assertEqual(asked.stdout, "b''\n")

    def test_without_a_folder_under_run_it_is_in_tmp(self):
        folder = pathlib.Path(f"/tmp/smb3fuse-{harness.USER_ID}")
        self.assertFalse(folder.exists())
        os.rename(f"/run/user/{harness.USER_ID}", "/run/away")
        try:
            with SambaServer() as server, Mount(server, user=harness.USER) as mount:
                self.assertEqual(len(sockets(folder)), 1)
                self.assertEqual(told(mount.path, harness.USER)["pid"], mount.daemon)
                os.rename("/run/away", f"/run/user/{harness.USER_ID}")  # somebody logs on
                self.assertEqual(told(mount.path, harness.USER)["pid"], mount.daemon)
                self.assertEqual(told(mount.path)["pid"], mount.daemon)
        finally:
            os.rmdir(folder)

    def test_where_no_socket_can_be_made_the_mount_works_and_the_log_says_so(self):
        self.addCleanup(os.rename, f"{FOLDER}.away", FOLDER)
        FOLDER.mkdir(exist_ok=True)
        os.rename(FOLDER, f"{FOLDER}.away")
        taken = [FOLDER, pathlib.Path("/tmp/smb3fuse-0")]
        with SambaServer() as server, contextlib.ExitStack() as stack:
            for place in taken:
                place.write_text("somebody else's")
                stack.callback(place.unlink)
            mount = Mount(server)
            process = subprocess.Popen([harness.SMB3FUSE, mount.source, mount.path, "-f", "-o", mount.options], text=True,
                                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            self.assertTrue(harness.eventually(lambda: harness.mounted(mount.path), 20))
            (mount.path / "file").write_text("works")
            self.refused(mount.path, pattern="control socket was removed")
            harness.run(["fusermount3", "-u", mount.path])
            errors = process.communicate(timeout=20 * harness.PATIENCE)[1]
            self.assertEqual(process.returncode, 0)
            self.assertRegex(errors, r"\Asmb3fuse: no control socket, [^\n]*/run/smb3fuse[^\n]*\n\Z")


class Hanging(Refused):
    def test_it_answers_at_once_while_the_server_is_stopped(self):
        with SambaServer() as server, Mount(server) as mount:
            (server.folder() / "file").write_text("x")
            os.killpg(server.process.pid, signal.SIGSTOP)
            children = pathlib.Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
            for child in children:
                os.kill(int(child), signal.SIGSTOP)
            reader = subprocess.Popen(["cat", str(mount.path / "file")], stdout=subprocess.PIPE, text=True)
            try:
                self.assertTrue(harness.eventually(lambda: told(mount.path)["requests"]["in_flight"] > 0, 5))
                for arguments in ([mount.path], [mount.path, "--json"], []):
                    begin = time.monotonic()
                    done = status(*arguments)
                    self.assertLess(time.monotonic() - begin, 1 * harness.PATIENCE)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertGreater(told(mount.path)["kernel"]["in_flight"], 0)
                self.assertEqual(told(mount.path)["connection"]["state"], "connected")
            finally:
                os.killpg(server.process.pid, signal.SIGCONT)
                for child in children:
                    os.kill(int(child), signal.SIGCONT)
            self.assertEqual(reader.communicate(timeout=30 * harness.PATIENCE)[0], "x")
            self.assertEqual(told(mount.path)["requests"]["in_flight"], 0)

    def test_a_daemon_that_hangs_is_given_up(self):
        with SambaServer() as server, Mount(server) as mount, Mount(server) as other:
            os.kill(mount.daemon, signal.SIGSTOP)
            try:
                self.refused(mount.path, pattern="does not answer", timeout=10)
                done = status(timeout=10)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"\Asmb3fuse: .*does not answer\n\Z")
                self.assertIn(f"on {other.path}\n", done.stdout, "the others are told")
            finally:
                os.kill(mount.daemon, signal.SIGCONT)
            self.assertEqual(told(mount.path)["pid"], mount.daemon)

    def test_nobody_who_asks_can_hold_the_mount_up(self):
        with SambaServer() as server, Mount(server) as mount, contextlib.ExitStack() as stack:
            memory = lambda: int(pathlib.Path(f"/proc/{mount.daemon}/statm").read_text().split()[1])
            (mount.path / "file").write_text("x")
            before = memory()
            [name] = sockets()
            for i in range(200):
                idle = stack.enter_context(socket.socket(socket.AF_UNIX))
                idle.settimeout(5 * harness.PATIENCE)
                idle.connect(str(FOLDER / name))
                with contextlib.suppress(OSError):
                    idle.send(b"\xff" * 10_000)
                if i % 20 == 0:
                    (mount.path / "file").write_text(str(i))
            self.assertEqual(told(mount.path)["pid"], mount.daemon)
            self.assertLess((memory() - before) * os.sysconf("SC_PAGE_SIZE"), 16 << 20)


class Places(Refused):
    def test_the_socket_goes_with_the_mount(self):
        with SambaServer() as server:
            with Mount(server):
                self.assertEqual(len(sockets()), 1)
            self.assertEqual(sockets(), [])
            with Mount(server) as mount:
                os.kill(mount.daemon, signal.SIGTERM)
                mount.wait_for_daemon(15)
                self.assertEqual(sockets(), [])

    def test_a_daemon_that_was_killed_leaves_nothing_in_the_way(self):
        with SambaServer() as server, Mount(server) as other:
            mount = Mount(server)
            mount.mount()
            os.kill(mount.daemon, signal.SIGKILL)
            mount.wait_for_daemon(5)
            self.assertEqual(len(sockets()), 2)
            self.refused(mount.path, pattern="nobody serves")
            self.assertEqual(told(other.path)["pid"], other.daemon)
            mount.status = None
            mount.mount()  # takes the dead mount away
            self.assertEqual(len(sockets()), 2, "what the dead one left is gone")
            self.assertEqual(told(mount.path)["pid"], mount.daemon)
            self.assertIsNone(mount.leave())

    def test_names_that_the_mount_table_escapes(self):
        with SambaServer() as server:
            options = f"credentials={server.credentials()}"
            for name in ("two words", "two\nlines", "tab\tand\\backslash", "ümläut"):
                path = harness.fresh_folder("mount") / name
                path.mkdir()
                harness.run([harness.SMB3FUSE, server.source(), path, "-o", options])
                try:
                    self.assertEqual(told(path)["mountpoint"], str(path))
                    self.assertEqual(len(status().stdout.split("\n  Connection")[0].splitlines()), 1)
                finally:
                    harness.run(["umount", path])
                self.assertTrue(harness.eventually(lambda: not harness.daemons(), 15))

    def test_a_mount_that_was_moved_or_bound_or_is_named_otherwise(self):
        with SambaServer() as server, Mount(server) as mount:
            elsewhere = harness.fresh_folder("elsewhere")
            harness.bind(mount.path, elsewhere)
            try:
                self.assertEqual(told(elsewhere)["pid"], mount.daemon)
                self.assertEqual(len(json.loads(status("--json").stdout)), 1)
            finally:
                harness.run(["umount", elsewhere])
            link = harness.fresh_folder("link") / "to it"
            link.symlink_to(mount.path)
            self.assertEqual(told(link)["pid"], mount.daemon)
            self.assertEqual(told(f"{link.parent}/../{link.parent.name}/to it/")["pid"], mount.daemon)
            here = harness.run([harness.SMB3FUSE, "status", mount.path.name, "--json"], cwd=mount.path.parent)
            self.assertEqual(json.loads(here.stdout)["pid"], mount.daemon)
            inside = harness.run([harness.SMB3FUSE, "status", "."], cwd=mount.path)
            self.assertIn(f"on {mount.path}\n", inside.stdout)

            harness.run(["mount", "--make-private", "/"], check=False)
            harness.run(["mount", "--make-private", harness.ROOM], check=False)
            harness.run(["mount", "--move", mount.path, elsewhere])
            try:
                self.assertEqual(told(elsewhere)["mountpoint"], str(elsewhere))
                self.refused(mount.path, pattern="not mounted by smb3fuse")
            finally:
                harness.run(["mount", "--move", elsewhere, mount.path])


if __name__ == "__main__":
    harness.main()
