"""Debian's Prometheus scrapes a run and takes its remote write: PromQL says what the summary says, and every query of
the Grafana dashboard has an answer.
"""
import json
import math
import os
import re
import time

import real
from prometheus import prometheus  # skips where there is none
from support import METRICS, OUTCOMES, Mock, main, start

import unittest

DASHBOARD = os.path.join(real.ROOT, "deploy", "grafana", "spate.json")
SCRAPED, WRITTEN = 'job="scraped"', 'job="spate"'
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def quoted(text):
  return text.replace("\\", "\\\\").replace('"', '\\"')


class Case(unittest.TestCase):
  """One run for all tests: both ways at once."""

  @classmethod
  def setUpClass(cls):
    cls.stack = []
    web_port = real.free_port()
    target = Mock()
    cls.addClassCleanup(target.close)
    server = prometheus(web_port)
    cls.server = server.__enter__()
    cls.addClassCleanup(server.__exit__, None, None, None)
    cls.began = time.time()
    run = start(os.path.join(real.HERE, "monitored.lua"), "-H", target.url, f"--web=127.0.0.1:{web_port}",
                "--out", "prometheus=" + cls.server.url, env=real.no_proxy())
    cls.result = run.finish()
    cls.ended = time.time()
    cls.document = cls.result.json
    if not cls.document:
      raise AssertionError(str(cls.result))

  def last(self, series, job):
    """The newest value of a series, though its target has gone."""
    name, _, labels = series.partition("{")
    labels = labels.rstrip("}")
    return f"last_over_time({name}{{{labels + ',' if labels else ''}{job}}}[1h])"

  def one(self, series, job):
    return self.server.one(self.last(series, job))

  def each_way(self):
    for job in (SCRAPED, WRITTEN):
      with self.subTest(job=job):
        yield job


class Figures(Case):
  def test_the_run_had_everything(self):
    """What the figures below are held to is there: all kinds of ends, streams and nodes."""
    self.assertEqual(len(self.document["requests"]), 4, str(self.result))
    self.assertTrue(all(row["count"] > 5 for row in self.document["requests"]))
    self.assertTrue(self.document["nodes"])
    self.assertNotIn("pushes", self.result.out)

  def test_counts(self):
    for job in self.each_way():
      for row in self.document["requests"]:
        labels = f'name="{quoted(row["name"])}",class="{row["user_class"]}",task="{row["task"]}"'
        for outcome in OUTCOMES:
          series = f'spate_requests_total{{{labels},outcome="{outcome}"}}'
          self.assertEqual(self.one(series, job), row["outcomes"][outcome], series)
        self.assertEqual(self.one(f"spate_requests_started_total{{{labels}}}", job), row["count"])
        self.assertEqual(self.one(f"spate_stalls_total{{{labels}}}", job), row["stalls"])
        self.assertEqual(self.one(f"spate_rate_limited_requests_total{{{labels}}}", job), row["rate_limited"])
        for key, number in row["tokens"].items():
          series = f'spate_tokens_total{{{labels},source="{key}"}}'
          if number is None:  # nobody reported any: there is no such series, which is not 0
            self.assertEqual(self.server.query(self.last(series, job)), [], series)
          else:
            self.assertEqual(self.one(series, job), number, series)

  def test_totals(self):
    totals = self.document["totals"]
    for job in self.each_way():
      sums = {name: self.server.one(f"sum({self.last(series, job)})") for name, series in {
        "started": "spate_requests_started_total", "ok": 'spate_requests_total{outcome="ok"}',
        "cancelled": 'spate_requests_total{outcome="cancelled"}', "events": "spate_events_total",
        "failed": 'spate_requests_total{outcome!~"ok|abandoned|cancelled"}', "bytes_in": "spate_received_bytes_total",
        "bytes_out": "spate_sent_bytes_total", "tasks": "spate_tasks_total"}.items()}
      for name, number in sums.items():
        self.assertEqual(number, totals[name], name)
      completed = self.last('spate_requests_total{outcome!~"abandoned|cancelled"}', job)
      rps = self.server.one(f"sum({completed}) / sum({self.last('spate_measured_seconds', job)})")
      self.assertAlmostEqual(rps, totals["rps"], delta=0.01 * totals["rps"])

  def test_rates_over_the_run(self):
    """increase() over the run is the count, but for what it extrapolates and what came before the first scrape."""
    expression = f'sum(increase(spate_requests_total{{outcome="ok",{SCRAPED}}}[1h]))'
    self.assertAlmostEqual(self.server.one(expression), self.document["totals"]["ok"], delta=0.35 * self.document["totals"]["ok"])

  def histograms(self):
    for row in self.document["requests"]:
      labels = f'name="{quoted(row["name"])}",class="{row["user_class"]}",task="{row["task"]}"'
      for metric, hist in {**{key: row["metrics"][key] for key in METRICS}, "failed_e2e": row["failed_metrics"]["e2e"]}.items():
        if hist:
          yield f'{labels},metric="{metric}"', hist

  def test_means_and_counts_of_times(self):
    for job in self.each_way():
      for labels, hist in self.histograms():
        name = "spate_request_duration_seconds"
        self.assertEqual(self.one(f"{name}_count{{{labels}}}", job), hist["count"], labels)
        self.assertEqual(self.one(f'{name}_bucket{{{labels},le="+Inf"}}', job), hist["count"], labels)
        mean = self.server.one(f'{self.last(f"{name}_sum{{{labels}}}", job)} / {self.last(f"{name}_count{{{labels}}}", job)}')
        self.assertAlmostEqual(mean * 1000, hist["mean"], delta=0.01 * hist["mean"] + 0.001, msg=labels)

  def bounds(self, labels, job):
    rows = self.server.query(self.last(f"spate_request_duration_seconds_bucket{{{labels}}}", job))
    return sorted(float(row["le"]) for row, _ in rows)

  def test_quantiles_fall_into_the_summarys_bucket(self):
    for job in self.each_way():
      for labels, hist in self.histograms():
        bounds = [0] + self.bounds(labels, job)
        for key, quantile in QUANTILES.items():
          bucket = self.last(f"spate_request_duration_seconds_bucket{{{labels}}}", job)
          seconds = self.server.one(f"histogram_quantile({quantile}, {bucket})")
          upper = next(bound for bound in bounds if hist[key] / 1000 <= bound * 1.0000001)
          lower = bounds[bounds.index(upper) - 1]
          self.assertTrue(lower * 0.9999 <= seconds <= upper * 1.0001, f"{labels} {key}: {seconds} s not in {lower}…{upper}, {hist[key]} ms")

  def test_nodes(self):
    for job in self.each_way():
      for node in self.document["nodes"]:
        labels = f'title="{quoted(node["title"])}",type="{node["type"]}"'
        self.assertEqual(self.server.one(f"sum({self.last(f'spate_node_runs_total{{{labels}}}', job)})"), node["count"])

  def test_the_verdict(self):
    for job in self.each_way():
      self.assertEqual(self.one("spate_run_valid", job), self.document["validity"]["valid"])
      self.assertEqual(len(self.server.query(self.last("spate_slo_met", job))), len(self.document["slo"]))
      info = self.server.query(self.last("spate_run_info", job))
      self.assertEqual([row["id"] for row, _ in info], [self.document["run"]["id"]])

  def test_gauges_while_it_ran(self):
    for job in self.each_way():
      users = self.server.one(f"max_over_time(spate_users{{{job}}}[1h])")
      self.assertEqual(users, self.document["run"]["users_max"])
      self.assertGreater(self.server.one(f"max_over_time(spate_in_flight{{{job}}}[1h])"), 0)
      self.assertEqual(self.one("spate_users", job), 0)


class Dashboard(Case):
  def queries(self):
    with open(DASHBOARD, encoding="utf-8") as file:
      dashboard = json.load(file)
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    for panel in panels:
      self.assertTrue(panel["targets"], panel["title"])
      for target in panel["targets"]:
        yield panel["title"], target["expr"]

  def fill(self, expression, job):
    values = {"$__rate_interval": "12s" if job == "spate" else "4s", "$job": job, "$instance": ".+", "$__range": "1h"}
    for name, value in values.items():
      expression = expression.replace(name, value)
    self.assertNotIn("$", expression)
    return expression

  def test_every_query_has_an_answer(self):
    count = 0
    for job in ("scraped", "spate"):
      for title, expression in self.queries():
        with self.subTest(job=job, title=title, expression=expression):
          rows = self.server.query_range(self.fill(expression, job), self.began, self.ended + 2)
          values = [value for _, values in rows for value in values if not math.isnan(value)]
          self.assertTrue(values, f"nothing for {title}")
          count += 1
    self.assertGreater(count, 30)

  def test_variables(self):
    with open(DASHBOARD, encoding="utf-8") as file:
      variables = json.load(file)["templating"]["list"]
    for variable in variables:
      if variable["type"] == "query":
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        self.assertTrue(found, variable)
        expression, label = self.fill(found.group(1), ".+"), found.group(2)
        values = {row.get(label) for row, _ in self.server.query_range(expression, self.began, self.ended)}
        self.assertTrue(values - {None}, expression)


if __name__ == "__main__":
  main()
