#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lagproxy between a raw client socket and a raw server socket: exact counts, order, delay, stall and cut.

Run as: test_lagproxy.py [-v] PATH_OF_LAGPROXY
"""
import json
import socket
import struct
import subprocess
import sys
import time
import unittest

NEGOTIATE, CREATE, CLOSE, READ, CANCEL, CHANGE_NOTIFY, QUERY_INFO, OPLOCK_BREAK = 0, 5, 6, 8, 12, 15, 16, 18
PENDING = 0x103
UNSOLICITED = 0xFFFFFFFFFFFFFFFF
# of SMB1
CLOSE1, LOCKING, READX, WRITEX, TRANS2, NEGOTIATE1, NT_TRANSACT, NT_CREATEX, NT_CANCEL = 4, 0x24, 0x2E, 0x2F, 0x32, 0x72, 0xA0, 0xA2, 0xA4
ANDX = (LOCKING, READX, WRITEX, NT_CREATEX)
UNSOLICITED1 = 0xFFFF


def header(command, message_id, status=0, next_command=0):
    return struct.pack("<4sHHLHHLLQ32x", b"\xfeSMB", 64, 0, status, command, 1, 0, next_command, message_id)


def frame(*messages):
    """One frame of (command, message_id[, status]) tuples, each followed by 8 bytes of body."""
    parts = []
    for index, message in enumerate(messages):
        last = index == len(messages) - 1
        parts.append(header(*message, next_command=0 if last else 72) + bytes(8))
    return prefixed(b"".join(parts))


def chain(mid, *blocks, reply=False):
    """One frame of SMB1 ([MS-CIFS] 2.2.3): blocks of (command, words), each leading to the next, with 5 bytes of data."""
    frame = struct.pack("<4sBLBH12xHHHH", b"\xffSMB", blocks[0][0], 0, 0x80 if reply else 0, 0xC801, 1, 2, 3, mid)
    for index, (command, words) in enumerate(blocks):
        words = bytearray(words)
        end = len(frame) + 1 + len(words) + 2 + 5
        if command in ANDX and words:
            words[0], words[2:4] = (blocks[index + 1][0] if index + 1 < len(blocks) else 0xFF), struct.pack("<H", end)
        frame += bytes([len(words) // 2]) + words + struct.pack("<H5x", 5)
    return prefixed(frame)


def trans2(subcommand):
    return TRANS2, bytes(28) + struct.pack("<H", subcommand)


def nt_transact(function):
    return NT_TRANSACT, bytes(36) + struct.pack("<H", function)


def locking(kind):
    return LOCKING, bytes(6) + struct.pack("<H", kind) + bytes(8)


def prefixed(payload):
    return struct.pack(">L", len(payload)) + payload


def receive(connection, size):
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError(f"closed after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


class LagProxy(unittest.TestCase):
    program = "lagproxy"

    def setUp(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.proxy = subprocess.Popen(
            [self.program, "--to", "127.0.0.1:%d" % listener.getsockname()[1]], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop_proxy)
        self.port = int(self.proxy.stdout.readline().removeprefix("listen "))
        control = self.connect(int(self.proxy.stdout.readline().removeprefix("control ")))
        self.control = control.makefile("rw")
        self.addCleanup(self.control.close)
        self.client = self.connect(self.port)
        self.server = listener.accept()[0]
        self.addCleanup(self.server.close)
        self.server.settimeout(10)
        self.listener = listener

    def connect(self, port):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.addCleanup(connection.close)
        return connection

    def stop_proxy(self):
        self.proxy.terminate()
        self.proxy.wait(10)
        self.proxy.stdout.close()

    def command(self, line):
        self.control.write(line + "\n")
        self.control.flush()
        return self.control.readline().rstrip("\n")

    def stats(self):
        return json.loads(self.command("stats"))

    def request(self, data):
        self.client.sendall(data)
        self.assertEqual(receive(self.server, len(data)), data)

    def reply(self, data):
        self.server.sendall(data)
        self.assertEqual(receive(self.client, len(data)), data)

    def assert_stats(self, **expected):
        stats = self.stats()
        self.assertEqual({name: stats[name] for name in expected}, expected)

    def test_counts_a_request_that_follows_its_predecessors_reply_as_a_turn(self):
        for message_id in range(3):
            self.request(frame((READ, message_id)))
            self.reply(frame((READ, message_id)))
        self.assert_stats(frames=3, requests=3, turns=3, max_in_flight=1, by_command={"Read": 3})

    def test_counts_pipelined_requests_as_one_turn(self):
        for message_id in range(5):
            self.request(frame((READ, message_id)))
        for message_id in (3, 1, 0, 4, 2):
            self.reply(frame((READ, message_id)))
        self.assert_stats(frames=5, requests=5, turns=1, max_in_flight=5)

    def test_counts_a_compound_as_one_frame_of_several_requests(self):
        self.request(frame((CREATE, 1), (QUERY_INFO, 2), (CLOSE, 3)))
        self.reply(frame((CREATE, 1)))
        self.request(frame((READ, 4)))  # QueryInfo and Close are still awaited: no turn
        self.reply(frame((QUERY_INFO, 2), (CLOSE, 3)))
        self.reply(frame((READ, 4)))
        stats = self.stats()
        self.assertEqual([stats[name] for name in ("frames", "compounds", "requests", "turns")], [2, 1, 4, 1])
        self.assertEqual([sent["request"] for sent in stats["sequence"]], ["Create+QueryInfo+Close", "Read"])
        self.assertEqual(stats["by_command"], {"Create": 1, "QueryInfo": 1, "Close": 1, "Read": 1})

    def test_an_interim_reply_does_not_complete_a_request(self):
        self.request(frame((READ, 1)))
        self.reply(frame((READ, 1, PENDING)))
        self.request(frame((READ, 2)))
        self.reply(frame((READ, 1)))
        self.reply(frame((READ, 2)))
        self.request(frame((READ, 3)))
        self.assert_stats(turns=2, requests=3, interim_replies=1)

    def test_cancels_and_break_acknowledgments_are_neither_requests_nor_turns(self):
        self.request(frame((CANCEL, 1)))
        self.reply(frame((OPLOCK_BREAK, UNSOLICITED)))
        self.request(frame((OPLOCK_BREAK, 2)))
        self.reply(frame((OPLOCK_BREAK, 2)))
        self.assert_stats(frames=0, requests=0, turns=0, cancels=1, breaks=1, break_acknowledgments=1)

    def test_a_watch_is_not_waited_for(self):
        self.request(frame((CHANGE_NOTIFY, 1)))
        self.request(frame((READ, 2)))
        self.reply(frame((READ, 2)))
        self.assert_stats(turns=2, requests=2)

    def test_sealed_frames_are_counted_by_frame_and_turn(self):
        sealed = prefixed(b"\xfdSMB" + bytes(200))
        for _ in range(2):
            self.request(sealed)
            self.request(sealed)
            self.reply(sealed)
            self.reply(sealed)
        self.assert_stats(frames=4, requests=4, unreadable=4, turns=2, max_in_flight=2)

    def test_an_smb1_negotiate_is_completed_by_its_smb2_reply(self):
        self.request(chain(7, (NEGOTIATE1, b"")))
        self.reply(frame((NEGOTIATE, 0)))
        self.request(frame((NEGOTIATE, 1)))
        self.assert_stats(frames=2, turns=2, max_in_flight=1, by_command={"Negotiate": 2})

    def test_a_chain_of_smb1_is_one_frame_and_one_wait(self):
        self.request(chain(1, (NT_CREATEX, bytes(48)), (READX, bytes(24)), (CLOSE1, bytes(6))))
        self.reply(chain(1, (NT_CREATEX, bytes(68)), (READX, bytes(24)), (CLOSE1, b""), reply=True))
        self.request(chain(2, (WRITEX, bytes(28))))
        stats = self.stats()
        self.assertEqual([stats[name] for name in ("frames", "compounds", "requests", "turns")], [2, 1, 4, 2])
        self.assertEqual([sent["request"] for sent in stats["sequence"]], ["NtCreate+Read+Close", "Write"])
        self.assertEqual((stats["max_in_flight"], stats["unreadable"]), (1, 0))

    def test_transactions_of_smb1_are_counted_by_what_they_ask_for(self):
        for mid, asked in enumerate((trans2(1), trans2(5), trans2(99), nt_transact(2), (TRANS2, b""))):
            self.request(chain(mid, asked))
        self.assert_stats(turns=1, max_in_flight=5, by_command={
            "FindFirst2": 1, "QueryPathInfo": 1, "Trans2_99": 1, "NtIoctl": 1, "Open2": 1})

    def test_cancels_watches_and_breaks_of_smb1(self):
        self.request(chain(1, nt_transact(4)))
        self.request(chain(1, (NT_CANCEL, b"")))
        self.reply(chain(UNSOLICITED1, locking(2)))
        self.request(chain(2, locking(2)))
        self.assert_stats(cancels=1, breaks=1, break_acknowledgments=1, turns=1, by_command={"ChangeNotify": 1})
        self.request(chain(3, locking(0)))
        self.assert_stats(turns=2, by_command={"ChangeNotify": 1, "Locking": 1})

    def test_a_chain_of_smb1_that_leads_nowhere_ends(self):
        head = chain(1, (READX, b""))[4:36]
        for offset in (0, 32, 4096):
            self.request(prefixed(head + struct.pack("<BBBH", 12, CLOSE1, 0, offset) + bytes(22)))
        self.request(prefixed(b"\xffSMB" + bytes(28)))
        self.request(prefixed(b"\xffSMB" + bytes(20)))
        self.assert_stats(frames=5, unreadable=1, turns=1,
                          by_command={"Read": 3, "Close": 1, "CreateDirectory": 1, "Unreadable": 1})

    def test_headers_are_found_however_the_stream_is_cut(self):
        data = frame((CREATE, 1), (CLOSE, 2)) + prefixed(b"") + b"\x85\0\0\0" + frame((READ, 3)) + chain(4, trans2(1))
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            self.client.sendall(bytes([byte]))
            self.assertEqual(receive(self.server, 1), bytes([byte]))
        self.assert_stats(frames=3, requests=4, compounds=1, turns=1, bytes_to_server=len(data))

    def test_a_next_command_beyond_the_frame_ends_the_compound(self):
        self.request(prefixed(header(READ, 1, next_command=4096) + bytes(8)))
        self.request(prefixed(header(READ, 2, next_command=8) + bytes(8)))
        self.assert_stats(frames=2, requests=2, compounds=0)

    def test_reset_forgets_counts_but_not_what_is_awaited(self):
        self.request(frame((READ, 1)))
        self.assertEqual(self.command("reset"), "ok")
        self.request(frame((READ, 2)))
        self.assert_stats(requests=1, turns=0, max_in_flight=2)

    def test_delays_each_direction(self):
        self.assertEqual(self.command("delay 50"), "ok")
        start = time.monotonic()
        self.request(frame((READ, 1)))
        one_way = time.monotonic() - start
        self.reply(frame((READ, 1)))
        self.assertGreaterEqual(one_way, 0.050)
        self.assertGreaterEqual(time.monotonic() - start, 0.100)
        self.assertLess(time.monotonic() - start, 1)

    def test_a_shorter_delay_does_not_overtake(self):
        self.command("delay 100")
        self.client.sendall(frame((READ, 1)))
        while self.stats()["requests"] == 0:
            time.sleep(0.002)
        self.command("delay 0")
        self.client.sendall(frame((READ, 2)))
        self.assertEqual(receive(self.server, 152), frame((READ, 1)) + frame((READ, 2)))

    def test_carries_more_than_a_socket_buffer_in_order_and_whole(self):
        block = bytes(range(256)) * 4096
        self.command("delay 5")
        self.command("stall on")
        for _ in range(64):  # nothing is delivered, so this ends only because the proxy takes it in
            self.client.sendall(block)
        self.client.shutdown(socket.SHUT_WR)
        self.server.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            self.server.recv(1)
        self.server.settimeout(10)
        self.command("stall off")
        for _ in range(64):
            self.assertEqual(receive(self.server, len(block)), block)
        self.assertEqual(self.server.recv(1), b"")
        self.server.sendall(b"the other direction still works")
        self.assertEqual(self.client.recv(100), b"the other direction still works")

    def test_cut_closes_every_connection_and_new_ones_are_welcome(self):
        self.request(frame((READ, 1)))
        self.assertEqual(self.command("cut"), "ok")
        self.assertEqual(self.client.recv(1), b"")
        self.assertEqual(self.server.recv(1), b"")
        again = self.connect(self.port)
        server = self.listener.accept()[0]
        self.addCleanup(server.close)
        again.sendall(frame((READ, 2)))
        self.assertEqual(receive(server, 76), frame((READ, 2)))
        self.assert_stats(connections=2, requests=2, turns=2)

    def test_a_server_that_refuses_closes_the_client(self):
        self.listener.close()
        self.assertEqual(self.connect(self.port).recv(1), b"")

    def test_refuses_what_it_does_not_understand(self):
        for line in ("", "delay", "delay soon", "stall", "stall maybe", "halt"):
            self.assertTrue(self.command(line).startswith("error: "), line)
        result = subprocess.run([self.program, "--to", "nowhere"], capture_output=True, text=True, timeout=10)
        self.assertEqual((result.returncode, result.stderr), (1, "lagproxy: 'nowhere' is not HOST:PORT\n"))
        result = subprocess.run([self.program, "--delay-ms"], capture_output=True, text=True, timeout=10)
        self.assertEqual((result.returncode, result.stderr.split()[0]), (2, "Usage:"))


if __name__ == "__main__":
    LagProxy.program = sys.argv.pop()
    unittest.main()
