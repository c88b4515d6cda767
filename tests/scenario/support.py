"""Runs spate from outside and holds every run to the contract's identities.

`mock()` starts a simulated target, `run()` one load test; what a run leaves is a Run with the exit code, both
outputs and the JSON summary, whose figures have been checked against each other already (see `identities`).
Nothing here asserts how fast a machine is. Works with sanitizer builds: their findings fail the run.
"""
import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PLANS = os.path.join(HERE, "plans")
SPATE = os.environ.get("SPATE") or shutil.which("spate") or "spate"
RUN_LIMIT_S = 60  # a run that takes longer hangs; sanitizer builds included

OUTCOMES = ["ok", "http_status", "stream_error", "truncated", "timeout", "connect", "reset", "protocol", "check",
            "abandoned", "cancelled"]
FAILURES = [name for name in OUTCOMES if name not in ("ok", "abandoned", "cancelled")]
METRICS = ["ttfb", "ttfe", "ttft", "itl", "tpot", "e2e", "max_gap"]  # the contract's, and then more
HIST = ["count", "min", "mean", "stdev", "p50", "p75", "p90", "p95", "p99", "p999", "max"]
# The validity's reasons that speak of this machine, not of the run.
BUSY = re.compile("ran late|waited for the generator|busy|began over 10 ms|waited for a CPU")
SANITIZERS = re.compile(r"(ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:).*", re.S)


# Runs are kept in a history (docs/history.md); those of the tests don't go to their user's.
DATA = tempfile.mkdtemp(prefix="spate-data-")
atexit.register(shutil.rmtree, DATA, ignore_errors=True)


def plan(name):
  return os.path.join(PLANS, name)


def environment(extra=None):
  """Ours without what would change spate's behaviour."""
  env = {key: value for key, value in os.environ.items()
         if not key.startswith("SPATE_") and key not in ("NO_COLOR", "COLUMNS") and not key.lower().endswith("_proxy")}
  env.update(LC_ALL="C.UTF-8", TERM="xterm-256color", XDG_DATA_HOME=DATA)
  env.update(extra or {})
  return env


# -- the mock ------------------------------------------------------------------------------------------


class Mock:
  """A `spate mock` on a free port. `with mock() as target: target.url`."""

  def __init__(self, *args):
    self.process = subprocess.Popen([SPATE, "mock", "-l", "127.0.0.1:0", *args], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, env=environment())
    line = self.process.stdout.readline().decode()
    found = re.search(r"(https?)://127\.0\.0\.1:(\d+)", line)
    if not found:
      self.process.kill()
      raise AssertionError(f"the mock did not say its address: {line!r} {self.process.stderr.read().decode()}")
    self.scheme, self.port = found.group(1), int(found.group(2))
    self.url = f"{self.scheme}://127.0.0.1:{self.port}"

  def close(self):
    self.process.send_signal(signal.SIGINT)
    try:
      _, err = self.process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.communicate()
      raise AssertionError("the mock did not end within 30 s of SIGINT")
    err = err.decode(errors="replace")
    if SANITIZERS.search(err):
      raise AssertionError("the mock: " + SANITIZERS.search(err).group(0)[:4000])
    if self.process.returncode not in (0, 130):
      raise AssertionError(f"the mock ended with {self.process.returncode}: {err}")


@contextlib.contextmanager
def mock(*args):
  target = Mock(*args)
  try:
    yield target
  finally:
    target.close()


# -- a run ---------------------------------------------------------------------------------------------


class Run:
  def __init__(self, code, out, err, document):
    self.code, self.out, self.err, self.json = code, out, err, document

  @property
  def verdict(self):
    """The exit code, but for what only says that this machine is busy (exit 4): the verdict beside it."""
    if self.code != 4 or not self.json or not all(BUSY.search(reason) for reason in self.json["validity"]["reasons"]):
      return self.code
    return 0 if all(slo["met"] for slo in self.json["slo"]) else 3

  @property
  def totals(self):
    return self.json["totals"]

  def request(self, name, **members):
    rows = [row for row in self.json["requests"]
            if row["name"] == name and all(row[key] == value for key, value in members.items())]
    if len(rows) != 1:
      raise AssertionError(f"{len(rows)} rows named {name!r}: {[row['name'] for row in self.json['requests']]}")
    return rows[0]

  def outcomes(self, name=None):
    """The outcomes that happened, of one request name or of all: {'ok': 3}."""
    rows = self.json["requests"] if name is None else [self.request(name)]
    happened = {}
    for row in rows:
      for outcome, count in row["outcomes"].items():
        if count:
          happened[outcome] = happened.get(outcome, 0) + count
    return happened

  def errors(self, name=None):
    return [error for error in self.json["errors"] if name is None or error["name"] == name]

  def details(self, name=None):
    return " | ".join(error["detail"] for error in self.errors(name))

  def custom(self, name):
    rows = [row for row in self.json["custom"] if row["name"] == name]
    return rows[0] if rows else None

  def __str__(self):
    shown = json.dumps(self.json, ensure_ascii=False)[:3000] if self.json else "none"
    return f"exit {self.code}\n-- stdout\n{self.out}\n-- stderr\n{self.err}\n-- errors\n" + \
        (json.dumps(self.json["errors"], indent=1, ensure_ascii=False) if self.json else "") + "\n-- json\n" + shown


class Started:
  """A run under way: `process` to signal, `finish()` for its Run."""

  def __init__(self, command, args, env=None, want_json=True, cwd=None, **popen):
    self.folder = tempfile.mkdtemp(prefix="spate-test-")
    self.path = os.path.join(self.folder, "run.json") if want_json else None
    words = [SPATE, command, *map(str, args)] + (["--out", "json=" + self.path] if want_json else [])
    self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=environment(env), cwd=cwd, **popen)

  def interrupt(self):
    """SIGINT, once there is a handler for it: on a busy machine starting takes a while."""
    until = time.monotonic() + 20
    while self.process.poll() is None and time.monotonic() < until:
      with contextlib.suppress(OSError), open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
        caught = re.search(r"SigCgt:\s*(\w+)", file.read())
        if caught and int(caught.group(1), 16) >> (signal.SIGINT - 1) & 1:
          break
      time.sleep(0.02)
    if self.process.poll() is None:
      self.process.send_signal(signal.SIGINT)

  def finish(self, limit_s=RUN_LIMIT_S):
    try:
      out, err = self.process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
      self.process.kill()
      out, err = self.process.communicate()
      raise AssertionError(f"no end within {limit_s} s: {self.process.args}\n{out.decode(errors='replace')}\n"
                           f"{err.decode(errors='replace')}")
    document = None
    if self.path and os.path.exists(self.path) and os.path.getsize(self.path):
      with open(self.path, encoding="utf-8") as file:
        document = json.load(file, parse_constant=lambda word: _refuse(f"{word} in the JSON"))
    shutil.rmtree(self.folder)
    result = Run(self.process.returncode, out.decode("utf-8"), err.decode("utf-8"), document)
    finding = SANITIZERS.search(result.err) or SANITIZERS.search(result.out)
    if finding:
      raise AssertionError(finding.group(0)[:6000])
    if result.code < 0:
      raise AssertionError(f"killed by signal {-result.code}\n{result}")
    if document:
      identities(result)
    return result


def start(*args, env=None, **options):
  return Started("run", args, env, **options)


def run(*args, env=None, limit_s=RUN_LIMIT_S, **options):
  return Started("run", args, env, **options).finish(limit_s)


def spate(command, *args, env=None, limit_s=RUN_LIMIT_S, **options):
  """Any command, without a JSON summary."""
  return Started(command, args, env, want_json=False, **options).finish(limit_s)


# -- what must hold of every summary -------------------------------------------------------------------


def _refuse(why):
  raise AssertionError(why)


def _demand(condition, what, *values):
  if not condition:
    raise AssertionError(f"identity broken: {what}: {', '.join(map(repr, values))}")


def count_of(hist):
  return hist["count"] if hist else 0


def _check_hist(hist, where):
  if hist is None:
    return
  _demand(set(HIST) <= set(hist), f"{where} has every member of a HIST", hist)
  _demand(hist["count"] > 0, f"{where} is null where nothing was recorded", hist)
  _demand(all(hist[key] is not None and hist[key] >= 0 for key in HIST), f"{where} has no n/a inside", hist)
  rising = [hist[key] for key in ("min", "p50", "p75", "p90", "p95", "p99", "p999", "max")]
  slack = 1.002  # three significant digits
  _demand(all(a <= b * slack + 1e-9 for a, b in zip(rising, rising[1:])), f"{where} rises with its quantiles", hist)
  _demand(hist["min"] <= hist["mean"] * slack + 1e-3 and hist["mean"] <= hist["max"] * slack + 1e-3,
          f"{where}'s mean is inside", hist)


def _check_request(row):
  name, outcomes, metrics = row["name"], row["outcomes"], row["metrics"]
  _demand(list(outcomes) == OUTCOMES, f"{name} lists every outcome", list(outcomes))
  _demand(row["count"] == sum(outcomes.values()), f"{name}: count is the sum of its outcomes", row["count"], outcomes)
  _demand(row["ok"] == outcomes["ok"], f"{name}: ok", row["ok"], outcomes)
  _demand(row["failed"] == sum(outcomes[key] for key in FAILURES), f"{name}: failed", row["failed"], outcomes)
  _demand(set(METRICS) <= set(metrics), f"{name} has every metric", list(metrics))
  for key, hist in metrics.items():
    _check_hist(hist, f"{name}.{key}")
  counts = {key: count_of(hist) for key, hist in metrics.items()}
  _demand(counts["e2e"] == row["ok"], f"{name}: an e2e each ok request", counts["e2e"], row["ok"])
  _demand(counts["ttfb"] == row["ok"], f"{name}: a ttfb each ok request", counts["ttfb"], row["ok"])
  _demand(counts["ttft"] <= counts["ttfe"] <= row["ok"], f"{name}: ttft <= ttfe <= ok", counts, row["ok"])
  _demand(counts["tpot"] == counts["max_gap"] <= counts["ttft"], f"{name}: tpot and max_gap of the same streams",
          counts)
  _demand(row["tokens"]["events"] == counts["ttft"] + counts["itl"],
          f"{name}: every token is a first one or behind a gap",
          row["tokens"], counts)
  _demand(row["stalls"] <= counts["itl"], f"{name}: a stall is a gap", row["stalls"], counts)
  _check_order(name, metrics, row)
  _check_hist(row["failed_metrics"]["e2e"], f"{name}.failed.e2e")
  _demand(count_of(row["failed_metrics"]["e2e"]) == row["failed"], f"{name}: failed_metrics.e2e", row["failed_metrics"])
  for key in ("cancelled", "abandoned"):
    _check_hist(row[key + "_age"], f"{name}.{key}_age")
    _demand(count_of(row[key + "_age"]) == outcomes[key], f"{name}: an age each {key} one", row[key + "_age"], outcomes)
  _demand(sum(row["hang_ups"].values()) == outcomes["abandoned"], f"{name}: each abandoned one says why", row["hang_ups"])
  _demand(row["cancelled_without_first_token"] <= row["cancelled_streams"] <= outcomes["cancelled"],
          f"{name}: cut streams", row["cancelled_streams"], outcomes)
  _demand(row["rate_limited"] <= outcomes["http_status"], f"{name}: a rate limited one is a http_status", row)


def _check_order(name, metrics, row):
  """Where all of a name's requests have both times, the earlier one's mean is no later."""
  chain = [key for key in ("ttfb", "ttfe", "ttft", "e2e") if count_of(metrics[key]) == row["ok"] > 0]
  for a, b in zip(chain, chain[1:]):
    _demand(metrics[a]["mean"] <= metrics[b]["mean"] * 1.002 + 0.01, f"{name}: {a} is no later than {b}", metrics[a],
            metrics[b])
  if metrics["itl"] and metrics["max_gap"]:
    _demand(abs(metrics["itl"]["max"] - metrics["max_gap"]["max"]) < 0.01, f"{name}: the longest gap", metrics["itl"],
            metrics["max_gap"])


def _check_errors(document):
  failed, shown = {}, {}
  for row in document["requests"]:
    for outcome in FAILURES:
      if row["outcomes"][outcome]:
        key = (row["name"], outcome)
        failed[key] = failed.get(key, 0) + row["outcomes"][outcome]
  for error in document["errors"]:
    _demand(error["detail"], "an error has a detail", error)
    _demand(error["count"] > 0 and error["first_s"] >= 0, "an error has a count and a time", error)
    if error["outcome"] in FAILURES:
      key = (error["name"], error["outcome"])
      shown[key] = shown.get(key, 0) + error["count"]
  if len(document["errors"]) < 50:  # the table is capped, then it has a rest
    _demand(failed == shown, "the errors are the failures", failed, shown)
  tasks = sum(error["count"] for error in document["errors"] if error["outcome"] == "task")
  _demand(tasks <= document["totals"]["task_errors"], "errors of tasks", tasks, document["totals"])


def identities(result):
  document = result.json
  _demand(document["schema"] == "spate.summary/1", "schema", document["schema"])
  for key in ("version", "run", "validity", "totals", "requests", "nodes", "errors", "slo", "custom"):
    _demand(key in document, f"the summary has '{key}'", list(document))
  totals = document["totals"]
  for row in document["requests"]:
    _check_request(row)
  rows = [row for row in document["requests"] if row["role"] == "load"]  # probes are in no total
  _demand(totals["started"] == totals["ok"] + totals["failed"] + totals["abandoned"] + totals["cancelled"],
          "started = ok + failed + abandoned + cancelled", totals)
  for key, total in (("count", "started"), ("ok", "ok"), ("failed", "failed"), ("bytes_in", "bytes_in"),
                     ("bytes_out", "bytes_out"), ("rate_limited", "rate_limited"),
                     ("retries", "retries")):
    _demand(sum(row[key] for row in rows) == totals[total], f"the requests' {key} make the total", totals[total])
  for key in ("abandoned", "cancelled"):
    _demand(sum(row["outcomes"][key] for row in rows) == totals[key], f"the requests' {key} make the total", totals)
  _demand(totals["open_at_end"]["count"] == totals["cancelled"], "what was open at the end was cut", totals)
  for node in document["nodes"]:
    _check_hist(node["elapsed"], f"node {node['title']}")
    _demand(node["failed"] <= node["count"] and count_of(node["elapsed"]) <= node["count"], "a node's counts", node)
  names = [(row["name"], row["user_class"], row["task"], row["role"]) for row in document["requests"]]
  _demand(len(set(names)) == len(names), "each request has one row", names)
  _check_rates(document)
  _check_errors(document)
  generator = document["validity"]["generator"]
  _check_hist(generator["lag_ms"], "lag")
  _check_hist(generator["loop_lag_ms"], "loop_lag")


def _check_rates(document):
  totals, seconds = document["totals"], document["run"]["measured_s"]
  if not seconds:
    return
  for rate, count in (("rps", totals["ok"] + totals["failed"]), ("ok_rps", totals["ok"]),
                      ("events_per_s", totals["events"])):
    _demand(abs(totals[rate] * seconds - count) <= 0.001 * count + 0.001, f"{rate} is a count over the measured time",
            totals[rate], count, seconds)


# -- the tests' base -----------------------------------------------------------------------------------


class Case(unittest.TestCase):
  maxDiff = None

  def expect_code(self, result, code):
    self.assertEqual(result.verdict, code, f"\n{result}")

  def expect_outcomes(self, result, wanted, name=None):
    self.assertEqual(result.outcomes(name), wanted, f"\n{result}")


class MockCase(Case):
  """A test class with one mock for all its tests."""
  mock_args = ()

  @classmethod
  def setUpClass(cls):
    cls.mock = Mock(*cls.mock_args)

  @classmethod
  def tearDownClass(cls):
    cls.mock.close()


def main():
  if len(sys.argv) == 1:
    sys.argv.append("-v")
  unittest.main(module="__main__")
