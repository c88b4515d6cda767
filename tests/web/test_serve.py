"""spate serve: runs from the page, one after the other, watched and steered."""
import csv
import io
import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from web import Serve, chat, check_ticks, summary_sums, sums  # noqa: E402
import support  # noqa: E402
from support import MockCase, plan, run  # noqa: E402


class Starting(MockCase):
  def test_two_runs_one_after_the_other(self):
    with Serve() as server:
      page, ids = server.page, []
      self.assertEqual(page.get("/api/state")["phase"], "idle")
      live = page.live()
      for users in ("4", "2"):
        ids.append(page.post("/api/run", chat(self.mock, users=users))["id"])
        live.until("state", lambda state: state["phase"] == "ended" and state["begin"]["id"] == ids[-1])
        ticks = [event.data for event in live.all("tick") if event.id.startswith(ids[-1] + ":")]
        check_ticks(self, ticks)
        self.assertEqual(ticks[0]["n"], 0)
        summary = page.get("/api/summary")
        self.assertEqual(sums(ticks), summary_sums(summary))
        self.assertGreater(summary["totals"]["ok"], 0)
        self.assertEqual(summary["run"]["users_max"], int(users))
        self.assertEqual(live.all("summary")[-1].data, summary)
        self.assertNotIn("partial", summary)
        data = page.get("/api/data")
        self.assertEqual((data["schema"], data["begin"]["id"], data["ticks"], data["summary"]),
                         ("spate.page/1", ids[-1], ticks, summary))
      self.assertNotEqual(ids[0], ids[1])
      live.close()
    self.assertEqual(server.code, 0)
    self.assertIn("VALID", server.out)  # the terminal has both summaries, too

  def test_one_at_a_time(self):
    with Serve() as server:
      page = server.page
      page.post("/api/run", chat(self.mock, **{"run-time": "30s"}))
      self.assertIn("a run is under way", page.post("/api/run", chat(self.mock), 409)["error"])
      self.assertIn("a run is under way", page.post("/api/try", chat(self.mock), 409)["error"])
      page.post("/api/stop")
      page.until_ended()
      self.assertIn("no run is under way", page.post("/api/stop", {}, 409)["error"])
      self.assertTrue(page.get("/api/summary")["run"]["interrupted"])

  def test_plans(self):
    with Serve(plan("params.lua"), "-e", "key=app-very-secret", "-u", "7", "--slo", "p95(ttft) < 2s") as server:
      plans = server.page.get("/api/plans")
      self.assertFalse(plans[0]["builtin"])
      by_name = {entry["name"]: entry for entry in plans}
      entry = by_name["dify:chat"]
      self.assertTrue(entry["builtin"])
      self.assertEqual(entry["load"]["users"], "7")
      self.assertEqual(entry["slos"], ["p95(ttft) < 2s"])
      key = [param for param in entry["params"] if param["name"] == "key"][0]
      self.assertEqual((key["secret"], key["required"], key["set"], key["default"]), (True, True, True, None))
      self.assertNotIn("app-very-secret", json.dumps(plans))

  def test_the_command_lines_words(self):
    wrong = [({"users": "abc"}, "users"), ({"users": "0"}, "users"), ({"spawn-rate": "0"}, "spawn-rate"),
             ({"run-time": "5 parsecs"}, "run-time"), ({"stages": "10:x"}, "stages"), ({"rate": "-1/s"}, "rate"),
             ({"slo": ["p95(tfft) < 1s"]}, "slo"), ({"tag": ["x"]}, "tag"), ({"warm-up": "1x"}, "warm-up")]
    with Serve() as server:
      for options, field in wrong:
        answer = server.page.post("/api/check", {"options": options})
        self.assertEqual((answer["ok"], answer["field"]), (False, field), answer)
        value = options[field][0] if isinstance(options[field], list) else options[field]
        said = run("dify:chat", f"--{field}={value}", want_json=False)
        self.assertEqual("spate: " + answer["error"], said.err.strip())
        self.assertEqual(server.page.post("/api/run", dict(chat(self.mock), options=options), 400)["field"], field)
      self.assertTrue(server.page.post("/api/check", {"options": {"users": "5", "run-time": ""}})["ok"])
      self.assertTrue(server.page.post("/api/check", chat(self.mock))["ok"])
      missing = server.page.post("/api/check", dict(chat(self.mock), settings={}))
      self.assertEqual((missing["ok"], missing["field"]), (False, "key"))
      both = server.page.post("/api/check", chat(self.mock, rate="5/s"))
      self.assertIn("exclude each other", both["error"])

  def test_errors_are_news(self):
    key = "app-nobody-knows-this-one"
    with Serve() as server:
      live = server.page.live()
      server.page.post("/api/run", dict(chat(self.mock, **{"run-time": "2s"}), settings={"key": key}))
      live.until("state", lambda state: state["phase"] == "ended")
      lines = [event.data for event in live.all("log") if "401" in event.data["text"]]
      self.assertEqual((len(lines), lines[0]["level"]), (1, "warn"))
      ticks = [event.data for event in live.all("tick")]
      summary = server.page.get("/api/summary")
      self.assertEqual(sums(ticks), summary_sums(summary))
      self.assertGreater(summary["totals"]["failed"], 0)
      for path in ("/api/data", "/api/state", "/api/plans", "/api/out/json", "/api/out/failures.csv", "/metrics"):
        self.assertNotIn(key.encode(), server.page.ask("GET", path)[2])
      live.close()

  def test_only_what_was_offered(self):
    with Serve() as server:
      for name in ("/etc/passwd", "../plan.lua", plan("params.lua"), "nothing"):
        answer = server.page.post("/api/run", dict(chat(self.mock), plan=name), 400)
        self.assertEqual(answer["field"], "plan")
      for option in ("out", "cacert", "cert", "key", "web", "host", "set", "insecure", "quiet", "help", "no-such"):
        answer = server.page.post("/api/run", chat(self.mock, **{option: "json=/tmp/spate-should-not-be"}), 400)
        self.assertEqual((answer["field"], answer["error"]), (option, f"there is no option '--{option}' here"))
      self.assertFalse(os.path.exists("/tmp/spate-should-not-be"))
      self.assertEqual(server.page.get("/api/state")["phase"], "idle")

  def test_what_cannot_start_leaves_it_as_it_was(self):
    with Serve() as server:
      answer = server.page.post("/api/run", chat(self.mock, task="no such task"), 400)
      self.assertIn("no task is left to run", answer["error"])
      self.assertEqual(server.page.get("/api/state")["phase"], "idle")
      server.page.post("/api/run", chat(self.mock, **{"run-time": "1s"}))
      server.page.until_ended()


class Steering(MockCase):
  def test_users_and_stop(self):
    with Serve() as server:
      page = server.page
      page.post("/api/run", chat(self.mock, **{"run-time": "60s"}))
      live = page.live()
      live.until("tick", lambda tick: tick["users"] == 4)
      page.post("/api/users", {"users": 9, "spawn_rate": None})
      tick = live.until("tick", lambda tick: tick["users"] == 9)
      self.assertEqual(tick.data["users_target"], 9)
      page.post("/api/users", {"users": 2, "spawn_rate": 50})
      live.until("tick", lambda tick: tick["users"] == 2)
      self.assertEqual(page.post("/api/users", {"users": 0}, 400)["field"], "users")
      self.assertIn("at least 1", page.post("/api/users", {"users": 0}, 400)["error"])
      self.assertEqual(page.post("/api/users", {"users": 5, "spawn_rate": -1}, 400)["field"], "spawn_rate")
      self.assertEqual(page.post("/api/rate", {"per_s": 5}, 409)["field"], "per_s")
      page.post("/api/stop", {"at_once": True})
      live.until("state", lambda state: state["phase"] == "ended")
      self.assertTrue(any("users 9" in line.data["text"] for line in live.all("log")))
      ticks = [event.data for event in live.all("tick")]
      self.assertEqual(sums(ticks), summary_sums(page.get("/api/summary")))
      live.close()

  def test_rate(self):
    with Serve() as server:
      page = server.page
      page.post("/api/run", chat(self.mock, users="", rate="5/s", **{"run-time": "60s"}))
      live = page.live()
      live.until("tick", lambda tick: tick["rate_target"] == 5)
      page.post("/api/rate", {"per_s": 25})
      live.until("tick", lambda tick: tick["rate_target"] == 25)
      self.assertEqual(page.post("/api/rate", {"per_s": "x"}, 400)["field"], "per_s")
      self.assertEqual(page.post("/api/users", {"users": 5}, 409)["field"], "users")
      page.post("/api/stop")
      page.until_ended()
      live.close()

  def test_reset(self):
    with Serve() as server:
      page = server.page
      page.post("/api/run", chat(self.mock, **{"run-time": "60s"}))
      live = page.live()
      live.until("tick", lambda tick: tick["n"] == 2)
      page.post("/api/reset")
      first = live.until("state", lambda state: state["first"] > 0).data["first"]
      live.until("tick", lambda tick: tick["n"] == first + 1)
      late = page.live()  # a second page sees what is shown now
      self.assertEqual(late.until("tick").data["n"], first)
      shown = page.get("/api/summary")
      self.assertTrue(shown["partial"])
      page.post("/api/stop")
      live.until("state", lambda state: state["phase"] == "ended")
      ticks = [event.data for event in live.all("tick")]
      whole = page.get("/api/summary")
      self.assertEqual(sums(ticks), summary_sums(whole))  # the run's own figures know of no reset
      self.assertLess(shown["totals"]["ok"], whole["totals"]["ok"])
      live.close()
      late.close()


class Watching(MockCase):
  def test_two_watchers_and_one_that_comes_back(self):
    with Serve() as server:
      page = server.page
      page.post("/api/run", chat(self.mock, **{"run-time": "60s"}))
      one, other = page.live(), page.live()
      last = one.until("tick", lambda tick: tick["n"] == 1).id
      one.close()
      other.until("tick", lambda tick: tick["n"] == 3)
      again = page.live(last)
      self.assertEqual(again.until("tick").data["n"], 2)
      page.post("/api/stop")
      for live in (again, other):
        live.until("state", lambda state: state["phase"] == "ended")
      numbers = [event.data["n"] for event in again.all("tick")]
      self.assertEqual(numbers, list(range(2, numbers[-1] + 1)))
      self.assertEqual([event.data for event in again.all("tick")], [event.data for event in other.all("tick")][2:])
      again.close()
      other.close()

  def test_the_server_restarts_in_the_middle(self):
    with Serve() as server:
      server.page.post("/api/run", chat(self.mock, **{"run-time": "60s"}))
      live = server.page.live()
      last = live.until("tick", lambda tick: tick["n"] == 2).id
      server.process.send_signal(signal.SIGKILL)
      server.process.wait()
      while live.next():
        pass
      live.close()
      server.process.communicate()
      server.code = 0
    with Serve(address=f"127.0.0.1:{server.port}") as second:
      live = second.page.live(last)  # as an EventSource does by itself
      self.assertEqual(live.until("state").data["begin"], None)
      second.page.post("/api/run", chat(self.mock, **{"run-time": "5s"}))
      live.until("tick", lambda tick: tick["n"] == 3)
      late = second.page.live(last)  # the old run's number 2 is not the new one's
      self.assertEqual(late.until("tick").data["n"], 0)
      live.close()
      late.close()

  def test_sixty_pages_and_one_too_many(self):
    with Serve() as server:
      pages = [server.page.live() for _ in range(64)]
      self.assertEqual({live.status for live in pages}, {200})
      status, _, body = server.page.ask("GET", "/api/live")
      self.assertEqual((status, b"watching already" in body), (503, True))
      server.page.post("/api/run", chat(self.mock))
      for live in pages:
        live.until("state", lambda state: state["phase"] == "ended")
        check_ticks(self, [event.data for event in live.all("tick")])
        live.close()

  def test_ctrl_c_stops_the_run_and_then_the_server(self):
    with Serve() as server:
      server.page.post("/api/run", chat(self.mock, **{"run-time": "60s"}))
      live = server.page.live()
      live.until("tick")
      server.process.send_signal(signal.SIGINT)
      live.until("state", lambda state: state["phase"] == "ended")
      while live.next():
        pass
      live.close()
      out, err = server.process.communicate(timeout=60)
      server.code = server.process.returncode
    self.assertEqual(server.code, 130)
    self.assertIn("interrupted", out.decode())


class Downloads(MockCase):
  def check(self, page, ended):
    state = page.get("/api/state")
    self.assertEqual(state["outputs"], ["json", "html", "requests.csv", "failures.csv", "history.csv", "hdr"])
    texts = {}
    for name in state["outputs"]:
      status, headers, body = page.ask("GET", f"/api/out/{name}")
      self.assertEqual(status, 200, body)
      self.assertRegex(headers["Content-Disposition"], rf'attachment; filename="spate-{state["begin"]["id"]}[._]')
      texts[name] = body.decode()
    summary = json.loads(texts["json"])
    self.assertEqual(summary["schema"], "spate.summary/1")
    inside = json.loads(re.search(r'id="page-data">(.*?)</script>', texts["html"], re.DOTALL).group(1))
    self.assertEqual(inside["begin"], state["begin"])
    self.assertGreaterEqual(len(inside["ticks"]), 3)
    self.assertEqual(inside["summary"].get("partial", False), not ended)
    rows = list(csv.DictReader(io.StringIO(texts["requests.csv"])))
    self.assertEqual([row["Name"] for row in rows], ["chat", "Aggregated"])
    history = list(csv.DictReader(io.StringIO(texts["history.csv"])))
    self.assertGreaterEqual(len(history), 2)
    self.assertTrue(texts["failures.csv"].startswith("Method,Name,Error"))
    self.assertIn("HistogramLog", texts["hdr"].replace(" ", "").replace("#[", "") + "HistogramLog")
    if ended:
      self.assertEqual(inside["summary"], summary)
      self.assertEqual(int(rows[1]["Request Count"]), summary["totals"]["ok"] + summary["totals"]["failed"])
      self.assertEqual(int(history[-1]["Total Request Count"]), summary["totals"]["ok"])
    return summary

  def test_while_it_runs_and_at_the_end(self):
    with Serve() as server:
      page = server.page
      self.assertEqual(page.ask("GET", "/api/out/json")[0], 404)
      page.post("/api/run", chat(self.mock, **{"run-time": "60s"}))
      page.until(lambda state: state["ticks"] >= 3)
      self.assertTrue(self.check(page, False)["partial"])
      page.post("/api/stop")
      page.until_ended()
      self.assertEqual(self.check(page, True), page.get("/api/summary"))
      self.assertEqual(page.ask("GET", "/api/out/exe")[0], 404)


if __name__ == "__main__":
  support.main()
