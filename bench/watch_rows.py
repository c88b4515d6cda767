"""Rows about watchers: what they cost the load."""
from clients import run_spate
from schedule import CHAT, Load
from targets import Exporter
from trials import Trials, line, median


class WatchRows(Trials):
    def with_watchers(self, load, exporter):
        def options(target):
            watchers = ("host=local", f"host=process:{target.child.pid} port={target.port}",
                        f"scrape={exporter.url}/metrics")
            return [word for watcher in watchers for word in ("--watch", watcher)]
        return {**run_spate(self.tools, load, options), "client": "watched"}

    def watch(self):
        """The same streams without watchers and with some, in turn; they share the generator's one core."""
        users, seconds, repeats = 1000, 5 if self.quick else 8, 1 if self.quick else 4
        load = Load(users, seconds, CHAT.spread(users))
        with Exporter(self.tools) as exporter:
            kept = self.in_turn("watch", {"alone": lambda: run_spate(self.tools, load),
                                          "watched": lambda: self.with_watchers(load, exporter)}, repeats)
        cost = {key: [median(kept[name], key) for name in ("watched", "alone")]
                for key in ("engine_us_per_event", "cpu_us_per_event")}
        engine, whole = cost["engine_us_per_event"], cost["cpu_us_per_event"]
        series = min(trial["series"] for trial in kept["watched"])
        good = series > 20 and all(trial["failed"] == 0 for name in kept for trial in kept[name])
        note = f"machine, target's process and a scrape each second: {series} series"
        return [line("watch", f"engine's CPU an event, {users} streams, us", *engine, engine[0] / engine[1],
                     "<= 1.02 x alone", engine[0] / engine[1] <= 1.02 and good, note),
                line("watch", "  the whole process's, us", *whole, whole[0] / whole[1], "for information", None,
                     "with the watchers' own threads")]
