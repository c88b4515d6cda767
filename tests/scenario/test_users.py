"""Users: their data, hooks, think time, checks and metrics; errors inside tasks; and secrets, which never show."""
import collections
import json
import os
import tempfile
import time

from server import Server, always, answer, event, every
from shop import Shop, as_stream
from support import Case, count_of, main, plan, run, spate
from test_plans import ShopCase


class Users(ShopCase):
  def test_hooks_and_data(self):
    result = self.go("users.lua", "-u", 4, "--iterations", 20, "--threads", 2)
    self.expect_code(result, 0)
    self.assertEqual(result.totals["task_errors"], 0, str(result))
    logins = [request.json["user"] for request in self.shop.at("/login")]
    logouts = {request.json["user"]: request.json.get("tasks", 0) for request in self.shop.at("/logout")}
    self.assertEqual((len(logins), len(set(logins)), set(logouts), len(self.shop.at("/bye"))), (4, 4, set(logins), 4))
    self.assertEqual(sum(logouts.values()), 20)
    done = collections.Counter()
    for report in self.shop.reports:
      done[report["id"]] += 1
      self.assertEqual((report["token"], report["order"], report["class"]),
                       (f"t-{report['id']}", "second own", "Customer"))
    self.assertEqual({user: count for user, count in logouts.items() if count}, dict(done))
    self.assertEqual(result.totals["tasks"], 20)  # hooks are none
    self.assertEqual(result.request("login")["count"], 4)
    for line in ("the run starts", "the run stops"):
      self.assertEqual(result.err.count(line), 1)

  def test_random_numbers(self):
    self.go("users.lua", "-u", 2, "--iterations", 60)
    for report in self.shop.reports:
      self.assertIn(report["whole"], range(1, 11))
      self.assertIn(report["between"], (5, 6))
      self.assertTrue(0 <= report["share"] < 1)
    self.assertGreater(len({report["whole"] for report in self.shop.reports}), 5)
    self.assertEqual({report["between"] for report in self.shop.reports}, {5, 6})

  def test_random_numbers_repeat_with_the_seed(self):
    def numbers(seed):
      self.shop.clear()
      self.go("users.lua", "-u", 1, "--iterations", 20, "--seed", seed)
      return [(report["whole"], report["share"]) for report in self.shop.reports]
    self.assertEqual(numbers(3), numbers(3))
    self.assertNotEqual(numbers(3), numbers(4))

  def test_metrics_of_the_plans_own(self):
    result = self.go("users.lua", "-u", 2, "--iterations", 10)
    row = result.custom("answer length")
    self.assertEqual((row["unit"], row["count"], row["min"], row["max"], row["p50"]), ("chars", 10, 20, 20, 20))
    self.assertIsNone(result.custom("odd numbers"))  # nothing was added

  def test_what_a_plan_says_is_no_output(self):
    """spate.log and print take any values, and leave standard output to the document that was asked for."""
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "p.lua")
      with open(path, "w", encoding="utf-8") as file:
        file.write('local spate = require("spate")\nspate.user("U", { tasks = { t = function(user)\n'
                   'spate.log("logged", nil, true, 5)\nprint("printed", false)\nuser:get("/") end } })\n')
      result = spate("run", path, "-H", self.shop.url, "--iterations", 1, "--out", "json=-")
    self.assertEqual(json.loads(result.out)["totals"]["task_errors"], 0, str(result))
    for line in ("plan: logged nil true 5\n", "plan: printed false\n"):
      self.assertIn(line, result.err)

  def test_values_that_no_metric_takes(self):
    for value in ("-1", "0/0", "1/0"):
      with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.lua")
        with open(path, "w", encoding="utf-8") as file:
          file.write('local spate = require("spate")\nlocal m = spate.metric("score")\n'
                     f'spate.user("U", {{ tasks = {{ t = function(user) m:add({value}) end }} }})\n')
        result = run(path, "-H", self.shop.url, "--iterations", 1)
      with self.subTest(value=value):
        self.assertIsNone(result.custom("score"))
        self.assertRegex(result.details(), r"p\.lua:3: metric:add\(.*\): a metric takes numbers from 0")

  def test_checks(self):
    result = self.go("checks.lua")
    self.assertEqual(result.totals["task_errors"], 0, str(result))
    wanted = {"right": "ok", "wrong": "check", "wrong twice": "check", "bare": "check",
              "failed already": "http_status", "last": "check"}
    for name, outcome in wanted.items():
      self.expect_outcomes(result, {outcome: 3}, name)
    self.assertEqual(result.details("wrong"), "the price is wrong")
    self.assertIn(result.details("wrong twice"), ("first", "second"))
    self.assertEqual(result.details("failed already"), "404 not_found: nothing here")
    self.assertEqual(count_of(result.request("wrong")["failed_metrics"]["e2e"]), 3)
    self.assertIsNone(result.request("wrong")["metrics"]["e2e"])

  def test_all_checks_failed_is_no_success(self):
    with Server(always(answer(""))) as server:
      result = run(plan("one.lua"), "-H", server.url, "-e", "status=201", "--iterations", 3)
    self.expect_outcomes(result, {"check": 3})
    self.expect_code(result, 3)

  def test_a_user_that_is_gone(self):
    """A plan that keeps a user in a global and calls it from another one, even after its end: errors, nothing worse."""
    result = self.go("keepsake.lua", "-u", 5, "--iterations", 20, "--threads", 1)
    self.assertNotIn("that is gone has asked", result.details())
    self.assertEqual(result.totals["ok"], 20)

  def test_a_task_without_requests(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "p.lua")
      with open(path, "w", encoding="utf-8") as file:
        file.write('local spate = require("spate")\nlocal m = spate.metric("n", "x")\n'
                   'spate.user("U", { tasks = { add = function() m:add(2.5) end } })\n'
                   'spate.load { iterations = 4 }\n')
      result = run(path)
    self.expect_code(result, 0)
    self.assertEqual((result.totals["started"], result.totals["tasks"]), (0, 4))
    self.assertEqual(result.custom("n")["count"], 4)

  def test_no_host_given(self):
    result = run(plan("one.lua"), "--iterations", 2)
    self.assertNotEqual(result.code, 0, str(result))
    self.assertRegex(result.err + result.out, "-H|--host")


class Thinking(Case):
  """Pauses are at least what they must be; how much longer they are is the machine's business."""

  def arrivals(self, only, iterations, *args):
    times = []

    def respond(peer, _):
      times.append(time.monotonic())
      peer.send(answer("hello"))
    with Server(every(respond)) as server:
      result = run(plan("thinks.lua"), "-H", server.url, "-e", "only=" + only, "--iterations", iterations, *args)
    self.result = result
    return [b - a for a, b in zip(times, times[1:])]

  def test_constant(self):
    for kind in ("constant", "number"):
      self.assertTrue(all(gap > 0.19 for gap in self.arrivals(kind, 5)))

  def test_between(self):
    gaps = self.arrivals("between", 8)
    self.assertTrue(all(gap > 0.09 for gap in gaps), gaps)
    self.assertGreater(max(gaps) - min(gaps), 0.02)

  def test_exponential(self):
    gaps = self.arrivals("exponential", 20)
    self.assertGreater(sum(gaps), 0.4)  # 19 of a mean of 0.1, by the default seed
    self.assertGreater(max(gaps), 2 * min(gaps))

  def test_pace(self):
    """A start every 200 ms, measured from start to start: a late one does not push the others."""
    gaps = self.arrivals("pace", 8)
    self.assertGreater(sum(gaps), 7 * 0.2 - 0.05)
    self.assertLess(min(gaps), 0.4)

  def test_a_function(self):
    gaps = self.arrivals("custom", 5)
    for i, gap in enumerate(gaps):
      self.assertGreater(gap, (i + 1) * 0.1 - 0.01)

  def test_functions_that_are_wrong(self):
    self.arrivals("broken", 3)
    self.assertGreater(self.result.totals["task_errors"], 0)
    self.assertRegex(self.result.details(), r"thinks\.lua:\d+: cannot think")
    self.assertEqual(self.result.totals["ok"], 3)
    for kind in ("silly", "negative"):
      self.arrivals(kind, 5)
      self.assertEqual(self.result.totals["ok"], 5)


class TaskErrors(ShopCase):
  # the plan's part: what the error's line reads
  WORDS = {
      "index": r"errors\.lua:7: .*nothing.* \(class Breaker, task index\)",
      "call": r"errors\.lua:8: .*no_such_method.* \(class Breaker, task call\)",
      "text": r"errors\.lua:9: a text of the plan's own",
      "bare": r"\(class Breaker, task bare\)",
      "table": r"\(class Breaker, task table\)",
      "late": r"errors\.lua:12: behind a request",
      "member": r"errors\.lua:13: request\{…\} has no member 'metod'",
      "stream": r"errors\.lua:14: .*difi.*\"dify\"",
      "check": r"errors\.lua:18: .*nothing was asked",
      "deep": "stack overflow|not enough memory",
      "yield": r"\(class Breaker, task yield\)",
      "wrapped": r"errors\.lua:21: .*own task",
      "long": "xxxx",
      "types": r"errors\.lua:\d+: request\.timeout.*parsecs",
      "types2": r"errors\.lua:\d+: request\.headers must be a table",
      "types3": r"errors\.lua:\d+: request\.body must be a string",
      "types4": r"errors\.lua:\d+: connection",
      "twice": "but twice was well",
  }

  def test_they_are_counted_and_the_run_goes_on(self):
    for part, words in self.WORDS.items():
      result = self.go("errors.lua", "-e", "only=" + part)
      with self.subTest(part=part):
        self.assertEqual(result.totals["tasks"], 40)
        well = result.request("well")["count"]
        self.assertEqual(result.totals["task_errors"], 40 - well)
        self.assertTrue(0 < well < 40)
        rows = [error for error in result.json["errors"] if error["outcome"] == "task"]
        self.assertEqual(sum(row["count"] for row in rows), 40 - well)
        self.assertRegex(rows[0]["detail"], words)
        self.assertTrue(all("\n" not in row["detail"] and len(row["detail"]) < 1000 for row in rows))
        self.assertNotIn("stack traceback", result.out + result.err)
        self.assertRegex(result.out, "errors.lua|Breaker|xxx")
        self.expect_code(result, 0)

  def test_a_bad_url_or_header_is_refused(self):
    for part in ("url", "spaces", "header"):
      self.shop.clear()
      result = self.go("errors.lua", "-e", "only=" + part, "-T", part, "--iterations", 4)
      with self.subTest(part=part):
        self.assertEqual(result.totals["ok"], 0)
        self.assertGreater(result.totals["task_errors"] + result.totals["failed"], 0)
        self.assertEqual([request.headers.get("x-evil") for request in self.shop.requests
                          if "x-evil" in request.headers], [])

  def test_nothing_worked(self):
    result = self.go("errors.lua", "-e", "only=index", "-T", "index")
    self.assertEqual((result.totals["started"], result.totals["task_errors"]), (0, 40))
    self.expect_code(result, 3)

  def test_an_error_behind_a_request_leaves_the_request_alone(self):
    result = self.go("errors.lua", "-e", "only=late", "-T", "late", "--iterations", 10)
    self.expect_outcomes(result, {"ok": 10}, "late")
    self.assertEqual(result.totals["task_errors"], 10)

  def test_try_shows_them(self):
    result = spate("try", plan("errors.lua"), "-H", self.shop.url, "-e", "only=index", "-T", "index")
    self.assertEqual(result.code, 3)
    self.assertRegex(result.out, r"errors\.lua:7")


class Secrets(Case):
  """The key never shows: not in an output, not in the JSON, even where the server says it back."""
  KEY = "app-verySecretKey0123456789"

  def check_silent(self, result):
    shown = result.out + result.err + json.dumps(result.json, ensure_ascii=False)
    self.assertNotIn(self.KEY, shown)
    self.assertNotIn(self.KEY[:20], shown)

  def respond(self, body, status="401 Unauthorized"):
    return every(lambda peer, request: peer.send(answer(body(request), status, "Content-Type: application/json")))

  def ask(self, handler, *args, command=run, plan_name="dify:chat"):
    with Server(handler) as server:
      return command(plan_name, "-H", server.url, "-e", "think_min=0", "-e", "think_max=0", *args, "--iterations", 3)

  def test_echoed_in_an_error_body(self):
    for shape in (lambda key: json.dumps({"code": "unauthorized", "message": f"invalid key {key}!"}),
                  lambda key: json.dumps({"error": {"type": key, "message": f"Bearer {key}"}}),
                  lambda key: json.dumps({"code": key, "message": "x" * 4000 + key}),
                  lambda key: json.dumps({"detail": [key]}), lambda key: key):
      result = self.ask(self.respond(lambda request, shape=shape: shape(request.headers["authorization"][7:])), "-e",
                        "key=" + self.KEY)
      self.expect_outcomes(result, {"http_status": 3})
      self.check_silent(result)

  def test_from_the_environment(self):
    result = self.ask(self.respond(lambda request: json.dumps({"code": "x",
                                                               "message": request.headers["authorization"]})),
                      command=lambda *args: run(*args, env={"SPATE_KEY": self.KEY}))
    self.expect_outcomes(result, {"http_status": 3})
    self.check_silent(result)
    self.assertIn("***", result.details())

  def test_echoed_in_a_stream(self):
    def respond(peer, request):
      key = request.headers["authorization"][7:]
      peer.send(as_stream([event("message", answer=key),
                           event("error", code=key, status=400, message=f"no credit on {key}")]))
    result = self.ask(every(respond), "-e", "key=" + self.KEY)
    self.expect_outcomes(result, {"stream_error": 3})
    self.check_silent(result)

  def test_echoed_in_a_reason_phrase(self):
    def respond(peer, request):
      peer.send(answer("", "401 " + request.headers["authorization"][7:]))
    self.check_silent(self.ask(every(respond), "-e", "key=" + self.KEY))

  def test_echoed_as_garbage(self):
    def respond(peer, request):
      peer.send("no HTTP: " + request.headers["authorization"][7:] + "\r\n\r\n")
      peer.end()
    self.check_silent(self.ask(every(respond), "-e", "key=" + self.KEY))

  def test_echoed_as_a_content_type(self):
    def respond(peer, request):
      peer.send(answer("", "200 OK", "Content-Type: " + request.headers["authorization"][7:]))
    self.check_silent(self.ask(every(respond), "-e", "key=" + self.KEY))

  def test_in_a_plans_error(self):
    with Shop() as shop:
      result = run(plan("errors.lua"), "-H", shop.url, "-e", "only=secret", "-e", "key=" + self.KEY)
    self.assertGreater(result.totals["task_errors"], 0)
    self.check_silent(result)

  def test_as_a_requests_name_or_check(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "p.lua")
      with open(path, "w", encoding="utf-8") as file:
        file.write('local spate = require("spate")\nlocal key = spate.param("key")\n'
                   'spate.user("U", { tasks = { t = function(user)\n'
                   'user:get("/")\nuser:check(false, "bad key " .. key)\nend } })\n')
      with Shop() as shop:
        result = run(path, "-H", shop.url, "-e", "key=" + self.KEY, "--iterations", 2)
    self.expect_outcomes(result, {"check": 2})
    self.check_silent(result)

  def test_a_wrong_value_of_a_secret(self):
    result = run("dify:chat", "-e", "kye=" + self.KEY)
    self.check_silent(result)

  def test_in_try(self):
    def respond(peer, request):
      key = request.headers["authorization"][7:]
      peer.send(as_stream([event("error", code="c", status=400, message=f"no credit on {key}")]))
    with Server(every(respond)) as server:
      result = spate("try", "dify:chat", "-H", server.url, "-e", "key=" + self.KEY)
    self.assertEqual(result.code, 3)
    self.assertNotIn(self.KEY, result.out + result.err)

  def test_in_the_list_of_parameters(self):
    result = spate("plans", env={"SPATE_KEY": self.KEY})
    self.assertNotIn(self.KEY, result.out)


if __name__ == "__main__":
  main()
