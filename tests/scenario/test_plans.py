"""The plan's API: requests, streams, conversations, parameters, feeds; what a server sees of it, what a plan is told."""
import os
import tempfile

from shop import Shop
from support import Case, main, plan, run, spate


class ShopCase(Case):
  @classmethod
  def setUpClass(cls):
    cls.shop = Shop()

  @classmethod
  def tearDownClass(cls):
    cls.shop.close()

  def setUp(self):
    self.shop.clear()

  def go(self, name, *args, **options):
    return run(plan(name), "-H", self.shop.url, *args, **options)


class Requests(ShopCase):
  def test_what_is_sent(self):
    result = self.go("requests.lua")
    self.assertEqual(result.totals["task_errors"], 0, str(result))
    one = self.shop.one
    self.assertEqual((one("/plain").method, one("/plain").path, one("/plain").body), ("GET", "/plain?a=1", b""))
    self.assertNotIn("content-length", one("/plain").headers)
    sent = one("/json")
    self.assertEqual((sent.method, sent.headers["content-type"].split(";")[0]), ("POST", "application/json"))
    self.assertEqual(sent.json, {"text": "文 \"q\"", "n": 1.5, "list": [1, "two", True], "none": None, "empty": {},
                                 "no_items": []})
    sent = one("/body")
    self.assertEqual((sent.body, sent.headers["content-type"], sent.headers["x-one"]),
                     (b"raw \0 bytes", "application/octet-stream", "1"))
    sent = one("/form")
    self.assertEqual(sent.headers["content-type"], "application/x-www-form-urlencoded")
    self.assertEqual(set(sent.body.decode().replace("%20", "+").split("&")), {"a=x+y%26z", "b=2", "%C3%BC=%3D"})
    self.assertEqual((one("/put").method, one("/put").headers["content-length"]), ("PUT", "0"))
    self.assertEqual(one("/delete").method, "DELETE")
    self.assertEqual((one("/patch").method, one("/patch").json), ("PATCH", {}))
    own = one("/headers").headers
    self.assertEqual((own["authorization"], own["user-agent"], own["accept"], own["host"]),
                     ("Bearer x", "me/1", "text/plain", "other.example"))
    self.assertEqual(one("/fresh").headers.get("connection", "").lower(), "close")

  def test_what_comes_back(self):
    self.go("requests.lua")
    reports = {report["what"]: report for report in self.shop.reports}
    result = reports["result"]
    self.assertEqual((result["ok"], result["outcome"], result["status"], result["deep"], result["error"],
                      result["events"]),
                     (True, "ok", 200, 2, True, 0))
    self.assertEqual((result["type"], result["lower"]), ("application/json; charset=utf-8",) * 2)
    self.assertEqual((result["several"], result["none"], result["ordered"]), ("one, two", True, True))
    missing = reports["missing"]
    self.assertEqual((missing["ok"], missing["outcome"], missing["status"]), (False, "http_status", 404))
    self.assertEqual(missing["error"], "404 not_found: nothing here")
    self.assertIn("nothing here", missing["text"])
    broken = reports["broken"]
    self.assertEqual((broken["ok"], broken["outcome"], broken["status"], broken["ttfb"]), (False, "reset", 0, True))
    self.assertEqual(reports["late"]["outcome"], "timeout")
    self.assertEqual((reports["no json"]["json"], reports["no json"]["text"]), (True, "just text"))

  def test_rows_by_name(self):
    result = self.go("requests.lua")
    rows = {row["name"]: row["count"] for row in result.json["requests"]}
    self.assertEqual(rows, {"all": 13, "patching": 1, "report": 5})
    self.assertEqual({(row["task"], row["user_class"]) for row in result.json["requests"]}, {("all", "Requester")})


class Streams(ShopCase):
  def part(self, name, *args, errors=0):
    result = self.go("streams.lua", "-e", "part=" + name, *args)
    self.assertEqual(result.totals["task_errors"], errors, str(result))
    return result

  def test_iterate(self):
    result = self.part("iterate")
    self.expect_outcomes(result, {"ok": 1}, "stream")
    seen = self.shop.reports[0]
    self.assertEqual([entry for entry in seen["seen"] if not entry.startswith("ping")],
                     ["workflow_started:other", "message:token:Hel", "message:token:lo", "node_finished:node",
                      "message_end:other",
                      "workflow_finished:end"])
    self.assertEqual((seen["ok"], seen["text"], seen["tokens"], seen["usage"], seen["conversation"]),
                     (True, "Hello", 2, 2, "c-1"))

  def test_leaving_is_abandoned(self):
    for part in ("leave", "close", "leave_by_return"):
      result = self.part(part)
      with self.subTest(part=part):
        self.expect_outcomes(result, {"abandoned": 1}, "stream")
        row = result.request("stream")
        self.assertEqual((row["ok"], row["failed"], row["metrics"]["e2e"], row["rps"]), (0, 0, None, 0))
        self.assertEqual(result.code, 0)

  def test_leaving_by_an_error(self):
    result = self.part("leave_by_error", errors=1)
    self.expect_outcomes(result, {"abandoned": 1}, "stream")
    self.assertRegex(result.details(), r"streams\.lua:\d+: had enough")

  def test_a_slow_reader_gets_everything(self):
    self.part("slow_reader")
    self.assertEqual((self.shop.reports[0]["count"], self.shop.reports[0]["last"]), (300, "299"))

  def test_on_event(self):
    self.part("on_event")
    report = self.shop.reports[0]
    self.assertEqual(report["names"], ["workflow_started", "Hel", "lo", "LLM/llm/500", "message_end",
                                       "workflow_finished"])
    self.assertEqual((report["sorted"], report["ok"]), (True, True))

  def test_on_event_that_breaks(self):
    result = self.go("streams.lua", "-e", "part=on_event_error")
    self.assertGreater(result.totals["task_errors"], 0)
    self.assertRegex(result.details(), r"streams\.lua:\d+: in on_event")
    self.expect_outcomes(result, {"ok": 1}, "stream")

  def test_a_dialect_of_the_plans_own(self):
    result = self.part("own")
    report = self.shop.reports[0]
    self.assertEqual((report["ok"], report["outcome"], report["tokens"]), (True, "ok", 2))
    row = result.request("stream")
    self.assertEqual((row["tokens"]["events"], row["metrics"]["itl"]["count"]), (2, 1))

  def test_an_error_of_the_plans_own_dialect(self):
    result = self.part("own_error")
    self.expect_outcomes(result, {"stream_error": 1}, "stream")

  def test_a_dialect_whose_end_never_comes(self):
    result = self.part("own_without_end")
    self.assertIn(list(result.outcomes("stream")), (["ok"], ["truncated"]))

  def test_a_dialect_that_breaks(self):
    for part in ("own_that_breaks", "own_that_is_silly"):
      result = self.go("streams.lua", "-e", "part=" + part)
      with self.subTest(part=part):
        self.assertGreater(result.totals["task_errors"], 0)
        self.assertRegex(result.details(), r"streams\.lua|tokn")


class Talks(ShopCase):
  def test_dify(self):
    result = self.go("talks.lua", "-T", "dify", "--iterations", 1)
    self.assertEqual(result.totals["failed"] + result.totals["task_errors"], 0, str(result))
    asked = [request.json for request in self.shop.at("/v1/chat-messages")]
    self.assertEqual([(ask["query"], ask["conversation_id"], ask["inputs"]) for ask in asked], [
        ("one", "", {"dept": "IT"}), ("two", "c-1", {"dept": "IT"}), ("three", "c-1", {"dept": "HR"}),
        ("four", "c-1", {})])
    self.assertEqual(len({ask["user"] for ask in asked}), 1)
    self.assertEqual(asked[2]["files"], [])  # an empty list, not an object
    self.assertEqual(result.request("third")["count"], 1)
    self.assertEqual(self.shop.one("/v1/chat-messages/task-1/stop").json["user"], asked[0]["user"])
    self.assertTrue(all(request.headers["authorization"] == "Bearer app-test" for request in self.shop.requests))

  def test_each_users_talk_is_its_own(self):
    self.go("talks.lua", "-T", "dify", "--iterations", 6, "-u", 3)
    asked = [request.json for request in self.shop.at("/v1/chat-messages")]
    self.assertEqual(len({ask["user"] for ask in asked}), 3)
    self.assertEqual(sum(ask["query"] == "one" and ask["conversation_id"] == "" for ask in asked), 6)

  def test_openai(self):
    result = self.go("talks.lua", "-T", "openai", "--iterations", 1)
    self.assertEqual(result.totals["failed"] + result.totals["task_errors"], 0, str(result))
    first, second = [request.json for request in self.shop.at("/v1/chat/completions")]
    self.assertEqual((first["model"], first["stream"], first["stream_options"]), ("m-1", True, {"include_usage": True}))
    self.assertEqual(first["messages"], [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one"}])
    self.assertEqual(second["messages"][2:], [{"role": "assistant", "content": "Hi"},
                                              {"role": "user", "content": "two"}])
    self.assertEqual(second["max_tokens"], 5)
    self.assertEqual(self.shop.one("/v1/completions").json["prompt"], "once upon")
    row = [row for row in result.json["requests"]][0]
    self.assertEqual((row["tokens"]["events"], row["tokens"]["reported_completion"]), (3, 2))

  def test_a_host_that_ends_in_v1(self):
    for end in ("/v1", "/v1/", "/"):
      self.shop.clear()
      run(plan("talks.lua"), "-H", self.shop.url + end, "-T", "dify", "--iterations", 1)
      self.assertEqual(len(self.shop.at("/v1/chat-messages")), 4, end)


class Params(ShopCase):
  def value(self, *args, env=None):
    self.shop.clear()
    result = self.go("params.lua", *args, env=env)
    self.assertEqual(result.code, 0, str(result))
    return self.shop.reports[0]

  def test_defaults_and_types(self):
    self.assertEqual(self.value(), {"text": "default text", "number": 2.5, "flag": False, "table_form": 7,
                                    "optional": "absent", "api_key": "k-default"})

  def test_given(self):
    given = self.value("-e", "text=a=b c", "-e", "number=1e3", "-e", "flag=yes", "-e", "table_form=8", "--set",
                       "optional=there", "--set=api_key=k")
    self.assertEqual(given, {"text": "a=b c", "number": 1000, "flag": True, "table_form": 8, "optional": "there",
                             "api_key": "k"})
    self.assertEqual(self.value("-e", "text=")["text"], "")

  def test_from_the_environment(self):
    env = {"SPATE_TEXT": "from there", "SPATE_API_KEY": "k-env", "SPATE_NUMBER": "4"}
    self.assertEqual(self.value(env=env)["text"], "from there")
    self.assertEqual(self.value(env=env)["number"], 4)
    self.assertEqual(self.value(env=env)["api_key"], "k-env")
    self.assertEqual(self.value("-e", "text=flag", env=env)["text"], "flag")

  def test_wrong_values(self):
    for args, words in ((("number=ten",), "'number' must be a number, not 'ten'"),
                        (("flag=perhaps",), "'flag' must be true or false"),
                        (("txet=x",), "did you mean 'text'")):
      result = self.go("params.lua", *[word for arg in args for word in ("-e", arg)])
      self.assertIn(result.code, (1, 2))
      self.assertIn(words, result.err)
      self.assertEqual(self.shop.requests, [])

  def test_the_last_of_two_wins(self):
    self.assertEqual(self.value("-e", "text=one", "-e", "text=two")["text"], "two")


class Feeds(ShopCase):
  ROWS = [{"q": "a"}, {"q": "b, c"}, {"q": 'say "hi"'}, {"q": "two\nlines"}, {"q": "文字"}]

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = tempfile.TemporaryDirectory()
    cls.write("rows.csv", '\ufeffq,n\r\na,1\r\n"b, c",2\r\n"say ""hi""",3\r\n"two\nlines",4\r\n文字,5\r\n')
    cls.write("rows.jsonl", '{"q":"a","n":"1"}\n\n{"q":"b, c","n":"2"}\n{"q":"say \\"hi\\"","n":"3"}\n'
              '{"q":"two\\nlines","n":"4"}\n{"q":"文字","n":"5"}')

  @classmethod
  def tearDownClass(cls):
    super().tearDownClass()
    cls.folder.cleanup()

  @classmethod
  def write(cls, name, text):
    with open(os.path.join(cls.folder.name, name), "w", encoding="utf-8", newline="") as file:
      file.write(text)

  def read(self, name, *args):
    self.shop.clear()
    result = self.go("feeds.lua", "-e", "file=" + os.path.join(self.folder.name, name), *args)
    self.assertEqual((result.verdict, result.totals["task_errors"]), (0, 0), str(result))
    return [report["row"] for report in self.shop.reports]

  def test_files_and_the_sequence(self):
    for name in ("rows.csv", "rows.jsonl"):
      rows = self.read(name, "--iterations", 7, "-u", 1)
      wanted = [{**row, "n": str(i + 1)} for i, row in enumerate(self.ROWS)]
      self.assertEqual(rows, wanted + wanted[:2])

  def test_the_sequence_over_threads(self):
    """One position for all: each row as often as each other."""
    rows = self.read("rows.csv", "--iterations", 50, "-u", 10, "--threads", 2)
    self.assertEqual(sorted(row["n"] for row in rows), sorted("12345" * 10))

  def test_once_over_threads(self):
    rows = self.read("rows.csv", "--iterations", 20, "-u", 10, "--threads", 2, "-e", "order=once")
    self.assertEqual(sorted(row["n"] for row in rows if row != "none"), list("12345"))
    self.assertEqual(sum(row == "none" for row in rows), 15)

  def test_random(self):
    rows = self.read("rows.csv", "--iterations", 100, "-u", 1, "-e", "order=random")
    self.assertEqual({row["n"] for row in rows}, set("12345"))
    self.assertNotEqual([row["n"] for row in rows[:50]], [row["n"] for row in rows[50:]])
    again = self.read("rows.csv", "--iterations", 100, "-u", 1, "-e", "order=random")
    self.assertEqual(rows, again)

  def test_beside_the_plan(self):
    """A feed lies beside its plan, as its modules do, or where spate runs."""
    self.write("plan.lua", 'local spate = require("spate")\nlocal feed = spate.feed("rows.csv", { order = "sequential" })\n'
               'spate.user("U", { tasks = { t = function(user) user:get("/" .. feed:next(user).n) end } })\n')
    with tempfile.TemporaryDirectory() as elsewhere:
      for path, cwd in ((os.path.join(self.folder.name, "plan.lua"), elsewhere), ("plan.lua", self.folder.name)):
        self.shop.clear()
        result = run(path, "-H", self.shop.url, "--iterations", 2, cwd=cwd)
        self.assertEqual([request.path for request in self.shop.requests], ["/1", "/2"], str(result))

  def test_broken_files(self):
    self.write("short.csv", "a,b\n1\n")
    self.write("open.csv", 'a\n"never closed\n')
    self.write("behind.csv", 'a\n"x"y\n')
    self.write("empty.csv", "a,b\n")
    self.write("bad.jsonl", '{"a":1}\n{"a":\n')
    for name, words in (("short.csv", "record 2 has 1 field"), ("open.csv", "never closed"),
                        ("behind.csv", "behind a closing quote"),
                        ("empty.csv", "no rows"), ("bad.jsonl", "bad.jsonl:2"), ("none.csv", "none.csv")):
      result = self.go("feeds.lua", "-e", "file=" + os.path.join(self.folder.name, name))
      with self.subTest(file=name):
        self.assertEqual(result.code, 1, str(result))
        self.assertIn(words, result.err)
        self.assertRegex(result.err, r"feeds\.lua:4")
    result = self.go("feeds.lua", "-e", "file=x", "-e", "order=backwards")
    self.assertRegex(result.err, "sequential")


class Loading(ShopCase):
  """What is wrong with a plan is said before anything is asked of the target: exit 1, with file and line."""

  def load(self, text, *args, name="plan.lua"):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, name)
      with open(path, "w", encoding="utf-8") as file:
        file.write(text)
      result = run(path, "-H", self.shop.url, "--iterations", 1, *args)
    self.assertEqual(self.shop.requests, [], str(result))
    self.assertNotIn("stack traceback", result.err)
    return result

  def expect(self, text, words, code=1):
    result = self.load(text)
    with self.subTest(text=text):
      self.assertEqual(result.code, code, str(result))
      self.assertRegex(result.err, words)

  def body(self, line):
    return 'local spate = require("spate")\nlocal dify = require("spate.dify")\n' + line

  def test_lua_itself(self):
    self.expect("local x = = 1\n", r"plan\.lua:1: .*near '='")
    self.expect("\n\nerror('stop here')\n", r"plan\.lua:3: stop here")
    self.expect("local t\nprint(t.x)\n", r"plan\.lua:2: .*index")
    self.expect("require('no_such_module')\n", "no_such_module")

  def test_no_plan_at_all(self):
    self.expect("", "never calls require")
    self.expect("print('hello')\n", "never calls require")
    self.expect(self.body(""), "no user class")
    self.expect(self.body("spate.user('U', { tasks = {} })\n"), r"plan\.lua:3: user 'U' has no tasks")

  def test_members_and_types(self):
    task = "tasks = { a = function() end }"
    for line, words in (
        ("spate.user('U', { tsaks = {} })", r"plan\.lua:3: user 'U' has no member 'tsaks' \(it has: .*tasks"),
        ("spate.user('U', { " + task + ", weight = -1 })", r"plan\.lua:3: the weight of user 'U'"),
        ("spate.user('U', { " + task + ", weight = 1.5 })", r"plan\.lua:3: the weight"),
        ("spate.user('U', { " + task + ", think = 'long' })", r"plan\.lua:3: think of user 'U'"),
        ("spate.user('U', { " + task + ", connection = 'none' })", r"plan\.lua:3: connection"),
        ("spate.user('U', { tasks = { a = 5 } })", r"plan\.lua:3: task 'a' of U must be"),
        ("spate.user('U', { tasks = { a = { weight = 1 } } })", r"plan\.lua:3: run of task 'a'"),
        ("spate.user('U', { " + task + " }) spate.user('U', { " + task + " })",
         r"plan\.lua:3: there are two user classes named 'U'"),
        ("spate.user(5, {})", r"plan\.lua:3: user\(name"),
        ("spate.load { user = 5 }", r"plan\.lua:3: load\{…\} has no member 'user'"),
        ("spate.load { users = 'many' }", r"plan\.lua:3: load\.users must be a number"),
        ("spate.load { run_time = '5 parsecs' }", r"plan\.lua:3: load\.run_time"),
        ("spate.between(3, 1)", r"plan\.lua:3: between\(3, 1\)"),
        ("spate.constant(-1)", r"plan\.lua:3: constant"),
        ("spate.on('begin', function() end)", r"plan\.lua:3: on\('begin'.*user_start"),
        ("spate.on('start')", r"plan\.lua:3: "),
        ("spate.slo { 5 }", r"plan\.lua:3: each of slo"),
        ("spate.slo { 'p95(tfft) < 1s' }", r"plan\.lua:3: SLO .*column 5: no metric 'tfft': did you mean 'ttft'"),
        ("spate.param('p', { defautl = 1 })", r"plan\.lua:3: param 'p' has no member 'defautl'"),
        ("spate.param('p', { description = 'what it is' })",
         r"plan\.lua:3: .*the parameter 'p' \(what it is\).*-e p=VALUE.*SPATE_P"),
        ("spate.metric(5)", r"plan\.lua:3: metric"),
        ("dify.app {}", r"plan\.lua:3: dify\.app"),
        ("dify.app { key = 'k', kye = 'k' }", r"plan\.lua:3: dify\.app\{…\} has no member 'kye'"),
        ("spate.no_such_function()", r"plan\.lua:3: .*no_such_function")):
      self.expect(self.body(line + "\n"), words)

  def test_loads_that_cannot_be(self):
    user = "spate.user('U', { tasks = { a = function(user) user:get('/') end } })\n"
    for load, words in (("stages = '50:x'", "the plan's load: stages: .*column"),
                        ("rate = 'fast'", "the plan's load: rate: "),
                        ("users = 0", "the plan's load: users must be"),
                        ("users = 2, stages = '1:1s'", "the plan's load: .*exclude each other"),
                        ("rate = '5/s', arrivals = 'odd'", "the plan's load: arrivals are poisson or even"),):
      self.expect(self.body(user + "spate.load { " + load + " }\n"), words)

  def test_a_request_while_loading(self):
    self.expect(self.body("spate.user('U', { tasks = { a = function() end } })\n"
                          "spate._make_user(nil, 1, 'U'):get('/')"), r"plan\.lua:4: ")

  def test_hooks_of_the_run_that_break(self):
    user = "spate.user('U', { tasks = { a = function(user) user:get('/') end } })\n"
    self.expect(self.body(user + "spate.on('start', function() error('not today') end)"), r"plan\.lua:4: not today")

  def test_no_such_file(self):
    result = run("no-such-plan.lua", "-H", self.shop.url)
    self.assertEqual(result.code, 1)
    self.assertIn("no-such-plan.lua", result.err)

  def test_a_folder_and_a_file_of_megabytes(self):
    with tempfile.TemporaryDirectory() as folder:
      self.assertEqual(run(folder, "-H", self.shop.url).code, 1)
    result = self.load("-- " + "x" * (5 << 20))
    self.assertEqual(result.code, 1)
    self.assertRegex(result.err, "plan.lua")

  def test_modules_beside_the_plan(self):
    """A plan may keep parts of itself in files beside it."""
    with tempfile.TemporaryDirectory() as folder:
      for name, text in (("parts.lua", "return { path = '/from-parts' }\n"), ("plan.lua", self.body(
          "local parts = require('parts')\n"
          "spate.user('U', { tasks = { a = function(user) user:get(parts.path) end } })\n"))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
          file.write(text)
      result = run(os.path.join(folder, "plan.lua"), "-H", self.shop.url, "--iterations", 1)
    self.expect_code(result, 0)
    self.shop.one("/from-parts")

  def test_the_built_in_plans_are_plans(self):
    """What `plans show` prints runs as a file."""
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "own.lua")
      with open(path, "w", encoding="utf-8") as file:
        file.write(spate("plans", "show", "http").out)
      result = run(path, "-H", self.shop.url, "--iterations", 2, "-e", "path=/shown")
    self.expect_code(result, 0)
    self.assertEqual(len(self.shop.at("/shown")), 2)


if __name__ == "__main__":
  main()
