# SPDX-License-Identifier: Apache-2.0
"""SMB1 on the wire: what a connection and a small file cost, and the figures of the CIFS specification on oplocks."""
import ast
import contextlib
import errno
import fcntl
import os
import socket
import struct
import subprocess
import threading
import time
import unittest

import harness
from harness import Mount, SambaServer

COMMANDS = {0x04: "CLOSE", 0x05: "FLUSH", 0x24: "LOCKING", 0x2E: "READ", 0x2F: "WRITE", 0x32: "TRANS2",
            0x71: "TREE_DISCONNECT", 0x72: "NEGOTIATE", 0x73: "SESSION_SETUP", 0x74: "LOGOFF", 0x75: "TREE_CONNECT",
            0xA0: "NT_TRANSACT", 0xA2: "NT_CREATE", 0xA4: "NT_CANCEL"}
ANDX = {0x24, 0x2E, 0x2F, 0x73, 0x74, 0x75, 0xA2}
OPLOCK_RELEASE = 0x02


class Frame:
    """One SMB1 message: its commands, and what it says about oplocks."""

    def __init__(self, message, to_server):
        self.to_server, self.mid = to_server, struct.unpack_from("<H", message, 30)[0]
        self.is_reply, self.status = bool(message[9] & 0x80), struct.unpack_from("<I", message, 5)[0]
        self.commands, self.oplock, self.is_oplock_release = [], None, False
        command, at = message[4], 32
        while True:
            self.commands.append(COMMANDS.get(command, hex(command)))
            words = message[at + 1:at + 1 + 2 * message[at]]
            if command == 0xA2 and self.is_reply and len(words) >= 68:
                self.oplock = ("none", "exclusive", "batch", "level II")[words[4]]
            if command == 0x24 and not self.is_reply and words[6] & OPLOCK_RELEASE:
                self.is_oplock_release, self.oplock = True, "level II" if words[7] else "none"
            if command not in ANDX or len(words) < 4 or words[0] == 0xFF:
                return
            command, at = words[0], struct.unpack_from("<H", words, 2)[0]

    def __repr__(self):
        return ("> " if self.to_server else "< ") + "+".join(self.commands) + (f" ({self.oplock})" if self.oplock else "")


class Recorder:
    """Relays connections to a server and keeps their messages, in the order in which they passed. `edit` may change what
    goes to the server, and `edit_answer` what comes from it."""

    def __init__(self, server, edit=lambda message: message, edit_answer=lambda message: message):
        self.server, self.edit, self.edit_answer, self.frames, self.lock = server, edit, edit_answer, [], threading.Lock()
        self.delay = 0  # of each answer, in seconds

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server.port))
            for source, target, to_server in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._relay, args=(source, target, to_server), daemon=True).start()

    def _relay(self, source, target, to_server):
        with contextlib.suppress(OSError), source, source.makefile("rb") as stream:
            while len(head := stream.read(4)) == 4:
                message = stream.read(int.from_bytes(head[1:], "big"))
                message = (self.edit if to_server else self.edit_answer)(message)
                time.sleep(0 if to_server else self.delay)
                with self.lock:
                    self.frames.append(Frame(message, to_server))
                target.sendall(head + message)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)  # which ends the other direction

    def reset(self):
        with self.lock:
            self.frames.clear()

    def seen(self, keep=lambda frame: True):
        with self.lock:
            return [frame for frame in self.frames if keep(frame)]

    def turns(self):
        """Messages to the server that were sent while no answer was outstanding: round trips that somebody waited for."""
        outstanding, turns = set(), 0
        for frame in self.seen():
            if frame.to_server and not frame.is_reply and not frame.is_oplock_release:
                turns += not outstanding
                outstanding.add(frame.mid)
            elif frame.is_reply:
                outstanding.discard(frame.mid)
        return turns


class Program:
    """A program with a file of a mount open. (Not this one: while it starts another process, which closes the files that
    it inherits, nothing is relayed.)"""
    LOOP = "import os, sys\nfor line in sys.stdin: print(repr(eval(line)), flush=True)"

    def __init__(self, path, mode):
        self.open, self.child = f"file = open({str(path)!r}, {mode!r})", None

    def __enter__(self):
        self.child = subprocess.Popen([harness.PYTHON, "-c", f"{self.open}\n{self.LOOP}"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.ask("file.fileno()")  # it is open
        return self

    def __exit__(self, *_):
        self.child.communicate(timeout=60 * harness.PATIENCE)

    def ask(self, expression):
        self.child.stdin.write(expression + "\n")
        self.child.stdin.flush()
        return ast.literal_eval(self.child.stdout.readline())


def without_extended_security(message):
    """A NEGOTIATE that does not offer it, which makes the server one of old."""
    flags2 = struct.unpack_from("<H", message, 10)[0]
    is_negotiate = message[4] == 0x72
    return message[:10] + struct.pack("<H", flags2 & ~0x0800) + message[12:] if is_negotiate else message


def without_large_files(message):
    """An answer to NEGOTIATE that offers neither these nor large reads and writes nor pass-through levels."""
    if message[4] != 0x72:
        return message
    capabilities = struct.unpack_from("<I", message, 52)[0]
    return message[:52] + struct.pack("<I", capabilities & ~0xE008) + message[56:]


def of_oplocks(frame):
    return frame.is_oplock_release or {"NT_CREATE", "WRITE", "CLOSE"} & set(frame.commands)


class Smb1(unittest.TestCase):
    OPTIONS = ["server min protocol = NT1", "server max protocol = NT1"]
    MOUNT = "vers=1.0,actimeo=0,nounix"

    def setUp(self):
        self.server = self.enterContext(SambaServer(self.OPTIONS))
        self.file = self.server.folder() / "foo"
        self.file.write_text("as it was\n")
        os.chmod(self.file, 0o666)
        self.wire = self.enterContext(Recorder(self.server))

    def mounted(self, through=None, options=MOUNT):
        return self.enterContext(Mount(self.server, options=options, port=through and through.port))

    def test_connecting_takes_three_round_trips(self):
        self.wire.delay = 0.2  # so that what goes out together is together
        self.mounted(self.wire)
        asked = [frame.commands for frame in self.wire.seen(lambda frame: frame.to_server)]
        self.assertEqual(asked, [["NEGOTIATE"], ["SESSION_SETUP"],
                                 ["SESSION_SETUP", "TREE_CONNECT", "NT_CREATE", "CLOSE"]])
        self.assertEqual(self.wire.turns(), 3, self.wire.seen())

    def old_server(self, *options):
        """A mount of a server without extended security."""
        server = self.enterContext(SambaServer([*self.OPTIONS, "raw NTLMv2 auth = yes", *options]))
        (server.folder() / "foo").write_text("as it was\n")
        os.chmod(server.folder() / "foo", 0o666)
        wire = self.enterContext(Recorder(server, without_extended_security))
        wire.delay = 0.2
        return self.enterContext(Mount(server, options=self.MOUNT, port=wire.port)), wire

    def test_a_server_without_extended_security_is_there_in_two_round_trips(self):
        mount, wire = self.old_server()
        self.assertEqual(wire.turns(), 2, wire.seen())
        self.assertEqual(mount_text(mount), "as it was\n")

    def test_a_server_without_unicode_has_names_in_its_code_page(self):
        mount, _ = self.old_server("unicode = no")
        self.assertEqual(mount_text(mount), "as it was\n")
        mount.work(["sh", "-c", f"cd {mount.path} && mkdir Tür && mv foo Tür/Größe"])
        self.assertEqual(mount.work(["ls", mount.path / "Tür"]).stdout, "Größe\n")
        self.assertEqual(os.listdir(mount.server.folder()), ["Tür"])

    # smbd takes the forms that it did not offer, too.
    def test_a_server_without_large_files_is_read_written_and_locked(self):
        wire = self.enterContext(Recorder(self.server, edit_answer=without_large_files))
        mount, other = self.mounted(wire), self.mounted()
        content = os.urandom(300_000)
        (mount.path / "new").write_bytes(content)
        self.assertEqual((other.path / "new").read_bytes(), content)
        self.assertEqual(sorted(os.listdir(mount.path)), ["foo", "new"])
        os.truncate(mount.path / "new", (1 << 32) - 1)
        with self.assertRaises(OSError) as refused:
            os.truncate(mount.path / "new", 1 << 32)
        self.assertEqual(refused.exception.errno, errno.EFBIG)
        take = lambda file, length, begin: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, begin)
        with open(mount.path / "new", "r+b") as mine, open(other.path / "new", "r+b") as theirs:
            take(mine, 0, 1000)  # to the end
            take(theirs, 1000, 0)
            for begin in 999, 5000, (1 << 32) - 2:
                with self.assertRaises(BlockingIOError):
                    take(theirs, 2, begin)

    def test_a_small_file_is_opened_and_read_in_one_message(self):
        mount = self.mounted(self.wire)
        mount.work(["stat", mount.path / "foo"])
        self.wire.reset()
        self.assertEqual(mount.work(["cat", mount.path / "foo"]).stdout, "as it was\n")
        [opened] = self.wire.seen(lambda frame: frame.to_server and "NT_CREATE" in frame.commands)
        self.assertEqual(opened.commands, ["NT_CREATE", "READ"])

    # The time of writing is told when the data is there: nothing that AndX puts behind a write can say it.
    def test_a_write_is_flushed_to_disk_in_its_own_round_trip(self):
        self.wire.delay = 0.05
        mount = self.mounted(self.wire)
        with Program(mount.path / "foo", "r+") as program:
            self.wire.reset()
            program.ask("(file.write('to the disk'), file.flush(), os.fsync(file.fileno()), file.close())")
            self.assertEqual(self.wire.turns(), 2, self.wire.seen())
        sent = [frame.commands for frame in self.wire.seen(lambda frame: frame.to_server)]
        self.assertEqual(sent[:3], [["WRITE"], ["FLUSH"], ["TRANS2"]])
        self.assertEqual(self.file.read_text(), "to the disk")

    def test_the_server_is_told_of_the_end(self):
        with Mount(self.server, options=self.MOUNT, port=self.wire.port) as mount:
            mount.work(["cat", mount.path / "foo"])
        told = lambda: [frame.commands for frame in self.wire.seen(lambda frame: frame.to_server)]
        self.assertTrue(harness.eventually(lambda: told()[-3:] == [["CLOSE"], ["TREE_DISCONNECT"], ["LOGOFF"]]), told())

    # The watch itself is in test_coherence.
    def test_a_watch_is_cancelled_when_the_folder_is_given_up(self):
        mount = self.mounted(self.wire, "vers=1.0,nounix")
        (self.file.parent / "folder").mkdir()
        os.chmod(self.file.parent / "folder", 0o777)
        for _ in range(2):
            time.sleep(1.1)  # a listing is good for a second
            mount.work(["ls", mount.path / "folder"])
        sent = lambda command: self.wire.seen(lambda frame: frame.to_server and command in frame.commands)
        self.assertTrue(harness.eventually(lambda: sent("NT_TRANSACT")))
        mount.work(["rmdir", mount.path / "folder"])
        self.assertTrue(harness.eventually(lambda: sent("NT_CANCEL")))
        self.assertEqual(sent("NT_CANCEL")[0].mid, sent("NT_TRANSACT")[-1].mid)

    # Figure 2.6.1, and 2.6.3 as far as A sees it: what A has not written goes to the server before the acknowledgment,
    # and B, who only reads, leaves it level II.
    def test_what_is_kept_is_written_before_an_exclusive_oplock_is_given_up(self):
        mount = self.mounted(self.wire)
        with Program(mount.path / "foo", "r+") as program:
            program.ask("(file.write('changed!!'), file.flush())")
            self.assertEqual(mount_text(self.mounted()), "changed!!\n")
        seen = self.wire.seen(of_oplocks)
        self.assert_in_order(seen, "< NT_CREATE (batch)", "< LOCKING (level II)", "> WRITE", "< WRITE",
                             "> LOCKING (level II)")

    # Figure 2.6.2: A has closed its file but not told the server; B's open makes it.
    def test_a_batch_oplock_outlives_the_close_and_is_answered_by_it(self):
        mount = self.mounted(self.wire)
        self.wire.reset()
        for _ in range(3):
            self.assertEqual(mount.work(["cat", mount.path / "foo"]).stdout, "as it was\n")
        self.assertEqual([repr(frame) for frame in self.wire.seen(of_oplocks)],
                         ["> NT_CREATE+READ", "< NT_CREATE+READ (batch)"])
        other = self.mounted()
        other.work(["sh", "-c", f"echo B > {other.path}/foo"])
        self.assert_in_order(self.wire.seen(of_oplocks), "< LOCKING", "> CLOSE")
        self.assertEqual(mount.work(["cat", mount.path / "foo"]).stdout, "B\n")

    # Both figures with a client B that shares no code with ours.
    def test_smbclient_gets_what_a_closed_and_an_open_file_kept(self):
        def got():
            local = harness.fresh_folder("smbclient") / "foo"
            self.server.smbclient(f"get foo {local}", protocol="NT1")
            return local.read_text()

        mount = self.mounted(self.wire)
        self.assertEqual(mount.work(["cat", mount.path / "foo"]).stdout, "as it was\n")
        self.assertEqual(got(), "as it was\n")
        self.assert_in_order(self.wire.seen(of_oplocks), "< NT_CREATE+READ (batch)", "< LOCKING", "> CLOSE")
        self.wire.reset()
        with Program(mount.path / "foo", "r+") as program:
            program.ask("(file.write('changed!!'), file.flush())")
            self.assertEqual(got(), "changed!!\n")
        self.assert_in_order(self.wire.seen(of_oplocks), "< LOCKING", "> WRITE", "< WRITE", "> LOCKING")

    # Figure 2.6.3: both may read on from what they keep, until somebody writes; then nobody waits for an answer.
    def test_level_ii_is_shared_and_its_loss_is_not_acknowledged(self):
        mount = self.mounted(self.wire)
        second = self.enterContext(Recorder(self.server))
        other = self.mounted(second)
        read = "(file.seek(0), file.read())[1]"
        with Program(mount.path / "foo", "r") as mine, Program(other.path / "foo", "r") as theirs:
            self.assertEqual(mine.ask(read), "as it was\n")
            self.assertEqual(theirs.ask(read), "as it was\n")
            self.assert_in_order(self.wire.seen(of_oplocks), "< NT_CREATE+READ (batch)", "< LOCKING (level II)",
                                 "> LOCKING (level II)")
            self.assert_in_order(second.seen(of_oplocks), "< NT_CREATE+READ (level II)")
            for wire in (self.wire, second):
                wire.reset()
            with Program(self.mounted().path / "foo", "r+") as writer:
                writer.ask("(file.write('by the third'), file.flush(), os.fsync(file.fileno()))")
            for wire in (self.wire, second):
                lost = lambda wire=wire: [frame for frame in wire.seen() if frame.is_oplock_release and not frame.to_server]
                self.assertTrue(harness.eventually(lost), "the break")
                self.assertEqual(lost()[0].oplock, "none")
            for reader in (mine, theirs):
                self.assertTrue(harness.eventually(lambda reader=reader: reader.ask(read).startswith("by the third")))
        for wire in (self.wire, second):
            self.assertEqual(wire.seen(lambda frame: frame.is_oplock_release and frame.to_server), [])

    def assert_in_order(self, seen, *expected):
        """Each of `expected` begins what a frame is shown as, one behind the other."""
        left = [repr(frame) for frame in seen]
        for wanted in expected:
            while left and not left[0].startswith(wanted):
                left.pop(0)
            self.assertTrue(left, f"no {wanted!r} (after the ones before it) in {seen}")
            left.pop(0)


def mount_text(mount):
    return mount.work(["cat", mount.path / "foo"]).stdout


class Impacket(unittest.TestCase):
    """impacket's server has neither files of 4 GiB nor chains of messages. What else it cannot do is in README.md."""

    def setUp(self):
        self.server = self.enterContext(harness.ImpacketServer(smb2=False))
        self.wire = self.enterContext(Recorder(self.server))
        self.mount = self.enterContext(Mount(self.server, options="vers=1.0", port=self.wire.port))

    def asked(self):
        return [frame.commands for frame in self.wire.seen(lambda frame: frame.to_server)]

    def test_is_asked_for_the_rest_of_a_chain_by_itself(self):
        self.assertEqual(self.asked()[:4], [["NEGOTIATE"], ["SESSION_SETUP"],
                                            ["SESSION_SETUP", "TREE_CONNECT", "NT_CREATE", "CLOSE"], ["TREE_CONNECT"]])
        self.wire.reset()
        (self.server.folder() / "foo").write_text("as it was\n")
        self.assertEqual(mount_text(self.mount), "as it was\n")
        self.mount.work(["ln", "-s", "foo", self.mount.path / "link"])
        time.sleep(1.1)  # what is known of it is good for a second
        self.assertEqual(self.mount.work(["readlink", self.mount.path / "link"]).stdout, "foo\n")
        self.assertEqual([commands for commands in self.asked() if len(commands) > 1], [])

    def test_has_nothing_beyond_4_gib(self):
        with open(self.server.folder() / "large", "wb") as file:
            file.truncate(5 << 30)
        with open(self.mount.path / "large", "r+b", buffering=0) as file:
            self.assertEqual(os.pread(file.fileno(), 4, (4 << 30) - 5), bytes(4))
            for beyond in (lambda: os.pread(file.fileno(), 4, 4 << 30), lambda: file.truncate(4 << 30)):
                with self.assertRaises(OSError) as refused:
                    beyond()
                self.assertEqual(refused.exception.errno, errno.EFBIG)


if __name__ == "__main__":
    harness.main()
