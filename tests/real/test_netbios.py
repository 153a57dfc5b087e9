# SPDX-License-Identifier: Apache-2.0
"""NetBIOS against nmbd and smbd: names by every method, sessions on port 139, names that the server does not listen on."""
import contextlib
import json
import signal
import subprocess
import unittest

import harness
from harness import Mount
from netbios import ADDRESS, ALIAS, BROADCAST, GROUP, HOME, NAME, Neighbourhood, Relay, SecondNetwork


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
        cls.server = cls.enterClassContext(Neighbourhood(["smb ports = 139", "server min protocol = NT1"]))

    def test_work(self):
        """Large transfers and long listings in messages of 17 bits of length (RFC 1002 4.3.1)."""
        for options in ("", "seal", "vers=2.0", "vers=1.0"):
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


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Neighbourhood(["server min protocol = NT1", "server string = the press"]))

    def smb3fuse(self, *words, status=0, **more):
        done = harness.run([harness.SMB3FUSE, *words], check=False, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 0 if status == 0 else 1, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_lookup_finds_what_nmblookup_finds(self):
        for name in (NAME, ALIAS, f"{GROUP}#1d", f"{GROUP}#1e"):
            with self.subTest(name):
                # The local master browser is elected some seconds after the start.
                theirs = harness.eventually(lambda: self.server.nmblookup("-B", BROADCAST, name if "#" in name else f"{name}#20").split(), 60, 0.5)
                ours = self.smb3fuse("lookup", name.lower()).split()
                self.assertEqual(ours[:2], theirs[:2])
        self.assertEqual(self.smb3fuse("lookup", ALIAS, "-o", f"resolve=wins,wins={ADDRESS}").split()[0], ADDRESS)
        self.assertEqual(self.smb3fuse("lookup", "NOSUCH", status=1), "smb3fuse: nobody has the NetBIOS name NOSUCH<20>\n")

    def test_lookup_of_an_address_tells_its_names(self):
        ours = {(words[0], words[1]) for words in map(str.split, self.smb3fuse("lookup", ADDRESS).splitlines()) if len(words) > 2}
        theirs = {(words[0], words[1]) for words in map(str.split, self.server.nmblookup("-A", ADDRESS).splitlines()) if len(words) > 2 and words[1].startswith("<")}
        self.assertEqual(ours, theirs)
        self.assertEqual(self.smb3fuse("lookup", "10.99.0.77", status=1, timeout=120),
                         "smb3fuse: 10.99.0.77 does not tell its NetBIOS names\n")

    def test_list_tells_the_neighbours(self):
        self.assertEqual([line.split() for line in self.smb3fuse("list").splitlines()],
                         [[f"//{name}", GROUP, ADDRESS] for name in (ALIAS, NAME)])

    def test_list_asks_the_master_browser_in_smb1(self):
        told = lambda: harness.run([harness.SMB3FUSE, "list", "-o", f"vers=1.0,credentials={self.server.credentials()}"], check=False)
        # It is elected some seconds after the start.
        self.assertTrue(harness.eventually(lambda: "//NBALIAS" in told().stdout, 60, 1), told())
        self.assertEqual(sorted(told().stdout.splitlines()), [f"//{ALIAS:<15}  {GROUP:<15}  the press", f"//{NAME:<15}  {GROUP:<15}  the press"])

    def test_list_tells_the_shares(self):
        for options in ("", ",seal", ",vers=2.0", ",port=139", ",vers=1.0"):
            with self.subTest(options):
                listing = self.smb3fuse("list", f"//{NAME}", "-o", f"credentials={self.server.credentials()}{options}")
                shares = {line.split()[0]: line.split(maxsplit=2)[1:] for line in listing.splitlines()}
                self.assertEqual(set(shares), {"share", "films", "paper", "hidden$", "IPC$"})
                self.assertEqual(shares["share"], ["folder"])
                self.assertEqual(shares["films"], ["folder", "Films über alles"])
                self.assertEqual(shares["paper"], ["printer", "the old one"])
                self.assertEqual(shares["IPC$"][0], "pipe")

    def test_list_says_what_is_wrong(self):
        wrong = self.server.credentials(password="wrong")
        self.assertRegex(self.smb3fuse("list", f"//{NAME}", "-o", f"credentials={wrong}", status=32),
                         "^smb3fuse: authenticate: .*STATUS_LOGON_FAILURE")

    def test_many_shares_come_in_several_fragments(self):
        (self.server.home / "smb.conf").write_text(self.server.configuration() + "".join(
            f"[many{i:03}]\npath = {self.server.home}/share\ncomment = {'c' * 40}\n" for i in range(300)))
        listing = self.smb3fuse("list", f"//{NAME}", "-o", f"credentials={self.server.credentials()}")
        self.assertEqual(len([line for line in listing.splitlines() if line.startswith("many")]), 300)

    def test_a_short_name_of_the_user(self):
        home = harness.fresh_folder("config")
        (home / "smb3fuse").mkdir()
        (home / "smb3fuse" / "names").write_text(f"x: = //{NAME}/share -o ro,credentials={self.server.credentials()}\n")
        (self.server.folder() / "docs").mkdir(exist_ok=True)
        (self.server.folder() / "docs" / "policy.doc").touch()
        folder = harness.fresh_folder("mountpoint")
        self.smb3fuse("x:/docs", str(folder), env={"XDG_CONFIG_HOME": str(home)})
        try:
            self.assertEqual([p.name for p in folder.iterdir()], ["policy.doc"])
            self.assertIn(" ro,", harness.mounted(folder)[0])
        finally:
            harness.run(["fusermount3", "-u", folder])


class OwnNames(unittest.TestCase):
    """smb3fuse register, as nmblookup sees it from the other side."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Neighbourhood())

    @contextlib.contextmanager
    def held(self, name, *options):
        process = subprocess.Popen([harness.SMB3FUSE, "register", name, *options], text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            self.assertEqual(process.stdout.readline(), f"{name.upper()}<20> is ours until a signal comes\n")
            yield process
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.communicate(timeout=30 * harness.PATIENCE), ("", ""))
            self.assertEqual(process.returncode, 0)
        finally:
            process.kill()
            process.communicate()

    def by_broadcast(self, name):
        return self.server.nmblookup("-B", BROADCAST, f"{name}#20", there=True).split()

    def at_the_server(self, name):
        return self.server.nmblookup("--recursion", f"--unicast={ADDRESS}", f"{name}#20").split()

    def test_a_name_is_claimed_told_and_released_by_broadcast(self):
        with self.held("museum"):
            self.assertEqual(self.by_broadcast("MUSEUM"), [HOME, "MUSEUM<20>"])
            status = self.server.nmblookup("-A", HOME, there=True)
            self.assertRegex(status, r"MUSEUM +<20> - +B <ACTIVE>")
        self.assertEqual(self.by_broadcast("MUSEUM"), [])

    def test_a_name_is_held_in_every_network_with_the_address_there(self):
        with SecondNetwork() as second:
            there = lambda name: second.nmblookup("-B", SecondNetwork.BROADCAST, f"{name}#20").split()
            with self.held("museum"):
                self.assertEqual(self.by_broadcast("MUSEUM"), [HOME, "MUSEUM<20>"])
                self.assertEqual(there("MUSEUM"), [SecondNetwork.HOME, "MUSEUM<20>"])
            self.assertEqual(self.by_broadcast("MUSEUM") + there("MUSEUM"), [])
            # A machine in one of the networks has it.
            done = harness.run([harness.SMB3FUSE, "register", NAME], check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            with self.held("press", "-o", f"wins={ADDRESS}"):
                self.assertEqual(there("PRESS"), [SecondNetwork.HOME, "PRESS<20>"])
                self.assertIn(self.at_the_server("PRESS")[0], (HOME, SecondNetwork.HOME))
            self.assertEqual(self.at_the_server("PRESS"), [])

    def test_a_name_is_registered_and_released_at_the_name_server(self):
        with self.held("press", "-o", f"wins={ADDRESS}"):
            self.assertEqual(self.at_the_server("PRESS"), [HOME, "PRESS<20>"])
        self.assertEqual(self.at_the_server("PRESS"), [])

    def test_a_name_that_another_has_is_not_taken(self):
        for options in ([], ["-o", f"wins={ADDRESS}"]):
            done = harness.run([harness.SMB3FUSE, "register", NAME, *options], check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr, f"smb3fuse: another machine has the name {NAME}<20>, or the name server refuses it\n")

    def test_a_name_takes_root_and_the_port(self):
        done = harness.run([harness.SMB3FUSE, "register", "museum"], harness.USER, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "smb3fuse: port 137 may not be used by you: a NetBIOS name is held as root\n"))
        with self.held("museum"):
            done = harness.run([harness.SMB3FUSE, "register", "press"], check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "smb3fuse: port 137 is in use: another program, as nmbd, holds names on this machine\n"))


if __name__ == "__main__":
    harness.main()
