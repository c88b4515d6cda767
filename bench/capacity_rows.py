"""The row about capacity: the most streams a second that each client measures truly on one core."""
from clients import STREAM_CLIENTS
from schedule import CHAT, SENTENCE, Load
from trials import Trials, line

WITHIN_MS = 10  # how near to the truth a first token must be measured
WARM_UP_S = 3   # the users are started in this time
TIMES_LOCUST = 20


class CapacityRows(Trials):
    def carries(self, name, schedule, users):
        """A trial of this many users; trial["carried"]: all of it was measured truly."""
        stream_s = schedule.stream_ms / 1000
        # whole lengths of a stream, both the time in which users are started and the time in which starts are counted:
        # so nobody gains by where in its stream a user is when the counting begins
        counted_s = stream_s * round((2 if self.quick else 4) / stream_s)
        spawn = schedule.spread(users) / max(1, int((WARM_UP_S - 0.5) / stream_s))
        trial = STREAM_CLIENTS[name](
            self.tools, Load(users, round(WARM_UP_S + counted_s, 3), round(spawn, 3), WARM_UP_S, schedule, "cheap"))
        first = trial["ttft_ms"]
        trial["tokens_a_stream"] = schedule.tokens
        trial["streams_per_s"] = first["count"] / counted_s if first and first["count"] else 0
        whole = trial["failed"] == 0 and trial["tokens"] == trial["streams"] * schedule.tokens
        good = bool(first and first["count"]) and whole
        trial["carried"] = good and abs(first["p95"] - schedule.first_ms) <= WITHIN_MS
        # the target is at its end, not the client: it sends late itself
        trial["mock_limit"] = not trial["carried"] and (trial["mock_late_p99_ms"] or 0) > WITHIN_MS / 2
        return self.keep("capacity", trial)

    def search(self, name, schedule, users, users_max, steps):
        """Doubles until it is too much, then halves the gap: the best trial, and whether the target was the limit."""
        best, over = None, None
        while users <= users_max:
            trial = self.carries(name, schedule, users)
            if not trial["carried"]:
                trial = self.carries(name, schedule, users)  # once more: the machine is noisy
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
            trial = self.carries(name, schedule, middle)
            if trial["carried"]:
                best, low = trial, middle
            else:
                over, high = trial, middle
        return best, over is None or over["mock_limit"]

    def capacity_of(self, what, schedule, first_users):
        """Lines for one kind of stream: spate against Locust, and the floor, which shows the machine's own end."""
        steps = {"locust": 3, "spate": 3, "floor": 1} if not self.quick else dict.fromkeys(first_users, 1)
        found = {name: self.search(name, schedule, users, 16 * users, steps[name])
                 for name, users in first_users.items()}
        rate = {name: best["streams_per_s"] if best else 0 for name, (best, _) in found.items()}
        users = {name: best["users"] if best else 0 for name, (best, _) in found.items()}
        ratio = {name: rate[name] / rate["locust"] if rate["locust"] else float("inf") for name in rate}
        lines = []
        for name, target in (("spate", f">= {TIMES_LOCUST} x Locust's"), ("floor", "for information")):
            best, at_least = found[name]
            note = f"{users[name]} users" + (f", Locust {users['locust']}" if name == "spate" else "")
            if best:
                note += f"; {best['events_a_stream'] * rate[name]:,.0f} events/s"
                note += f", its core {best['client_cpu_share']:.0%}, the target's {best['mock_cpu_share']:.0%}"
            if at_least:
                note += "; the target was late first: at least this"
            lines.append(line("capacity", what if name == "spate" else "  the floor's, machine's own end", rate[name],
                              rate["locust"], ratio[name], target,
                              rate["spate"] > 0 and ratio["spate"] >= TIMES_LOCUST if name == "spate" else None, note))
        return lines

    def target_cost(self):
        """What a stream's event costs the mock and the cheap target, under one and the same client."""
        load = {name: Load(1000, 4, CHAT.spread(1000), target=name) for name in ("mock", "cheap")}
        trial = {name: self.keep("capacity", STREAM_CLIENTS["floor"](self.tools, load[name])) for name in load}
        cost = {name: trial[name]["mock_us_per_event"] for name in trial}
        return line("capacity", "target's CPU an event, us (mock's)", cost["cheap"], cost["mock"],
                    cost["mock"] / cost["cheap"], "for information", None,
                    "at 1,000 streams; the more is due at once, the less it is")

    def capacity(self):
        chat = self.capacity_of("streams/s of 50 tokens, TTFT within 10 ms", CHAT,
                                {"locust": 20, "spate": 500, "floor": 500})
        sentence = self.capacity_of("streams/s of one sentence, same", SENTENCE,
                                    {"locust": 10, "spate": 500, "floor": 500})
        return [*chat, *sentence, self.target_cost()]
