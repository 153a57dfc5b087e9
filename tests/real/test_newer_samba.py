# SPDX-License-Identifier: Apache-2.0
"""Which mirror newer_samba.py takes."""
import pathlib
import tempfile
import unittest

import newer_samba


class Mirror(unittest.TestCase):
    def of(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, name)
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            return newer_samba.mirror("bookworm", pathlib.Path(folder))

    def test_is_that_of_the_systems_release_in_lines(self):
        self.assertEqual(self.of("sources.list", "# deb http://no bookworm main\n"
                                                 "deb http://security bookworm-security main\n"
                                                 "deb-src http://source bookworm main\n"
                                                 "deb [arch=amd64 signed-by=/key] http://mirror/debian bookworm main contrib\n"), "http://mirror/debian")

    def test_is_that_of_the_systems_release_in_stanzas(self):
        text = ("# the archive\nTypes: deb\nURIs: http://security\nSuites: bookworm-security\n\n"
                "Types: deb\nEnabled: no\nURIs: http://off\nSuites: bookworm\n\n"
                "Types: deb deb-src\nURIs: http://mirror/debian\nSuites: bookworm\n bookworm-updates\nComponents: main\n")
        self.assertEqual(self.of("sources.list.d/debian.sources", text), "http://mirror/debian")

    def test_is_the_usual_one_where_none_is_named(self):
        self.assertEqual(self.of("sources.list", "deb cdrom:[Debian]/ bookworm main\n"), newer_samba.USUAL_MIRROR)


if __name__ == "__main__":
    unittest.main()
