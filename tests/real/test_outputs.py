"""One run in every form: all outputs agree with the JSON summary, and a killed run keeps what it had."""
import csv
import json
import os
import re
import signal
import tempfile

import real
from support import METRICS, MockCase, main, run, start

NAMES = os.path.join(real.HERE, "names.lua")
MONITORED = os.path.join(real.HERE, "monitored.lua")


def table(path):
  with open(path, encoding="utf-8", newline="") as file:
    return list(csv.DictReader(file))


def lines(path):
  with open(path, encoding="utf-8") as file:
    return [json.loads(line) for line in file.read().splitlines()]


def count_in(path, word):
  if not os.path.exists(path):
    return 0
  with open(path, encoding="utf-8") as file:
    return file.read().count(word)


def plain(name):
  """Without the apostrophe that keeps a sheet from taking it for a formula."""
  return name[1:] if re.match(r"'[=+\-@]", name) else name


class Outputs(MockCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = tempfile.TemporaryDirectory(prefix="spate-outputs-")
    cls.addClassCleanup(cls.folder.cleanup)
    cls.prefix = os.path.join(cls.folder.name, "spate")
    cls.jsonl = os.path.join(cls.folder.name, "run.jsonl")
    cls.result = run(NAMES, "-H", cls.mock.url, "-u", 6, "--threads", 2, "--iterations", 60,
                     "--out", "csv=" + cls.prefix, "--out", "jsonl=" + cls.jsonl)
    cls.document = cls.result.json
    if not cls.document:
      raise AssertionError(str(cls.result))

  def test_csv_rows_are_the_requests(self):
    rows = table(self.prefix + "_requests.csv")
    self.assertEqual(rows[-1]["Name"], "Aggregated")
    by_name = {plain(row["Name"]): row for row in rows[:-1]}
    self.assertEqual(set(by_name), {row["name"] for row in self.document["requests"]})
    for wanted in self.document["requests"]:
      row = by_name[wanted["name"]]
      self.assertEqual(int(row["Request Count"]), wanted["ok"] + wanted["failed"])
      self.assertEqual(int(row["Failure Count"]), wanted["failed"])
      self.assertEqual(int(row["started"]), wanted["count"])
      self.assertEqual(int(row["token_events"]), wanted["tokens"]["events"])
      self.assertAlmostEqual(float(row["Requests/s"]), wanted["rps"], places=4)
      for metric in ("ttfb", "ttft", "itl", "e2e"):
        hist = wanted["metrics"][metric]
        for key in ("p50", "p95", "p99"):
          cell = row[f"{metric}_{key}_ms"]
          self.assertEqual(cell == "N/A", hist is None)
          if hist:
            self.assertAlmostEqual(float(cell), hist[key], places=3)

  def test_csv_aggregated_is_the_total(self):
    row, totals = table(self.prefix + "_requests.csv")[-1], self.document["totals"]
    self.assertEqual(int(row["Request Count"]), totals["ok"] + totals["failed"])
    self.assertEqual(int(row["Failure Count"]), totals["failed"])
    self.assertAlmostEqual(float(row["Requests/s"]), totals["rps"], places=4)
    self.assertLessEqual(float(row["50%"]), float(row["100%"]))

  def test_csv_failures_are_the_failures(self):
    rows = table(self.prefix + "_failures.csv")
    self.assertEqual(sum(int(row["Occurrences"]) for row in rows), self.document["totals"]["failed"])
    wanted = {(error["name"], error["detail"], error["count"]) for error in self.document["errors"]}
    self.assertEqual({(plain(row["Name"]), plain(row["Error"]), int(row["Occurrences"])) for row in rows}, wanted)

  def test_csv_history_ends_at_the_total(self):
    rows = [row for row in table(self.prefix + "_history.csv") if row["Name"] == "Aggregated"]
    totals = self.document["totals"]
    self.assertEqual(int(rows[-1]["Total Request Count"]), totals["ok"] + totals["failed"])
    self.assertEqual(int(rows[-1]["Total Failure Count"]), totals["failed"])
    self.assertEqual(sum(int(row["started"]) for row in rows), totals["started"])

  def test_no_cell_is_a_formula(self):
    for ending in ("requests", "failures", "history"):
      with open(f"{self.prefix}_{ending}.csv", encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
          self.assertFalse([cell for cell in row if re.match(r"[=+@]|-(?![\d.])", cell)], row)

  def test_a_line_each_request(self):
    rows = lines(self.jsonl)
    self.assertEqual(len(rows), self.document["totals"]["started"])
    for wanted in self.document["requests"]:
      mine = [row for row in rows if (row["name"], row["user_class"], row["task"]) == (wanted["name"], wanted["user_class"], wanted["task"])]
      for outcome, count in wanted["outcomes"].items():
        self.assertEqual(sum(row["outcome"] == outcome for row in mine), count)
      ok = [row for row in mine if row["outcome"] == "ok"]
      self.assertEqual(sum(row["tokens"]["events"] for row in ok), wanted["tokens"]["events"])
      self.assertEqual(sum(row["stalls"] for row in ok), wanted["stalls"])
      self.assertEqual(sum(row["bytes_in"] for row in mine), wanted["bytes_in"])
      for metric in set(METRICS) - {"itl"}:
        times, hist = [row["metrics"][metric] for row in ok if row["metrics"][metric] is not None], wanted["metrics"][metric]
        self.assertEqual(len(times), hist["count"] if hist else 0, metric)
        if hist:
          self.assertAlmostEqual(max(times), hist["max"], delta=0.0011)
          self.assertAlmostEqual(sum(times) / len(times), hist["mean"], delta=0.0011)

  def test_lines_have_a_status_and_a_reason(self):
    for row in lines(self.jsonl):
      if row["outcome"] == "http_status":
        self.assertGreaterEqual(row["status"], 400)
      self.assertEqual(row["detail"] is None, row["outcome"] == "ok", row)
      self.assertTrue(row["start"].endswith("Z"))
      self.assertGreaterEqual(row["start_s"], 0)

  def test_warm_up_is_left_out_everywhere_alike(self):
    prefix, jsonl = self.prefix + "-warm", self.jsonl + "-warm"
    result = run(MONITORED, "-H", self.mock.url, "-t", "3s", "--warm-up", "1s", "--out", "csv=" + prefix, "--out", "jsonl=" + jsonl)
    totals = result.totals
    self.assertEqual(len(lines(jsonl)), totals["started"])
    self.assertEqual(int(table(prefix + "_requests.csv")[-1]["Request Count"]), totals["ok"] + totals["failed"])


class Killed(MockCase):
  def test_what_a_killed_run_leaves(self):
    """SIGKILL after some seconds: whole lines of everything that is written while the run goes on."""
    with tempfile.TemporaryDirectory(prefix="spate-outputs-") as folder:
      prefix = os.path.join(folder, "run")
      started = start(MONITORED, "-H", self.mock.url, "-t", "60s", "--out", "csv=" + prefix, "--out", f"jsonl={prefix}.jsonl",
                      "--out", f"hdr={prefix}.hdr", want_json=False)
      history = prefix + "_history.csv"
      real.wait_for("history", lambda: count_in(history, "Aggregated") >= 3)
      started.process.send_signal(signal.SIGKILL)
      started.process.communicate()
      rows = [row for row in table(history) if row["Name"] == "Aggregated"]
      counted = int(rows[-1]["Total Request Count"])
      self.assertGreater(counted, 0)
      with open(prefix + ".jsonl", encoding="utf-8") as file:
        text = file.read()
      whole = [json.loads(line) for line in text[:text.rindex("\n") + 1].splitlines()]
      self.assertGreaterEqual(len(whole), counted)
      with open(prefix + ".hdr", encoding="utf-8") as file:
        text = file.read()
      self.assertTrue(text.endswith("\n"))
      self.assertGreaterEqual(text.count("/e2e,"), 3)


if __name__ == "__main__":
  main()
