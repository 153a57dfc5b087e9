# SPDX-License-Identifier: Apache-2.0
"""The file systems that the benchmark compares: each can mount a share of 127.0.0.x, port 445, and be stopped."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import harness


class Peer:
    """One way to reach a share. `start` returns the share's folder once it answers."""
    name = ""
    is_default = True

    @staticmethod
    def available():
        return False

    def __init__(self, server):
        self.server = server
        self.home = harness.fresh_folder(self.name.replace(" ", "-"))
        self.mountpoint = self.home / "mount"
        self.mountpoint.mkdir()
        self.process = None

    def start(self, host):
        raise NotImplementedError

    def spawn(self, argv, env=None, ready=None):
        self.process = subprocess.Popen([str(a) for a in argv], env={**harness.environment_of(None), "HOME": str(self.home), **(env or {})},
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.home / "log", "a"),
                                        start_new_session=True)
        ready = ready or (lambda: harness.mounted(self.mountpoint))
        if not harness.eventually(lambda: self.process.poll() is not None or ready(), 20) or self.process.poll() is not None:
            raise harness.Failed(f"{self.name} did not mount: {(self.home / 'log').read_text()[-500:]}")

    def group(self):
        """The processes that do this peer's work."""
        return _processes_of_session(self.process.pid) if self.process else set()

    def cpu_seconds(self):
        return sum(_cpu_seconds(pid) for pid in self.group())

    def kill(self):
        for pid in self.group():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self):
        for line in harness.mounted(self.mountpoint):
            if harness.run(["fusermount3", "-u", self.mountpoint], check=False, timeout=30).returncode != 0:
                harness.run(["umount", "-l", self.mountpoint], check=False)
        deadline = time.monotonic() + 5
        while self.group() and time.monotonic() < deadline:
            if self.process:
                self.process.poll()
            time.sleep(0.02)
        self.kill()
        if self.process:
            self.process.wait()


def _processes_of_session(session):
    found = set()
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            fields = pathlib.Path(f"/proc/{int(name)}/stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.add(int(name))
    return found


def _cpu_seconds(pid):
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


class Smb3fuse(Peer):
    name = "smb3fuse"
    options = ""

    @staticmethod
    def available():
        return bool(shutil.which(harness.SMB3FUSE))

    def start(self, host):
        options = f"credentials={self.server.credentials()}" + (f",{self.options}" if self.options else "")
        self.spawn([harness.SMB3FUSE, f"//{host}/share", self.mountpoint, "-f", "-o", options])
        return self.mountpoint


class Rclone(Peer):
    name = "rclone"
    cache_mode = "off"

    @staticmethod
    def available():
        return bool(shutil.which("rclone"))

    def start(self, host):
        obscured = harness.run(["rclone", "obscure", "-"], input=self.server.password).stdout.strip()
        self.spawn(["rclone", "mount", "s:share", self.mountpoint, "--vfs-cache-mode", self.cache_mode, "--cache-dir", self.home / "cache",
                    "--config", self.home / "rclone.conf", "--allow-non-empty"],
                   {"RCLONE_CONFIG_S_TYPE": "smb", "RCLONE_CONFIG_S_HOST": host, "RCLONE_CONFIG_S_USER": harness.USER,
                    "RCLONE_CONFIG_S_PASS": obscured})
        return self.mountpoint

    def stop(self):
        super().stop()
        shutil.rmtree(self.home / "cache", ignore_errors=True)


class RcloneFull(Rclone):
    """Writes land in a local cache first; what counts here is when they lie on the server."""
    name = "rclone full"
    cache_mode = "full"


class Smbnetfs(Peer):
    name = "smbnetfs"

    @staticmethod
    def available():
        return bool(shutil.which("smbnetfs"))

    def start(self, host):
        settings = self.home / ".smb"
        settings.mkdir(exist_ok=True)
        (settings / "smb.conf").write_text("[global]\nworkgroup = WORKGROUP\nclient min protocol = SMB2_02\n")
        (settings / "smbnetfs.conf").write_text(f'auth "{host}" "WORKGROUP/{harness.USER}" "{self.server.password}"\nhost {host} visible=true\nsmb_query_browsers "false"\n')
        os.chmod(settings / "smbnetfs.conf", 0o600)
        share = self.mountpoint / host / "share"
        self.spawn(["smbnetfs", self.mountpoint, "-f", "-o", f"config={settings}/smbnetfs.conf"])
        if not harness.eventually(lambda: os.path.isdir(share / "many"), 10):
            raise harness.Failed("smbnetfs does not show the share")
        return share


class Gvfs(Peer):
    name = "gvfs"
    DAEMONS = pathlib.Path("/usr/libexec")

    @staticmethod
    def available():
        return (Gvfs.DAEMONS / "gvfsd-fuse").exists() and bool(shutil.which("dbus-run-session") and shutil.which("gio"))

    # gio asks for domain and password; the user stands in the address.
    SESSION = """
{daemons}/gvfsd &
sleep 0.3
{daemons}/gvfsd-fuse "$1" -f &
printf 'WORKGROUP\\n%s\\n' "$3" | gio mount "smb://$2@$4/share" >/dev/null && touch "$5"
wait
"""

    def start(self, host):
        mounted = self.home / "mounted"
        mounted.unlink(missing_ok=True)
        script = self.home / "session"
        script.write_text(self.SESSION.format(daemons=self.DAEMONS))
        self.spawn(["dbus-run-session", "--", "sh", script, self.mountpoint, harness.USER, self.server.password, host, mounted],
                   {"XDG_RUNTIME_DIR": str(self.home), "GIO_USE_VFS": "gvfs"}, mounted.exists)
        [share] = list(self.mountpoint.iterdir())
        return share


class SignedSmb3fuse(Smb3fuse):
    name = "smb3fuse signed"
    options = "sign"
    is_default = False


class SealedSmb3fuse(Smb3fuse):
    name = "smb3fuse sealed"
    options = "seal"
    is_default = False


ALL = [Smb3fuse, SignedSmb3fuse, SealedSmb3fuse, Rclone, RcloneFull, Smbnetfs, Gvfs]
