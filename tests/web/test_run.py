"""spate run --web: the run's own page."""
import json
import os
import re
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from web import Page, check_ticks, summary_sums, sums  # noqa: E402
import support  # noqa: E402
from support import MockCase, start  # noqa: E402


def started(target, *more):
  """A run and its page."""
  run = start("dify:chat", "-H", target.url, "-e", "key=app-simple", "-e", "think_min=0.1", "-e", "think_max=0.2",
              "--web=127.0.0.1:0", *more)
  while (line := run.process.stdout.readline().decode()):
    found = re.search(r"live: http://127\.0\.0\.1:(\d+)/", line)
    if found:
      return run, Page(int(found.group(1)))
  raise AssertionError(f"it never said where the page is: {run.finish()}")


class Run(MockCase):
  def test_the_page_and_the_files_agree(self):
    run, page = started(self.mock, "-u", 4, "-t", "4s")
    live = page.live()
    self.assertEqual(live.until("state").data["mode"], "run")
    live.until("state", lambda state: state["phase"] == "ended")
    summary = live.all("summary")[-1].data
    ticks = [event.data for event in live.all("tick")]
    while live.next():
      pass  # it ends with the run
    live.close()
    result = run.finish()
    self.expect_code(result, 0)
    check_ticks(self, ticks)
    self.assertEqual(sums(ticks), summary_sums(result.json))
    self.assertEqual(summary, result.json)

  def test_warm_up_and_stages(self):
    run, page = started(self.mock, "--stages", "2:2s,4:2s", "--warm-up", "1s")
    live = page.live()
    begin = live.until("state", lambda state: state["begin"]).data["begin"]
    self.assertEqual([(stage["to"], stage["begin_s"]) for stage in begin["stages"]], [(2, 0), (4, 2)])
    self.assertEqual(begin["run_time_s"], 4)
    live.until("state", lambda state: state["phase"] == "ended")
    parts = [event.data["part"] for event in live.all("tick")]
    self.assertEqual(parts[0], "warm")
    self.assertIn("steady", parts)
    self.assertEqual({event.data["stage"] for event in live.all("tick")}, {0, 1})
    live.close()
    run.finish()

  def test_steering_it(self):
    run, page = started(self.mock, "-u", 2, "-t", "60s")
    self.assertEqual(page.until(lambda state: state["phase"] == "steady")["can"],
                     {"start": False, "change": True, "stop": True, "history": True, "try": False})
    page.post("/api/users", {"users": 6})
    page.until(lambda summary: summary["run"]["users_max"] == 6, "/api/summary")
    self.assertIn("spate serve", page.post("/api/run", {"plan": "dify:chat"}, 409)["error"])
    page.post("/api/stop")
    result = run.finish()
    self.assertEqual(result.code, 130)
    self.assertTrue(result.json["run"]["interrupted"])
    self.assertEqual(result.json["run"]["users_max"], 6)

  def test_the_page_stays_where_it_is_asked_to(self):
    """Everything can be downloaded behind the end, and Ctrl-C changes nothing of the exit code."""
    for more, code in (((), 0), (("--slo", "p95(ttft) < 1ms"), 3)):
      lines = tempfile.NamedTemporaryFile(suffix=".jsonl")
      self.addCleanup(lines.close)
      run, page = started(self.mock, "-u", 2, "-t", "2s", "--web-linger", "--out", "jsonl=" + lines.name, *more)
      state = page.until_ended()
      self.assertEqual(state["can"], {"start": False, "change": False, "stop": False, "history": True, "try": False})
      self.assertEqual(state["outputs"], ["json", "html", "requests.csv", "failures.csv", "history.csv", "hdr", "jsonl"])
      for name in state["outputs"]:
        status, _, body = page.ask("GET", "/api/out/" + name)
        self.assertEqual(status, 200, name)
        self.assertGreater(len(body), 40, name)
      summary = json.loads(page.ask("GET", "/api/out/json")[2])
      count = len(page.ask("GET", "/api/out/jsonl")[2].splitlines())
      self.assertEqual(count, summary["totals"]["started"])
      self.assertIn("no run is under way", page.post("/api/stop", {}, 409)["error"])
      self.assertIsNone(run.process.poll())
      run.process.send_signal(signal.SIGINT)
      result = run.finish()
      self.expect_code(result, code)
      self.assertEqual(result.json, summary)
      self.assertRegex(result.out, r"live: http://127\.0\.0\.1:\d+/ stays as long as you want \(Ctrl-C ends it\)")

  def test_the_page_stays_for_so_long(self):
    run, page = started(self.mock, "-u", 2, "-t", "1s", "--web-linger=2s")
    page.until_ended()
    self.expect_code(run.finish(), 0)  # by itself
    without = support.run("dify:chat", "-H", self.mock.url, "-e", "key=app-simple", "--web-linger", want_json=False)
    self.assertEqual(without.code, 2)
    self.assertIn("give --web, too", without.err)

  def test_metrics(self):
    run, page = started(self.mock, "-u", 2, "-t", "3s")
    page.until(lambda state: state["ticks"] > 0)
    status, headers, body = page.ask("GET", "/metrics")
    self.assertEqual(status, 200)
    self.assertIn(b"\nspate_users ", body)
    self.assertEqual(page.ask("GET", "/")[0], 200)
    run.finish()


if __name__ == "__main__":
  support.main()
