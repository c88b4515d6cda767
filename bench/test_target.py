"""The cheap target plays what the mock would have said, when the mock would have said it. TARGET and SPATE are programs."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tape  # noqa: E402
from schedule import SENTENCE, Schedule  # noqa: E402

SHORT = Schedule(30, 10, 5)


class Server:
    def __init__(self, *argv):
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r" on http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()


def ask(port, head, body=b""):
    peer = socket.create_connection(("127.0.0.1", port), timeout=20)
    peer.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return peer


def read_all(peer, end):
    got, at = b"", []
    while not got.endswith(end):
        more = peer.recv(65536)
        if not more:
            break
        at.append((time.monotonic(), more))
        got += more
    return got, at


class Target(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def target(self, schedule):
        self.path = os.path.join(self.folder.name, "tape")
        with Server(os.environ["SPATE"], "mock", "--listen", "127.0.0.1:0") as mock:
            tape.write(self.path, mock.port, schedule)
        return Server(os.environ["TARGET"], self.path, schedule.text())

    def stats(self, port):
        with ask(port, "GET /mock/stats HTTP/1.1") as peer:
            return json.loads(read_all(peer, b"}}")[0].split(b"\r\n\r\n", 1)[1])

    def check(self, schedule, events):
        with self.target(schedule) as target:
            begun = time.monotonic()
            with ask(target.port, f"POST /v1/chat-messages HTTP/1.1\r\nX-Mock-Plan: {schedule.text()}", b"{}") as peer:
                got, parts = read_all(peer, b"\r\n0\r\n\r\n")
            self.assertEqual(got.count(b"data: "), events)
            self.assertEqual(got.count(b'"event":"message"'), schedule.tokens)
            first = next(at for at, part in parts if b'"event":"message"' in part)
            self.assertGreaterEqual((first - begun) * 1000, schedule.first_ms)  # never early; how late is the machine's
            self.assertGreaterEqual((parts[-1][0] - begun) * 1000, schedule.stream_ms)
            stats = self.stats(target.port)
            self.assertEqual((stats["events"], stats["requests"], stats["streams_open"]), (events, 2, 0))
        return got

    def test_tokens(self):
        got = self.check(SHORT, SHORT.tokens + 7)
        parts = tape.cut(got)  # well-formed chunks, the last one empty
        self.assertEqual(parts[-1], b"0\r\n\r\n")
        self.assertEqual(b"".join(parts), got)

    def test_sentence(self):
        self.check(SENTENCE, 8)

    def test_steps(self):
        with self.target(SHORT), open(self.path, "rb") as file:
            text = file.read()
        due_us = [int(line.split()[0]) for line in re.findall(rb"^\d+ \d+ \d+$", text, re.M)]
        self.assertEqual(due_us, [0, 30000, 40000, 50000, 60000, 70000])

    def test_another_plan(self):
        with self.target(SHORT) as target:
            for plan in (SENTENCE.text(), SHORT.text() + "0", "head=0s"):
                with ask(target.port, f"POST /v1/chat-messages HTTP/1.1\r\nX-Mock-Plan: {plan}", b"{}") as peer:
                    self.assertTrue(peer.recv(100).startswith(b"HTTP/1.1 400 "))

    def test_garbage_and_leaving(self):
        with self.target(SHORT) as target:
            for text in (b"x" * 5000, b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n"):
                with socket.create_connection(("127.0.0.1", target.port), timeout=20) as peer:
                    peer.sendall(text)
                    try:
                        self.assertEqual(peer.recv(100), b"")
                    except ConnectionResetError:
                        pass  # it left bytes unread
            with ask(target.port, f"POST / HTTP/1.1\r\nX-Mock-Plan: {SHORT.text()}") as peer:
                peer.recv(10)  # and hang up in the middle
            time.sleep(0.2)
            stats = self.stats(target.port)
            self.assertEqual((stats["streams_open"], stats["connections_open"]), (0, 1))


if __name__ == "__main__":
    unittest.main()
