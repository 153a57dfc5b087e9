# SPDX-License-Identifier: Apache-2.0
"""smb3fuse beside other SMB file systems on one private server, in one run.

    bench.py [--quick] [--peers smb3fuse,rclone] [--delays 0,20] [--workloads read,write] [--repeat N] [--json FILE]

Prints for each round-trip time one line a workload: every file system's figure, smb3fuse against the best of the others
(more than 1.00 is faster), and what it is to reach where that is agreed on. Then the requests and round trips that each workload took, counted on the wire.
A figure is the best of the repeats. Each repeat is a fresh mount; data lies on the server when the clock stops, so a
local copy counts for nothing. `smbclient` stands for the plain transfer, it is no file system and not compared with.
`--peers "smb3fuse,smb3fuse signed,smb3fuse sealed"` shows what signing and sealing cost.

Without a delay the file systems talk to the server straight; otherwise through the project's proxy, which counts.
Run as root: everything happens in a room of namespaces, the server's data on a tmpfs (see tests/real/harness.py).
"""
import argparse
import json
import mmap
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "real"))
import harness  # noqa: E402
import peers  # noqa: E402

SERVER_HOST, PROXY_HOST = "127.0.0.1", "127.0.0.2"
MIB = 1 << 20


class Server(harness.SambaServer):
    password = "benchmark"  # one that every peer's configuration can hold

    def __init__(self):
        super().__init__()
        self.port = 445  # ours alone, in a network namespace; some peers know no other

    def wait_until_stored(self, paths, size, seconds):
        if not harness.eventually(lambda: all(p.exists() and p.stat().st_size == size for p in paths), seconds, 0.005):
            raise harness.Failed("it never arrived at the server")


class Sizes:
    def __init__(self, quick, delayed):
        self.large = (64 if quick else 1024) * MIB // (4 if delayed else 1)  # 256 MiB leave the start behind at 20 ms
        self.files = (100 if quick else 2000) // (10 if delayed else 1)
        self.folders = (4 if quick else 20) // (2 if delayed else 1)
        self.in_each = 25 if quick else 100
        self.sources = 90 if quick else 900
        self.unpacked = self.sources // (10 if delayed and not quick else 1)
        self.transactions = 10 if quick or delayed else 100
        self.random_seconds = 1 if quick else 4
        self.limit = 60 if quick else 150


# --- workloads: (amount, unit) done in the clocked part ---------------------------------------------------------------

WORKLOADS = {}


def workload(unit):
    def register(function):
        WORKLOADS[function.__name__] = (function, unit)
        return function
    return register


class Place:
    """A folder of the share: as the mount shows it, and as the server has it."""

    def __init__(self, share, server, sizes):
        self.share, self.server, self.sizes = share, server, sizes
        self.folder = server.folder()

    def fresh(self):
        name = f"work-{time.monotonic_ns()}"
        (self.folder / name).mkdir()
        os.chmod(self.folder / name, 0o777)
        return name


@workload("MiB/s")
def read(place):
    """sequential, 1 MiB at a time, cold"""
    with open(place.share / "large", "rb", buffering=0) as f:
        done = 0
        while piece := f.read(MIB):
            done += len(piece)
    if done != place.sizes.large:
        raise harness.Failed(f"read {done} bytes of {place.sizes.large}")
    return done / MIB


@workload("MiB/s")
def write(place):
    """sequential, 1 MiB at a time, fsync, close, until it lies on the server"""
    name, block = place.fresh(), random.Random(1).randbytes(MIB)
    with open(place.share / name / "large", "wb", buffering=0) as f:
        for _ in range(place.sizes.large // MIB):
            f.write(block)
        os.fsync(f.fileno())
    place.server.wait_until_stored([place.folder / name / "large"], place.sizes.large, place.sizes.limit)
    return place.sizes.large / MIB


@workload("MiB/s")
def reread(place):
    """the same again, after the file was closed"""
    read(place)
    begin = time.monotonic()
    amount = read(place)
    place.seconds = time.monotonic() - begin
    return amount


@workload("MiB/s")
def write_4k(place):
    """sequential, 4 KiB at a time, close, until it lies on the server"""
    name, block, size = place.fresh(), random.Random(1).randbytes(4096), place.sizes.large // 8
    with open(place.share / name / "large", "wb", buffering=0) as f:
        for _ in range(size // len(block)):
            f.write(block)
    place.server.wait_until_stored([place.folder / name / "large"], size, place.sizes.limit)
    return size / MIB


@workload("/s")
def random_write(place):
    """4 KiB at random offsets of a file of its own, fsync, close, until it lies on the server"""
    name, chance, size, count = place.fresh(), random.Random(5), place.sizes.large // 8, place.sizes.large // 131072
    fd = os.open(place.share / name / "large", os.O_RDWR | os.O_CREAT)
    try:
        os.ftruncate(fd, size)
        block = chance.randbytes(4096)
        for _ in range(count):
            os.pwrite(fd, block, chance.randrange(size // 4096) * 4096)
        os.fsync(fd)
    finally:
        os.close(fd)
    place.server.wait_until_stored([place.folder / name / "large"], size, place.sizes.limit)
    return count


@workload("/s")
def direct_read(place):
    """4 KiB at random offsets past the page cache, 16 processes at once"""
    pages, deadline = place.sizes.large // 4096, time.monotonic() + place.sizes.random_seconds
    counts = [os.pipe() for _ in range(16)]
    for number, (_, answer) in enumerate(counts):
        if os.fork():
            continue
        chance, done, page = random.Random(number), 0, mmap.mmap(-1, 4096)  # aligned as O_DIRECT wants it
        fd = os.open(place.share / "large", os.O_RDONLY | os.O_DIRECT)
        while time.monotonic() < deadline:
            if os.preadv(fd, [page], chance.randrange(pages) * 4096) != 4096:
                os._exit(1)
            done += 1
        os.write(answer, b"%d" % done)
        os._exit(0)
    for _ in counts:
        if os.wait()[1]:
            raise harness.Failed("a short read")
    return sum(int(os.read(told, 100)) for told, _ in counts)


@workload("/s")
def random_read(place):
    """4 KiB at random offsets, one after the other"""
    chance, pages, done = random.Random(2), place.sizes.large // 4096, 0
    deadline = time.monotonic() + place.sizes.random_seconds
    fd = os.open(place.share / "large", os.O_RDONLY)
    try:
        while time.monotonic() < deadline:
            if len(os.pread(fd, 4096, chance.randrange(pages) * 4096)) != 4096:
                raise harness.Failed("a short read")
            done += 1
    finally:
        os.close(fd)
    return done


@workload("/s")
def create(place):
    """files of 4 KiB: create, write, close, until they lie on the server"""
    name, data = place.fresh(), b"x" * 4096
    for i in range(place.sizes.files):
        with open(place.share / name / f"file{i}", "wb", buffering=0) as f:
            f.write(data)
    place.server.wait_until_stored([place.folder / name / f"file{i}" for i in range(place.sizes.files)], 4096, place.sizes.limit)
    return place.sizes.files


@workload("/s")
def stat(place):
    """of files in one folder, by name"""
    for i in range(place.sizes.files):
        os.stat(place.share / "many" / f"file{i}")
    return place.sizes.files


@workload("/s")
def read_files(place):
    """4 KiB files: open, read, close"""
    for i in range(place.sizes.files):
        if len((place.share / "many" / f"file{i}").read_bytes()) != 4096:
            raise harness.Failed("a short read")
    return place.sizes.files


@workload("/s")
def untar(place):
    """files of a source tree, until they lie on the server"""
    name = place.fresh()
    archive = place.server.home / "sources.tar"
    subprocess.run(["tar", "-xf", archive, "--no-same-owner", "-C", place.share / name], check=True)
    with tarfile.open(archive) as members:
        for member in members:
            if member.isfile():
                place.server.wait_until_stored([place.folder / name / member.name], member.size, place.sizes.limit)
    return place.sizes.unpacked


@workload("/s")
def grep(place):
    """grep -r through the files of a source tree, cold"""
    found = subprocess.run(["grep", "-rc", "needle", str(place.share / "sources")], stdout=subprocess.PIPE).stdout
    if found.count(b":1\n") != place.sizes.sources:
        raise harness.Failed("grep did not find everything")
    return place.sizes.sources


@workload("/s")
def sqlite(place):
    """durable transactions"""
    database = sqlite3.connect(place.share / place.fresh() / "data.sqlite")
    database.execute("pragma synchronous = full")
    database.execute("create table t (n integer, text text)")
    begin = time.monotonic()
    for i in range(place.sizes.transactions):
        with database:
            database.execute("insert into t values (?, ?)", (i, "x" * 100))
    place.seconds = time.monotonic() - begin
    return place.sizes.transactions


@workload("entries/s")
def ls(place):
    """ls -lR of a tree"""
    listed = subprocess.run(["ls", "-lR", str(place.share / "tree")], check=True, stdout=subprocess.PIPE).stdout
    if listed.count(b"file") < place.sizes.folders * place.sizes.in_each:
        raise harness.Failed("ls did not list everything")
    return place.sizes.folders * place.sizes.in_each


@workload("/s")
def remove(place):
    """unlink files of one folder"""
    name = place.fresh()
    for i in range(place.sizes.files):
        _touch(place.folder / name / f"file{i}")
    os.listdir(place.share / name)
    begin = time.monotonic()
    for i in range(place.sizes.files):
        os.unlink(place.share / name / f"file{i}")
    place.seconds = time.monotonic() - begin
    return place.sizes.files


@workload("/s")
def rm_rf(place):
    """rm -rf of a tree"""
    name, files = place.fresh(), place.sizes.files * 3 // 10
    for i in range(files):
        folder = place.folder / name / f"folder{i // 30}"
        if i % 30 == 0:
            folder.mkdir()
            os.chown(folder, harness.USER_ID, harness.USER_ID)
        _touch(folder / f"file{i}")
    begin = time.monotonic()
    subprocess.run(["rm", "-rf", str(place.share / name)], check=True)
    place.seconds = time.monotonic() - begin
    return files


def _touch(path, data=b""):
    path.write_bytes(data)
    os.chown(path, harness.USER_ID, harness.USER_ID)


def fill(server, sizes):
    folder = server.folder()
    block = random.Random(3).randbytes(MIB)
    with open(folder / "large", "wb") as f:
        for _ in range(sizes.large // MIB):
            f.write(block)
    (folder / "many").mkdir()
    for i in range(sizes.files):
        _touch(folder / "many" / f"file{i}", b"x" * 4096)
    chance = random.Random(4)
    for i in range(sizes.sources):
        path = folder / "sources" / f"folder{i // 30}" / f"file{i}.c"
        path.parent.mkdir(parents=True, exist_ok=True)
        _touch(path, chance.randbytes(chance.randrange(12000)).hex().encode() + b"\nneedle\n")
    with tarfile.open(server.home / "sources.tar", "w") as archive:
        for number in range(sizes.unpacked // 30):
            archive.add(folder / "sources" / f"folder{number}", f"folder{number}")
    for d in range(sizes.folders):
        (folder / "tree" / f"folder{d}").mkdir(parents=True)
        for i in range(sizes.in_each):
            _touch(folder / "tree" / f"folder{d}" / f"file{i}", b"x")


# --- running ----------------------------------------------------------------------------------------------------------

def once(peer_class, server, host, name, sizes, proxy):
    """One workload on a fresh mount, by a child that can be given up. None if it failed."""
    peer = peer_class(server)
    try:
        share = peer.start(host)
        if proxy:
            proxy.reset()
        cpu = peer.cpu_seconds()
        child = f"import bench; bench.child({name!r}, {str(share)!r}, {str(server.home)!r}, {vars(sizes)!r})"
        done = harness.run([harness.PYTHON, "-c", child], env={"PYTHONPATH": f"{BENCH}:{harness.TESTS}"}, timeout=sizes.limit, before_kill=peer.kill)
        amount, seconds = json.loads(done.stdout)
        result = {"figure": amount / seconds, "amount": amount, "seconds": seconds, "cpu_seconds": peer.cpu_seconds() - cpu}
        if proxy:
            counted = proxy.stats()
            result.update(requests=counted["requests"], frames=counted["frames"], turns=counted["turns"], most_in_flight=counted["max_in_flight"])
        return result
    except harness.Failed as failure:
        return {"failed": str(failure).strip().splitlines()[-1][:120]}
    finally:
        peer.stop()


BENCH = pathlib.Path(__file__).resolve().parent


class _Remote:
    """The server as the child sees it."""

    def __init__(self, home):
        self.home = pathlib.Path(home)

    def folder(self):
        return self.home / "share"

    wait_until_stored = Server.wait_until_stored


def child(name, share, home, sizes):
    bound = Sizes(False, False)
    vars(bound).update(sizes)
    place = Place(pathlib.Path(share), _Remote(home), bound)
    place.seconds = None
    begin = time.monotonic()
    amount = WORKLOADS[name][0](place)
    seconds = place.seconds or time.monotonic() - begin
    json.dump([amount, seconds], sys.stdout)


def smbclient(server, host, name, sizes):
    """The plain transfer, where it has the same meaning."""
    if name not in ("read", "write"):
        return None
    local = harness.ROOM / "to-put"
    if name == "write" and not local.exists():
        local.write_bytes(bytes(sizes.large))
    command = "get large /dev/null" if name == "read" else f"put {local} put-by-smbclient"
    begin = time.monotonic()
    done = harness.run(["smbclient", f"//{host}/share", "-U", harness.USER, "-c", command], env={"PASSWD": server.password},
                       timeout=sizes.limit, check=False)
    seconds = time.monotonic() - begin
    local.unlink(missing_ok=True)
    return {"figure": sizes.large / MIB / seconds, "amount": sizes.large / MIB, "seconds": seconds} if done.returncode == 0 else None


def better(a, b):
    """The better of two results, of which either may have failed."""
    if not a or "figure" not in a:
        return b or a
    return a if not b or "figure" not in b or a["figure"] >= b["figure"] else b


def measure(arguments):
    chosen = [p for p in peers.ALL if p.available() and p.name in (arguments.peers or [each.name for each in peers.ALL if each.is_default])]
    results = {}
    for delay in arguments.delays:
        sizes = Sizes(arguments.quick, delay > 0)
        with Server() as server:
            fill(server, sizes)
            with harness.LagProxy(server, delay // 2, f"{PROXY_HOST}:445") as proxy:
                host = PROXY_HOST if delay else SERVER_HOST
                for name in arguments.workloads:
                    row = results.setdefault(f"{delay}", {}).setdefault(name, {})
                    for _ in range(arguments.repeat):
                        for peer in chosen:  # in turn, so that a disturbance meets all of them
                            row[peer.name] = better(row.get(peer.name), once(peer, server, host, name, sizes, proxy if delay else None))
                        row["smbclient"] = better(row.get("smbclient"), smbclient(server, host, name, sizes))
                    print(f"# {delay} ms {name}: " + ", ".join(f"{k} {shown(v)}" for k, v in row.items() if v), file=sys.stderr, flush=True)
    return results


def shown(result):
    if not result:
        return "–"
    if "failed" in result:
        return "fails"
    figure = result["figure"]
    return f"{figure:.0f}" if figure >= 10 else f"{figure:.1f}"


def ratio(row):
    ours = row.get("smb3fuse") or {}
    others = [r["figure"] for name, r in row.items() if r and "figure" in r and name != "smbclient" and not name.startswith("smb3fuse")]
    return ours["figure"] / max(others) if others and "figure" in ours else None


# What is to be reached: against the best of the others, against smbclient, or as a figure.
TO_REACH = {
    0: {"read": ("smbclient", 1), "write": ("smbclient", 1), "reread": ("best", 6), "write_4k": ("best", 4), "random_read": ("best", 1.3),
        "direct_read": ("best", 4), "create": ("best", 3), "untar": ("best", 4), "grep": ("best", 3), "rm_rf": ("best", 2),
        "sqlite": ("best", 4), "ls": ("best", 1), "stat": ("best", 1)},
    20: {"read": ("smbclient", 5), "write": ("smbclient", 5), "create": ("figure", 200 / 9), "ls": ("figure", 1000), "grep": ("figure", 450)},
}


def reached(delay, name, row):
    """What is to be reached, and how much of it is: at least 1.00 where it is."""
    of, factor = TO_REACH.get(int(delay), {}).get(name, (None, None))
    ours, plain = row.get("smb3fuse") or {}, row.get("smbclient") or {}
    if of is None or "figure" not in ours:
        return "–"
    if of == "figure":
        return f"{factor:.0f}: {ours['figure'] / factor:.2f}"
    against = ratio(row) if of == "best" else ours["figure"] / plain["figure"] if "figure" in plain else None
    return f"{factor} × {of}: {against / factor:.2f}" if against else "–"


def print_tables(results):
    for delay, rows in results.items():
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        print(f"\nRound trip {delay} ms\n\n| workload | " + " | ".join(names) + " | smb3fuse / best peer | to reach: reached |\n|" + "---|" * (len(names) + 3))
        for name, row in rows.items():
            factor = ratio(row)
            print(f"| {name}, {WORKLOADS[name][1]} | " + " | ".join(shown(row.get(n)) for n in names) + f" | {f'{factor:.2f}' if factor else '–'} | {reached(delay, name, row)} |")
        counted = [n for n in names if any((row.get(n) or {}).get("turns") is not None for row in rows.values())]
        if counted:
            print("\nRequests / round trips (the mount excluded)\n\n| workload | " + " | ".join(counted) + " |\n|" + "---|" * (len(counted) + 1))
            for name, row in rows.items():
                cells = [f"{r['requests']} / {r['turns']}" if (r := row.get(n) or {}).get("turns") is not None else "–" for n in counted]
                print(f"| {name} | " + " | ".join(cells) + " |")
        cpu = {name: {n: r["cpu_seconds"] * 1024 / r["amount"] for n, r in row.items() if r and "cpu_seconds" in r} for name, row in rows.items() if name in ("read", "write")}
        for name, row in cpu.items():
            print(f"\nClient's CPU seconds a GiB, {name}: " + ", ".join(f"{n} {v:.2f}" for n, v in row.items()))
        for name, row in rows.items():
            for peer, result in row.items():
                if result and "failed" in result:
                    print(f"\n{peer} fails {name}: {result['failed']}")


def parse(argv):
    comma = lambda kind: lambda text: [kind(part) for part in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how fast")
    parser.add_argument("--peers", type=comma(str), help="of: " + ", ".join(p.name for p in peers.ALL))
    parser.add_argument("--delays", type=comma(int), default=[0, 2, 20], help="round-trip times in ms (default 0,2,20)")
    parser.add_argument("--workloads", type=comma(str), default=list(WORKLOADS), help="of: " + ", ".join(WORKLOADS))
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--json", type=pathlib.Path, help="write all results here, too")
    parser.add_argument("--require", action="store_true", help="fail if smb3fuse failed a workload")
    return parser.parse_args(argv)


def entry():
    arguments = parse(sys.argv[1:])
    results = measure(arguments)
    print_tables(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    failed = [f"{delay} ms {name}" for delay, rows in results.items() for name, row in rows.items() if "figure" not in (row.get("smb3fuse") or {})]
    if arguments.require and failed:
        sys.exit("smb3fuse failed: " + ", ".join(failed))


if __name__ == "__main__":
    if "-h" in sys.argv or "--help" in sys.argv:
        parse(sys.argv[1:])
    harness.main(entry)
