# SPDX-License-Identifier: Apache-2.0
"""Makes the root of a Debian whose Samba is newer than the system's: `newer_samba.py FOLDER`.

The harness runs that Samba where SMB3FUSE_TEST_SAMBA names the folder. It is made once: under another name, and renamed
when it is complete. That takes root, or sudo without a password, and the Debian mirror that apt uses here.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys

RELEASE = "trixie"
PACKAGES = "samba,samba-vfs-modules,smbclient"
SOURCES = pathlib.Path("/etc/apt")
USUAL_MIRROR = "http://deb.debian.org/debian"


def one_line_sources(text):
    """(URI, suite) of each `deb [options] URI suite component...`."""
    for line in re.findall(r"^deb\s+(?:\[[^]]*\]\s*)?(.*)$", text, re.MULTILINE):
        uri, suite, *_ = line.split()
        yield uri, suite


def stanza_sources(text):
    """(URI, suite) of each stanza of fields."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)):
        fields = {name.lower(): value.split() for name, value in re.findall(r"^(\S+):(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE)}
        if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
            for uri in fields.get("uris", []):
                for suite in fields.get("suites", []):
                    yield uri, suite


def mirror(own_release, folder=SOURCES):
    """Where apt gets this system's own release from."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list")), *sorted((folder / "sources.list.d").glob("*.sources"))]
    for file in filter(pathlib.Path.exists, files):
        for uri, suite in (stanza_sources if file.suffix == ".sources" else one_line_sources)(file.read_text()):
            if suite == own_release and re.match(r"https?:|file:", uri):
                return uri
    return USUAL_MIRROR


def own_release():
    return dict(line.split("=", 1) for line in shlex.split(pathlib.Path("/etc/os-release").read_text())).get("VERSION_CODENAME")


def make(folder):
    as_root = lambda *argv: subprocess.run([*(["sudo", "-n"] if os.geteuid() else []), *argv], check=True)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    as_root("rm", "-rf", "--one-file-system", unfinished)
    # What it mounts there goes with its namespace, however it ends.
    as_root("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "debootstrap", "--variant=minbase",
            f"--include={PACKAGES}", RELEASE, unfinished, mirror(own_release()))
    as_root("find", unfinished / "var/cache/apt/archives", "-name", "*.deb", "-delete")
    as_root("mv", "-T", unfinished, folder)


def main(folder):
    if not folder.exists():
        make(folder)
    print(subprocess.run([*(["sudo", "-n"] if os.geteuid() else []), "chroot", folder, "smbd", "--version"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).absolute())
