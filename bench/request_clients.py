"""The clients of short requests: one trial of each, all of the same request, as a dict of the same figures."""
import json
import os
import re
import shutil
import tempfile

from clients import BENCH, END_S, add_target, spate_summary
from procs import BenchError, CLIENT_CORE, Child
from schedule import Schedule

PATH = "/healthz"
SECONDS_OF = {"": 1, "m": 1e-3, "u": 1e-6}


def _trial(name, target, child, requests, span_s, failed):
    out = add_target({"client": name, "requests": requests, "rps": requests / span_s if span_s else 0,
                      "failed": failed}, target, child)
    out["cpu_us_per_request"] = out["cpu_s"] * 1e6 / max(requests, 1)
    return out


def _ended(argv, seconds, env=None):
    child = Child(argv, CLIENT_CORE, env=env)
    child.wait(seconds + END_S)
    child.must(0)
    return child


def _find(pattern, text, who):
    found = re.search(pattern, text)
    if not found:
        raise BenchError(f"{who} says nothing that is known: {text}")
    return found


def run_wrk(target, connections, seconds, script=True):
    argv = ["wrk", "-t1", "-c", connections, f"-d{round(seconds)}s"] + (["-s", BENCH / "get.lua"] if script else [])
    with target:
        child = _ended([*argv, target.url + PATH], seconds)
    text = child.text()
    found = _find(r"(\d+) requests in ([\d.]+)(m?)s", text, "wrk")
    failed = "Non-2xx" in text or "Socket errors" in text
    return _trial("wrk", target, child, int(found[1]), float(found[2]) * SECONDS_OF[found[3]], failed)


def run_get(tools, target, users, seconds, plan, options=()):
    """spate; `plan` is a built-in plan or a file."""
    with target:
        options = ["-u", users, "-r", users * 100, "-t", f"{seconds}s", *options]
        summary, child = spate_summary(tools, target, plan, options, seconds)
    totals = summary["totals"]
    out = _trial("spate", target, child, totals["ok"], 1, totals["failed"])
    out.update(rps=totals["ok_rps"], valid=summary["validity"]["valid"])
    return out


def run_h2load(target, connections, streams, seconds):
    with target:
        child = _ended(["h2load", "-t1", "-c", connections, "-m", streams, "-D", round(seconds), target.url + PATH],
                       seconds)
    text = child.text()
    rate = _find(r"finished in [\d.]+(?:m|u)?s, ([\d.]+) req/s", text, "h2load")
    counts = _find(r"(\d+) succeeded, (\d+) failed, (\d+) errored", text, "h2load")
    out = _trial("h2load", target, child, int(counts[1]), 0, int(counts[2]) + int(counts[3]))
    out["rps"] = float(rate[1])
    return out


def run_hey(target, connections, seconds):
    with target:
        child = _ended(["hey", "-z", f"{round(seconds)}s", "-c", connections, "-cpus", 1, target.url + PATH], seconds)
    text = child.text()
    total_s = float(_find(r"Total:\s+([\d.]+) secs", text, "hey")[1])
    answers = re.findall(r"\[(\d+)\]\s+(\d+) responses", text)
    good = sum(int(count) for status, count in answers if status == "200")
    failed = "Error distribution" in text or any(status != "200" for status, _ in answers)
    return _trial("hey", target, child, good, total_s, failed)


def run_k6(target, users, seconds, first_byte_ms=0):
    """first_byte_ms: each request is a streamed answer whose head comes so late; else the short GET."""
    with target, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "k6.json")
        plan = Schedule(0, 0, 1).text().replace("head=0s", f"head={first_byte_ms}ms") if first_byte_ms else ""
        env = {"BENCH_URL": target.url, "BENCH_PATH": PATH, "BENCH_PLAN": plan, "GOMAXPROCS": "1",
               "K6_NO_USAGE_REPORT": "true"}
        child = _ended([shutil.which("k6"), "run", "--quiet", "--no-color", "--vus", users, "--duration",
                        f"{round(seconds)}s", "--summary-export", path, BENCH / "k6.js"], seconds, env)
        with open(path) as file:
            metrics = json.load(file)["metrics"]
    requests, waiting = metrics["http_reqs"], metrics["http_req_waiting"]
    out = _trial("k6", target, child, requests["count"], 0, metrics.get("http_req_failed", {}).get("value", 0) > 0)
    out.update(rps=requests["rate"], ttfb_ms={"p50": waiting["med"], "p95": waiting["p(95)"]})
    return out
