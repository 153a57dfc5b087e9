# SPDX-License-Identifier: Apache-2.0
"""What goes wrong while mounting is told in one sentence that names the step; passwords stay secret; leaving is clean."""
import binascii
import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import harness
from harness import Mount, SambaServer

USAGE, MOUNT_FAILED = 1, 32  # as mount(8) has them


def mount_by_hand(source, mountpoint, options="", user=None, env=None, input=None, before=()):
    arguments = [harness.SMB3FUSE, *before, source, mountpoint] + (["-o", options] if options else [])
    return harness.run(arguments, user, timeout=60, check=False, env=env, input=input)


class Refusals(unittest.TestCase):
    def setUp(self):
        self.folder = harness.fresh_folder("mountpoint")

    def expect_one_sentence(self, done, status, *patterns):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, f"one sentence was expected: {done.stderr}")
        self.assertTrue(lines[0].startswith("smb3fuse: "), lines[0])
        self.assertLess(len(lines[0]), 400, lines[0])
        for pattern in patterns:
            self.assertRegex(lines[0], pattern)
        self.assertEqual(harness.daemons(), set(), "a daemon was left")
        self.assertEqual(harness.mounted(self.folder), [], "a mount was left")
        return lines[0]


class ServersFault(Refusals):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(SambaServer())

    def refused(self, source=None, options=None, status=MOUNT_FAILED, patterns=(), **more):
        options = options if options is not None else f"credentials={self.server.credentials()}"
        done = mount_by_hand(source or self.server.source(), self.folder, options, **more)
        return self.expect_one_sentence(done, status, *patterns)

    def test_a_wrong_password(self):
        wrong = self.server.credentials(password="not it")
        line = self.refused(options=f"credentials={wrong}", patterns=["authenticate", "STATUS_LOGON_FAILURE", harness.USER])
        self.assertNotIn("not it", line)

    def test_an_unknown_user(self):
        self.refused(options=f"credentials={self.server.credentials(user='nosuchuser')}",
                     patterns=["authenticate", "STATUS_LOGON_FAILURE", "nosuchuser"])

    def test_an_empty_password(self):
        self.refused(options=f"credentials={self.server.credentials(password='')}", patterns=["authenticate", "STATUS_LOGON_FAILURE"])

    def test_a_guest_where_guests_are_not_let_in(self):
        self.refused(options="guest", patterns=["authenticate", "STATUS_"])

    def test_no_such_share(self):
        self.refused(self.server.source("nosuchshare"), patterns=["tree connect", "STATUS_BAD_NETWORK_NAME", "nosuchshare"])

    def test_no_such_folder_in_the_share(self):
        self.refused(self.server.source() + "/no/such", patterns=["STATUS_OBJECT_(NAME|PATH)_NOT_FOUND", "no/such"])

    def test_a_file_in_place_of_the_folder(self):
        (self.server.folder() / "a-file").write_text("x")
        self.refused(self.server.source() + "/a-file", patterns=["a-file"])

    def test_the_ipc_share(self):
        self.refused(self.server.source("IPC$"), patterns=["tree connect", r"IPC\$"])

    def test_no_such_host(self):
        self.refused("//no-such-host.invalid/share", patterns=["resolve", "no-such-host.invalid"])

    def test_a_port_nobody_listens_on(self):
        port = harness.free_port()
        self.refused(self.server.source(port=port), patterns=["connect", f"{port}", "(?i)refused"])

    def test_the_option_port_overrides_the_default(self):
        port = harness.free_port()
        self.refused("//127.0.0.1/share", f"credentials={self.server.credentials()},port={port}", patterns=["connect", f"{port}"])

    def test_a_host_that_cannot_be_reached(self):
        self.refused("//203.0.113.1/share", patterns=["connect", "203.0.113.1"])  # no route in here: RFC 5737

    def test_a_dialect_the_server_does_not_speak(self):
        with SambaServer(["server min protocol = SMB3_11"]) as server:
            self.refused(server.source(), f"credentials={server.credentials()},vers=2.1", patterns=["negotiate", "vers="])

    def test_sealing_that_the_dialect_does_not_have(self):
        with SambaServer(["server max protocol = SMB2_10"]) as server:
            self.refused(server.source(), f"credentials={server.credentials()},seal", patterns=["negotiate|tree connect", "(?i)seal|encrypt"])

    def test_a_server_that_speaks_only_smb1(self):
        with SambaServer(["server min protocol = NT1", "server max protocol = NT1"]) as server:
            self.refused(server.source(), f"credentials={server.credentials()}", patterns=["negotiate", "SMB1|SMB 1"])

    def test_a_share_that_demands_sealing_from_an_old_dialect(self):
        line = self.refused(self.server.source("crypt"), f"credentials={self.server.credentials()},vers=2.1", patterns=["(?i)STATUS_ACCESS_DENIED|encrypt"])
        self.assertRegex(line, "tree connect|authenticate")

    def test_an_http_server(self):
        with answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as port:
            self.refused(f"//127.0.0.1:{port}/share", patterns=["negotiate", "(?i)not.*SMB"])

    def test_a_server_that_hangs_up(self):
        with answering(b"") as port:
            self.refused(f"//127.0.0.1:{port}/share", patterns=["negotiate", "(?i)clos|hung up|disconnect"])

    def test_a_server_that_is_silent(self):
        with answering(None) as port:
            begin = time.monotonic()
            self.refused(f"//127.0.0.1:{port}/share", f"credentials={self.server.credentials()},timeout=2",
                         patterns=["negotiate", "(?i)answer|timed? ?out|time"])
            self.assertLess(time.monotonic() - begin, 15 * harness.PATIENCE)

    def test_a_server_that_sends_garbage_of_endless_length(self):
        with answering(struct.pack(">I", 0x00FFFFFF) + b"\xfeSMB" + b"\xff" * 70000) as port:
            self.refused(f"//127.0.0.1:{port}/share", f"credentials={self.server.credentials()},timeout=2", patterns=["negotiate"])


@contextlib.contextmanager
def answering(data):
    """A port whose server reads what comes first, says `data` and hangs up; with None it never says anything."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    if data is None:
                        over.wait(60 * harness.PATIENCE)
                    else:
                        connection.sendall(data)
                        connection.shutdown(socket.SHUT_WR)
                        connection.settimeout(5)
                        while connection.recv(65536):
                            pass
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


class UsersFault(Refusals):
    SOURCE = "//127.0.0.1/share"

    def refused(self, *arguments, status=USAGE, patterns=(), user=None, env=None):
        done = harness.run([harness.SMB3FUSE, *arguments], user, timeout=60, check=False, env=env)
        return self.expect_one_sentence(done, status, *patterns)

    def test_an_unknown_option_is_named_and_the_nearest_known_one_suggested(self):
        for wrong, right in (("sael", "seal"), ("credentails=/x", "credentials"), ("file_mod=0644", "file_mode"), ("verse=3.0", "vers"), ("userName2=x", "username")):
            self.refused(self.SOURCE, self.folder, "-o", wrong, patterns=[re.escape(wrong.split("=")[0]), f"'{right}'|{right}\\b"])

    def test_an_option_like_no_other_is_named(self):
        self.refused(self.SOURCE, self.folder, "-o", "qqqqzzzzxxxx", patterns=["qqqqzzzzxxxx"])

    def test_malformed_options(self):
        for wrong in ("uid=nosuchuser!", "file_mode=99", "vers=7", "port=0", "port=65536", "port=x", "rsize=-1", "sec=nonsense", "seal=maybe", "actimeo="):
            with self.subTest(wrong):
                self.refused(self.SOURCE, self.folder, "-o", f"guest,{wrong}", patterns=[re.escape(wrong.split("=")[0])])

    def test_options_that_contradict_each_other(self):
        self.refused(self.SOURCE, self.folder, "-o", "guest,vers=2.0,seal", patterns=["seal"])

    def test_smb1_is_never_one_of_several_dialects(self):
        self.refused(self.SOURCE, self.folder, "-o", "guest,vers=1.0-3.0", patterns=["SMB1", "alone"])

    def test_a_malformed_source(self):
        for wrong, named in (("share", "share"), ("//", "//"),
                             ("smb:///share", "no server"), ("//server:99999/share", "99999"), ("//server:x/share", "'x'"),
                             ("http://server/share", "http://server/share"), ("//[::1/share", "[::1")):
            with self.subTest(wrong):
                self.refused(wrong, self.folder, "-o", "guest", patterns=["source", re.escape(named)])

    def test_missing_and_surplus_arguments(self):
        self.refused(patterns=["(?i)usage|source|expected|missing|required"])
        self.refused(self.SOURCE, patterns=["(?i)mountpoint|mount point"])
        self.refused(self.SOURCE, self.folder, "surplus", patterns=["surplus"])

    def test_an_unknown_flag(self):
        self.refused(self.SOURCE, self.folder, "--nonsense", patterns=["--nonsense"])

    def test_a_mountpoint_that_is_missing(self):
        missing = self.folder / "missing"
        self.refused(self.SOURCE, missing, "-o", "guest", status=MOUNT_FAILED, patterns=["mount", re.escape(str(missing)), "(?i)no such|does not exist|missing"])

    def test_a_mountpoint_that_is_a_file(self):
        file = self.folder / "file"
        file.touch()
        self.refused(self.SOURCE, file, "-o", "guest", status=MOUNT_FAILED, patterns=["mount", re.escape(str(file)), "(?i)not a (folder|directory)"])

    def test_a_mountpoint_of_somebody_else(self):
        folder = harness.fresh_folder("roots")
        with SambaServer() as server:
            done = mount_by_hand(server.source(), folder, f"credentials={server.credentials(harness.USER)}", harness.USER)
        self.expect_one_sentence(done, MOUNT_FAILED, "mount", re.escape(str(folder)))

    def test_a_credentials_file_that_is_missing(self):
        self.refused(self.SOURCE, self.folder, "-o", f"credentials={self.folder}/none", patterns=[re.escape(f"{self.folder}/none"), "(?i)no such file"])

    def test_a_credentials_file_that_cannot_be_read(self):
        folder = harness.fresh_folder("theirs", harness.USER)
        secret = harness.fresh_folder("secret") / "file"
        secret.write_text("username=x\npassword=y\n")
        secret.chmod(0o600)
        self.refused(self.SOURCE, folder, "-o", f"credentials={secret}", user=harness.USER, patterns=[re.escape(str(secret)), "(?i)permission denied"])

    def test_a_credentials_file_that_is_a_folder(self):
        self.refused(self.SOURCE, self.folder, "-o", f"credentials={self.folder}", patterns=[re.escape(str(self.folder)), "(?i)folder|directory"])

    def test_a_credentials_file_with_an_unknown_key(self):
        file = self.folder / "file"
        file.write_text("username=x\npasword=y\n")
        file.chmod(0o600)
        line = self.refused(self.SOURCE, self.folder, "-o", f"credentials={file}", patterns=["pasword", "password", re.escape(str(file))])
        self.assertNotIn("=y", line)

    def test_no_password_and_no_terminal(self):
        self.refused(self.SOURCE, self.folder, "-o", "username=x", patterns=["(?i)password", "credentials"])

    def test_help_and_version_go_to_stdout_and_succeed(self):
        for flag, pattern in (("--help", "(?i)usage"), ("--version", r"\d+\.\d+\.\d+")):
            done = harness.run([harness.SMB3FUSE, flag])
            self.assertRegex(done.stdout, pattern)
            self.assertEqual(done.stderr, "")


class Mountpoints(Refusals):
    def test_a_busy_mount_stays_and_says_so_and_goes_once_it_is_free(self):
        with SambaServer() as server, Mount(server) as mount:
            inside = subprocess.Popen(["sleep", "60"], cwd=mount.path)
            try:
                refused = harness.run(["fusermount3", "-u", mount.path], check=False)
                self.assertNotEqual(refused.returncode, 0)
                self.assertRegex(refused.stderr, "(?i)busy")
                (mount.path / "still").write_text("works")
                self.assertEqual((mount.path / "still").read_text(), "works")
            finally:
                inside.kill()
                inside.wait()

    def test_a_mount_over_a_mount_works_or_says_why_not(self):
        with SambaServer() as server, Mount(server) as first:
            done = mount_by_hand(server.source("small"), first.path, f"credentials={server.credentials()}")
            if done.returncode == 0:  # as mount(8) does it: the new one lies on top
                self.assertEqual(len(harness.mounted(first.path)), 2)
                harness.run(["fusermount3", "-u", first.path])
                harness.eventually(lambda: len(harness.daemons()) == 1, 10)
            else:
                self.assertEqual(done.returncode, MOUNT_FAILED)
                self.assertRegex(done.stderr, "mount.*(already|busy)")
            (first.path / "below").write_text("works")

    def test_a_mountpoint_that_is_not_empty_is_covered_as_mount_does(self):
        with SambaServer() as server:
            mount = Mount(server)
            (mount.path / "covered").touch()
            with mount:
                self.assertEqual(os.listdir(mount.path), [])
                (mount.path / "new").touch()
                harness.run(["fusermount3", "-u", mount.path])
                self.assertEqual(os.listdir(mount.path), ["covered"])
                (mount.path / "covered").unlink()


class Warnings(unittest.TestCase):
    def test_a_world_readable_credentials_file_is_used_with_a_warning_that_names_it(self):
        with SambaServer() as server:
            mount = Mount(server)
            file = mount.options.split("=", 1)[1].split(",")[0]
            os.chmod(file, 0o644)
            with mount:
                self.assertEqual(len(mount.output.splitlines()), 1, mount.output)
                self.assertIn(file, mount.output)

    def test_a_proper_mount_says_nothing(self):
        with SambaServer() as server, Mount(server) as mount:
            self.assertEqual(mount.output, "")


class Secrets(unittest.TestCase):
    """No trace of the password, its UTF-16 form or its NT hash, however it was handed over."""

    def traces(self, password):
        utf16 = password.encode("utf-16-le")
        digest = nt_hash(password)
        text = binascii.hexlify(digest)
        return {"password": password.encode(), "password in UTF-16": utf16, "NT hash": digest, "NT hash in hex": text,
                "NT hash in capitals": text.upper(), "UTF-16 in hex": binascii.hexlify(utf16),
                "NT hash in hex with spaces": binascii.hexlify(digest, " ")}

    def assert_absent(self, data, place):
        for what, trace in self.traces(harness.PASSWORD).items():
            self.assertNotIn(trace, data, f"{what} in {place}")

    def look_around(self, pids):
        for pid in pids:
            for name in ("cmdline", "environ", "comm", "mountinfo", "mounts", "status"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    self.assert_absent(f.read(), f"/proc/{pid}/{name}")

    def mounted_by(self, options, env=None, user=None, **more):
        with SambaServer() as server:
            mount = Mount(server, user=user)
            done = harness.run([harness.SMB3FUSE, mount.source, mount.path, "-o", options(server, user)], user, env=env, **more)
            try:
                self.assert_absent(done.stdout.encode() + done.stderr.encode(), "the command's output")
                pids = harness.daemons()
                self.assertEqual(len(pids), 1)
                self.look_around(pids)
                self.assertEqual(len(harness.mounted(mount.path)), 1)
                self.assertTrue(server.session())
            finally:
                harness.run(["fusermount3", "-u", mount.path], user)
                self.assertTrue(harness.eventually(lambda: not harness.daemons(), 10))

    def test_from_a_credentials_file(self):
        for user in (None, harness.USER):
            self.mounted_by(lambda server, user: f"credentials={server.credentials(user)}", user=user)

    def test_from_the_environment(self):
        self.mounted_by(lambda *_: f"username={harness.USER}", env={"PASSWD": harness.PASSWORD})

    def test_from_a_file_of_its_own(self):
        file = harness.fresh_folder("passwd") / "file"
        file.write_text(harness.PASSWORD + "\n")
        file.chmod(0o600)
        self.mounted_by(lambda *_: f"username={harness.USER}", env={"PASSWD_FILE": str(file)})

    def test_from_a_descriptor(self):
        read, write = os.pipe()
        os.write(write, harness.PASSWORD.encode() + b"\n")
        os.close(write)
        self.mounted_by(lambda *_: f"username={harness.USER}", env={"PASSWD_FD": str(read)}, pass_fds=[read])
        os.close(read)

    def test_from_an_option_it_is_gone_from_the_command_line_once_mounted(self):
        escaped = harness.PASSWORD.replace("\\", "\\\\").replace(",", "\\,")
        self.mounted_by(lambda *_: f"username={harness.USER},password={escaped}")

    def test_the_debug_log_does_not_tell(self):
        with SambaServer() as server:
            mount = Mount(server)
            with subprocess.Popen([harness.SMB3FUSE, mount.source, mount.path, "-d", "-o", mount.options], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
                output = []
                reader = threading.Thread(target=lambda: output.append(process.stdout.read()))
                reader.start()
                self.assertTrue(harness.eventually(lambda: harness.mounted(mount.path) or process.poll() is not None, 20))
                os.listdir(mount.path)
                (mount.path / "file").write_text("content")
                harness.run(["fusermount3", "-u", mount.path])
                self.assertEqual(process.wait(20 * harness.PATIENCE), 0)
                reader.join()
            self.assertGreater(len(output[0]), 100, "-d should say what happens")
            self.assert_absent(output[0], "the debug log")

    def test_it_cannot_be_found_in_a_core_dump_setting(self):
        with SambaServer() as server, Mount(server) as mount:
            with open(f"/proc/{mount.daemon}/limits") as f:
                limit = next(line for line in f if line.startswith("Max core file size")).split()[4]
            dumpable = os.stat(f"/proc/{mount.daemon}/mem").st_uid
            self.assertTrue(limit == "0" or dumpable == 0, "a core dump would hold the password")


def nt_hash(password):
    from impacket import ntlm
    return ntlm.compute_nthash(password)


class Leaving(unittest.TestCase):
    def test_sigterm_flushes_unmounts_and_ends_with_0(self):
        with SambaServer() as server, Mount(server) as mount:
            (mount.path / "file").write_bytes(b"x" * 5_000_000)
            os.kill(mount.daemon, signal.SIGTERM)
            self.assertEqual(mount.wait_for_daemon(15), 0)
            self.assertEqual(harness.mounted(mount.path), [])
            self.assertEqual((server.folder() / "file").stat().st_size, 5_000_000)

    def test_sigint_in_the_foreground_does_the_same(self):
        with SambaServer() as server:
            mount = Mount(server)
            process = subprocess.Popen([harness.SMB3FUSE, mount.source, mount.path, "-f", "-o", mount.options], stdin=subprocess.DEVNULL)
            self.assertTrue(harness.eventually(lambda: harness.mounted(mount.path) or process.poll() is not None, 20))
            (mount.path / "file").write_bytes(b"x" * 100)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(15 * harness.PATIENCE), 0)
            self.assertEqual(harness.mounted(mount.path), [])
            self.assertEqual((server.folder() / "file").stat().st_size, 100)

    def test_sigterm_while_a_file_is_being_written_loses_nothing_that_was_acknowledged(self):
        with SambaServer() as server, Mount(server) as mount:
            writer = subprocess.Popen([harness.PYTHON, "-c", "import os, sys\nfd = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)\n"
                                       "for i in range(100000):\n    os.write(fd, b'%015d\\n' % i)\n    if i % 100 == 0:\n"
                                       "        os.fsync(fd)\n        print(i, flush=True)\n", str(mount.path / "file")],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            acknowledged = [int(writer.stdout.readline()) for _ in range(5)][-1]
            os.kill(mount.daemon, signal.SIGTERM)
            rest = writer.communicate(timeout=30 * harness.PATIENCE)[0].split()
            self.assertEqual(mount.wait_for_daemon(15), 0)
            acknowledged = int(rest[-1]) if rest else acknowledged
            lines = (server.folder() / "file").read_text().splitlines()
            self.assertGreater(len(lines), acknowledged)
            self.assertEqual([int(line) for line in lines[:acknowledged + 1]], list(range(acknowledged + 1)))

    def test_umount_as_root_ends_the_daemon(self):
        with SambaServer() as server, Mount(server) as mount:
            (mount.path / "file").write_bytes(b"x" * 5_000_000)
            harness.run(["umount", mount.path])
            self.assertEqual(mount.wait_for_daemon(15), 0)
            self.assertEqual((server.folder() / "file").stat().st_size, 5_000_000)

    def test_umount_after_the_server_died_returns(self):
        with SambaServer() as server, Mount(server, options="timeout=2") as mount:
            os.listdir(mount.path)
            harness.stop(server.process, "smbd")
            begin = time.monotonic()
            harness.run(["fusermount3", "-u", mount.path], timeout=30)
            self.assertIsNotNone(mount.wait_for_daemon(30), "the daemon must end")
            self.assertLess(time.monotonic() - begin, 30 * harness.PATIENCE)
            mount.status = 0  # what it says then is its own affair

    def test_the_session_on_the_server_ends_with_the_mount(self):
        with SambaServer() as server:
            with Mount(server):
                self.assertTrue(server.session())
            self.assertRaises(ValueError, server.session)


class MountCommand(unittest.TestCase):
    """`mount -t smb3fuse`, through /sbin/mount.smb3fuse put there in our own mount namespace."""

    @classmethod
    def setUpClass(cls):
        real = harness.fresh_folder("sbin-before")
        place = os.path.realpath("/sbin")
        harness.bind(place, real)
        harness.tmpfs(place, "mode=0755")
        for name in set(os.listdir(real)) - {"mount.smb3fuse"}:
            os.symlink(real / name, f"{place}/{name}")
        os.symlink(harness.SMB3FUSE, f"{place}/mount.smb3fuse")

    def check(self, *arguments, path):
        done = harness.run(["mount", *arguments], timeout=60)
        self.assertEqual(done.stderr, "")
        [line] = harness.mounted(path)
        self.assertIn(" fuse.smb3fuse ", line)
        (path / "file").write_text("through mount(8)")
        harness.run(["umount", path])
        self.assertTrue(harness.eventually(lambda: not harness.daemons(), 15))

    def test_with_everything_on_the_command_line(self):
        with SambaServer() as server:
            path = harness.fresh_folder("mount")
            self.check("-t", "smb3fuse", server.source(), path, "-o", f"credentials={server.credentials()},uid={harness.USER}", path=path)
            self.assertEqual((server.folder() / "file").read_text(), "through mount(8)")

    def test_as_a_url(self):
        with SambaServer() as server:
            path = harness.fresh_folder("mount")
            self.check("-t", "smb3fuse", f"smb://127.0.0.1:{server.port}/share", path, "-o", f"credentials={server.credentials()}", path=path)

    def test_from_a_line_of_fstab(self):
        with SambaServer() as server:
            path = harness.fresh_folder("mount")
            fstab = harness.fresh_folder("etc") / "fstab"
            fstab.write_text(f"{server.source()} {path} smb3fuse credentials={server.credentials()},_netdev,nofail,x-systemd.automount,noatime,seal 0 0\n")
            self.check("--fstab", fstab, path, path=path)

    def test_from_a_line_for_ordinary_users_in_root_s_hands(self):
        with SambaServer() as server:
            path = harness.fresh_folder("mount")
            fstab = harness.fresh_folder("etc") / "fstab"
            fstab.write_text(f"{server.source()} {path} smb3fuse user,noauto,credentials={server.credentials()} 0 0\n")
            self.check("--fstab", fstab, path, path=path)

    def test_a_failure_reaches_mount_s_caller(self):
        with SambaServer() as server:
            path = harness.fresh_folder("mount")
            done = harness.run(["mount", "-t", "smb3fuse", server.source("nosuchshare"), path, "-o", f"credentials={server.credentials()}"], check=False)
            self.assertEqual(done.returncode, 32)
            self.assertIn("STATUS_BAD_NETWORK_NAME", done.stderr)


if __name__ == "__main__":
    harness.main()
