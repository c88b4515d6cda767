"""The watchers that ask over HTTP, `scrape` and `prometheus`, against servers that a script plays: what they see, and that
nothing that such a server does harms a run.
"""
import json
import os
import re
import tempfile
import time
import urllib.parse

from server import Server, answer, head
from support import Case, Mock, main, mock, run

PLAN = """
local spate = require("spate")
spate.user("U", { think = spate.constant(0.1), tasks = { t = function(user) user:get("/healthz") end } })
spate.load { users = 2 }
"""
TEXT = "Content-Type: text/plain; version=0.0.4"
SKEW_S = 30


def date(clock):
  return "Date: " + time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(clock))


class Watched(Case):
  @classmethod
  def setUpClass(cls):
    cls.target = Mock()
    cls.addClassCleanup(cls.target.close)
    cls.folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(cls.folder.cleanup)
    cls.plan = cls.write("plan.lua", PLAN)

  @classmethod
  def write(cls, name, text):
    path = os.path.join(cls.folder.name, name)
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)
    return path

  def watch(self, spec, run_time="2s", code=0):
    result = run(self.plan, "-H", self.target.url, "-t", run_time, "--watch", spec)
    self.expect_code(result, code)
    return result

  def refuse(self, spec, sentence):
    result = run(self.plan, "-H", self.target.url, "-t", "1s", "--watch", spec, want_json=False)
    self.assertEqual(result.code, 2, str(result))
    self.assertIn(sentence, result.err)
    return result

  def series(self, result, signal, subject, detail=None):
    rows = [row for row in result.json["watch"]["series"]
            if row["signal"] == signal and row["subject"] == subject and detail in (None, row["detail"])]
    self.assertEqual(len(rows), 1, f"{signal} of {subject}: {json.dumps(result.json['watch'])[:3000]}")
    return rows[0]

  def notes(self, result, pattern):
    self.assertRegex(result.err + result.out, pattern)


def serve(body, *headers):
  """Every request gets that text; a function makes it anew."""
  def handler(peer):
    while peer.read():
      peer.send(answer(body() if callable(body) else body, "200 OK", *(headers or (TEXT,))))
  return Server(handler)


class Scrape(Watched):
  def test_stages_too_short_to_be_judged(self):
    """Together they are one load, of the users that there were on the average."""
    with serve("redis_connected_clients 7\n") as server:
      result = run(self.plan, "-H", self.target.url, "--stages", "3:2s,5:2s", "--watch", f"scrape={server.url} interval=200ms")
    self.assertRegex(result.json["diagnosis"]["why_not"], "the users do: [345] users with|can't tell|generator|at [345] users")

  def test_a_counter_and_a_gauge(self):
    began = time.time()
    text = lambda: f"redis_commands_processed_total {100 * (time.time() - began)}\nredis_connected_clients 7\n"
    with serve(text) as server:
      result = self.watch(f"scrape={server.url} interval=200ms", "3s")
    ops = self.series(result, "cache.ops", "redis")
    self.assertAlmostEqual(ops["mean"], 100, delta=25)
    self.assertGreater(ops["covered"], 0.5)
    self.assertIn(f"curl -s '{server.url}/metrics'", ops["query"])
    self.assertEqual(self.series(result, "cache.clients", "redis")["mean"], 7)
    self.assertTrue(all(request.path == "/metrics" for request in server.requests))
    self.assertLess(server.connections, len(server.requests))  # they are kept
    self.notes(result, "redis_exporter.*no redis_cpu_user_main_thread_seconds_total")

  def test_the_mocks_own_figures(self):
    with mock("dify-8c16g-1") as deployment:
      result = self.watch(f"scrape={deployment.url} interval=500ms", "3s")
    self.assertEqual(self.series(result, "cpu.limit", "dify-api")["mean"], 0.8)
    self.assertNotIn("spate_mock", json.dumps(result.json["watch"]["series"]))
    self.assertIn({"subject": "postgres", "key": "max_connections", "value": "100"}, result.json["watch"]["settings"])

  def test_a_restarted_exporter_counts_from_nothing(self):
    began = time.time()
    def text():
      passed = time.time() - began
      return f"nginx_http_requests_total {100 * (passed + 1e6 if passed < 1.5 else passed - 1.5):.0f}\n"
    with serve(text) as server:
      result = self.watch(f"scrape={server.url} interval=200ms", "3s")
    rate = self.series(result, "calls.rate", "nginx")
    self.assertGreaterEqual(rate["min"], 0)
    self.assertLess(rate["max"], 1e6)

  def test_openmetrics_with_times_of_a_clock_that_is_ahead(self):
    def handler(peer):
      while peer.read():
        clock = time.time() + SKEW_S
        text = f"# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 3 {clock:.3f}\n# EOF\n"
        peer.send(answer(text, "200 OK", "Content-Type: application/openmetrics-text; version=1.0.0", date(clock)))
    with Server(handler) as server:
      result = self.watch(f"scrape={server.url}/metrics interval=200ms", "4s")
    self.notes(result, r"its clock is about .* ahead of ours")
    slots = self.series(result, "slots.used", "vllm")
    self.assertEqual(slots["mean"], 3)
    self.assertGreater(slots["covered"], 0.3)  # a Date is a second exact

  def test_what_is_no_exporter(self):
    with serve("<html><body>hello</body></html>", "Content-Type: text/html") as server:
      result = self.watch(f"scrape={server.url}")
    self.notes(result, "has no metrics in it .text/html; line 1: it does not begin with a name.")
    self.assertIn("anything at the start", json.dumps(result.json["watch"]["can_not_see"]))

  def test_lines_that_are_none(self):
    with serve("redis_connected_clients 7\n}{ nonsense\n" + "x" * 100000 + "\n") as server:
      result = self.watch(f"scrape={server.url}")
    self.notes(result, "some of its lines are no metrics, the first: line 2")
    self.assertEqual(self.series(result, "cache.clients", "redis")["mean"], 7)

  def test_metrics_that_nobody_knows(self):
    with serve("my_own_metric 1\n") as server:
      result = self.watch(f"scrape={server.url}")
    self.notes(result, "none of its metrics is one that spate knows")

  def test_a_hundred_megabytes(self):
    sent = []
    def handler(peer):
      while peer.read():
        peer.send(head("200 OK", "Content-Length: 104857600", TEXT))
        sent.append(0)
        for _ in range(1600):
          peer.send(b"a" * 65536)
          sent[-1] += 65536
    with Server(handler) as server:
      result = self.watch(f"scrape={server.url}")
    self.notes(result, "answered with over 16 MiB")
    self.assertLess(max(sent), 40 << 20)

  def test_faults_are_notes_and_the_run_is_none_the_worse(self):
    for status, body, said in (("500 Internal Server Error", "out of\x07 memory", "answered 500: out of  ?memory"),
                               ("401 Unauthorized", "", "answered 401: it wants credentials"),
                               ("302 Found", "", "answered 302 and points to file:///etc/passwd|answered 302 and points to")):
      def handler(peer):
        while peer.read():
          peer.send(answer(body, status, "Location: file:///etc/passwd"))
      with self.subTest(status=status), Server(handler) as server:
        result = self.watch(f"scrape={server.url}", "1s")
        self.notes(result, said)
        self.expect_outcomes(result, {"ok": result.totals["ok"]})

  def test_nobody_there(self):
    with serve("") as server:
      url = server.url
    for kind in ("scrape", "prometheus"):
      with self.subTest(kind=kind):
        result = self.watch(f"{kind}={url}", "1s")
        self.notes(result, "cannot reach http")
        self.assertEqual(result.outcomes(), {"ok": result.totals["ok"]})

  def test_one_that_never_answers_costs_the_run_its_start_alone(self):
    with Server(lambda peer: peer.wait_close()) as server:
      began = time.time()
      result = self.watch(f"scrape={server.url} interval=100ms", "1s")
    self.notes(result, r"did not answer within 5")
    self.assertLess(time.time() - began, 40)

  def test_it_comes_back(self):
    began = time.time()
    def handler(peer):
      while peer.read():
        if time.time() - began < 1.5:
          peer.reset()
          return
        peer.send(answer("redis_connected_clients 7\n", "200 OK", TEXT))
    with Server(handler) as server:
      result = self.watch(f"scrape={server.url} interval=200ms", "4s")
    self.assertEqual(self.series(result, "cache.clients", "redis")["mean"], 7)

  def test_credentials_go_along_and_into_no_text(self):
    def guarded(wanted):
      def handler(peer):
        while (request := peer.read()) is not None:
          right = request.headers.get("authorization") == wanted
          peer.send(answer("redis_connected_clients 7\n" if right else "no", "200 OK" if right else "401 Unauthorized", TEXT))
      return Server(handler)
    token = self.write("token", "s3cret\n")
    for wanted, spec in (("Basic c3BhdGU6aHVudGVyMg==", "scrape=http://spate:hunter2@{host}"),
                         ("Basic c3BhdGU6czNjcmV0", "scrape=http://spate@{host} password_file=" + token),
                         ("Bearer s3cret", "scrape=http://{host} bearer_token_file=" + token)):
      with self.subTest(spec=spec), guarded(wanted) as server:
        result = self.watch(spec.format(host=f"127.0.0.1:{server.port}"), "1s")
        self.assertEqual(self.series(result, "cache.clients", "redis")["mean"], 7)
        self.assertNotRegex(result.out + result.err + json.dumps(result.json), "hunter2|s3cret")
    with guarded("another") as server:
      result = self.watch(f"scrape=http://spate:hunter2@127.0.0.1:{server.port}", "1s")
      self.notes(result, "it does not take these credentials")
      self.assertNotIn("hunter2", result.out + result.err + json.dumps(result.json))

  def test_wrong_options(self):
    self.refuse("scrape=db1:9187", "scrape")
    self.refuse("scrape=http://db1 pack=cadviser", "did you mean 'cadvisor'?")
    self.refuse("scrape=http://db1 match=namespace", "match must be LABEL=VALUE")
    self.refuse("scrape=http://db1 password_file=x", "password_file needs the user in the URL")
    self.refuse("scrape=http://db1 query.a=up", "has no option 'query.a'")
    self.refuse("prometheus=ftp://db1", "ftp")


class Fake:
  """A Prometheus of one exporter: a counter that goes up by `rate` a second, scraped every second by a clock of its own."""

  def __init__(self, skew_s=0, rate=0.5, gap=None, fat_s=None, targets=True):
    self.skew_s, self.rate, self.gap, self.fat_s, self.targets = skew_s, rate, gap, fat_s, targets
    self.began = time.time()
    self.ranges = []
    self.warnings = []

  def clock(self):
    return time.time() + self.skew_s

  def scrapes(self, begin, end):
    """Those of (begin, end], which are seen half a second later."""
    for second in range(int(begin) + 1, int(min(end, self.clock() - 0.5)) + 1):
      since = second - self.skew_s - self.began
      if not self.gap or not self.gap[0] <= since < self.gap[1]:
        yield second

  def samples(self, query, at):
    span_s = int(re.search(r"\[(\d+)ms\]$", query).group(1)) / 1000
    self.ranges.append(span_s)
    if "container_cpu" not in query:
      return []
    if self.fat_s and span_s > self.fat_s:
      return [{"metric": {"__name__": "container_cpu_usage_seconds_total", "container": "x" * (17 << 20)}, "values": []}]
    labels = {"__name__": "container_cpu_usage_seconds_total", "container": "api", "pod": "api-0", "note": "a\"\n"}
    return [{"metric": labels, "values": [[second, str(self.rate * second)] for second in self.scrapes(at - span_s, at)]}]

  def query(self, form):
    at, query = float(form.get("time", self.clock())), form["query"]
    if query == "time()":
      return {"resultType": "scalar", "result": [round(self.clock(), 3), str(self.clock())]}
    if query.startswith("count by"):
      return {"resultType": "vector", "result": [
        {"metric": {"__name__": "container_cpu_usage_seconds_total"}, "value": [at, "1"]}]}
    return {"resultType": "matrix", "result": self.samples(query, at)}

  def query_range(self, form):
    if form["query"] == "sum(":
      return None
    steps = range(int(float(form["start"])), int(float(form["end"])) + 1, int(form["step"]))
    return {"resultType": "matrix", "result": [{"metric": {}, "values": [[step, "42"] for step in steps]}]}

  def get(self, request):
    path = request.path.split("?")[0]
    form = {key: values[0] for key, values in urllib.parse.parse_qs(request.body.decode()).items()}
    if path == "/api/v1/targets" and self.targets:
      return {"activeTargets": [
        {"labels": {"job": "c", "instance": "a:1"}, "health": "up", "scrapeInterval": "1s", "lastError": ""},
        {"labels": {"job": "db", "instance": "db:9187"}, "health": "down", "scrapeInterval": "1s", "lastError": "refused"}]}
    if path == "/api/v1/query":
      return self.query(form)
    return self.query_range(form) if path == "/api/v1/query_range" else None

  def __call__(self, peer):
    while (request := peer.read()) is not None:
      data = self.get(request)
      document = {"status": "success", "data": data, "warnings": self.warnings}
      if data is None:
        document = {"status": "error", "errorType": "bad_data", "error": "parse error: unclosed left parenthesis"}
      peer.send(answer(json.dumps(document), "200 OK" if data else "400 Bad Request", "Content-Type: application/json"))


class Prometheus(Watched):
  def cpu(self, result):
    return self.series(result, "cpu.cores", "api")

  def test_a_run_is_read_and_completed(self):
    fake = Fake()
    with Server(fake) as server:
      result = self.watch(f"prometheus={server.url} interval=1s query.answer=42", "5s")
    cpu = self.cpu(result)
    self.assertAlmostEqual(cpu["mean"], 0.5, places=6)
    self.assertGreater(cpu["covered"], 0.99)
    self.assertEqual(cpu["query"], 'sum(rate(container_cpu_usage_seconds_total{container="api",pod="api-0"}[60s]))')
    own = self.series(result, "own", "prometheus")
    self.assertEqual((own["detail"], own["mean"], own["query"]), ("answer", 42, "42"))
    self.assertGreater(own["covered"], 0.8)
    self.notes(result, r"its target db \(db:9187\): refused")
    self.notes(result, "no series of: node_exporter, postgres_exporter")

  def test_clocks_apart(self):
    for skew_s, word in ((SKEW_S, "ahead of"), (-SKEW_S, "behind")):
      with self.subTest(skew_s=skew_s), Server(Fake(skew_s)) as server:
        result = self.watch(f"prometheus={server.url} interval=1s query.answer=42", "4s")
        self.notes(result, f"its clock is .* {word} ours; its times are corrected")
        self.assertAlmostEqual(self.cpu(result)["mean"], 0.5, places=6)
        self.assertGreater(self.cpu(result)["covered"], 0.99)
        self.assertGreater(self.series(result, "own", "prometheus")["covered"], 0.7)

  def test_a_gap_is_a_hole(self):
    with Server(Fake(gap=(1, 6))) as server:
      result = self.watch(f"prometheus={server.url} interval=1s", "8s")
    self.notes(result, "there are gaps in its data")
    self.assertAlmostEqual(self.cpu(result)["mean"], 0.5, places=6)
    self.assertLess(self.cpu(result)["covered"], 0.8)

  def test_answers_that_are_too_big_are_asked_for_in_parts(self):
    fake = Fake(fat_s=8)
    with Server(fake) as server:
      result = self.watch(f"prometheus={server.url} interval=10s", "10s")
    self.assertGreater(max(fake.ranges), 8)
    self.assertGreater(self.cpu(result)["covered"], 0.99)

  def test_one_without_targets(self):
    with Server(Fake(targets=False)) as server:
      result = self.watch(f"prometheus={server.url} interval=1s", "2s")
    self.assertAlmostEqual(self.cpu(result)["mean"], 0.5, places=6)

  def test_warnings_and_bad_queries_are_said(self):
    fake = Fake()
    fake.warnings = ["this is slow"]
    with Server(fake) as server:
      result = self.watch(f"prometheus={server.url} interval=200ms query.bad=sum( query.good=42", "2s")
    self.notes(result, "it says: this is slow")
    self.notes(result, "query.bad: http.* answered 400: parse error: unclosed left parenthesis")
    self.assertEqual(self.series(result, "own", "prometheus")["detail"], "good")
    asked = [request for request in server.requests if request.path.startswith("/api/v1/query_range") and b"sum" in request.body]
    self.assertEqual(len(asked), 1)

  def test_what_is_no_prometheus(self):
    unavailable = json.dumps({"status": "error", "errorType": "unavailable", "error": "TSDB not ready"})
    for status, body, said in (("200 OK", "<html>login</html>", "is no Prometheus: its answer is no JSON"),
                               ("200 OK", '{"a": 1}', "is no Prometheus: its answer has no status"),
                               ("200 OK", '{"status": "success", "data": []}', "is no Prometheus: it does not know time"),
                               ("404 Not Found", "404 page not found", "answered 404: 404 page not found"),
                               ("503 Service Unavailable", unavailable, "answered 503: TSDB not ready")):
      def handler(peer):
        while peer.read():
          peer.send(answer(body, status))
      with self.subTest(status=status, body=body), Server(handler) as server:
        result = self.watch(f"prometheus={server.url}", "1s")
        self.notes(result, said)
        self.assertEqual(result.json["watch"]["series"], [])


main()
