# SPDX-License-Identifier: Apache-2.0
"""What the README tells people to type is typed here, and what it says of differences is what parity.py knows."""
import os
import pathlib
import re
import unittest

import harness
import parity
from harness import SambaServer

README = harness.HERE.parents[1] / "README.md"


def blocks(text):
    """The indented blocks of a piece of Markdown."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    return ["\n".join(line[4:] for line in block.strip("\n").splitlines()) for block in found]


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = pathlib.Path(os.environ["SMB3FUSE_README"]).read_text()
        cls.text = text
        cls.any_user, cls.with_file, cls.fstab = blocks(text.split("## Using it")[1].split("`smb3fuse --help`")[0])

    def setUp(self):
        self.server = SambaServer(shares={"media": []})
        self.server.port, self.server.password = 445, "secret"
        self.enterContext(self.server)
        (self.server.folder("media") / "films").mkdir()
        os.chmod(self.server.folder("media") / "films", 0o777)
        hosts = harness.fresh_folder("etc") / "hosts"
        hosts.write_text("127.0.0.1 localhost nas\n")
        harness.bind(hosts, "/etc/hosts")
        self.home = harness.fresh_folder("home-of-anna")
        programs = harness.fresh_folder("bin")
        os.symlink(harness.SMB3FUSE, programs / "smb3fuse")
        self.path = f"{programs}:{os.environ['PATH']}"

    def type_in(self, commands, password=None):
        script = f"set -e\nexport HOME={self.home}\n" + commands.replace("anna", harness.USER)
        return harness.run(["bash", "-c", script], env={"PATH": self.path, **({"PASSWD": password} if password else {})})

    def test_any_user(self):
        (self.server.folder("media") / "song").write_text("la")
        self.assertIn("song", self.type_in(self.any_user, "secret").stdout)
        self.assertTrue(harness.eventually(lambda: not harness.daemons(), 15))

    def test_with_a_credentials_file(self):
        (self.home / "films").mkdir()
        self.type_in(self.with_file.replace("domain=HOME\\n", ""))
        (self.home / "films" / "film").write_text("moving")
        self.assertEqual((self.server.folder("media") / "films" / "film").read_text(), "moving")
        harness.run(["fusermount3", "-u", self.home / "films"])

    def test_the_line_of_fstab_is_one_that_the_program_takes(self):
        source, _, kind, options, *_ = self.fstab.split()
        self.assertEqual(kind, "smb3fuse")
        path = harness.fresh_folder("mount")
        options = options.replace("/etc/nas.cred", str(self.server.credentials())).replace("anna", harness.USER)
        self.type_in(f"smb3fuse {source} {path} -o {options}")
        self.assertEqual(os.stat(path).st_uid, harness.USER_ID)
        harness.run(["fusermount3", "-u", path])


class Text(unittest.TestCase):
    def test_the_differences_are_those_that_parity_knows(self):
        text = pathlib.Path(os.environ["SMB3FUSE_README"]).read_text()
        told = re.search(r"<!-- differences -->\n(.*)<!-- /differences -->", text, re.DOTALL)[1]
        self.assertEqual(told.strip(), parity.differences_markdown().strip())


if __name__ == "__main__":
    os.environ.setdefault("SMB3FUSE_README", str(README))
    harness.main()
