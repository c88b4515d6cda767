"""Rows about short requests. Each function measures one comparison and gives back its lines."""
import shutil

from clients import BENCH
from procs import BenchError
from request_clients import run_get, run_h2load, run_hey, run_k6, run_wrk
from targets import Certificate, Mock, Nghttpd
from trials import Trials, line, median

CONNECTIONS = 64
K6_FIRST_BYTE_MS = 100


def clean(kept):
    return not any(trial["failed"] for trials in kept.values() for trial in trials)


class RequestRows(Trials):
    def lengths(self):
        return (2, 1) if self.quick else (4, 5)  # seconds, repeats

    def get(self, seconds, plan, options=()):
        return run_get(self.tools, Mock(self.tools), CONNECTIONS, seconds, plan, options)

    def against(self, row, what, peer, kept, least):
        """Two lines: requests a second, and what a request costs. Where the target holds a peer back, requests a
        second flatter us; what a request costs does not. `least` None: for information."""
        rate = [median(kept[name], "rps") for name in ("spate", peer)]
        cost = [median(kept[name], "cpu_us_per_request") for name in ("spate", peer)]
        busy = [median(kept[peer], key) for key in ("client_cpu_share", "mock_cpu_share")]
        ratio = rate[0] / rate[1]
        met = ratio >= least and clean(kept) if least else None
        note = f"under {peer}: its core {busy[0]:.0%} busy, the target's {busy[1]:.0%}"
        return [line(row, what, rate[0], rate[1], ratio, f">= {least} x {peer}" if least else "for information", met,
                     note if clean(kept) else note + "; some failed"),
                line(row, "  CPU a request, us", cost[0], cost[1], cost[1] / cost[0], "for information", None)]

    # -- wrk and http: short GETs with a Lua task on both sides, and with none --

    def wrk(self):
        seconds, repeats = self.lengths()
        kept = self.in_turn("wrk", {"wrk": lambda: run_wrk(Mock(self.tools), CONNECTIONS, seconds),
                                    "spate": lambda: self.get(seconds, BENCH / "plans/get.lua")}, repeats)
        return self.against("wrk", f"GETs a second, Lua task, {CONNECTIONS} connections", "wrk", kept, 0.7)

    def http(self):
        seconds, repeats = self.lengths()
        kept = self.in_turn("http", {"wrk": lambda: run_wrk(Mock(self.tools), CONNECTIONS, seconds, script=False),
                                     "spate": lambda: self.get(seconds, "http", ["-e", "path=/healthz"])}, repeats)
        return self.against("http", f"GETs a second, plan http, {CONNECTIONS} connections", "wrk", kept, 0.9)

    # -- h2: HTTP/2 against h2load --

    def h2_of(self, what, certificate, connections, streams):
        seconds, repeats = self.lengths()
        connection = "user" if streams == 1 else "shared"
        options = ["--http", "2", "-e", f"connection={connection}"]

        def target():
            return Nghttpd(self.tools, certificate)

        kept = self.in_turn("h2", {
            "h2load": lambda: run_h2load(target(), connections, streams, seconds),
            "spate": lambda: run_get(self.tools, target(), connections * streams, seconds, BENCH / "plans/get2.lua",
                                     options)}, min(repeats, 3))
        return self.against("h2", what, "h2load", kept, 0.8)

    def h2(self):
        lines, certificate = [], Certificate(self.tools.folder)
        for name, proof in (("h2c", None), ("TLS", certificate)):
            for connections, streams in ((CONNECTIONS, 1), (1, 100)):
                try:
                    what = f"GETs a second, {name}, {connections} x {streams} streams"
                    lines += self.h2_of(what, proof, connections, streams)
                except BenchError as error:  # the others are still worth their lines
                    self.give_up("h2", error)
        return lines

    # -- hey and k6: for information --

    def hey(self):
        seconds, repeats = self.lengths()
        kept = self.in_turn("hey", {"hey": lambda: run_hey(Mock(self.tools), CONNECTIONS, seconds),
                                    "spate": lambda: self.get(seconds, BENCH / "plans/get.lua")}, min(repeats, 3))
        return self.against("hey", f"GETs a second, {CONNECTIONS} connections", "hey", kept, None)

    def k6(self):
        if not shutil.which("k6"):
            raise BenchError("k6 is not on PATH")
        seconds, repeats = self.lengths()
        kept = self.in_turn("k6", {"k6": lambda: run_k6(Mock(self.tools), CONNECTIONS, seconds),
                                   "spate": lambda: self.get(seconds, BENCH / "plans/get.lua")}, min(repeats, 3))
        lines = self.against("k6", f"GETs a second, {CONNECTIONS} connections", "k6", kept, None)
        first = self.keep("k6", run_k6(Mock(self.tools), CONNECTIONS, seconds, K6_FIRST_BYTE_MS))["ttfb_ms"]
        return lines + [line("k6", f"k6's TTFB p95, truth {K6_FIRST_BYTE_MS} ms", None, first["p95"], None,
                             "for information", None, f"p50 {first['p50']:.1f} ms")]
