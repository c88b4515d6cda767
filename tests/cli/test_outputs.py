"""What a run leaves: outputs, exit codes, what is checked before the first request, and the summary on the screen."""
import json
import os
import resource
import sys
import tempfile

from cli_support import support
from server import Server, always, answer, every, free_port
from support import Case, plan, run, spate, start


def as_nobody():
  """Root may do what others may not: be somebody else."""
  if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


class OutputCase(Case):
  def setUp(self):
    self.folder = tempfile.TemporaryDirectory(prefix="spate-out-")
    self.addCleanup(self.folder.cleanup)
    self.server = Server(always(answer("hello")))
    self.addCleanup(self.server.close)

  def path(self, name):
    return os.path.join(self.folder.name, name)

  def go(self, *args, command="run", **options):
    return spate(command, "http", "-H", self.server.url, "--iterations", 5, *args, **options)


class Before(OutputCase):
  """What cannot be written, or cannot be done, is said before the first request."""

  def expect_nothing_sent(self, result, *words):
    self.assertEqual(result.code, 1, str(result))
    for word in words:
      self.assertIn(word, result.err)
    self.assertEqual((len(self.server.requests), self.server.connections, result.out), (0, 0, ""))

  def test_a_missing_folder(self):
    self.expect_nothing_sent(self.go("--out", "json=" + self.path("no/such/run.json")), self.path("no/such"))

  def test_a_folder(self):
    self.expect_nothing_sent(self.go("--out", "json=" + self.folder.name), self.folder.name, "folder")

  def test_what_may_not_be_written(self):
    target = self.path("read-only.json")
    with open(target, "w", encoding="utf-8"):
      pass
    os.chmod(target, 0o400)
    os.chmod(self.folder.name, 0o555)
    result = self.go("--out", "json=" + target, preexec_fn=as_nobody, cwd="/")
    self.expect_nothing_sent(result, target)
    result = self.go("--out", "json=" + self.path("new.json"), preexec_fn=as_nobody, cwd="/")
    self.expect_nothing_sent(result, self.path("new.json"))

  def test_one_of_two_outputs(self):
    self.expect_nothing_sent(self.go("--out", "json=" + self.path("a.json"), "--out", "json=/no/such/b.json"),
                             "/no/such")

  def test_more_users_than_files(self):
    def limit():
      resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
      as_nobody()
    result = spate("run", "http", "-H", self.server.url, "-u", 100000, preexec_fn=limit, cwd="/")
    self.expect_nothing_sent(result, "100000 users", "256", "ulimit -n", "fewer users")

  def test_a_plan_that_breaks(self):
    result = spate("run", plan("no-such.lua"), "-H", self.server.url)
    self.expect_nothing_sent(result, "no-such.lua")


class Written(OutputCase):
  def test_json_to_a_file_and_to_standard_output(self):
    path = self.path("run.json")
    result = self.go("--out", "json=" + path)
    with open(path, encoding="utf-8") as file:
      document = json.load(file)
    self.assertEqual((result.code, document["totals"]["ok"]), (0, 5))
    result = self.go("--out", "json=-")
    document = json.loads(result.out)
    self.assertEqual(document["totals"]["ok"], 5)
    self.assertIn("5 requests", result.err)

  def test_standard_output_stays_pure(self):
    """Notes, the summary and the progress of a longer run go to standard error then."""
    result = spate("run", "http", "-H", self.server.url, "-e", "think=0.2", "-t", "6s", "--out", "json=-")
    document = json.loads(result.out)
    self.assertGreater(document["totals"]["ok"], 5)
    self.assertRegex(result.err, r"(?m)^ +5 s   users 1/1 ")

  def test_an_existing_file_is_replaced_whole(self):
    path = self.path("run.json")
    with open(path, "w", encoding="utf-8") as file:
      file.write("x" * 100000)
    self.go("--out", "json=" + path)
    with open(path, encoding="utf-8") as file:
      json.load(file)

  def test_a_pipe(self):
    read, write = os.pipe()
    result = self.go("--out", f"json=/dev/fd/{write}", pass_fds=(write,))
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as file:
      document = json.load(file)
    self.assertEqual((result.code, document["totals"]["ok"]), (0, 5))

  def test_a_disk_that_is_full(self):
    if not os.path.exists("/dev/full"):
      self.skipTest("no /dev/full")
    result = self.go("--out", "json=/dev/full")
    self.assertEqual(result.code, 1, str(result))
    self.assertIn("/dev/full", result.err)
    self.assertIn("5 requests", result.out)  # the summary is shown all the same

  def test_the_run_names_itself(self):
    path = self.path("run.json")
    self.go("--out", "json=" + path, "--name", "nightly", "--tag", "git=abc", "--tag", "by=me=you", "--seed", 7,
            "--threads", 1)
    with open(path, encoding="utf-8") as file:
      about = json.load(file)["run"]
    self.assertEqual((about["name"], about["plan"], about["tags"], about["seed"], about["threads"], about["host"]),
                     ("nightly", "http", {"git": "abc", "by": "me=you"}, 7, 1, self.server.url))
    self.assertRegex(about["started"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

  def test_a_host_with_credentials_is_shown_without(self):
    path = self.path("run.json")
    result = spate("run", "http", "-H", f"http://me:hunter22@127.0.0.1:{self.server.port}", "--iterations", 2, "--out",
                   "json=" + path)
    with open(path, encoding="utf-8") as file:
      self.assertNotIn("hunter22", file.read() + result.out + result.err)

  def test_results_are_written_after_an_interrupt(self):
    path = self.path("run.json")
    started = start("http", "-H", self.server.url, "-e", "think=0.05", "--out", "json=" + path)
    support.time.sleep(1.5)
    started.process.send_signal(support.signal.SIGINT)
    result = started.finish()
    self.assertEqual(result.code, 130)
    with open(path, encoding="utf-8") as file:
      self.assertEqual(json.load(file)["totals"], result.totals)


class Shown(OutputCase):
  def test_plain_lines_without_a_terminal(self):
    result = spate("run", "http", "-H", self.server.url, "-e", "think=0.2", "-t", "6s")
    self.assertNotIn("\x1b", result.out + result.err)
    self.assertNotIn("\r", result.out)
    self.assertRegex(result.out, r"(?m)^ +5 s   users 1/1   in flight \d+   req/s ")

  def test_quiet(self):
    result = spate("run", "http", "-H", self.server.url, "-e", "think=0.2", "-t", "6s", "-q")
    self.assertNotRegex(result.out, r"(?m)^ +\d+ s   users")
    self.assertIn("requests", result.out)

  def test_the_summary_closes(self):
    result = self.go()
    self.assertRegex(result.out, r"5 requests = 5 ok \+ 0 failed \+ 0 abandoned \+ 0 cancelled")
    for word in ("http → " + self.server.url, "1 user", "seed 1", "get (HttpUser)", "TTFB", "generator:"):
      self.assertIn(word, result.out)

  def test_nothing_listens(self):
    result = spate("run", "http", "-H", f"http://127.0.0.1:{free_port()}", "--iterations", 3)
    self.assertEqual(result.code, 1)
    for word in ("3 × get: connect", "connection refused", "is the server up? check --host"):
      self.assertIn(word, result.out)

  def test_a_wrong_key(self):
    body = '{"code":"unauthorized","message":"Access token is invalid","status":401}'
    with Server(always(answer(body, "401 UNAUTHORIZED", "Content-Type: application/json"))) as server:
      result = spate("run", "dify:chat", "-H", server.url, "-e", "key=app-wrong-one", "-e", "think_min=0", "-e",
                     "think_max=0", "--iterations", 3)
    self.assertIn(result.code, (3, 4))
    for word in ("401 unauthorized: Access token is invalid", "check the key", "missed"):
      self.assertIn(word, result.out)
    self.assertNotIn("app-wrong-one", result.out + result.err)

  def test_names_that_would_harm_a_terminal(self):
    """Escapes and line ends in a server's message never reach the screen."""
    body = json.dumps({"code": "x\x1b]0;title\x07", "message": "a\nb\x1b[2J\u0085\u202e end"})
    with Server(always(answer(body, "400 Bad\x1b[31m", "Content-Type: application/json"))) as server:
      result = spate("run", "http", "-H", server.url, "--iterations", 2)
      tried = spate("try", "http", "-H", server.url)
    for shown in (result.out, tried.out):
      self.assertNotIn("\x1b", shown)
      self.assertNotIn("\x07", shown)

  def test_many_names_and_many_errors(self):
    """Tables are capped: a server that says something new each time fills no screen."""
    def respond(peer, request):
      peer.send(answer(json.dumps({"code": f"c{request.number}", "message": f"trace {request.number}"}), "500 Oops",
                       "Content-Type: application/json"))
    with Server(every(respond)) as server:
      result = run("http", "-H", server.url, "--iterations", 3000)
    self.assertEqual(result.totals["failed"], 3000)
    self.assertLessEqual(len(result.json["errors"]), 1100)
    self.assertEqual(sum(error["count"] for error in result.json["errors"]), 3000)
    self.assertLess(result.out.count("\n"), 150)


class Closed(OutputCase):
  def test_a_reader_that_goes_away(self):
    """`spate run … | head -1`: no crash, and the other outputs are written."""
    path = self.path("run.json")
    process = support.subprocess.Popen([support.SPATE, "run", "http", "-H", self.server.url, "-e", "think=0.1", "-t",
                                        "2s", "--out", "json=" + path],
                                       stdout=support.subprocess.PIPE, stderr=support.subprocess.PIPE,
                                       env=support.environment())
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    code = process.wait(support.RUN_LIMIT_S)
    self.assertNotRegex(err, support.SANITIZERS)
    self.assertGreaterEqual(code, 0, "killed by a signal")
    with open(path, encoding="utf-8") as file:
      self.assertGreater(json.load(file)["totals"]["ok"], 0)

  def test_the_mock_ends_with_its_terminal(self):
    target = support.Mock()
    target.close()
    self.assertEqual(target.process.returncode, 0)


if __name__ == "__main__":
  if len(sys.argv) == 1:
    sys.argv.append("-v")
  support.unittest.main()
