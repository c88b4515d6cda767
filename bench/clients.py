"""What is measured: one trial of each client against a fresh mock, as a dict of the same figures."""
import json
import os
import re
import tempfile
from pathlib import Path

from procs import BenchError, CLIENT_CORE, Child, Mock

BENCH = Path(__file__).resolve().parent
LOCUST = ["/usr/bin/python3", "-m", "locust"]  # Debian's, whatever python3 is first in PATH
FIRST_MS, GAP_MS, TOKENS = 100, 20, 50
STREAM_MS = FIRST_MS + GAP_MS * (TOKENS - 1)
END_S = 15  # how long what has begun may take to end


def schedule(gap_ms=GAP_MS):
    return f"head=0s queue=0s node=0s first={FIRST_MS}ms gap={gap_ms}ms tail=0s tokens={TOKENS}"


def _add_target(out, mock, child):
    """The truth is the target's: how many events went out, how late it was, what its core had left."""
    late = mock.stats["late_ms"] or {}
    out.update(
        cpu_s=child.cpu_s, user_s=child.user_s, system_s=child.system_s, wall_s=child.wall_s,
        events=mock.stats["events"], mock_cpu_s=mock.cpu_s, mock_cpu_share=mock.cpu_s / child.wall_s,
        client_cpu_share=child.cpu_s / child.wall_s, mock_late_p99_ms=late.get("p99"), mock_late_max_ms=late.get("max"),
        streams_max=mock.stats["streams_max"],
        others_share=max(0, mock.busy_s - mock.cpu_s - child.cpu_s) / (2 * mock.wall_s))  # of the two cores
    if out["events"]:
        out["cpu_us_per_event"] = out["cpu_s"] * 1e6 / out["events"]
    return out


def run_floor(tools, users, seconds, spawn, warm_up=0, gap_ms=GAP_MS):
    with Mock(tools.spate) as mock:
        argv = [tools.floor, "127.0.0.1", mock.port, users, seconds, spawn, warm_up, schedule(gap_ms)]
        child = Child(argv, CLIENT_CORE)
        child.wait(seconds + END_S)
        child.must(0)
    said = json.loads(child.text())
    return _add_target({"client": "floor", "users": users, "streams": said["answers"], "tokens": said["tokens"],
                        "failed": said["started"] - said["answers"], "ttft_ms": said["ttft_ms"]}, mock, child)


def _spate_summary(tools, mock, plan, options, seconds, env=None):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.json")
        argv = [tools.spate, "run", BENCH / "plans" / plan, "-H", mock.url, "--threads", "1", "-q",
                "--out", f"json={path}", *options]
        child = Child(argv, CLIENT_CORE, env=env)
        child.wait(seconds + END_S)
        child.must(0, 3, 4)  # a missed SLO and an invalid run are results; validity is looked at
        with open(path) as file:
            return json.load(file), child


def run_spate(tools, users, seconds, spawn, warm_up=0, gap_ms=GAP_MS):
    options = ["-u", users, "-r", spawn, "-t", f"{seconds}s", "--stop-timeout", "10s", "-e", "plan=" + schedule(gap_ms)]
    if warm_up:
        options += ["--warm-up", f"{warm_up}s"]
    with Mock(tools.spate) as mock:
        summary, child = _spate_summary(tools, mock, "stream.lua", options, seconds)
    request, generator = summary["requests"][0], summary["validity"]["generator"]
    totals = summary["totals"]
    return _add_target({
        "client": "spate", "users": users, "streams": request["ok"], "tokens": request["tokens"]["events"],
        "failed": totals["failed"] + totals["cancelled"] + totals["task_errors"], "ttft_ms": request["metrics"]["ttft"],
        "lag_ms": generator["lag_ms"], "loop_lag_ms": generator["loop_lag_ms"], "late_starts": generator["late_starts"],
        "dropped_starts": generator["dropped_starts"], "valid": summary["validity"]["valid"],
        "reasons": summary["validity"]["reasons"], "own_events": totals["events"]}, mock, child)


def run_locust(tools, users, seconds, spawn, warm_up=0, gap_ms=GAP_MS):
    with Mock(tools.spate) as mock, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.json")
        env = {"BENCH_PLAN": schedule(gap_ms), "BENCH_OUT": path, "BENCH_WARM_UP_S": str(warm_up),
               "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [*LOCUST, "-f", BENCH / "locust" / "measured.py", "--headless", "--host", mock.url, "-u", users,
                "-r", spawn, "-t", f"{max(1, round(seconds))}s", "--stop-timeout", "10", "--only-summary",
                "--loglevel", "ERROR"]
        child = Child(argv, CLIENT_CORE, env=env)
        child.wait(seconds + END_S + 15)
        child.must(0, 1)  # 1: some request failed
        if not os.path.exists(path):
            raise BenchError("locust wrote no result: " + child.text(child.errors)[-2000:])
        with open(path) as file:
            said = json.load(file)
    return _add_target({"client": "locust", "users": users, "streams": said["streams"], "tokens": said["tokens"],
                        "failed": said["failed"], "ttft_ms": said["ttft_ms"]}, mock, child)


STREAM_CLIENTS = {"floor": run_floor, "spate": run_spate, "locust": run_locust}


def run_wrk(tools, connections, seconds):
    with Mock(tools.spate) as mock:
        child = Child(["wrk", "-t1", "-c", connections, f"-d{round(seconds)}s", "-s", BENCH / "get.lua",
                       mock.url + "/healthz"], CLIENT_CORE)
        child.wait(seconds + END_S)
        child.must(0)
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", child.text())
    if not found:
        raise BenchError("wrk says nothing that is known: " + child.text())
    requests, span_s = int(found[1]), float(found[2]) / (1000 if found[3] == "ms" else 1)
    out = _add_target({"client": "wrk", "requests": requests, "rps": requests / span_s,
                       "failed": "Non-2xx" in child.text() or "Socket errors" in child.text()}, mock, child)
    out["cpu_us_per_request"] = out["cpu_s"] * 1e6 / requests
    return out


def run_get(tools, users, seconds):
    with Mock(tools.spate) as mock:
        options = ["-u", users, "-r", users * 100, "-t", f"{seconds}s"]
        summary, child = _spate_summary(tools, mock, "get.lua", options, seconds)
    totals = summary["totals"]
    out = _add_target({"client": "spate", "requests": totals["ok"], "rps": totals["ok_rps"], "failed": totals["failed"],
                       "valid": summary["validity"]["valid"]}, mock, child)
    out["cpu_us_per_request"] = out["cpu_s"] * 1e6 / max(totals["ok"], 1)
    return out
