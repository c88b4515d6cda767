"""The clients of streams: one trial of each against a fresh target, as a dict of the same figures."""
import json
import math
import os
import tempfile
from pathlib import Path

from procs import BenchError, CLIENT_CORE, Child
from targets import open_target

BENCH = Path(__file__).resolve().parent
LOCUST = ["/usr/bin/python3", "-m", "locust"]  # Debian's, whatever python3 is first in PATH
END_S = 15  # how long what has begun may take to end


def add_target(out, target, child):
    """The truth is the target's: how many events went out, how late it was, what its core had left."""
    late = target.stats.get("late_ms") or {}
    out.update(
        cpu_s=child.cpu_s, user_s=child.user_s, system_s=child.system_s, wall_s=child.wall_s,
        events=target.stats.get("events"), mock_cpu_s=target.cpu_s, mock_cpu_share=target.cpu_s / child.wall_s,
        client_cpu_share=child.cpu_s / child.wall_s, mock_late_p99_ms=late.get("p99"), mock_late_max_ms=late.get("max"),
        streams_max=target.stats.get("streams_max"), answers=target.stats.get("requests", 0) - 1,  # 1: for its figures
        others_share=max(0, target.busy_s - target.cpu_s - child.cpu_s) / (2 * target.wall_s))  # of the two cores
    if out["events"]:
        out["cpu_us_per_event"] = out["cpu_s"] * 1e6 / out["events"]
        out["events_a_stream"] = out["events"] / max(out["answers"], 1)
        out["mock_us_per_event"] = out["mock_cpu_s"] * 1e6 / out["events"]
    return out


def run_floor(tools, load):
    with open_target(tools, load) as target:
        argv = [tools.tls_floor if load.target == "tls" else tools.floor, "127.0.0.1", target.port, load.users,
                load.seconds, load.spawn, load.warm_up, load.schedule.text()]
        child = Child(argv, CLIENT_CORE)
        child.wait(load.seconds + END_S)
        child.must(0)
    said = json.loads(child.text())
    return add_target({"client": "floor", "users": load.users, "streams": said["answers"], "tokens": said["tokens"],
                       "failed": said["started"] - said["answers"], "ttft_ms": said["ttft_ms"]}, target, child)


def spate_summary(tools, target, plan, options, seconds):
    """A run of spate: its JSON and its process."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.json")
        argv = [tools.spate, "run", plan, "-H", target.url, "--threads", "1", "-q", "--out", f"json={path}", *options]
        if target.scheme == "https":
            argv += ["--cacert", target.certificate.cert]
        child = Child(argv, CLIENT_CORE)
        child.wait(seconds + END_S)
        child.must(0, 3, 4)  # a missed SLO and an invalid run are results; validity is looked at
        with open(path) as file:
            return json.load(file), child


def run_spate(tools, load, more=lambda target: []):
    """more: further options, once the target is known."""
    options = ["-u", load.users, "-r", load.spawn, "-t", f"{load.seconds}s", "--stop-timeout", "10s",
               "-e", "plan=" + load.schedule.text()]
    if load.warm_up:
        options += ["--warm-up", f"{load.warm_up}s"]
    with open_target(tools, load) as target:
        summary, child = spate_summary(tools, target, BENCH / "plans/stream.lua", [*options, *more(target)], load.seconds)
    request, generator = summary["requests"][0], summary["validity"]["generator"]
    totals = summary["totals"]
    return add_target({
        "client": "spate", "users": load.users, "streams": request["ok"], "tokens": request["tokens"]["events"],
        "failed": totals["failed"] + totals["cancelled"] + totals["task_errors"], "ttft_ms": request["metrics"]["ttft"],
        "lag_ms": generator["lag_ms"], "loop_lag_ms": generator["loop_lag_ms"], "late_starts": generator["late_starts"],
        "dropped_starts": generator["dropped_starts"], "valid": summary["validity"]["valid"],
        "reasons": summary["validity"]["reasons"], "own_events": totals["events"],
        "engine_us_per_event": (generator["threads"][0]["cpu_share"] * summary["run"]["measured_s"] * 1e6 /
                                max(totals["events"], 1)),
        "series": len((summary["watch"] or {"series": []})["series"])}, target, child)


def run_locust(tools, load):
    with open_target(tools, load) as target, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.json")
        env = {"BENCH_PLAN": load.schedule.text(), "BENCH_OUT": path, "BENCH_WARM_UP_S": str(load.warm_up),
               "BENCH_RUN_S": str(load.seconds), "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [*LOCUST, "-f", BENCH / "locust" / "measured.py", "--headless", "--host", target.url, "-u", load.users,
                "-r", load.spawn, "-t", f"{max(1, math.ceil(load.seconds))}s", "--stop-timeout", "10", "--only-summary",
                "--loglevel", "ERROR"]
        child = Child(argv, CLIENT_CORE, env=env)
        child.wait(load.seconds + END_S + 15)
        child.must(0, 1)  # 1: some request failed
        if not os.path.exists(path):
            raise BenchError("locust wrote no result: " + child.text(child.errors)[-2000:])
        with open(path) as file:
            said = json.load(file)
    return add_target({"client": "locust", "users": load.users, "streams": said["streams"], "tokens": said["tokens"],
                       "failed": said["failed"], "ttft_ms": said["ttft_ms"]}, target, child)


STREAM_CLIENTS = {"floor": run_floor, "spate": run_spate, "locust": run_locust}
