"""The built-in plans and the repository's example plan against the mock: each works as it is."""
import json
import os
import tempfile
import urllib.request

from support import HERE, Case, MockCase, main, mock, run, spate

QUICK = ["-e", "think_min=0", "-e", "think_max=0", "--iterations", "6", "-u", "3"]
KEYS = ["-e", "simple_key=app-simple", "-e", "complex_key=app-complex", "-e", "dataset_key=dataset-demo", "-e",
        "dataset=demo"]


class Profiles(Case):
  def test_json_and_lua_say_the_same(self):
    with tempfile.TemporaryDirectory() as folder:
      for name, text in (("p.json", '{"apps": {"simple": {"key": "app-mine"}}}'),
                         ("p.lua", 'return { apps = { simple = { key = "app-mine" } } }')):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
          file.write(text)
        with self.subTest(name=name), mock(path) as target:
          result = run("dify:chat", "-H", target.url, "-e", "key=app-mine", "--iterations", 1)
          self.assertEqual(result.totals["ok"], 1, str(result))

  def test_a_broken_one(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "p.json")
      with open(path, "w", encoding="utf-8") as file:
        file.write('{"sed": 1}')
      result = spate("mock", path)
    self.assertEqual((result.code, result.err), (1, "spate: profile: unknown member 'sed' (did you mean 'seed'?)\n"))


class BuiltIn(MockCase):
  def go(self, name, *args):
    result = run(name, "-H", self.mock.url, *args)
    self.expect_code(result, 0)
    self.assertEqual((result.totals["failed"], result.totals["task_errors"]), (0, 0), str(result))
    return result

  def test_chat(self):
    for key in ("app-simple", "app-complex", "app-chat", "app-agent"):
      row = self.go("dify:chat", "-e", "key=" + key, *QUICK).request("chat")
      self.assertEqual((row["ok"], row["metrics"]["ttft"]["count"]), (6, 6))

  def test_completion(self):
    self.assertEqual(self.go("dify:completion", "-e", "key=app-completion", *QUICK).request("completion")["ok"], 6)

  def test_workflow(self):
    result = self.go("dify:workflow", "-e", "key=app-workflow", *QUICK)
    self.assertIn("Knowledge", [node["title"] for node in result.json["nodes"]])

  def test_retrieve(self):
    row = self.go("dify:retrieve", "-e", "key=dataset-demo", "-e", "dataset=demo", *QUICK).request("retrieve")
    self.assertEqual((row["ok"], row["metrics"]["ttft"]), (6, None))

  def test_openai(self):
    row = self.go("openai:chat", "-e", "key=sk-mock", "-e", "model=mock-model", *QUICK).request("chat")
    self.assertEqual(row["tokens"]["reported_completion"], row["tokens"]["events"])

  def test_http(self):
    self.assertEqual(self.go("http", "--iterations", 10).request("get")["ok"], 10)

  def test_http_of_one_url(self):
    """Whichever way it is given: as the host, behind it, or in its place."""
    url = self.mock.url
    for words in (("-H", url + "/healthz"), ("-H", url, "-e", "path=/healthz"), ("-e", f"path={url}/healthz")):
      with self.subTest(words=words):
        self.assertEqual(run("http", *words, "--iterations", 2).totals["ok"], 2)

  def test_no_host_given(self):
    for words in (("http",), ("dify:chat", "-e", "key=app-simple")):
      for command in ("run", "try"):
        result = spate(command, *words)
        self.assertEqual(result.code, 2, str(result))
        self.assertEqual(result.err, f"spate: {words[0]} needs the target's address: -H URL, e.g. -H http://127.0.0.1:5001\n")

  def test_inputs(self):
    for name in ("dify:chat", "dify:completion", "dify:workflow"):
      for inputs in ("{bad", "[1]", "5", ""):
        result = run(name, "-H", self.mock.url, "-e", "key=k", "-e", "inputs=" + inputs, "--iterations", 1)
        with self.subTest(name=name, inputs=inputs):
          self.assertEqual(result.code, 1, str(result))
          self.assertRegex(result.err, name + r":\d+: inputs must be a JSON object")

  def test_the_three_scenarios(self):
    for name in ("dify:three-scenarios", os.path.join(HERE, "..", "..", "plans", "dify-three-scenarios.lua")):
      result = self.go(name, *KEYS, "-u", 12, "-r", 100, "-t", "4s")
      names = {(row["name"], row["user_class"]) for row in result.json["requests"]}
      self.assertEqual(names, {("simple chat", "ChatUser"), ("complex chat", "ChatUser"),
                               ("file retrieval", "RetrieveUser")})
      self.assertEqual(result.json["run"]["users_max"], 12)

  def test_a_wrong_key(self):
    result = run("dify:chat", "-H", self.mock.url, "-e", "key=app-nobody", *QUICK)
    self.expect_outcomes(result, {"http_status": 6})
    self.assertRegex(result.details(), "^401 unauthorized")
    self.expect_code(result, 3)

  def test_try_them(self):
    for name, *args in (("dify:chat", "-e", "key=app-complex"), ("dify:workflow", "-e", "key=app-workflow"),
                        ("openai:chat", "-e", "key=sk-mock"),
                        ("dify:three-scenarios", *KEYS)):
      result = spate("try", name, "-H", self.mock.url, *args)
      self.assertEqual(result.code, 0, str(result))
      self.assertRegex(result.out, r"ms +workflow_started|ms +chunk")

  def test_the_mock_counts_the_same(self):
    """Both ends agree on how much there was."""
    def seen():
      with urllib.request.urlopen(self.mock.url + "/mock/stats", timeout=20) as answer:
        return json.load(answer)
    before = seen()
    result = self.go("dify:chat", "-e", "key=app-simple", "-e", "think_min=0", "-e", "think_max=0", "--iterations", 40,
                     "-u", 10)
    after = seen()
    self.assertEqual(after["requests"] - before["requests"] - 1, result.totals["started"])  # and the question itself


if __name__ == "__main__":
  main()
