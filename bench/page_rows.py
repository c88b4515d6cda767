"""The row about the page: what it costs a run that people watch it."""
import os
import selectors
import socket
import statistics
import threading
import time
from pathlib import Path

from clients import BENCH, END_S, add_target
from procs import BenchError, CLIENT_CORE, Child, TARGET_CORE
from schedule import CHAT, Load
from targets import START_S, connects, free_port, open_target
from trials import Trials, line

PAGES = 20
MOST = 1.03  # what the pages may make of it
SETTLE_S, SEGMENT_S = 0.7, 2.3  # pages come and go; then a segment is counted


class Watchers(threading.Thread):
    """Open pages, as the page's code asks: the page itself once, then /api/live, read as it comes. They live on the
    target's core; nothing here looks at what they get but its length."""

    def __init__(self, port, count):
        super().__init__(daemon=True)
        self.port, self.bytes, self.lost, self.over = port, 0, 0, False
        self.selector = selectors.DefaultSelector()
        for _ in range(count):
            self.ask("/", "Accept-Encoding: gzip").close()
            self.selector.register(self.ask("/api/live", "Accept: text/event-stream"), selectors.EVENT_READ)

    def ask(self, path, header):
        link = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{header}\r\n\r\n".encode())
        if not link.recv(65536).startswith(b"HTTP/1.1 200"):
            raise BenchError(f"{path}: not 200")
        return link

    def run(self):
        os.sched_setaffinity(0, {TARGET_CORE})  # this thread's
        while not self.over:
            for key, _ in self.selector.select(0.2):
                got = len(key.fileobj.recv(1 << 16))
                self.bytes += got
                self.lost += got == 0 and not self.over

    def close(self):
        self.over = True
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def cpu_by_thread_s(pid):
    """{thread id: CPU seconds so far} of a process, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task")
    return {task.name: int((task / "schedstat").read_text().split()[0]) / 1e9 for task in threads.iterdir()}


class PageRows(Trials):
    def begin(self, target, load, port):
        argv = [self.tools.spate, "run", BENCH / "plans/stream.lua", "-H", target.url, "--threads", "1", "-q",
                "-u", load.users, "-r", load.spawn, "-t", f"{load.seconds}s", "--stop-timeout", "10s", f"--web=127.0.0.1:{port}",
                "-e", "plan=" + load.schedule.text()]
        child = Child(argv, CLIENT_CORE)
        until = time.monotonic() + START_S
        while not connects(port):
            if not child.running() or time.monotonic() > until:
                raise BenchError("the page does not listen: " + child.text(child.errors))
            time.sleep(0.01)
        return child

    def segment(self, child, target, port, pages):
        """CPU an event, us, while so many pages are open: of all threads, and of the busiest, which is the engine's."""
        watchers = Watchers(port, pages)
        watchers.start()
        time.sleep(SETTLE_S)
        before, events = cpu_by_thread_s(child.pid), target.read_stats()["events"]
        time.sleep(SEGMENT_S)
        after, events = cpu_by_thread_s(child.pid), target.read_stats()["events"] - events
        watchers.close()
        if watchers.lost or (pages and not watchers.bytes):
            raise BenchError(f"{watchers.lost} of {pages} pages were cut off, {watchers.bytes} bytes came")
        spent = [after[thread] - before.get(thread, 0) for thread in after]
        return sum(spent) * 1e6 / events, max(spent) * 1e6 / events

    def alternate(self, load, segments):
        """One run, with and without pages in turn: the same process, the same streams, so only the pages differ."""
        port, own_s = free_port(), time.process_time()
        kept = {0: [], PAGES: []}
        with open_target(self.tools, load) as target:
            child = self.begin(target, load, port)
            time.sleep(load.users / load.spawn)
            for n in range(segments):
                for pages in (0, PAGES) if n % 2 == 0 else (PAGES, 0):
                    kept[pages].append(self.segment(child, target, port, pages))
            child.wait(load.seconds + END_S)
            child.must(0, 3, 4)
        trial = add_target({"client": "spate", "users": load.users, "streams": target.stats["requests"], "segments": kept},
                           target, child)
        own_share = (time.process_time() - own_s) / (2 * target.wall_s)  # the pages are this process: no other's work
        trial["others_share"] = max(0, trial["others_share"] - own_share)
        self.keep("pages", trial)
        return kept

    def pages(self):
        users, segments, runs = 1000, 4 if self.quick else 11, 1 if self.quick else 2
        seconds = round(CHAT.stream_ms / 1000 + 1 + segments * 2 * (SETTLE_S + SEGMENT_S + 0.4))
        load = Load(users, seconds, CHAT.spread(users), target="cheap")
        kept = [self.alternate(load, segments) for _ in range(runs)]
        lines = []
        for key, what in enumerate(("all threads", "the engine's thread")):
            with_, without = (statistics.median(segment[key] for run in kept for segment in run[n]) for n in (PAGES, 0))
            lines.append(line("pages", f"CPU an event, {PAGES} pages open, {what}, us", with_, without, with_ / without,
                              f"<= {MOST} x without", with_ / without <= MOST,
                              f"peer: no page; {users} streams, {segments * runs} segments each"))
        return lines
