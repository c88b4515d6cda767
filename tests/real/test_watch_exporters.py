"""Debian's Prometheus and node_exporter as watchers see them: a simulated deployment that Prometheus scrapes, and this machine.
What the watcher says is held to what Prometheus itself answers, and to the kernel.
"""
import json
import os
import tempfile
import time
import unittest

import real
from exporters import NodeExporter
from prometheus import prometheus  # skips where there is none
from support import Mock, main, run

real.need("prometheus-node-exporter", "prometheus-node-exporter")
PLAN = """
local spate, dify = require("spate"), require("spate.dify")
local app = dify.app { key = "app-simple" }
spate.user("U", { think = spate.constant(0.2), tasks = { simple = function(user) app:chat(user, { query = "?" }) end } })
spate.load { users = 20, run_time = "8s" }
"""


class Watched(unittest.TestCase):
  """One run with three watchers: Prometheus, and its two targets straight."""

  @classmethod
  def setUpClass(cls):
    folder = tempfile.TemporaryDirectory(prefix="spate-watched-")
    cls.addClassCleanup(folder.cleanup)
    path = os.path.join(folder.name, "plan.lua")
    with open(path, "w", encoding="utf-8") as file:
      file.write(PLAN)
    target, node = Mock("dify-8c16g-1"), NodeExporter()
    cls.addClassCleanup(target.close)
    cls.addClassCleanup(node.close)
    server = prometheus(target.port, node=node.address)
    cls.server = server.__enter__()
    cls.addClassCleanup(server.__exit__, None, None, None)
    real.wait_for("both targets", lambda: cls.server.query("sum(up) == 2"))
    cls.began = time.time()
    cls.result = run(path, "-H", target.url,
                     "--watch", f"prometheus={cls.server.url} query.targets=sum(up) query.wrong=sum(",
                     "--watch", f"scrape={target.url} interval=1s", "--watch", f"scrape=http://{node.address} interval=1s")
    cls.ended = time.time()
    if not cls.result.json or "watch" not in cls.result.json:
      raise AssertionError(str(cls.result))
    cls.watch = cls.result.json["watch"]

  def series(self, signal, subject, source, detail=None):
    rows = [row for row in self.watch["series"] if row["signal"] == signal and row["subject"] == subject
            and row["source"].startswith(source) and detail in (None, row["detail"])]
    self.assertEqual(len(rows), 1, f"{signal} of {subject}: {json.dumps(self.watch)[:4000]}")
    return rows[0]

  def both(self, signal, subject, detail=None):
    for source in ("prometheus", "scrape"):
      with self.subTest(source=source):
        yield self.series(signal, subject, source, detail)

  def test_the_targets_cpu(self):
    for cpu in self.both("cpu.cores", "dify-api"):
      self.assertEqual(cpu["detail"], "dify-api-0")
      self.assertLess(cpu["max"], 0.83)
      self.assertGreater(cpu["mean"], 0.2)
      self.assertGreater(cpu["covered"], 0.9)
    for limit in self.both("cpu.limit", "dify-api"):
      self.assertEqual(limit["mean"], 0.8)

  def test_both_ways_see_the_same(self):
    for signal, subject in (("cpu.cores", "dify-api"), ("db.commits", "postgres"), ("calls.rate", "nginx")):
      told, straight = self.series(signal, subject, "prometheus"), self.series(signal, subject, "scrape")
      self.assertLess(abs(told["mean"] / straight["mean"] - 1), 0.3, (told, straight))

  def test_what_it_says_is_what_prometheus_says(self):
    """A rate over all of the run by PromQL, which extrapolates to the ends, is about the mean of ours."""
    seen = self.series("db.commits", "postgres", "prometheus")
    rate = self.server.query(f"increase(pg_stat_database_xact_commit[{self.ended - self.began:.0f}s] @ {self.ended:.3f})")[0][1]
    self.assertLess(abs(seen["mean"] * self.result.json["run"]["measured_s"] / rate - 1), 0.3)

  def test_every_query_that_is_shown_has_an_answer(self):
    asked = 0
    for row in self.watch["series"]:
      if row["source"].startswith("prometheus") and row["signal"] != "own":
        with self.subTest(query=row["query"]):
          self.assertEqual(len(self.server.query(row["query"])), 1)
        asked += 1
    self.assertGreater(asked, 30)

  def test_this_machine(self):
    with open("/proc/meminfo", encoding="ascii") as file:
      total = int(file.readline().split()[1]) * 1024
    for cores in self.both("cpu.limit", "host:127.0.0.2"):
      self.assertEqual(cores["mean"], os.cpu_count())
    for memory in self.both("memory.limit", "host:127.0.0.2"):
      self.assertEqual(memory["mean"], total)
    for used in self.both("cpu.cores", "host:127.0.0.2"):
      self.assertTrue(0 < used["mean"] <= 1.05 * os.cpu_count())

  def test_own_queries(self):
    own = self.series("own", "prometheus", "prometheus")
    self.assertEqual((own["detail"], own["mean"]), ("targets", 2))
    self.assertIn("query.wrong", json.dumps(self.watch["can_not_see"]))

  def test_what_it_can_see_is_said(self):
    text = json.dumps(self.watch["can_see"])
    for what in ("what Prometheus 2", "containers (cAdvisor): dify-api", "PostgreSQL (postgres_exporter)", "host (node_exporter)"):
      self.assertIn(what, text)


main()
