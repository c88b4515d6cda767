"""The truth of the times: the mock's schedule is exact, so spate's figures are held to it.

Lower bounds are hard: no event can arrive before it was written. Upper ones are a machine's business; half of the
samples must be within SLACK_MS, and only where the mock itself says it was not late.
"""
import json
import os
import re
import signal
import tempfile
import urllib.request

from support import Case, Mock, count_of, main, mock, plan, run

SLACK_MS = 60
EARLY_MS = 1.0  # the mock's timers count whole milliseconds from when it read the request, after spate's start


def words(**members):
  return " ".join(f"{key}={value}" for key, value in members.items())


class Times(Case):
  """One mock each run: at its end it says how late it was."""

  def go(self, app, key, schedule, *args):
    target = Mock()
    result = run(plan("faults.lua"), "-H", target.url, "-e", "app=" + app, "-e", "key=" + key, "-e", "well=no",
                 "-e", "schedule=" + schedule, *args)
    target.process.send_signal(signal.SIGINT)
    said = target.process.stdout.read().decode()
    target.close()
    late = re.search(r"lateness: p50 ([\d.]+) ms, p99 ([\d.]+) ms", said)
    self.on_time = late is not None and float(late.group(2)) < SLACK_MS / 2
    return result

  def expect(self, row, metric, at_least, about=None):
    hist = row["metrics"][metric]
    self.assertGreaterEqual(hist["min"], at_least - EARLY_MS, f"{metric} is earlier than it can be: {hist}")
    if self.on_time and about is not None:
      self.assertLess(hist["p50"], about + SLACK_MS, f"{metric}: {hist}")

  def test_a_stream(self):
    """Without nodes: head, then first, then the gaps, then the tail."""
    schedule = words(head="20ms", queue="0ms", node="0ms", first="100ms", gap="20ms", tail="30ms", tokens=20)
    result = self.go("chat", "app-chat", schedule, "--iterations", 12, "-u", 4)
    self.expect_outcomes(result, {"ok": 12})
    row = result.request("ok")
    self.expect(row, "ttfb", 20, 20)
    self.expect(row, "ttft", 120, 120)
    self.expect(row, "tpot", 19, 20)
    self.expect(row, "max_gap", 20, 20)
    self.expect(row, "e2e", 120 + 19 * 20 + 30, 120 + 19 * 20 + 30)
    self.assertEqual(row["metrics"]["itl"]["count"], 12 * 19)
    self.assertEqual(row["tokens"]["events"], 12 * 20)
    self.assert_sums(row, 20)

  def assert_sums(self, row, tokens):
    """The gaps' sum is what lies between first and last token: mean(itl) = mean(tpot), and it fits into the whole."""
    metrics = row["metrics"]
    self.assertAlmostEqual(metrics["itl"]["mean"], metrics["tpot"]["mean"], delta=0.02 * metrics["tpot"]["mean"] + 0.05)
    inside = metrics["ttft"]["mean"] + metrics["tpot"]["mean"] * (tokens - 1)
    self.assertLessEqual(inside, metrics["e2e"]["mean"] * 1.005 + 0.5)

  def test_a_flow(self):
    """A chatflow: the ping comes with the head, the run begins after the queue, then the nodes, then the tokens."""
    schedule = words(head="10ms", queue="60ms", node="5ms", first="80ms", gap="15ms", tail="20ms", tokens=10)
    result = self.go("chat", "app-complex", schedule, "--iterations", 10, "-u", 5)
    row = result.request("ok")
    self.expect(row, "ttfb", 10, 10)
    self.expect(row, "ttfe", 70, 70)
    self.expect(row, "ttft", 70 + 5 * 5 + 80, 70 + 5 * 5 + 80)
    self.expect(row, "itl", 0, 15)
    self.expect(row, "e2e", 175 + 9 * 15 + 20, 175 + 9 * 15 + 20 + 5)
    self.assertEqual(row["metrics"]["itl"]["count"], 90)
    self.assertLess(row["metrics"]["ttfb"]["p50"], row["metrics"]["ttfe"]["p50"])
    self.assertEqual(count_of(row["metrics"]["server_ttft"]), 10)
    self.assert_sums(row, 10)
    nodes = {node["title"]: node for node in result.json["nodes"]}
    self.assertEqual({title: node["count"] for title, node in nodes.items()},
                     {title: 10 for title in ("Start", "Department", "Function call", "Weather", "Knowledge", "LLM",
                                              "Answer")})
    for title in ("Department", "Weather"):
      self.assertAlmostEqual(nodes[title]["elapsed"]["p50"], 5, delta=0.1)

  def test_the_servers_own_first_token(self):
    """What the server reports of itself is kept apart and does not depend on our machine."""
    schedule = words(head="0ms", queue="200ms", node="0ms", first="50ms", gap="1ms", tail="0ms", tokens=3)
    row = self.go("chat", "app-complex", schedule, "--iterations", 5).request("ok")
    server, ours = row["metrics"]["server_ttft"], row["metrics"]["ttft"]
    self.assertEqual(server["count"], 5)
    self.assertGreaterEqual(ours["min"], 200)
    self.assertLessEqual(server["max"], ours["max"] + 1)

  def test_openai(self):
    schedule = words(head="30ms", first="90ms", gap="10ms", tail="0ms", tokens=8)
    row = self.go("openai", "sk-mock", schedule, "--iterations", 8, "-u", 2).request("ok")
    self.expect(row, "ttfb", 30, 30)
    self.expect(row, "ttft", 120, 120)
    self.assertEqual(row["metrics"]["itl"]["count"], 8 * 7)
    self.assertEqual(row["tokens"]["events"], 64)
    self.assertGreater(row["tokens"]["reported_completion"], 0)

  def test_blocking(self):
    """A whole answer has a first byte and an end, and no tokens."""
    schedule = words(head="40ms", queue="0ms", node="0ms", first="50ms", gap="10ms", tokens=5)
    row = self.go("chat", "app-complex", schedule, "--iterations", 4, "-e", "mode=blocking").request("ok")
    self.expect(row, "ttfb", 40 + 50 + 4 * 10, 40 + 50 + 4 * 10 + 10)
    for metric in ("ttfe", "ttft", "itl", "tpot", "max_gap"):
      self.assertIsNone(row["metrics"][metric])
    self.assertLessEqual(row["metrics"]["ttfb"]["mean"], row["metrics"]["e2e"]["mean"] * 1.002)

  def test_one_token(self):
    schedule = words(head="5ms", first="20ms", gap="10ms", tail="10ms", tokens=1)
    row = self.go("chat", "app-chat", schedule, "--iterations", 4).request("ok")
    self.assertEqual((row["metrics"]["itl"], row["metrics"]["tpot"], row["metrics"]["max_gap"]), (None, None, None))
    self.assertEqual(count_of(row["metrics"]["ttft"]), 4)

  def test_a_lump_has_no_gaps_to_speak_of(self):
    """A proxy that buffers: all tokens at once, and late; the figures show it."""
    schedule = words(head="5ms", queue="0ms", node="0ms", first="20ms", gap="20ms", tail="0ms", tokens=10)
    row = self.go("chat", "app-chat", schedule, "--iterations", 4, "-e", "faults=lump").request("lump")
    self.assertGreaterEqual(row["metrics"]["ttft"]["min"], 20 + 9 * 20 - EARLY_MS)
    self.assertLess(row["metrics"]["itl"]["p50"], 10)
    self.assertEqual(row["metrics"]["itl"]["count"], 36)

  def test_a_stall_shows_as_the_longest_gap(self):
    schedule = words(head="5ms", first="10ms", gap="10ms", tail="0ms", tokens=6, fault="stall@3", stall="400ms")
    row = self.go("chat", "app-chat", schedule, "--iterations", 3, "--stall", "300ms").request("ok")
    self.assertEqual((row["ok"], row["stalls"]), (3, 3))
    self.assertGreaterEqual(row["metrics"]["max_gap"]["min"], 400)

  def test_waiting_for_a_connection_counts(self):
    """The start is when the task asked: connecting is inside ttfb, and shown apart."""
    schedule = words(head="10ms", first="10ms", gap="1ms", tokens=2)
    row = self.go("chat", "app-chat", schedule, "--iterations", 6, "-e", "connection=request").request("ok")
    self.assertEqual(count_of(row["metrics"]["connect"]), 6)
    self.assertLessEqual(row["metrics"]["connect"]["mean"], row["metrics"]["wait"]["mean"] * 1.01 + 0.01)
    self.assertLessEqual(row["metrics"]["wait"]["mean"], row["metrics"]["ttfb"]["mean"] * 1.01 + 0.01)
    kept = self.go("chat", "app-chat", schedule, "--iterations", 6, "-e", "mode=blocking").request("ok")
    self.assertEqual(count_of(kept["metrics"]["connect"]), 1)

  def test_drawn_times_against_the_mocks_log(self):
    """Times from distributions: the mock's log has the truth of each response, and no figure of spate's is below it."""
    with tempfile.TemporaryDirectory() as folder:
      profile = os.path.join(folder, "profile.lua")
      with open(profile, "w", encoding="utf-8") as file:
        file.write("return { log = 1000, seed = 5 }\n")
      with mock(profile) as target:
        result = run(plan("faults.lua"), "-H", target.url, "-e", "key=app-complex", "-e", "well=no", "--iterations",
                     40, "-u", 8,
                     "-e", "schedule=head=1ms..20ms queue=1ms..40ms node=1ms "
                     "first=10ms..90ms gap=2ms..12ms tail=1ms..10ms tokens=3..20")
        with urllib.request.urlopen(target.url + "/mock/log", timeout=20) as answer:
          log = json.load(answer)
    self.expect_outcomes(result, {"ok": 40})
    log = log["entries"] if isinstance(log, dict) else log
    self.assertEqual(len(log), 40)
    self.compare(result.request("ok"), log)

  def compare(self, row, log):
    self.assertEqual(row["tokens"]["events"], sum(entry["tokens"] for entry in log))
    self.assertEqual(row["metrics"]["itl"]["count"], sum(entry["tokens"] - 1 for entry in log))
    for metric, begin, end in (("ttfb", "arrival", "head"), ("ttft", "arrival", "first"), ("e2e", "arrival", "end")):
      truth = sorted((entry[end + "_ns"] - entry[begin + "_ns"]) / 1e6 for entry in log)
      hist = row["metrics"][metric]
      for ours, theirs in ((hist["min"], truth[0]), (hist["mean"], sum(truth) / len(truth)), (hist["max"], truth[-1])):
        self.assertGreaterEqual(ours, theirs * 0.998 - EARLY_MS, metric)


if __name__ == "__main__":
  main()
