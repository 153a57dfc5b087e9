# SPDX-License-Identifier: Apache-2.0
"""A neighbourhood: smbd and nmbd in a network namespace of their own, joined to the room's by a veth pair, so that
broadcasts work and every port is the real one. The room is 10.99.0.1, the server 10.99.0.2."""
import os
import pathlib
import signal
import subprocess
import sys

import harness

HOME, ADDRESS, BROADCAST = "10.99.0.1", "10.99.0.2", "10.99.0.255"
NAME, ALIAS, GROUP = "NBSERVER", "NBALIAS", "NBGROUP"


class Neighbourhood(harness.Server):
    """`options` are lines of [global] beside the usual ones. The shares: share, films (with a comment), a printer."""

    def __init__(self, options=()):
        self.home = harness.fresh_folder("neighbourhood")
        self.options = list(options)
        self.processes = []

    def source(self, share=None, port=None, server=NAME):
        return f"//{server}{f':{port}' if port else ''}/{share or self.SHARE}"

    def configuration(self):
        h = self.home
        folders = [f"{name} = {h}/{folder}" for name, folder in (
            ("private dir", "private"), ("lock directory", "lock"), ("state directory", "state"), ("cache directory", "cache"),
            ("pid directory", "run"), ("ncalrpc dir", "ncalrpc"))]
        return "\n".join([
            "[global]", "server role = standalone server", f"workgroup = {GROUP}", f"netbios name = {NAME}",
            f"netbios aliases = {ALIAS}", "smb ports = 139 445", f"interfaces = {ADDRESS}/24", "wins support = yes",
            "local master = yes", "preferred master = yes", "os level = 65", "load printers = no", "printing = bsd",
            "printcap name = /dev/null", f"passdb backend = tdbsam:{h}/passdb.tdb", f"log file = {h}/log.%m", *folders, *self.options,
            "[share]", f"path = {h}/share", "read only = no",
            "[films]", f"path = {h}/share", "comment = Films \u00fcber alles",
            "[paper]", f"path = {h}/lock", "printable = yes", "comment = the old one",
            "[hidden$]", f"path = {h}/share"]) + "\n"

    def inside(self, argv):
        """argv as it is called among the servers."""
        return ["nsenter", f"--net=/proc/{self.space.pid}/ns/net", "--", *map(str, argv)]

    def start(self, argv):
        process = subprocess.Popen(self.inside(argv), start_new_session=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=harness.environment_of(None))
        self.processes.append(process)
        return process

    def __enter__(self):
        # The namespace lasts as long as somebody is in it.
        self.space = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        ours = pathlib.Path("/proc/self/ns/net").readlink()
        theirs = pathlib.Path(f"/proc/{self.space.pid}/ns/net")
        if not harness.eventually(lambda: theirs.readlink() != ours):
            raise harness.Failed("there is no namespace for the servers")
        ip = lambda *words: harness.run(["ip", *words])
        ip("link", "add", "nb1", "type", "veth", "peer", "name", "nb0", "netns", str(self.space.pid))
        ip("address", "add", f"{HOME}/24", "broadcast", BROADCAST, "dev", "nb1")
        ip("link", "set", "nb1", "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{ADDRESS}/24", "broadcast", BROADCAST, "dev", "nb0"],
                      ["link", "set", "nb0", "up"]):
            harness.run(self.inside(["ip", *words]))
        for name in ("private", "lock", "state", "cache", "run", "ncalrpc", "share"):
            (self.home / name).mkdir()
        (self.home / "share").chmod(0o777)
        pathlib.Path("/run/samba").mkdir(exist_ok=True)  # nmbd's own, whatever smb.conf says; /run is the room's
        configuration = self.home / "smb.conf"
        configuration.write_text(self.configuration())
        harness.run(["smbpasswd", "-c", configuration, "-L", "-a", "-s", harness.USER], input=f"{self.password}\n{self.password}\n")
        for daemon in ("smbd", "nmbd"):
            self.start([daemon, "--foreground", "--no-process-group", "-s", str(configuration)])
        if not harness.eventually(lambda: self.nmblookup("-B", BROADCAST, NAME).startswith(ADDRESS), 30, 0.2):
            raise harness.Failed(f"nmbd does not answer\n{self.log()}")
        return self

    def __exit__(self, *_):
        for process in self.processes:  # nmbd takes its time to say goodbye
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.space.kill()
        self.space.wait()
        harness.run(["ip", "link", "delete", "nb1"], check=False)

    def log(self):
        return "".join(f"{file.name}:\n{file.read_text(errors='replace')[-3000:]}" for file in sorted(self.home.glob("log.*")))

    def nmblookup(self, *words, there=False):
        """What Samba's own client finds, without its first line; "" if it finds nothing."""
        argv = ["nmblookup", "-s", "/dev/null", *words]
        done = harness.run(self.inside(argv) if there else argv, check=False)
        return done.stdout.partition("\n")[2] if done.returncode == 0 else ""


class SecondNetwork:
    """Another network that the room is in, as 10.98.0.1, with a namespace at 10.98.0.2 that has no server."""
    HOME, ADDRESS, BROADCAST = "10.98.0.1", "10.98.0.2", "10.98.0.255"

    def __enter__(self):
        self.space = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        ours = pathlib.Path("/proc/self/ns/net").readlink()
        theirs = pathlib.Path(f"/proc/{self.space.pid}/ns/net")
        if not harness.eventually(lambda: theirs.readlink() != ours):
            raise harness.Failed("there is no second namespace")
        harness.run(["ip", "link", "add", "nb3", "type", "veth", "peer", "name", "nb2", "netns", str(self.space.pid)])
        for inside, device, address in ((False, "nb3", self.HOME), (True, "nb2", self.ADDRESS)):
            for words in (["address", "add", f"{address}/24", "broadcast", self.BROADCAST, "dev", device],
                          ["link", "set", device, "up"]):
                harness.run(self.inside(["ip", *words]) if inside else ["ip", *words])
        return self

    def __exit__(self, *_):
        self.space.kill()
        self.space.wait()
        harness.run(["ip", "link", "delete", "nb3"], check=False)

    def inside(self, argv):
        return ["nsenter", f"--net=/proc/{self.space.pid}/ns/net", "--", *map(str, argv)]

    def nmblookup(self, *words):
        """As it is called there, without its first line; "" if it finds nothing."""
        done = harness.run(self.inside(["nmblookup", "-s", "/dev/null", *words]), check=False)
        return done.stdout.partition("\n")[2] if done.returncode == 0 else ""


# Run by the servers' side: refuses session requests as told, then hands the connection on to smbd. Arguments: the port to
# listen on, and what to do with a name: NAME=82 refuses it with that code, NAME=>PORT retargets there.
RELAY = """
import socket, struct, sys, threading
listener = socket.create_server(("10.99.0.2", int(sys.argv[1])))
rules = dict(rule.split("=", 1) for rule in sys.argv[2:])
def exactly(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece: raise EOFError
        data += piece
    return data
def pump(a, b):
    try:
        while data := a.recv(65536): b.sendall(data)
    except OSError: pass
    finally:
        for s in (a, b):
            try: s.shutdown(socket.SHUT_RDWR)
            except OSError: pass
def serve(client):
    head = exactly(client, 4)
    body = exactly(client, struct.unpack(">H", head[2:])[0])
    name = "".join(chr((body[i] - 65) * 16 + body[i + 1] - 65) for i in range(1, 33, 2))[:15].rstrip()
    rule = rules.get(name)
    if rule and rule.startswith(">"):
        client.sendall(b"\\x84\\0\\0\\6" + socket.inet_aton("10.99.0.2") + struct.pack(">H", int(rule[1:])))
        return client.close()
    if rule:
        client.sendall(b"\\x83\\0\\0\\1" + bytes.fromhex(rule))
        return client.close()
    server = socket.create_connection(("10.99.0.2", 139))
    server.sendall(head + body)
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    pump(server, client)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


class Relay:
    def __init__(self, neighbourhood, port, *rules):
        self.neighbourhood, self.port, self.rules = neighbourhood, port, rules

    def __enter__(self):
        self.process = subprocess.Popen(self.neighbourhood.inside([sys.executable, "-c", RELAY, self.port, *self.rules]),
                                        start_new_session=True, stdin=subprocess.DEVNULL)
        listening = lambda: f":{self.port} " in harness.run(self.neighbourhood.inside(["ss", "-Hltn"])).stdout
        if not harness.eventually(listening, 15):
            raise harness.Failed("the relay does not listen")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
