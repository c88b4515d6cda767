"""What spate says, to the letter: the overview, a command's options, and each thing that a user can get wrong."""
import os
import sys
import tempfile

from cli_support import PLANS, GoldenCase, support, transcript
from server import Server, always, answer, event, every
from shop import DIFY, OPENAI, as_stream

BROKEN, REQUIRED = os.path.join(PLANS, "broken.lua"), os.path.join(PLANS, "required.lua")
HOST = "http://127.0.0.1:1"

SAID = {
    "help": [[], ["help"], ["--help"], ["--version"]],
    "help_run": [["help", "run"]],
    "help_commands": [["help", "try"], ["help", "mock"], ["help", "demo"], ["help", "plans"], ["help", "selftest"],
                      ["help", "help"], ["help", "capacity"]],
    "plans": [["plans"]],
    "plans_show": [["plans", "show", "http"], ["plans", "show", "htp"], ["plans", "show"], ["plans", "list"]],
    "commands": [["rnu"], ["halp"], ["--verbose"], ["help", "rnu"], ["run"], ["try"], ["run", "http", "extra"]],
    "plan_names": [["run", "nope"], ["run", "dify:chta"], ["run", "no/such/file.lua"], ["run", BROKEN, "-H", HOST],
                   ["try", BROKEN]],
    "options": [["run", "http", word, "5"] for word in ("--user", "--iteration", "--zzzz", "-Z")] +
               [["run", "http", "--users"], ["run", "http", "-u"], ["run", "http", "--quiet=yes"],
                ["run", "http", "-qu"]],
    "values": [["run", "http", *words] for words in (
        ("-u", "0"), ("-u", "abc"), ("-u", "-5"), ("-u", "1.5"), ("-u", "99999999999"), ("-t", "5x"), ("-t", "0s"),
        ("-t", ""), ("-r", "0"),
        ("-r", "fast"), ("--iterations", "0"), ("--threads", "0"), ("--threads", "1000"), ("--seed", "x"),
        ("--stop-timeout", "soon"),
        ("-H", "127.0.0.1:80"), ("-H", "ftp://x"), ("-H", "http://"), ("-H", "http://a b"), ("-H", "http://x:99999"),
        ("-H", ""),
        ("--out", "json"), ("--out", "json="), ("--out", "jsn=x"), ("--tag", "x"),
        ("--warm-up", "5s", "-t", "5s", "-H", HOST))],
    "parameters": [["run", "dify:chat", "-H", HOST], ["run", REQUIRED, "-H", HOST], ["run", REQUIRED, "-e", "token"],
                   ["run", REQUIRED, "-e", "=x"],
                   ["run", REQUIRED, "-e", "tokne=x"], ["run", REQUIRED, "-e", "token=x", "-e", "other=y"],
                   ["run", "http", "-e", "think=long"],
                   ["run", "http", "-T", "nothing*", "-H", HOST],
                   ["run", "http", "--user-class", "Nobody", "-H", HOST]],
    "together": [["run", "http", "-H", HOST, *words] for words in (
        ("-u", "5", "--max-in-flight", "9"), ("--arrivals", "even"), ("--rate", "5/s", "-r", "5"),
        ("--slo-abort", "--slo", "p95(ttft) < 2s"),
        ("--out", "json=-", "--out", "jsonl=-"))],
    "capacity": [["capacity"], ["capacity", "http", "-H", HOST]] + [["capacity", "http", "-H", HOST, *words] for words in (
        ("--slo", "rps > 40"), ("--slo", "p95(e2e) < 1s over 30s"), ("--slo", "p95(e2e < 1s"), ("--goal", "p95(e2e) < 1s;"),
        ("--slo", "p95(e2e) < 1s", "--ladder", "50,40"), ("--slo", "p95(e2e) < 1s", "--ladder", "50,,60"),
        ("--slo", "p95(e2e) < 1s", "--ladder", "0"), ("--slo", "p95(e2e) < 1s", "--ladder", "10", "--to", "20"),
        ("--slo", "p95(e2e) < 1s", "--ladder", "10", "--unit", "rate"), ("--slo", "p95(e2e) < 1s", "--unit", "req"),
        ("--slo", "p95(e2e) < 1s", "--from", "0"), ("--slo", "p95(e2e) < 1s", "--from", "9", "--to", "5"),
        ("--slo", "p95(e2e) < 1s", "--unit", "users", "--from", "1.5"), ("--slo", "p95(e2e) < 1s", "--trial-time", "1s"),
        ("--slo", "p95(e2e) < 1s", "--resume", "no-such-state.json"), ("--slo", "p95(e2e) < 1s", "--out", "csv=x"),
        ("--slo", "p95(e2e) < 1s", "--state", "/no/such/folder/state.json"), ("--users", "5"),
        ("--slo", "p95(e2e) < 1s", "-r", "5"), ("--slo", "p95(e2e) < 1s", "--unit", "users", "--arrivals", "even"),
        ("--slo", "p95(e2e) < 1s", "--what-if", "dify-api.cpu"), ("--slo", "p95(e2e) < 1s", "--what-if", "users=many"))],
    "mock": [["mock", "nope"], ["mock", "-l", "5001"], ["mock", "-l", "127.0.0.1:99999"],
             ["mock", "-l", "127.0.0.1:0", "--cert", "no-such.pem", "--key", "no-such.key"], ["mock", "a", "b"]],
}


class Said(GoldenCase):
  """One golden file for each entry of SAID."""

  def check(self, name):
    text = "\n".join(transcript(args, support.spate(args[0], *args[1:]) if args else self.nothing())
                     for args in SAID[name])
    self.golden(name, text)

  def nothing(self):
    started = support.Started.__new__(support.Started)
    started.path, started.folder = None, tempfile.mkdtemp(prefix="spate-test-")
    started.process = support.subprocess.Popen([support.SPATE], stdin=support.subprocess.DEVNULL,
                                               stdout=support.subprocess.PIPE,
                                               stderr=support.subprocess.PIPE, env=support.environment())
    return started.finish()

  def test_help_by_option(self):
    for command in ("run", "try", "mock", "demo", "plans"):
      help_text = support.spate("help", command).out
      self.assertIn(f"Usage: spate {command}", help_text)
      for option in ("--help", "-h"):
        self.assertEqual(support.spate(command, option).out, help_text)
      self.assertLessEqual(max(map(len, help_text.split("\n"))), 120)

  def test_codes(self):
    """Usage is 2, whatever else is wrong; asking for help is no error; and nobody is left without a word."""
    for name, calls in SAID.items():
      for args in calls:
        result = support.spate(args[0], *args[1:]) if args else self.nothing()
        asked = name.startswith("help") and args or name == "plans" or args == ["plans", "show", "http"]
        with self.subTest(args=args):
          self.assertIn(result.code, (0,) if asked else (1, 2))
          self.assertTrue(result.out or result.err)
          self.assertNotIn("(null)", result.out + result.err)


def _add(name):
  setattr(Said, "test_" + name, lambda self: self.check(name))


for _name in SAID:
  _add(_name)


class Tried(GoldenCase):
  """`spate try`: each task once, each event with its time, and what to do about a failure."""

  def tried(self, name, pieces, *args, code=0):
    with Server(every(lambda peer, _: peer.send(*pieces))) as server:
      words = ["try", *args, "-H", server.url]
      result = support.spate(*words)
    self.golden(name, transcript(words, result))
    self.assertEqual(result.code, code)
    return result

  def test_dify(self):
    begun = event("node_started", data={"title": "LLM", "node_type": "llm"})
    self.tried("try_dify", [as_stream([*DIFY[:2], begun, *DIFY[2:]])], "dify:chat", "-e", "key=app-secret")

  def test_openai(self):
    self.tried("try_openai", [as_stream(OPENAI)], "openai:chat")

  def test_http(self):
    self.tried("try_http", [answer("line one\nline two \x1b[31m red " + "文" * 400, "200 OK",
                                   "Content-Type: text/plain")], "http", "-e", "path=/a?b=c")

  def test_a_failed_run(self):
    pieces = [event("workflow_started", task_id="t", data={}), event("quantum", x=1),
              event("workflow_finished", task_id="t", data={"status": "failed", "error": "node LLM broke"})]
    self.tried("try_failed", [as_stream(pieces)], "dify:workflow", "-e", "key=app-secret", code=3)

  def test_a_wrong_key(self):
    body = '{"code":"unauthorized","message":"Access token is invalid","status":401}'
    result = self.tried("try_wrong_key", [answer(body, "401 UNAUTHORIZED", "Content-Type: application/json")],
                        "dify:chat", "-e", "key=app-wrong", code=3)
    self.assertIn("check the key", result.out)

  def test_several_tasks(self):
    path = support.plan("classes.lua")
    with Server(always(answer("hello"))) as server:
      result = support.spate("try", path, "-H", server.url)
      self.assertEqual([request.path for request in server.requests], ["/read-one", "/read-two", "/write"])
    self.assertEqual(result.code, 0)

  def test_nothing_listens(self):
    result = support.spate("try", "http", "-H", "http://127.0.0.1:1")
    self.golden("try_dead", transcript(["try", "http", "-H", "http://127.0.0.1:1"], result))
    self.assertEqual(result.code, 1)


if __name__ == "__main__":
  if len(sys.argv) == 1:
    sys.argv.append("-v")
  support.unittest.main()
