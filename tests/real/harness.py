# SPDX-License-Identifier: Apache-2.0
"""What every test against real servers stands on: a private machine room, servers, mounts, the delaying proxy.

A test program calls `main()`. That starts the program once more in namespaces of its own (mounts, processes, network
with a loopback alone), where it is process 1. So whatever a test leaves behind, a hung daemon or a busy mount
included, ends with the program; two copies never meet; nothing is sent over a network; and an unprivileged account
exists there without being added to the machine.

Inside, ROOM is an empty tmpfs. Environment: SMB3FUSE, LAGPROXY name the binaries under test (paths);
SMB3FUSE_TEST_PATIENCE multiplies every time limit (for sanitizer builds); SMB3FUSE_TEST_KEEP=1 shows the servers' logs;
SMB3FUSE_TEST_SAMBA names the root of another Debian whose smbd is to be used (newer_samba.py makes one).
"""
import contextlib
import ctypes
import fcntl
import itertools
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PYTHON = "/usr/bin/python3"
HERE = pathlib.Path(__file__).resolve().parent
SMB3FUSE = os.environ.get("SMB3FUSE", "smb3fuse")
LAGPROXY = os.environ.get("LAGPROXY", "lagproxy")
PATIENCE = float(os.environ.get("SMB3FUSE_TEST_PATIENCE", "1"))
SAMBA = os.environ.get("SMB3FUSE_TEST_SAMBA")
ROOM = pathlib.Path(os.environ["SMB3FUSE_TEST_ROOM"]) if "SMB3FUSE_TEST_ROOM" in os.environ else None

TESTS = ROOM and ROOM / "tests"  # these programs, as every account inside can read them
DEBIAN = ROOM and ROOM / "debian"  # the root of the other Debian

# The account that servers know and that "an ordinary user" runs as. It exists only inside the room.
USER = "smbtester"
USER_ID = 61234
# Characters that a sloppy option parser, shell, environment or log filter trips over.
PASSWORD = 'Pä5,w"o#r=d \\%s \u20ac9'

_serial = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)


# --- the room -------------------------------------------------------------------------------------------------------

def main(entry=unittest.main):
    """Runs `entry` inside a room and exits with its status."""
    if ROOM is None:
        sys.exit(_outside())
    _furnish()
    entry()


def _outside():
    missing = _what_is_missing()
    if missing:
        print(f"cannot run: {missing}", file=sys.stderr)
        return 1
    room = tempfile.mkdtemp(prefix="smb3fuse-test-")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PASSWD", "SMB3FUSE_TEST_ROOM"))}
    environment.update(SMB3FUSE_TEST_ROOM=room, PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8", HOME=room, USER="root")
    # An ordinary user with sudo runs the room through it; it ends with us all the same.
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n", "env", *(f"{k}={v}" for k, v in environment.items() if k != "PATH")]
    command = [*prefix, "unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "--", PYTHON, *sys.argv]
    try:
        # If ctest kills us, unshare follows, and with it process 1 of the room and so everything in it.
        child = subprocess.Popen(command, env=environment, preexec_fn=_die_with_parent)
        signal.signal(signal.SIGTERM, lambda *_: child.kill())
        return child.wait()
    except KeyboardInterrupt:
        child.kill()
        return 130
    finally:
        os.rmdir(room)


def _what_is_missing():
    if os.geteuid() != 0 and not (shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0):
        return "it takes root, or sudo without a password, to make a private room of namespaces"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    for tool in ("unshare", "setpriv", "smbd", "smbpasswd", "fusermount3", "mount", "umount"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    if SAMBA and not os.path.isdir(SAMBA):
        return f"there is no Debian at {SAMBA} (newer_samba.py makes it)"
    if not shutil.which(SMB3FUSE):
        return f"the binary under test is not at {SMB3FUSE} (set SMB3FUSE)"
    return None


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _mount(source, target, fstype=None, flags=0, data=None):
    encode = lambda text: text and os.fsencode(text)
    if _libc.mount(encode(source), encode(target), encode(fstype), flags, encode(data)) != 0:
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}")


def bind(source, target, with_mounts_below=False):
    _mount(str(source), str(target), flags=0x5000 if with_mounts_below else 0x1000)  # MS_BIND, MS_REC


def unmount_at_once(target):
    _libc.umount2(os.fsencode(target), 2)  # MNT_DETACH


def tmpfs(target, options):
    _mount("tmpfs", str(target), "tmpfs", data=options)


def _furnish():
    tmpfs(ROOM, "mode=0755")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # loopback up: SIOCSIFFLAGS IFF_UP|IFF_RUNNING
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
    passwd = ROOM / "passwd"
    passwd.write_text(pathlib.Path("/etc/passwd").read_text() + f"{USER}:x:{USER_ID}:{USER_ID}::{ROOM}/home:/bin/sh\n")
    bind(passwd, "/etc/passwd")
    group = ROOM / "group"
    group.write_text(pathlib.Path("/etc/group").read_text() + f"{USER}:x:{USER_ID}:\n")
    bind(group, "/etc/group")
    home = ROOM / "home"
    home.mkdir()
    os.chown(home, USER_ID, USER_ID)
    # Containers often have a /dev/fuse that only root may open; fusermount3's users need the usual mode.
    device = ROOM / "fuse"
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(10, 229))
    os.chmod(device, 0o666)
    bind(device, "/dev/fuse")
    # Mounts of the program that there are outside are none of ours.
    with open("/proc/self/mountinfo") as table:
        foreign = [line.split()[4] for line in table if " fuse.smb3fuse " in line]
    for mountpoint in reversed(foreign):
        _libc.umount2(os.fsencode(mountpoint).decode("unicode_escape").encode("latin-1"), 2)  # MNT_DETACH
    # Control sockets lie under /run. An ordinary user who has logged on has a folder there.
    tmpfs("/run", "mode=0755")
    runtime = pathlib.Path(f"/run/user/{USER_ID}")
    runtime.mkdir(parents=True, mode=0o700)
    os.chown(runtime, USER_ID, USER_ID)
    os.environ.pop("XDG_RUNTIME_DIR", None)
    if SAMBA:
        _furnish_debian()
    _bring_inside()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))  # process 1 ignores what it does not handle


def _furnish_debian():
    """The other Debian with our accounts. Nothing there can be changed, and its servers' homes appear in /mnt."""
    DEBIAN.mkdir()
    bind(SAMBA, DEBIAN)
    _mount("none", str(DEBIAN), flags=0x1021)  # MS_REMOUNT, MS_BIND, MS_RDONLY
    for place in ("mnt", "run", "tmp"):
        tmpfs(DEBIAN / place, "mode=0755")
    for place in ("dev", "etc/passwd", "etc/group"):
        bind(f"/{place}", DEBIAN / place)
    _mount("proc", str(DEBIAN / "proc"), "proc")


def _bring_inside():
    """The binaries and these programs at paths that every account may enter."""
    global SMB3FUSE, LAGPROXY
    (ROOM / "bin").mkdir()
    inside = {}
    for name, given in (("smb3fuse", SMB3FUSE), ("lagproxy", LAGPROXY)):
        inside[name] = ROOM / "bin" / name
        if shutil.which(given):
            inside[name].touch()
            bind(os.path.realpath(shutil.which(given)), inside[name])
    SMB3FUSE, LAGPROXY = str(inside["smb3fuse"]), str(inside["lagproxy"])
    TESTS.mkdir()
    bind(HERE, TESTS)


def fresh_folder(name, owner=None, mode=0o755):
    folder = ROOM / f"{name}-{next(_serial)}"
    folder.mkdir()
    if owner:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    os.chmod(folder, mode)
    return folder


# --- processes ------------------------------------------------------------------------------------------------------

class Failed(Exception):
    """Something the harness itself expects did not happen."""


def as_user(user, argv):
    """argv as it must be called to run as that account (None: as we are)."""
    argv = [str(a) for a in argv]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--", *argv] if user else argv


def environment_of(user, extra=None):
    environment = {k: v for k, v in os.environ.items() if k not in ("PASSWD", "PASSWD_FD", "PASSWD_FILE")}
    environment.update(HOME=str(ROOM / "home") if user else str(ROOM), USER=user or "root", **(extra or {}))
    return environment


def run(argv, user=None, timeout=60, check=True, env=None, input=None, before_kill=lambda: None, **more):
    """Runs a program to its end. With `check`, a failure shows all it printed. Nothing it started outlives a timeout."""
    process = subprocess.Popen(as_user(user, argv), env=environment_of(user, env), text=True, errors="replace",
                               stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True, **more)
    late = False
    try:
        output, errors = process.communicate(input, timeout * PATIENCE)
    except subprocess.TimeoutExpired:
        late = True
        before_kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
    if late:
        raise Failed(f"{_brief(argv)} did not end in {timeout * PATIENCE:.0f} s\n{output}{errors}")
    if check and process.returncode != 0:
        raise Failed(f"{_brief(argv)} ended with {process.returncode}\n{output}{errors}")
    return subprocess.CompletedProcess(argv, process.returncode, output, errors)


def _brief(argv):
    text = " ".join(str(a) for a in argv)
    return text if len(text) < 300 else text[:300] + "..."


def eventually(condition, seconds=5, step=0.02):
    """The first true value of condition() within `seconds`; else its last value."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(step)
    return value


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _answers(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


def stop(process, name):
    """Ends a server that was started as leader of its own process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10 * PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"{name} had to be killed", file=sys.stderr)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# --- servers --------------------------------------------------------------------------------------------------------

class Server:
    """A server at 127.0.0.1:port with a share; `folder` is the local folder behind a share of that name."""
    SHARE, PROTOCOL = "share", "SMB3_11"
    password = PASSWORD

    def __init__(self):
        self.port = free_port()
        self.home = fresh_folder(type(self).__name__.lower())
        os.chmod(self.home, 0o755)

    def source(self, share=None, port=None):
        return f"//127.0.0.1:{port or self.port}/{share or self.SHARE}"

    def credentials(self, owner=None, user=USER, password=None):
        """A new credentials file that only `owner` can read."""
        file = fresh_folder("credentials", owner) / "file"
        file.write_text(f"username={user}\npassword={self.password if password is None else password}\n", "utf-8")
        os.chmod(file, 0o600)
        if owner:
            os.chown(file, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
        return file

    def folder(self, share=None):
        return self.home / (share or self.SHARE)

    def smbclient(self, command, share=None, protocol=None, timeout=60):
        """Runs smbclient commands as the second, independent client."""
        protocol = protocol or self.PROTOCOL
        return run(["smbclient", f"//127.0.0.1/{share or self.SHARE}", "-p", self.port, "-U", USER, "-m", protocol, "-c", command,
                    *(["--option=client min protocol=NT1"] if protocol == "NT1" else [])],
                   env={"PASSWD": self.password}, timeout=timeout).stdout


class SambaServer(Server):
    """A private smbd. `options` are lines of [global] beside or over the usual ones; `shares` maps more shares'
    names to their lines. The shares: share; ro (the same folder); small (16 MiB); crypt (sealed only)."""

    def __init__(self, options=(), shares=None):
        super().__init__()
        self.options, self.more_shares = list(options), dict(shares or {})
        # Samba's programs, and its home as they see it.
        self.tools, self.inside = (["chroot", DEBIAN], pathlib.Path("/mnt") / self.home.name) if SAMBA else ([], self.home)

    def configuration(self):
        h = self.inside
        lines = ["[global]", "server role = standalone server", "workgroup = WORKGROUP", "netbios name = SMB3FUSETEST",
                 f"smb ports = {self.port}", "interfaces = 127.0.0.1/8", "bind interfaces only = yes",
                 "disable netbios = yes", "disable spoolss = yes", "load printers = no", "map to guest = never",
                 f"passdb backend = tdbsam:{h}/passdb.tdb", f"private dir = {h}/private", f"lock directory = {h}/lock",
                 f"state directory = {h}/state", f"cache directory = {h}/cache", f"pid directory = {h}/run",
                 f"ncalrpc dir = {h}/ncalrpc", f"log file = {h}/log.smbd", "log level = 1", "max log size = 0",
                 "server min protocol = SMB2_02", "store dos attributes = yes", "ea support = yes", "host msdfs = no",
                 *self.options]
        shares = {"share": [], "ro": ["read only = yes", f"path = {h}/share"], "small": [],
                  "crypt": ["smb encrypt = required"], **self.more_shares}
        for name, more in shares.items():
            lines += [f"[{name}]", f"path = {h}/{name}", "read only = no", *more]
        return "\n".join(lines) + "\n"

    def __enter__(self):
        for name in ("private", "lock", "state", "cache", "run", "ncalrpc"):
            (self.home / name).mkdir()
        for name in ("share", "small", "crypt", *self.more_shares):
            (self.home / name).mkdir(exist_ok=True)
            if name == "small":
                tmpfs(self.home / name, "size=16m")
            os.chmod(self.home / name, 0o777)
        (self.home / "smb.conf").write_text(self.configuration())
        if SAMBA:
            (DEBIAN / "mnt" / self.home.name).mkdir()
            bind(self.home, DEBIAN / "mnt" / self.home.name, with_mounts_below=True)
        configuration = self.inside / "smb.conf"
        run([*self.tools, "smbpasswd", "-c", configuration, "-L", "-a", "-s", USER], input=f"{self.password}\n{self.password}\n")
        self.start()
        return self

    def start(self):
        self.process = subprocess.Popen(
            [*self.tools, "smbd", "--foreground", "--no-process-group", "-s", str(self.inside / "smb.conf")],
            start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment_of(None))
        if not eventually(lambda: self.process.poll() is not None or _answers(self.port), 15) or self.process.poll() is not None:
            raise Failed(f"smbd does not answer on port {self.port}\n{self.log()}")

    def kill(self):
        """As a server goes that loses its power. start() brings it back."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def session(self):
        """What the server says about its only session: (dialect, degree of signing, degree of sealing, cipher)."""
        status = json.loads(run([*self.tools, "smbstatus", "-s", self.inside / "smb.conf", "--json"]).stdout)
        [session] = status["sessions"].values()
        return (session["session_dialect"], session["signing"]["degree"], session["encryption"]["degree"],
                session["encryption"]["cipher"])

    def __exit__(self, kind, *_):
        stop(self.process, "smbd")
        if kind and os.environ.get("SMB3FUSE_TEST_KEEP"):
            print(self.log(), file=sys.stderr)
        unmount_at_once(self.home / "small")
        if SAMBA:
            unmount_at_once(DEBIAN / "mnt" / self.home.name)

    def log(self):
        file = self.home / "log.smbd"
        return file.read_text(errors="replace")[-8000:] if file.exists() else ""


class ImpacketServer(Server):
    """impacket's smbserver: simple, independent, SMB 2.0.2 only, or SMB1 only. Its share is called SHARE."""
    SHARE, PROTOCOL = "SHARE", "SMB2_02"
    password = "impacket-secret"

    PROGRAM = """
import binascii, os, sys
os.umask(0)  # what it makes, as root, the tests reach behind its back as another user
from impacket import smbserver, ntlm
port, folder, user, password, smb2 = sys.stdin.read().split("\\n")
server = smbserver.SimpleSMBServer(listenAddress="127.0.0.1", listenPort=int(port))
server.addShare("SHARE", folder, "impacket")
server.setSMB2Support(smb2 == "True")
to_hex = lambda b: binascii.hexlify(b).decode()
server.addCredential(user, 0, to_hex(ntlm.compute_lmhash(password)), to_hex(ntlm.compute_nthash(password)))
server.start()
"""

    def __init__(self, smb2=True):
        super().__init__()
        self.smb2 = smb2

    def __enter__(self):
        self.folder().mkdir()
        os.chmod(self.folder(), 0o777)
        self.output = open(self.home / "log", "w+")
        self.process = subprocess.Popen([PYTHON, "-c", self.PROGRAM], start_new_session=True, stdin=subprocess.PIPE,
                                        stdout=self.output, stderr=self.output, text=True, env=environment_of(None))
        self.process.stdin.write(f"{self.port}\n{self.folder()}\n{USER}\n{self.password}\n{self.smb2}")
        self.process.stdin.close()
        if not eventually(lambda: self.process.poll() is not None or _answers(self.port), 15) or self.process.poll() is not None:
            raise Failed(f"impacket does not answer on port {self.port}\n{self.log()}")
        return self

    def __exit__(self, kind, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # its threads do not end by themselves
        self.process.wait()
        if kind and os.environ.get("SMB3FUSE_TEST_KEEP"):
            print(self.log(), file=sys.stderr)
        self.output.close()

    def log(self):
        return (self.home / "log").read_text(errors="replace")[-8000:]


class LagProxy:
    """The project's proxy in front of a server: delays each direction, counts, cuts. Use `port` in place of the server's."""

    def __init__(self, server, delay_ms=0, listen="127.0.0.1:0"):
        self.server, self.delay_ms, self.listen = server, delay_ms, listen

    def __enter__(self):
        self.process = subprocess.Popen([LAGPROXY, "--listen", self.listen, "--to", f"127.0.0.1:{self.server.port}",
                                         "--delay-ms", str(self.delay_ms)], start_new_session=True, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        ports = dict(self.process.stdout.readline().split() for _ in range(2))
        self.port = int(ports["listen"])
        self.control = socket.create_connection(("127.0.0.1", int(ports["control"])), 10 * PATIENCE)
        self.lines = self.control.makefile("rw")
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.control.close()
        self.process.stdout.close()
        stop(self.process, "lagproxy")

    def ask(self, line):
        self.lines.write(line + "\n")
        self.lines.flush()
        answer = self.lines.readline()
        if not answer:
            raise Failed(f"lagproxy closed its control connection at {line!r}")
        return answer.strip()

    def reset(self):
        self.ask("reset")

    def stats(self):
        """Requests by command, frames, turns and the sequence since the last reset."""
        return json.loads(self.ask("stats"))

    def delay(self, milliseconds):
        self.ask(f"delay {milliseconds}")


# --- mounts ---------------------------------------------------------------------------------------------------------

def mounted(mountpoint):
    """The kernel's lines about a mountpoint, the topmost last."""
    with open("/proc/self/mountinfo") as table:
        return [line for line in table if line.split()[4] == str(mountpoint)]


def daemons():
    """Process ids of the binary under test that are alive."""
    binary = SMB3FUSE
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{name}/exe") == binary:
                    found.add(int(name))
    return found


class Mount:
    """The share mounted by the command under test, daemonised as users call it.

    Leaving the block unmounts and requires that the daemon ends by itself with status 0 and that neither process nor
    mount is left. A watchdog kills the daemon after `limit` seconds, so that a system call stuck in the mount returns,
    and when it takes more memory than it ever should.
    """
    MEMORY = 3 << 30  # bytes

    def __init__(self, server, share=None, options="", user=None, port=None, limit=300, source=None, subfolder=""):
        self.server, self.user, self.limit = server, user, limit * PATIENCE
        self.source = source or server.source(share, port) + subfolder
        self.options = f"credentials={server.credentials(user)}" + (f",{options}" if options else "")
        self.path = fresh_folder("mount", user)
        self.daemon = self.status = None
        self.killed = None  # why the watchdog did it

    def __enter__(self):
        self.output = self.mount()
        self.left = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def mount(self):
        before = daemons()
        started = run([SMB3FUSE, self.source, self.path, "-o", self.options], self.user, timeout=45, check=False)
        new = daemons() - before
        if started.returncode != 0:
            raise Failed(f"smb3fuse -o {self.options} ended with {started.returncode}: {started.stdout}{started.stderr}")
        if not mounted(self.path):
            raise Failed(f"smb3fuse returned 0 but {self.path} is not mounted: {started.stderr}")
        if len(new) != 1:
            raise Failed(f"one daemon should serve the mount, there are {len(new)}")
        self.daemon = new.pop()
        return started.stdout + started.stderr

    def _watch(self):
        deadline = time.monotonic() + self.limit
        while not self.left.wait(0.2):
            if time.monotonic() > deadline:
                return self.give_up(f"it took more than {self.limit:.0f} s")
            with contextlib.suppress(OSError):
                pages = int(pathlib.Path(f"/proc/{self.daemon}/statm").read_text().split()[1])
                if pages * os.sysconf("SC_PAGE_SIZE") > self.MEMORY:
                    return self.give_up(f"its daemon took more than {self.MEMORY >> 20} MiB of memory")

    def give_up(self, why):
        self.killed = self.killed or why
        self.kill()

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.daemon, signal.SIGKILL)

    def __exit__(self, kind, error, trace):
        self.left.set()
        try:
            self.leave(expect_clean=kind is None)
        except Failed as failure:
            if kind is None:
                raise
            print(f"and then: {failure}", file=sys.stderr)
        if self.killed:
            raise Failed(f"the mount was given up: {self.killed}") from error

    def leave(self, expect_clean=True):
        complaint = None
        if mounted(self.path):
            unmount = lambda: run(["fusermount3", "-u", self.path], self.user, check=False, timeout=30)
            done = unmount()
            if done.returncode != 0:
                complaint = f"fusermount3 -u failed: {done.stderr.strip()}"
                unmount_at_once(self.path)
        status = self.wait_for_daemon(15)
        if status is None:
            complaint = complaint or f"the daemon was alive 15 s after its mount was gone, in {self.waiting_in()}"
            self.kill()
            self.wait_for_daemon(5)
        elif status != 0 and not self.killed:
            complaint = complaint or f"the daemon ended with status {status}"
        if mounted(self.path):
            complaint = complaint or "the mount is still there"
        else:
            os.rmdir(self.path)
        if complaint and expect_clean:
            raise Failed(complaint)
        return complaint

    def wait_for_daemon(self, seconds):
        """Its exit status once it has ended (we are process 1, so it became our child), or None."""
        def reaped():
            if self.status is None:
                process, status = os.waitpid(self.daemon, os.WNOHANG)
                self.status = os.waitstatus_to_exitcode(status) if process else None
            return self.status is not None
        eventually(reaped, seconds)
        return self.status

    def waiting_in(self):
        """Where each thread of the daemon sleeps in the kernel."""
        with contextlib.suppress(OSError):
            return " ".join(pathlib.Path(f"/proc/{self.daemon}/task/{t}/wchan").read_text()
                            for t in os.listdir(f"/proc/{self.daemon}/task"))
        return ""

    def work(self, argv, timeout=200, **more):
        """Runs a program as the mount's owner. If it does not end in time the daemon is killed first, so that it can."""
        give_up = lambda: self.give_up(f"{_brief(argv)} did not end")
        return run(argv, self.user, timeout=timeout, before_kill=give_up, **more)
