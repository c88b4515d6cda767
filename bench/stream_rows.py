"""Rows about streams. Each function measures one comparison and gives back its lines."""
import dataclasses
import signal
import statistics
import time

from clients import BENCH, STREAM_CLIENTS, run_spate
from procs import BenchError, CLIENT_CORE, Child
from schedule import CHAT, Load, Schedule
from targets import Mock
from trials import Trials, line, median


def ttft(trials, key):
    return statistics.median(trial["ttft_ms"][key] for trial in trials)


def whole(kept, schedule=CHAT):
    """No stream failed, no token is missing, whoever measured."""
    return all(t["failed"] == 0 and t["tokens"] == t["streams"] * schedule.tokens for name in kept for t in kept[name])


class StreamRows(Trials):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.started = {}  # CPU that a client takes to start and end, by name

    def start_cost(self, name):
        """CPU seconds of a run with next to no work: what a client takes to start and to end."""
        if name not in self.started:
            self.started[name] = STREAM_CLIENTS[name](self.tools, Load(1, 1, 1))["cpu_s"]
        return self.started[name]

    def compare(self, row, names, load, repeats):
        """The same load by each client in turn, several times; CPU is net of starting."""
        def trial(name):
            cost = self.start_cost(name)
            out = STREAM_CLIENTS[name](self.tools, load)
            out["net_us_per_event"] = (out["cpu_s"] - cost) * 1e6 / max(out["events"], 1)
            return out
        return self.in_turn(row, {name: lambda name=name: trial(name) for name in names}, repeats)

    def slopes(self, row, names, load, short_s, repeats):
        """As compare, but CPU is the long run's less a short one's with the same users: that takes out whatever
        belongs to a connection (connecting, handshakes, memory) and leaves the events."""
        def trial(name):
            short = STREAM_CLIENTS[name](self.tools, dataclasses.replace(load, seconds=short_s))
            out = STREAM_CLIENTS[name](self.tools, load)
            more = out["events"] - short["events"]
            if more <= 0:
                raise BenchError(f"{name}: the longer run has no more events than the short one")
            out["net_us_per_event"] = (out["cpu_s"] - short["cpu_s"]) * 1e6 / more
            out["events_per_s"] = more / (load.seconds - short_s)
            return out
        return self.in_turn(row, {name: lambda name=name: trial(name) for name in names}, repeats)

    # -- cpu: spate against the floor --

    def cpu(self):
        users, seconds, repeats = 1000, 4 if self.quick else 7, 1 if self.quick else 5
        kept = self.compare("cpu", ("floor", "spate"), Load(users, seconds, CHAT.spread(users)), repeats)
        spate, floor = (median(kept[name], "net_us_per_event") for name in ("spate", "floor"))
        note = "issue 1 asked for 1.5" if whole(kept) else "streams failed or tokens are missing"
        return [line("cpu", f"CPU an event, {users} streams, us", spate, floor, spate / floor, "<= 1.25 x floor",
                     spate / floor <= 1.25 and whole(kept), note)]

    # -- tls: spate over https against OpenSSL by itself --

    def tls(self):
        users, seconds, repeats = 500, 5 if self.quick else 8, 1 if self.quick else 5
        load = Load(users, seconds, CHAT.spread(users), target="tls")
        kept = self.slopes("tls", ("floor", "spate"), load, 2, repeats)
        spate, floor = (median(kept[name], "net_us_per_event") for name in ("spate", "floor"))
        note = "handshakes are taken out" if whole(kept) else "streams failed or tokens are missing"
        return [line("tls", f"CPU an event, https, {users} streams, us", spate, floor, spate / floor,
                     "<= 1.15 x openssl", spate / floor <= 1.15 and whole(kept), note)]

    # -- linear: the same events on ten times the streams --

    def linear(self):
        few, many, repeats = 1000, 10000, 1 if self.quick else 3
        fast, slow = Schedule(10, 40, 10), Schedule(100, 400, 10)  # ten times slower: as many events a second
        names = ("spate", "floor")
        kept = {few: self.slopes("linear", names, Load(few, 7, fast.spread(few), schedule=fast), 2, repeats),
                many: self.slopes("linear", names, Load(many, 10, slow.spread(many), schedule=slow), 5, repeats)}
        cost = {name: [median(kept[users][name], "net_us_per_event") for users in (few, many)] for name in names}
        rates = [median(kept[users]["spate"], "events_per_s") for users in (few, many)]
        ratio = cost["spate"][1] / cost["spate"][0]
        good = whole(kept[few], fast) and whole(kept[many], slow)
        note = f"{rates[0]:,.0f} and {rates[1]:,.0f} events/s; peer: its own at {few:,}"
        return [line("linear", f"CPU an event at {many:,} streams, us", cost["spate"][1], cost["spate"][0], ratio,
                     f"<= 1.3 x at {few:,}", ratio <= 1.3 and good,
                     note if good else note + "; streams failed or tokens are missing"),
                line("linear", "  the floor's, us", cost["floor"][1], cost["floor"][0],
                     cost["floor"][1] / cost["floor"][0], "for information", None, "what the machine itself adds")]

    # -- locust: CPU and truth at 400 users --

    def locust(self):
        users, seconds, repeats = 400, 6 if self.quick else 10, 1 if self.quick else 3
        # Locust advises against more than 100 starts a second, so nobody gets more; what began in that time is left out
        kept = self.compare("locust", ("floor", "spate", "locust"), Load(users, seconds, 100, 4), repeats)
        cpu = {name: median(kept[name], "net_us_per_event") for name in kept}
        lines = [line("locust", f"CPU an event, {users} users, us", cpu["spate"], cpu["locust"],
                      cpu["locust"] / cpu["spate"], ">= 6 x less than Locust", cpu["locust"] / cpu["spate"] >= 6,
                      f"the floor would have {cpu['locust'] / cpu['floor']:.1f} x")]
        for key in ("p50", "p95"):
            times = {name: ttft(kept[name], key) for name in kept}
            off = times["spate"] - times["floor"]
            # kernel stamps may put spate between the truth and the floor, which reads the clock when it gets to it
            near = abs(off) <= 1 or CHAT.first_ms <= times["spate"] < times["floor"]
            lines.append(line("locust", f"TTFT {key}, truth {CHAT.first_ms} ms", times["spate"], times["floor"],
                              off, "within 1 ms of floor", near,
                              f"ratio: the difference; Locust says {times['locust']:.1f} ms"))
        return lines

    # -- lag: 5,000 streams from one thread --

    def lag(self):
        users, seconds, gap_ms = 5000, 8 if self.quick else 12, self.tools.lag_gap_ms
        trial = self.keep("lag", run_spate(self.tools, Load(users, seconds, 1500, 4, Schedule(gap_ms=gap_ms))))
        lag = trial["lag_ms"] or {"p99": float("inf"), "max": float("inf")}
        good = trial["failed"] == 0 and trial["dropped_starts"] == 0 and trial["streams_max"] >= users * 0.99
        note = (f"tokens {gap_ms} ms apart; {trial['streams_max']} streams at once, {trial['failed']} failed, "
                f"{trial['dropped_starts']} dropped; mock late p99 {trial['mock_late_p99_ms']:.1f} ms "
                f"at {trial['mock_cpu_share']:.0%} of its core")
        return [line("lag", f"lag p99 at {users} streams, ms", lag["p99"], None, None, "< 10 ms, none dropped",
                     lag["p99"] < 10 and good, note)]

    # -- idle: memory of users that wait --

    def rss_of(self, users):
        with Mock(self.tools) as mock:
            argv = [self.tools.spate, "run", BENCH / "plans/idle.lua", "-H", mock.url, "--threads", "1", "-q",
                    "-u", users, "-r", 2000, "-t", "300s", "--stop-timeout", "0s"]
            child = Child(argv, CLIENT_CORE)
            until = time.monotonic() + 60
            while True:
                time.sleep(0.5)
                stats = mock.read_stats()
                if stats["connections_open"] - 1 >= users and stats["streams_open"] == 0:
                    break
                if not child.running() or time.monotonic() > until:
                    child.kill()
                    raise BenchError(f"{users} idle users were not reached: {stats}\n{child.text(child.errors)}")
            time.sleep(1.5)  # a report interval more
            rss = child.rss_kib()
            child.signal(signal.SIGINT)
            time.sleep(0.2)
            child.signal(signal.SIGINT)
            try:
                child.wait(10)
            except BenchError:
                self.say("  idle: spate did not end on two SIGINTs within 10 s")
        trial = {"client": "spate", "idle_users": users, "rss_kib": rss, "row": "idle", "exit": child.code}
        self.trials.append(trial)
        self.say(f"  idle: {users} users, {rss} KiB")
        return rss

    def idle(self):
        few, many = 1000, 10000
        low, high = self.rss_of(few), self.rss_of(many)
        each = (high - low) / (many - few)
        return [line("idle", f"memory a user, {few} to {many}, KiB", each, None, None, "<= 8 KiB", each <= 8,
                     f"RSS {low / 1024:.1f} and {high / 1024:.1f} MiB; issue 1 asked for 16")]
