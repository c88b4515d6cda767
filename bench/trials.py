"""What all rows share: trials that are kept, lines of the table."""
import statistics


def median(trials, key):
    return statistics.median(trial[key] for trial in trials)


def line(row, what, spate, peer, ratio, target, met, note=""):
    return {"row": row, "what": what, "spate": spate, "peer": peer, "ratio": ratio, "target": target, "met": met,
            "note": note}


def brief(trial):
    """One trial for the log on standard error."""
    first = trial.get("ttft_ms") or {}
    words = [f"{trial['client']:>6}"]
    if "users" in trial:
        words += [f"{trial['users']} users, {trial['streams']} streams"]
        words += [f"{trial.get('cpu_us_per_event', 0):.2f} us/event"]
        words += [f"client {trial['client_cpu_share']:.0%} of its core"]
        words += [f"target {trial['mock_cpu_share']:.0%}", f"late p99 {trial['mock_late_p99_ms'] or 0:.1f} ms"]
    if first and first["p50"] is not None:
        words += [f"ttft p50 {first['p50']:.1f} p95 {first['p95']:.1f}"]
    if "rps" in trial:
        words += [f"{trial['rps']:.0f}/s", f"{trial['cpu_us_per_request']:.2f} us/request",
                  f"client {trial['client_cpu_share']:.0%}", f"target {trial['mock_cpu_share']:.0%}"]
    if trial.get("failed"):
        words += [f"{trial['failed']} failed"]
    return ", ".join(words)


class Trials:
    def __init__(self, tools, quick, say):
        self.tools, self.quick, self.say = tools, quick, say
        self.trials = []
        self.errors = []  # what could not be measured: {"row", "error"}

    def give_up(self, row, error):
        self.errors.append({"row": row, "error": str(error)})
        self.say(f"  {row}: {error}")

    def keep(self, row, trial):
        trial["row"] = row
        self.trials.append(trial)
        self.say(f"  {row}: {brief(trial)}")
        return trial

    def in_turn(self, row, clients, repeats):
        """Each client several times, one after the other. clients: {name: what makes a trial}. {name: its trials}"""
        kept = {name: [] for name in clients}
        for _ in range(repeats):
            for name, run in clients.items():
                kept[name].append(self.keep(row, run()))
        return kept
