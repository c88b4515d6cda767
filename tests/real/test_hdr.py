"""--out hdr=PATH read back with the npm package hdr-histogram-js: what it reads is what the summary says."""
import json
import os
import subprocess
import tempfile
import urllib.parse

import real
from support import MockCase, main, plan, run

NODE = real.npm_package("hdr-histogram-js", "3.0.1")
FAILED = "failed_e2e"


def read(path):
  done = subprocess.run(["node", os.path.join(real.HERE, "read_hdr.js"), NODE, path], stdout=subprocess.PIPE, check=True, timeout=120)
  return json.loads(done.stdout)


def wanted(document):
  """The summary's histograms by tag. Rows of one name are one in the log: here each name has one row."""
  tags = {}
  for row in document["requests"]:
    name = row["name"]
    for metric, hist in {**row["metrics"], FAILED: row["failed_metrics"]["e2e"]}.items():
      if hist:
        tags[f"{name}/{metric}"] = hist
  return tags


class Hdr(MockCase):
  def run_and_read(self, *args):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "run.hdr")
      result = run(*args, "-H", self.mock.url, "--out", "hdr=" + path)
      with open(path, encoding="utf-8") as file:
        text = file.read()
      return result, text, read(path)

  def check_tag(self, tag, ours, theirs):
    """Counts are equal; values to their three digits (ours are capped by the true maximum, theirs are not)."""
    self.assertEqual(ours["count"], theirs["count"], tag)
    for key in ("p50", "p75", "p90", "p95", "p99", "p999", "max", "mean"):
      ms, us = ours[key], theirs[key]
      self.assertAlmostEqual(ms, us / 1000, delta=0.001 * ms + 0.0011, msg=f"{tag} {key}")

  def check(self, result, found):
    tags = {urllib.parse.unquote(tag): hist for tag, hist in found["tags"].items()}
    ours = wanted(result.json)
    self.assertEqual(set(ours), set(tags))
    self.assertEqual(set(found["listed"]), set(found["tags"]))
    for tag, hist in ours.items():
      self.assertEqual(tags[tag]["digits"], 3)
      self.check_tag(tag, hist, tags[tag])

  def test_streams_over_several_seconds(self):
    """Every metric of streams, added up over the log's seconds, is the summary's; the times are the run's."""
    result, text, found = self.run_and_read("dify:chat", "-e", "key=app-simple", "-u", 12, "-t", "4s", "--threads", 2,
                                            "-e", "think_min=0", "-e", "think_max=0.2")
    self.assertGreater(result.totals["ok"], 20)
    self.check(result, found)
    self.assertIn("#[Histogram log format version 1.3]", text)
    intervals = found["tags"]["chat/e2e"]["intervals"]
    self.assertGreater(len(intervals), 2)
    self.assertTrue(all(begin < end for begin, end, _ in intervals))
    self.assertTrue(all(a[1] <= b[0] + 2 for a, b in zip(intervals, intervals[1:])), intervals)

  def test_failures_and_names_that_need_care(self):
    """Names with commas, spaces and other scripts stay apart; failed requests have a tag of their own."""
    result, _, found = self.run_and_read(os.path.join(real.HERE, "names.lua"), "--iterations", 40, "-u", 4)
    self.check(result, found)
    self.assertIn("a, b/e2e", map(urllib.parse.unquote, found["tags"]))
    self.assertTrue(any(tag.endswith("/" + FAILED) for tag in found["tags"]))


if __name__ == "__main__":
  main()
