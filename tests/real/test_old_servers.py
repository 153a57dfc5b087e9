# SPDX-License-Identifier: Apache-2.0
"""Servers as they were before Unicode and before challenges: names in a code page, and the password as it is."""
import errno
import os
import unittest

import harness
from harness import Mount, SambaServer

NT1 = ["server min protocol = NT1", "server max protocol = NT1"]


class CodePages(unittest.TestCase):
    """The works on such a server are in test_work."""

    def server(self, code_page, shares=None, options=()):
        return SambaServer([*NT1, "unicode = no", f"dos charset = {code_page}", *options], shares)

    def test_shares_are_listed_and_mounted_by_names_in_the_code_page(self):
        with self.server("CP850", {"Größe": ["comment = schöne Grüße"]}) as server:
            options = f"vers=1.0,credentials={server.credentials()}"
            listed = harness.run([harness.SMB3FUSE, "list", f"//127.0.0.1:{server.port}", "-o", options]).stdout
            self.assertRegex(listed, r"(?m)^Größe +folder +schöne Grüße$")
            with Mount(server, "Größe", options="vers=1.0", user=harness.USER) as mount:
                mount.work(["sh", "-c", f"echo weit > {mount.path}/Höhe"])
                self.assertEqual((server.folder("Größe") / "Höhe").read_text(), "weit\n")
            with Mount(server, source=f"//127.0.0.1:{server.port}", options="vers=1.0") as mount:
                self.assertEqual((mount.path / "Größe" / "Höhe").read_text(), "weit\n")

    def test_the_user_says_which_it_is(self):
        with self.server("CP866") as server:
            (server.folder() / "Мир").write_text("peace")
            with Mount(server, options="vers=1.0,nounix,codepage=866") as mount:
                self.assertEqual(os.listdir(mount.path), ["Мир"])
                self.assertEqual((mount.path / "Мир").read_text(), "peace")
                with self.assertRaises(OSError) as refused:
                    (mount.path / "Größe").touch()
                self.assertEqual(refused.exception.errno, errno.EILSEQ)
            with Mount(server, options="vers=1.0,nounix,codepage=ASCII") as mount:
                self.assertEqual(os.listdir(mount.path), [], "names that cannot be read")

    def test_a_rename_replaces_its_target_and_nothing_else(self):
        with self.server("CP850", options=["unix extensions = no"]) as server, Mount(server, options="vers=1.0") as mount:
            for name in ("neu", "Prüfung", "P"):
                (mount.path / name).write_text(name)
            os.rename(mount.path / "neu", mount.path / "Prüfung")
            self.assertEqual({file.name: file.read_text() for file in server.folder().iterdir()}, {"Prüfung": "neu", "P": "P"})

    def test_the_unix_extensions_have_names_in_it_too(self):
        with self.server("CP850") as server, Mount(server, options="vers=1.0") as mount:
            (mount.path / "Tür").mkdir(mode=0o750)
            (mount.path / "Tür" / "a:b").write_text("x")
            os.symlink("Tür/a:b", mount.path / "ähnlich")
            self.assertEqual(os.readlink(server.folder() / "ähnlich"), "Tür/a:b")
            self.assertEqual((mount.path / "ähnlich").read_text(), "x")
            self.assertEqual(sorted(os.listdir(mount.path)), ["Tür", "ähnlich"])
            with self.assertRaises(OSError) as refused:
                os.symlink("日本", mount.path / "link")
            self.assertEqual(refused.exception.errno, errno.EILSEQ)


class Plaintext(unittest.TestCase):
    """Samba 4.17 checks a password that came as it is by the LM hash that it has of it, and only as a domain's controller."""
    OPTIONS = [*NT1, "server role = classic primary domain controller", "encrypt passwords = no", "ntlm auth = yes", "lanman auth = yes"]
    PASSWORD = "Oq9-Secret,1"

    def server(self, options=()):
        server = SambaServer([*self.OPTIONS, *options])
        server.password = self.PASSWORD
        return server

    def refused(self, server, options, **more):
        done = harness.run([harness.SMB3FUSE, server.source(), harness.fresh_folder("mountpoint"), "-o",
                            f"credentials={server.credentials(**more)},vers=1.0{options}"], check=False)
        self.assertEqual(done.returncode, 32, done.stderr)
        return done.stderr

    def test_logs_on_where_it_is_asked_for_by_name(self):
        with self.server() as server:
            self.assertRegex(self.refused(server, ""), "sec=plaintext")
            self.assertRegex(self.refused(server, ",sec=plaintext", password="Oq9-Secret,2"), "STATUS_LOGON_FAILURE")
            with Mount(server, options="vers=1.0,sec=plaintext", user=harness.USER) as mount:
                self.assertEqual(mount.output.count("for everybody on the way to read"), 1, mount.output)
                mount.work(["sh", "-c", f"echo hello > {mount.path}/file"])
                self.assertEqual((server.folder() / "file").read_text(), "hello\n")
                # Nothing of what went out is kept, but the password for the next connection, which is UTF-8.
                self.assertGreater(self.copies_of(self.PASSWORD.encode(), mount.daemon), 0)
                self.assertEqual(self.copies_of(self.PASSWORD.encode("utf-16-le"), mount.daemon), 0)

    def test_logs_on_where_there_is_no_unicode_either(self):
        with self.server(["unicode = no"]) as server, Mount(server, options="vers=1.0,sec=plaintext") as mount:
            (mount.path / "Größe").write_text("x")
            self.assertEqual(os.listdir(server.folder()), ["Größe"])

    def test_is_not_sent_to_a_server_that_takes_it_encrypted(self):
        with SambaServer(NT1) as server, Mount(server, options="vers=1.0,sec=plaintext") as mount:
            (mount.path / "file").touch()

    def copies_of(self, secret, pid):
        copies = 0
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in maps:
                place, rights, *_ = line.split()
                begin, end = (int(part, 16) for part in place.split("-"))
                if not rights.startswith("rw") or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                    continue
                try:
                    memory.seek(begin)
                    copies += memory.read(end - begin).count(secret)
                except OSError:
                    continue  # a guard
        return copies


if __name__ == "__main__":
    harness.main()
