# SPDX-License-Identifier: Apache-2.0
"""NetBIOS against nmbd and smbd: names by every method, sessions on port 139, names that the server does not listen on."""
import json
import unittest

import harness
from harness import Mount
from netbios import ADDRESS, ALIAS, NAME, Neighbourhood, Relay


def server_of(mount):
    """What smb3fuse status tells of the connection."""
    return json.loads(harness.run([harness.SMB3FUSE, "status", mount.path, "--json"]).stdout)["connection"]


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Neighbourhood())
        (cls.server.folder() / "hello").write_text("hello\n")

    def expect_mounted(self, server, options, port=445):
        with Mount(self.server, source=self.server.source(server=server), options=options) as mount:
            self.assertEqual((mount.path / "hello").read_text(), "hello\n")
            connection = server_of(mount)
            self.assertEqual(connection["address"], ADDRESS)
            self.assertEqual(connection["port"], port)

    def test_by_broadcast(self):
        self.expect_mounted(NAME, "resolve=netbios")

    def test_in_small_letters_where_dns_knows_nothing(self):
        self.expect_mounted(NAME.lower(), "")

    def test_by_a_name_server(self):
        self.expect_mounted(ALIAS, f"resolve=wins,wins={ADDRESS}")

    def test_by_the_next_name_server(self):
        self.expect_mounted(ALIAS, f"resolve=wins,wins=127.0.0.1:{ADDRESS}")

    def test_by_a_file(self):
        file = harness.fresh_folder("lmhosts") / "lmhosts"
        file.write_text(f"# ours\n{ADDRESS}\tmuseum\t#PRE\n")
        self.expect_mounted("museum", f"resolve=dns,lmhosts,lmhosts={file}")

    def test_by_nothing(self):
        folder = harness.fresh_folder("mountpoint")
        for options in ("resolve=dns", f"wins={ADDRESS}"):
            done = harness.run([harness.SMB3FUSE, self.server.source(server="NOSUCH"), folder, "-o",
                                f"credentials={self.server.credentials()},{options}"], check=False)
            self.assertEqual(done.returncode, 32, done.stderr)
            self.assertRegex(done.stderr, "^smb3fuse: resolve: no address is known for 'NOSUCH'")

    def test_a_session_on_its_port(self):
        self.expect_mounted(NAME, "port=139", port=139)


class Sessions(unittest.TestCase):
    """The server has port 139 alone."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Neighbourhood(["smb ports = 139"]))

    def test_work(self):
        """Large transfers and long listings in messages of 17 bits of length (RFC 1002 4.3.1)."""
        for options in ("", "seal", "vers=2.0"):
            with self.subTest(options), Mount(self.server, options=options) as mount:
                self.assertEqual(server_of(mount)["port"], 139)
                data = bytes(i * 7 & 0xFF for i in range(1 << 20)) * 3
                (mount.path / "data").write_bytes(data)
                crowd = mount.path / "crowd"
                crowd.mkdir()
                names = [f"{i:04}-{'x' * 150}" for i in range(1500)]
                for name in names:
                    (self.server.folder() / "crowd" / name).touch()
                self.assertEqual(sorted(p.name for p in crowd.iterdir()), names)
                harness.run(["rm", "-r", crowd])
            with Mount(self.server, options=options) as mount:
                self.assertEqual((mount.path / "data").read_bytes(), data)
            self.assertEqual((self.server.folder() / "data").read_bytes(), data)

    def expect_called(self, rules, options="", server=ADDRESS):
        with Relay(self.server, 1139, *rules):
            with Mount(self.server, source=self.server.source(server=server, port=1139), options=f"nbsessinit{options}") as mount:
                (mount.path / "touched").touch()

    def test_a_server_that_is_called_by_the_name_that_it_tells(self):
        self.expect_called(["*SMBSERVER=82"])

    def test_a_server_that_is_called_by_the_first_part_of_its_name(self):
        self.expect_called(["*SMBSERVER=80", f"{NAME}=8f"], server=ALIAS)

    def test_a_server_that_sends_us_elsewhere(self):
        self.expect_called(["*SMBSERVER=>139"])

    def test_a_server_that_is_called_as_the_user_says(self):
        self.expect_called(["*SMBSERVER=82", f"{NAME}=82"], ",servern=MUSEUM,netbiosname=VISITOR")

    def test_a_server_that_refuses_every_name(self):
        folder = harness.fresh_folder("mountpoint")
        with Relay(self.server, 1139, "*SMBSERVER=82", f"{NAME}=81"):
            done = harness.run([harness.SMB3FUSE, self.server.source(server=ADDRESS, port=1139), folder, "-o",
                                f"credentials={self.server.credentials()},nbsessinit"], check=False)
        self.assertEqual(done.returncode, 32, done.stderr)
        self.assertRegex(done.stderr, "^smb3fuse: connect: no NetBIOS session with '10.99.0.2' port 1139: the server does "
                                      "not listen for us, by the name that we gave; ")


if __name__ == "__main__":
    harness.main()
