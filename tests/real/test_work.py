# SPDX-License-Identifier: Apache-2.0
"""People's work on a mount: every dialect x plain, signed, sealed; as an ordinary user, or as root."""
import json
import os
import shutil
import unittest

import harness
import workloads
from harness import ImpacketServer, Mount, SambaServer

ACCOUNTS = {"root": None, "an_ordinary_user": harness.USER}
PROTECTIONS = {"plain": "", "signed": "sign", "sealed": "seal"}
SAMBA_NAMES = {"2.0.2": "SMB2_02", "2.1": "SMB2_10", "3.0": "SMB3_00", "3.0.2": "SMB3_02", "3.1.1": "SMB3_11"}

# What impacket's server (0.10) cannot do, whoever the client is: its source says so. Everything else has to work on it.
IMPACKET_CANNOT = {
    "truncate": "SET_INFO FileEndOfFileInformation writes a zero byte at the new end instead of cutting, and ignores 0",
    "times": "SET_INFO FileBasicInformation sets times only if both LastWriteTime and ChangeTime are given, the former as access time",
    "holes": "a WRITE that begins past the end of the file is dropped and reported as done",
    "crowds": "each QUERY_DIRECTORY lists the whole folder anew, and each request copies the connection's state",
}

IMPACKET_SMB1_CANNOT = {
    "truncate": "SMB_SET_FILE_END_OF_FILE_INFO writes a zero byte at the new end instead of cutting, and ignores 0",
    "holes": "a WRITE_ANDX that begins past the end of the file is dropped and reported as done",
    "fractions of a second": "SMB_SET_FILE_BASIC_INFO sets times to whole seconds",
    "crowds": "FIND_NEXT2 counts one entry too many and leaves out the padding that the entries' offsets count",
}

# Samba 4.22 makes a folder under another name first, which is some 36 bytes longer.
NEWER_SAMBA_CANNOT = {"folders with long names"} if harness.SAMBA else set()


def setUpModule():
    global fixtures
    fixtures = harness.ROOM / "fixtures"
    workloads.make_fixtures(fixtures)


class Works(unittest.TestCase):
    """Base of the classes below."""
    full = False
    without = NEWER_SAMBA_CANNOT

    def work_through(self, mount, names=None):
        """Runs the works one after the other, each as a process of the mount's owner, each reported by itself."""
        top = harness.fresh_folder("in").name  # a name not used before
        backing = mount.server.folder() / top
        backing.mkdir()
        os.chmod(backing, 0o777)
        scratch = harness.fresh_folder("scratch", mount.user)
        for name in names or workloads.WORKS:
            if mount.killed:
                self.fail(f"the mount was given up before the work '{name}': {mount.killed}")
            with self.subTest(work=name):
                output = mount.work([harness.PYTHON, harness.TESTS / "workloads.py", "run", *(["--full"] if self.full else []),
                                     *(["--without", ",".join(self.without)] if self.without else []),
                                     fixtures, scratch, mount.path / top, backing, name]).stdout
                print(f"    {output.strip()}", flush=True)
        shutil.rmtree(scratch)
        shutil.rmtree(backing)


def matrix_class(dialect):
    """Root and the user take turns: who it is and what is spoken have nothing to do with each other."""
    def check(self, protection, user):
        with SambaServer() as server:
            with Mount(server, options=",".join(filter(None, (f"vers={dialect}", PROTECTIONS[protection]))), user=user) as mount:
                self.work_through(mount)
                spoken, signing, sealing, cipher = server.session()
        self.assertEqual(spoken, SAMBA_NAMES[dialect])
        if protection != "sealed":  # sealed messages need no signature
            self.assertEqual(signing == "full", protection == "signed")
        self.assertEqual(sealing != "none", protection == "sealed")

    methods = {}
    for protection in PROTECTIONS:
        if protection == "sealed" and dialect.startswith("2"):
            continue
        for account, user in ACCOUNTS.items():
            if dialect == "3.1.1" or (account == "root") == (protection == "signed"):
                methods[f"test_{protection}_as_{account}"] = lambda self, p=protection, u=user: check(self, p, u)
    return type(f"Dialect{dialect.replace('.', '_')}", (Works,), methods)


for _dialect in SAMBA_NAMES:
    _class = matrix_class(_dialect)
    globals()[_class.__name__] = _class


class Smb1(Works):
    """CIFS, which is spoken only when it is asked for."""
    SERVER = ["server min protocol = NT1", "server max protocol = NT1"]

    def check(self, options, mount_options="", user=None):
        with SambaServer([*self.SERVER, *options]) as server:
            with Mount(server, options=f"vers=1.0{mount_options}", user=user) as mount:
                self.work_through(mount)
                self.assertEqual(server.session()[0], "NT1")
                status = harness.run([harness.SMB3FUSE, "status", "--json", mount.path], user=user).stdout
        return json.loads(status)["protocol"]["signed"]

    def test_plain_as_an_ordinary_user(self):
        self.assertFalse(self.check(["unix extensions = no"], user=harness.USER))

    def test_a_server_without_unicode(self):
        self.without = self.without | {"Unicode"}
        self.check(["unix extensions = no", "unicode = no", "dos charset = CP850"])

    def test_a_server_that_demands_signing(self):
        self.assertTrue(self.check(["server signing = mandatory"]))

    def test_a_user_who_demands_signing(self):
        with SambaServer([*self.SERVER, "server signing = auto"]) as server:
            with Mount(server, options="vers=1.0,sign") as mount:
                self.work_through(mount, ["editors"])


class Full(Works):
    """The works in full size, with what most users get."""
    full = True

    def test_the_default_dialect_as_an_ordinary_user(self):
        with SambaServer() as server, Mount(server, user=harness.USER) as mount:
            self.work_through(mount)
            self.assertEqual(server.session()[:3], ("SMB3_11", "partial", "none"))

    def test_sealed_as_root(self):
        with SambaServer() as server, Mount(server, options="vers=3.1.1,seal") as mount:
            self.work_through(mount)
            self.assertNotEqual(server.session()[2], "none")


class Demands(Works):
    """What the server asks for is done without an option."""
    WORKS = ["editors", "copy", "large"]

    def mounted_with(self, options, share="share", mount_options=""):
        with SambaServer(options) as server, Mount(server, share, options=mount_options) as mount:
            self.work_through_on(mount, share)
            return server.session()

    def work_through_on(self, mount, share):
        mount.server.SHARE = share
        self.work_through(mount, self.WORKS)

    def test_a_server_that_demands_signing(self):
        self.assertEqual(self.mounted_with(["server signing = mandatory"])[1], "full")

    def test_a_server_that_demands_sealing(self):
        self.assertNotEqual(self.mounted_with(["smb encrypt = required"])[2], "none")

    def test_a_share_that_demands_sealing(self):
        self.mounted_with([], share="crypt")

    def test_each_cipher(self):
        for cipher in ("AES-128-CCM", "AES-128-GCM", "AES-256-CCM", "AES-256-GCM"):
            with self.subTest(cipher):
                session = self.mounted_with(["smb encrypt = required", f"server smb3 encryption algorithms = {cipher}"])
                self.assertEqual(session[3], cipher)

    def test_each_signing_algorithm(self):
        for algorithm in ("AES-128-GMAC", "AES-128-CMAC", "HMAC-SHA256"):
            with self.subTest(algorithm):
                session = self.mounted_with(["server signing = mandatory", f"server smb3 signing algorithms = {algorithm}"])
                self.assertEqual(session[1], "full")

    def test_a_server_with_one_dialect(self):
        for dialect, name in SAMBA_NAMES.items():
            with self.subTest(dialect):
                session = self.mounted_with([f"server min protocol = {name}", f"server max protocol = {name}"])
                self.assertEqual(session[0], name)

    def test_a_server_with_small_limits(self):
        self.mounted_with(["smb2 max read = 65536", "smb2 max write = 65536", "smb2 max trans = 65536", "smb2 max credits = 8"])

    def test_a_server_without_leases_and_oplocks(self):
        self.mounted_with(["smb2 leases = no", "oplocks = no", "level2 oplocks = no", "kernel oplocks = no"])


class Impacket(Works):
    without = IMPACKET_CANNOT

    def test_as_an_ordinary_user(self):
        with ImpacketServer() as server, Mount(server, options="vers=2.0", user=harness.USER, limit=600) as mount:
            self.work_through(mount)


class ImpacketSmb1(Works):
    without = IMPACKET_SMB1_CANNOT

    def test_as_an_ordinary_user(self):
        with ImpacketServer(smb2=False) as server, Mount(server, options="vers=1.0", user=harness.USER, limit=600) as mount:
            self.work_through(mount)


class Disk(unittest.TestCase):
    def test_a_full_disk_is_reported_by_write_fsync_or_close_and_room_comes_back(self):
        with SambaServer() as server, Mount(server, "small") as mount:
            script = f"""
import errno, os
fd = os.open({str(mount.path / 'big')!r}, os.O_CREAT | os.O_WRONLY)
try:
    try:
        for _ in range(64):
            os.write(fd, bytes(1 << 20))
        os.fsync(fd)
    finally:
        os.close(fd)
except OSError as error:
    assert error.errno == errno.ENOSPC, error
else:
    raise SystemExit('64 MiB fitted on 16')
os.unlink({str(mount.path / 'big')!r})
open({str(mount.path / 'fits')!r}, 'wb').write(bytes(1 << 20))
"""
            mount.work([harness.PYTHON, "-c", script])
            self.assertEqual((server.folder("small") / "fits").stat().st_size, 1 << 20)

    def test_a_share_that_is_read_only_says_so(self):
        with SambaServer() as server:
            (server.folder() / "file").write_text("there")
            with Mount(server, "ro") as mount:
                mount.work(["cat", mount.path / "file"])
                refused = mount.work(["touch", mount.path / "new"], check=False)
                self.assertRegex(refused.stderr, "Read-only file system|Permission denied")

    def test_the_mount_option_ro_refuses_writing(self):
        with SambaServer() as server, Mount(server, options="ro") as mount:
            refused = mount.work(["touch", mount.path / "new"], check=False)
            self.assertIn("Read-only file system", refused.stderr)

    def test_a_folder_below_the_share_can_be_mounted(self):
        with SambaServer() as server:
            (server.folder() / "a" / "b c").mkdir(parents=True)
            (server.folder() / "a" / "b c" / "file").write_text("deep")
            with Mount(server, subfolder="/a/b c") as mount:
                self.assertEqual(mount.work(["cat", mount.path / "file"]).stdout, "deep")


if __name__ == "__main__":
    harness.main()
