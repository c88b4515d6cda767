"""The row about the page: what it costs a run that people watch it."""
import os
import selectors
import socket
import threading
import time
from pathlib import Path

from clients import BENCH, END_S, add_target
from procs import BenchError, CLIENT_CORE, Child, TARGET_CORE
from schedule import CHAT, Load
from targets import START_S, connects, free_port, open_target
from trials import Trials, line, median

PAGES = 20
MOST = 1.03  # what the pages may make of it
FROM_S, TO_S = 1.5, 0.5  # what is counted: from so long after the last user's start to so long before the end
EVENTS_A_STREAM = 57  # of schedule.CHAT


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
        argv = [self.tools.spate, "run", BENCH / "plans/stream.lua", "-H", target.url, "--threads", "1", "-q", "-u", load.users,
                "-r", load.spawn, "-t", f"{load.seconds}s", "--stop-timeout", "10s", f"--web=127.0.0.1:{port}",
                "-e", "plan=" + load.schedule.text()]
        child = Child(argv, CLIENT_CORE)
        until = time.monotonic() + START_S
        while not connects(port):
            if not child.running() or time.monotonic() > until:
                raise BenchError("the page does not listen: " + child.text(child.errors))
            time.sleep(0.01)
        return child

    def watched(self, load, pages):
        """A run with --web, and so many pages from before the counting to behind it."""
        port, begin_s = free_port(), load.users / load.spawn + FROM_S
        with open_target(self.tools, load) as target:
            child = self.begin(target, load, port)
            watchers = Watchers(port, pages)
            watchers.start()
            time.sleep(begin_s)
            before, events = cpu_by_thread_s(child.pid), target.read_stats()["events"]
            time.sleep(load.seconds - begin_s - TO_S)
            after, events = cpu_by_thread_s(child.pid), target.read_stats()["events"] - events
            watchers.close()
            child.wait(END_S)
            child.must(0, 3, 4)
        spent = [after[thread] - before.get(thread, 0) for thread in after]
        return add_target({
            "client": f"{pages} pages", "users": load.users, "streams": events // EVENTS_A_STREAM, "failed": watchers.lost,
            "whole_us": sum(spent) * 1e6 / events, "engine_us": max(spent) * 1e6 / events,
            "page_bytes": watchers.bytes}, target, child)

    def pages(self):
        users, seconds, repeats = 1000, 8, 2 if self.quick else 7
        load = Load(users, seconds, CHAT.spread(users), target="cheap")
        kept = self.in_turn("pages", {n: lambda n=n: self.watched(load, n) for n in (0, PAGES)}, repeats)
        lines = []
        for key, what in (("whole_us", "all threads"), ("engine_us", "the engine's thread")):
            open_, none = median(kept[PAGES], key), median(kept[0], key)
            lines.append(line("pages", f"CPU an event, {PAGES} pages open, {what}, us", open_, none, open_ / none,
                              f"<= {MOST} x without", open_ / none <= MOST, f"peer: no page; {users} streams"))
        return lines
