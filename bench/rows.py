"""The rows of the bench's table. Each function measures one comparison and gives back its lines."""
import signal
import statistics
import time

import clients
import procs
from clients import STREAM_CLIENTS, STREAM_MS, TOKENS, run_get, run_spate, run_wrk
from procs import BenchError, CLIENT_CORE, Child, Mock

WITHIN_MS = 10  # how near to the truth a first token must be measured


def median(trials, key):
    return statistics.median(trial[key] for trial in trials)


def ttft(trials, key):
    return statistics.median(trial["ttft_ms"][key] for trial in trials)


def line(row, what, spate, peer, ratio, target, met, note=""):
    return {"row": row, "what": what, "spate": spate, "peer": peer, "ratio": ratio, "target": target, "met": met,
            "note": note}


def spread(users):
    """Users a second, so that the starts lie evenly over the time that a stream takes."""
    return max(1, round(users * 1000 / STREAM_MS))


def brief(trial):
    """One trial for the log on standard error."""
    first = trial.get("ttft_ms") or {}
    words = [f"{trial['client']:>6}"]
    if "users" in trial:
        words += [f"{trial['users']} users, {trial['streams']} streams"]
        words += [f"{trial.get('cpu_us_per_event', 0):.2f} us/event"]
        words += [f"client {trial['client_cpu_share']:.0%} of its core"]
        words += [f"mock {trial['mock_cpu_share']:.0%}", f"late p99 {trial['mock_late_p99_ms'] or 0:.1f} ms"]
    if first and first["p50"] is not None:
        words += [f"ttft p50 {first['p50']:.1f} p95 {first['p95']:.1f}"]
    if "rps" in trial:
        words += [f"{trial['rps']:.0f}/s", f"{trial['cpu_us_per_request']:.2f} us/request",
                  f"client {trial['client_cpu_share']:.0%}", f"mock {trial['mock_cpu_share']:.0%}"]
    if trial.get("failed"):
        words += [f"{trial['failed']} failed"]
    return ", ".join(words)


class Rows:
    def __init__(self, tools, quick, say):
        self.tools, self.quick, self.say = tools, quick, say
        self.trials = []
        self.started = {}  # CPU that a client takes to start and end, by name

    def keep(self, row, trial):
        trial["row"] = row
        self.trials.append(trial)
        self.say(f"  {row}: {brief(trial)}")
        return trial

    def start_cost(self, name):
        """CPU seconds of a run with next to no work: what a client takes to start and to end."""
        if name not in self.started:
            trial = STREAM_CLIENTS[name](self.tools, 1, 1, 1)
            self.started[name] = trial["cpu_s"]
        return self.started[name]

    def compare(self, row, names, users, seconds, repeats, spawn, warm_up=0):
        """The same load by each client in turn, several times; CPU is net of starting."""
        kept = {name: [] for name in names}
        for _ in range(repeats):
            for name in names:
                cost = self.start_cost(name)
                trial = STREAM_CLIENTS[name](self.tools, users, seconds, spawn, warm_up)
                trial["net_us_per_event"] = (trial["cpu_s"] - cost) * 1e6 / max(trial["events"], 1)
                kept[name].append(self.keep(row, trial))
        return kept

    # -- cpu: spate against the floor --

    def cpu(self):
        users, seconds, repeats = 1000, 4 if self.quick else 7, 1 if self.quick else 5
        kept = self.compare("cpu", ("floor", "spate"), users, seconds, repeats, spread(users))
        spate, floor = (median(kept[name], "net_us_per_event") for name in ("spate", "floor"))
        whole = all(t["failed"] == 0 and t["tokens"] == t["streams"] * TOKENS for name in kept for t in kept[name])
        note = "" if whole else "streams failed or tokens are missing"
        return [line("cpu", f"CPU an event, {users} streams, us", spate, floor, spate / floor, "<= 1.5 x floor",
                     spate / floor <= 1.5 and whole, note)]

    # -- locust: CPU and truth at 400 users --

    def locust(self):
        users, seconds, repeats = 400, 6 if self.quick else 10, 1 if self.quick else 3
        # Locust advises against more than 100 starts a second, so nobody gets more; what began in that time is left out
        kept = self.compare("locust", ("floor", "spate", "locust"), users, seconds, repeats, 100, 4)
        cpu = {name: median(kept[name], "net_us_per_event") for name in kept}
        lines = [line("locust", f"CPU an event, {users} users, us", cpu["spate"], cpu["locust"],
                      cpu["locust"] / cpu["spate"], ">= 6 x less than Locust", cpu["locust"] / cpu["spate"] >= 6)]
        for key in ("p50", "p95"):
            times = {name: ttft(kept[name], key) for name in kept}
            off = times["spate"] - times["floor"]
            # kernel stamps may put spate between the truth and the floor, which reads the clock when it gets to it
            near = abs(off) <= 1 or clients.FIRST_MS <= times["spate"] < times["floor"]
            lines.append(line("locust", f"TTFT {key}, truth {clients.FIRST_MS} ms", times["spate"], times["floor"],
                              off, "within 1 ms of floor", near,
                              f"ratio: the difference; Locust says {times['locust']:.1f} ms"))
        return lines

    # -- capacity: the most streams a second that are measured truly --

    def carries(self, name, users):
        """True if this many users are carried; keeps the trial."""
        seconds = 5 if self.quick else 7
        trial = STREAM_CLIENTS[name](self.tools, users, seconds, min(spread(users), 2500), 3)
        first = trial["ttft_ms"]
        trial["streams_per_s"] = first["count"] / (seconds - 3) if first and first["count"] else 0
        good = bool(first and first["count"]) and trial["failed"] == 0
        trial["carried"] = good and abs(first["p95"] - clients.FIRST_MS) <= WITHIN_MS
        # the target is at its end, not the client: it sends late itself
        trial["mock_limit"] = not trial["carried"] and (trial["mock_late_p99_ms"] or 0) > WITHIN_MS / 2
        return self.keep("capacity", trial)

    def search(self, name, users, users_max, steps):
        """Doubles until it is too much, then halves the gap: the best trial, and whether the target was the limit."""
        best, over = None, None
        while users <= users_max:
            trial = self.carries(name, users)
            if not trial["carried"]:
                trial = self.carries(name, users)  # once more: the machine is noisy
            if not trial["carried"]:
                over = trial
                break
            best, users = trial, users * 2
        low = best["users"] if best else 0
        high = over["users"] if over else 0
        for _ in range(steps if over else 0):
            middle = (low + high) // 2
            if middle in (low, high):
                break
            trial = self.carries(name, middle)
            if trial["carried"]:
                best, low = trial, middle
            else:
                over, high = trial, middle
        return best, over is None or over["mock_limit"]

    def capacity(self):
        steps = 1 if self.quick else 3
        peer, _ = self.search("locust", 10, 1280, steps)
        spate, mock_was_limit = self.search("spate", 500, 16000, steps)
        rates = [found["streams_per_s"] if found else 0 for found in (spate, peer)]
        ratio = rates[0] / rates[1] if rates[1] else float("inf") if rates[0] else 0
        users = [found["users"] if found else 0 for found in (spate, peer)]
        note = f"{users[0]} and {users[1]} users"
        if mock_was_limit:
            note += "; the mock was late first: at least this"
        return [line("capacity", "streams/s, TTFT p95 within 10 ms", rates[0], rates[1], ratio,
                     ">= 20 x Locust's", ratio >= 20, note)]

    # -- wrk: short GETs --

    def wrk(self):
        seconds, repeats = 2 if self.quick else 4, 1 if self.quick else 5
        kept = {"wrk": [], "spate": []}
        for _ in range(repeats):
            kept["wrk"].append(self.keep("wrk", run_wrk(self.tools, 64, seconds)))
            kept["spate"].append(self.keep("wrk", run_get(self.tools, 64, seconds)))
        spate, peer = median(kept["spate"], "rps"), median(kept["wrk"], "rps")
        cost = [median(kept[name], "cpu_us_per_request") for name in ("spate", "wrk")]
        clean = not any(t["failed"] for name in kept for t in kept[name])
        busy = [median(kept["wrk"], key) for key in ("client_cpu_share", "mock_cpu_share")]
        lines = [line("wrk", "GETs a second, 64 connections", spate, peer, spate / peer, ">= 0.5 x wrk",
                      spate / peer >= 0.5 and clean, f"under wrk: its core {busy[0]:.0%} busy, the mock's {busy[1]:.0%}")]
        # where the mock holds wrk back, requests a second flatter us; what a request costs does not
        lines.append(line("wrk", "CPU a GET, us", cost[0], cost[1], cost[1] / cost[0], "for information", None))
        return lines

    # -- lag: 5,000 streams from one thread --

    def lag(self):
        users, seconds, gap_ms = 5000, 8 if self.quick else 12, self.tools.lag_gap_ms
        trial = self.keep("lag", run_spate(self.tools, users, seconds, 1500, 4, gap_ms))
        lag = trial["lag_ms"] or {"p99": float("inf"), "max": float("inf")}
        whole = trial["failed"] == 0 and trial["dropped_starts"] == 0 and trial["streams_max"] >= users * 0.99
        note = (f"tokens {gap_ms} ms apart; {trial['streams_max']} streams at once, {trial['failed']} failed, "
                f"{trial['dropped_starts']} dropped; mock late p99 {trial['mock_late_p99_ms']:.1f} ms "
                f"at {trial['mock_cpu_share']:.0%} of its core")
        return [line("lag", f"lag p99 at {users} streams, ms", lag["p99"], None, None, "< 10 ms, none dropped",
                     lag["p99"] < 10 and whole, note)]

    # -- idle: memory of users that wait --

    def rss_of(self, users):
        with Mock(self.tools.spate) as mock:
            argv = [self.tools.spate, "run", clients.BENCH / "plans/idle.lua", "-H", mock.url, "--threads", "1", "-q",
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
        return [line("idle", f"memory a user, {few} to {many}, KiB", each, None, None, "<= 16 KiB", each <= 16,
                     f"RSS {low / 1024:.1f} and {high / 1024:.1f} MiB")]


NAMES = ("cpu", "locust", "capacity", "wrk", "lag", "idle")
