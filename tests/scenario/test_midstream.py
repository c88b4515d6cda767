"""The middle of a stream: hanging up, several at once, reading slowly, asking again, probes; the books always close."""
import collections
import json
import os
import random
import re
import tempfile
import threading
import time

from server import LAST_CHUNK, Server, answer, chunk, event, every, stream_head
from support import Case, main, plan, run, spate, start

IDS = {"conversation_id": "c-1", "message_id": "m-1", "task_id": "t-1"}
BIG = 4 << 20


def endless(peer):
  peer.send(stream_head())
  for i in range(1, 2000):
    peer.send(chunk(f"event: {'node' if i == 3 else 'message'}\ndata: {i}\n\n"))
    time.sleep(0.01)


def dify(peer, wait):
  peer.send(stream_head(), chunk(event("workflow_started", **IDS, data={"id": "r"})),
            chunk(event("message", **IDS, answer="Hel")))
  wait.wait(0.2)
  peer.send(chunk(event("message_end", **IDS, metadata={})), LAST_CHUNK)


class Target(Server):
  """Answers 429 to every first and second request of a path that is limited."""

  def __init__(self):
    self.limited, self.never_set = 0, threading.Event()
    super().__init__(every(self.respond))

  def refuse(self):
    with self.lock:
      self.limited += 1
      return self.limited % 3 != 0

  def respond(self, peer, request):
    path = request.path.split("?")[0]
    if path == "/endless":
      endless(peer)
    elif path == "/short":
      peer.send(stream_head())
      for word in ("a", "b", "c"):
        peer.send(chunk(f"data: {word}\n\n"))
        time.sleep(0.02)
      peer.send(LAST_CHUNK)
    elif path == "/lump":
      peer.send(stream_head(), chunk("".join(f"data: {i}\n\n" for i in range(1, 20))))
      peer.wait_close()
    elif path == "/hang":
      peer.wait_close()
    elif path == "/reset":
      peer.reset()
    elif path == "/big":
      peer.send(answer(b"x" * BIG))
    elif path in ("/v1/chat-messages", "/v1/workflows/run"):
      dify(peer, self.never_set)
    elif path == "/never" or path.startswith("/limited") and self.refuse():
      peer.send(answer("{}", "429 Too Many Requests", "Retry-After: 0" if path != "/never" else "Retry-After: 3600"))
    elif path == "/limited-sse":
      peer.send(stream_head(), chunk("data: x\n\n"), LAST_CHUNK)
    elif path == "/missing":
      peer.send(answer("{}", "404 Not Found"))
    else:
      peer.send(answer('{"result":"success"}'))

  def at(self, path):
    return [request for request in list(self.requests) if request.path == path]


class MidStream(Case):
  def setUp(self):
    self.target = Target()
    self.addCleanup(self.target.close)

  def go(self, part, *args, iterations=1):
    result = run(plan("midstream.lua"), "-H", self.target.url, "-e", "part=" + part, "-u", 1, "--iterations", iterations,
                 *args)
    self.reports = [request.json for request in self.target.at("/report")]
    return result

  def one(self, part, *args):
    result = self.go(part, *args)
    self.assertEqual(result.totals["task_errors"], 0, str(result))
    self.assertEqual(len(self.reports), 1, str(result))
    return result, self.reports[0]


class HangUp(MidStream):
  def expect(self, part, kind):
    result, report = self.one(part)
    self.expect_outcomes(result, {"abandoned": 1}, "stream")
    self.assertEqual((report["outcome"], report["hung_up"]), ("abandoned", kind))
    row = result.request("stream")
    self.assertEqual({key: count for key, count in row["hang_ups"].items() if count}, {kind: 1})
    self.assertIsNone(row["metrics"]["e2e"])  # neither ok nor failed: in no latency
    self.assertEqual((result.totals["ok"], result.totals["failed"], result.totals["rps"]), (0, 0, 0))
    return result, report

  def test_by_tokens(self):
    _, report = self.expect("tokens", "tokens")
    self.assertEqual((report["tokens"], report["text"]), (3, "123"))

  def test_by_time(self):
    result, report = self.expect("after", "time")
    self.assertGreaterEqual(report["tokens"], 1)
    self.assertGreaterEqual(result.request("stream")["abandoned_age"]["min"], 79)

  def test_by_time_before_any_answer(self):
    _, report = self.expect("after_nothing", "time")
    self.assertEqual((report["status"], report["tokens"]), (0, 0))

  def test_by_an_event(self):
    self.assertEqual(self.expect("event", "event")[1]["text"], "123")
    self.target.requests.clear()
    self.assertEqual(self.expect("judged", "event")[1]["text"], "1234")

  def test_the_first_that_comes_true(self):
    self.assertEqual(self.expect("first_of_all", "tokens")[1]["tokens"], 2)

  def test_an_answer_that_is_faster(self):
    result, report = self.one("too_late")
    self.expect_outcomes(result, {"ok": 1}, "stream")
    self.assertNotIn("hung_up", report)

  def test_a_function_that_is_wrong(self):
    result = self.go("broken_judge")
    self.assertGreater(result.totals["task_errors"], 0)
    self.assertRegex(result.details(), r"midstream\.lua:\d+")
    self.expect_outcomes(result, {"abandoned": 1}, "stream")

  def test_an_iterated_stream_still_gives_what_came(self):
    """All tokens came in one read: the loop sees those up to the hang-up, each with its time."""
    result, report = self.one("iterated")
    self.assertEqual((report["hung_up"], report["tokens"]), ("tokens", 3))
    self.assertEqual(report["got"], "1,2,3")
    self.expect_outcomes(result, {"abandoned": 1}, "stream")

  def test_closed_by_the_plan(self):
    result, report = self.one("closed")
    self.assertEqual((report["outcome"], report["hung_up"], report["again"]), ("abandoned", "close", "abandoned"))
    self.assertEqual(result.request("stream")["hang_ups"]["close"], 2)

  def test_stop_endpoint(self):
    result = self.go("stop")
    self.assertEqual(result.totals["task_errors"], 0, str(result))
    self.expect_outcomes(result, {"abandoned": 3}, "stream")
    self.expect_outcomes(result, {"ok": 3}, "stop")  # rows of its own
    chat, workflow = self.target.at("/v1/chat-messages/t-1/stop"), self.target.at("/v1/workflows/tasks/t-1/stop")
    self.assertEqual((len(chat), len(workflow)), (2, 1))
    self.assertEqual([request.json["user"] for request in chat], ["someone", "spate-1"])  # who had asked
    self.assertTrue(all(request.headers["authorization"] == "Bearer app-test" for request in chat + workflow))

  def test_nothing_to_stop_yet(self):
    result, _ = self.one("stop_too_early")
    self.assertEqual(self.target.at("/v1/stop"), [])
    self.assertEqual(result.totals["started"], 1)


class Several(MidStream):
  def test_several_at_once(self):
    result, report = self.one("several")
    self.assertEqual(report, {"ok": True, "between": True, "text": "abc", "open": 5})
    self.expect_outcomes(result, {"ok": 6}, "stream")
    self.assertGreater(self.target.connections, 4)

  def test_what_is_left_running_ends_with_its_task(self):
    result = self.go("left_running", iterations=4)
    self.expect_outcomes(result, {"ok": 4}, "stream")
    self.assertEqual(result.totals["tasks"], 4)

  def test_a_task_that_breaks_hangs_up(self):
    result = self.go("task_breaks", iterations=2)
    self.assertEqual(result.totals["task_errors"], 2)
    self.assertEqual(result.request("stream")["hang_ups"]["left"], 2)

  def test_beside_an_iterated_stream(self):
    result, report = self.one("iterated_beside")
    self.assertEqual(report, {"text": "abc/abc", "ok": True})
    self.assertEqual(result.totals["abandoned"], 0)

  def test_a_check_speaks_of_what_was_waited_for(self):
    result = self.go("checked")
    self.expect_outcomes(result, {"check": 1}, "stream")

  def test_at_most_so_many(self):
    result = self.go("too_many")
    self.assertRegex(result.details(), "at most 100 started requests")
    self.expect_outcomes(result, {"abandoned": 100}, "stream")

  def test_a_handle_of_another_task(self):
    result = self.go("another_task", iterations=2)
    self.assertRegex(result.details(), "ended with the task that had started it")
    self.assertEqual(result.totals["ok"], 1)


class Try(MidStream):
  """`spate try` tells several streams apart, and hanging up on purpose is no failure."""

  def test_a_stream_hung_up_on(self):
    shown = spate("try", plan("midstream.lua"), "-H", self.target.url, "-e", "part=tokens")
    self.assertEqual(shown.code, 0, shown.out + shown.err)
    self.assertRegex(shown.out, "= abandoned · 200 · the plan hung up after its tokens")

  def test_streams_side_by_side(self):
    shown = spate("try", plan("midstream.lua"), "-H", self.target.url, "-e", "part=iterated_beside")
    self.assertEqual(shown.code, 0, shown.out + shown.err)
    self.assertRegex(shown.out, "… stream, request 1")
    at = None  # the times of each stream's own lines go up from its own start
    for line in shown.out.splitlines():
      if line.startswith("beside (U)"):
        at = []
      found = re.match(r"\s+([0-9.]+) ms\s+message", line)
      if found and at is not None:
        at.append(float(found.group(1)))
    self.assertTrue(all(ms < 5000 for ms in at), at)


class SlowReading(MidStream):
  def test_a_rate(self):
    result, report = self.one("slow")
    self.assertEqual(report, {"ok": True, "bytes": BIG})
    row = result.request("stream")
    self.assertEqual(row["slow_reading"]["requests"], 1)
    self.assertGreater(row["slow_reading"]["pauses"], 3)
    self.assertGreater(row["metrics"]["e2e"]["min"], 900)  # 4 MiB at 4 MB/s

  def test_pause_and_resume(self):
    result, report = self.one("paused")
    self.assertEqual(report, {"ok": True, "open": True, "text": "abc"})
    row = result.request("stream")
    self.expect_outcomes(result, {"ok": 3}, "stream")
    self.assertEqual((row["slow_reading"]["requests"], row["slow_reading"]["pauses"]), (3, 3))
    self.assertGreater(row["slow_reading"]["paused_s"], 1.09)
    lag = result.json["validity"]["generator"]["lag_ms"]
    self.assertLess(lag["max"], 900)  # what waited because it was told to is no lag


class RateLimits(MidStream):
  def expect(self, part, outcomes, retries, status, *args):
    result, report = self.one(part, *args)
    row = result.request("stream")
    self.expect_outcomes(result, outcomes, "stream")
    self.assertEqual((row["rate_limited"], row["retries"], report["status"]), (outcomes.get("http_status", 0), retries,
                                                                              status))
    self.assertEqual(result.totals["retries"], retries)
    return result

  def test_fail_is_the_default(self):
    self.expect("limited", {"http_status": 1}, 0, 429)

  def test_wait(self):
    self.expect("limited_wait", {"http_status": 2, "ok": 1}, 2, 200)

  def test_back_off(self):
    self.expect("limited_back_off", {"http_status": 2, "ok": 1}, 2, 200)

  def test_streams_and_started_requests(self):
    self.expect("limited_iterated", {"http_status": 2, "ok": 1}, 2, 200)
    self.target.requests.clear()
    self.target.limited = 0
    self.expect("limited_started", {"http_status": 2, "ok": 1}, 2, 200)

  def test_of_a_class(self):
    self.expect("limited_class", {"http_status": 2, "ok": 1}, 2, 200)

  def test_for_good(self):
    """The wait is capped, and after so many tries the caller gets the last answer."""
    self.expect("limited_for_good", {"http_status": 4}, 3, 429)


class Probes(MidStream):
  def test_probes_are_in_no_total(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "lines.jsonl")
      result = self.go("probes", "--slo", "failed_share < 1%", "--out", "jsonl=" + path, iterations=2)
      with open(path, encoding="utf-8") as file:
        roles = collections.Counter(json.loads(line)["role"] for line in file)
    self.assertEqual(roles, {"load": 2, "probe": 6, "setup": 2})
    self.expect_code(result, 0)
    totals = result.totals
    self.assertEqual((totals["started"], totals["ok"], totals["failed"], totals["events"]), (2, 2, 0, 0))
    for role, count in (("load", 2), ("probe", 2), ("setup", 2)):
      self.assertEqual(result.request("same", role=role)["count"], count)
    self.assertEqual((result.request("lost")["role"], result.request("lost")["failed"]), ("probe", 2))
    self.assertEqual(result.request("watched")["tokens"]["events"], 6)
    self.assertRegex(result.out, r"same \(U\) · probe")
    self.assertRegex(result.out, r"same \(U\) · setup")


class OpenEnds(MidStream):
  def test_what_is_open_at_the_end_is_listed_with_its_age(self):
    result = run(plan("hooks.lua"), "-H", self.target.url, "-e", "hang=task", "-u", 3, "-t", "500ms", "--stop-timeout",
                 "100ms")
    totals = result.totals
    self.assertEqual(totals["cancelled"], 3, str(result))
    self.assertEqual(totals["open_at_end"]["count"], 3)
    self.assertGreater(totals["open_at_end"]["oldest"], 400)
    self.assertRegex(result.out, "3 still open at the end and cut, the oldest")

  def test_streams_without_a_first_token(self):
    with Server(every(lambda peer, request: (peer.send(stream_head()), peer.wait_close()))) as server:
      result = run(plan("streams.lua"), "-H", server.url, "-u", 2, "-t", "300ms", "--stop-timeout", "100ms")
    self.assertEqual(result.totals["open_at_end"]["without_first_token"], 2, str(result))
    self.assertEqual(result.totals["open_at_end"]["streams"], 2)
    self.assertRegex(result.out, "2 without a first token")


class Books(MidStream):
  """Any mix of verbs, any way of ending: each request has one outcome and the books close (support.identities)."""

  def mixed(self, seed, *args):
    return start(plan("midstream.lua"), "-H", self.target.url, "-e", "part=mixed", "--threads", 2, "--seed", seed, *args)

  def test_by_time(self):
    for seed in range(1, 4):
      with self.subTest(seed=seed):
        result = self.mixed(seed, "-u", 6, "-t", "1s", "--stop-timeout", "150ms").finish(50)
        self.assertGreater(result.totals["abandoned"], 0, str(result))

  def test_by_iterations(self):
    for seed in range(4, 6):
      with self.subTest(seed=seed):
        result = self.mixed(seed, "-u", 6, "--iterations", 60).finish(50)
        self.assertEqual((result.totals["cancelled"], result.totals["tasks"]), (0, 60), str(result))

  def test_interrupted(self):
    chance = random.Random(1)
    for seed in range(6, 10):
      with self.subTest(seed=seed):
        started = self.mixed(seed, "-u", 6, "-t", "60s")
        for _ in range(2):
          time.sleep(chance.uniform(0.2, 0.7))
          started.interrupt()
        self.assertEqual(started.finish(50).code, 130)

  def test_users_that_come_and_go(self):
    result = self.mixed(10, "--stages", "0..6:500ms,6..1:500ms,4:300ms", "--warm-up", "200ms", "--stop-timeout",
                        "150ms").finish(50)
    self.assertGreater(result.totals["started"], 0)

  def test_open_loop(self):
    result = start(plan("midstream.lua"), "-H", self.target.url, "-e", "part=mixed", "--rate", "40/s", "--max-in-flight",
                   50, "-t", "1s", "--stop-timeout", "150ms").finish(50)
    self.assertGreater(result.totals["started"], 0)


class Refused(MidStream):
  """What a plan says wrong is said with its line."""

  def expect_error(self, call, words):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "p.lua")
      with open(path, "w", encoding="utf-8") as file:
        file.write('local spate = require("spate")\nspate.user("U", { tasks = { t = function(user)\n' + call + "\nend } })")
      result = run(path, "-H", self.target.url, "--iterations", 1)
    with self.subTest(call=call):
      self.assertRegex(result.details() + result.err, r"p\.lua:3: .*" + words)

  def test_members(self):
    for call, words in (
        ('user:get("/", { hang_up = { tokens = 0 }, stream = "sse" })', "tokens must be a whole number"),
        ('user:get("/", { hang_up = { tokens = 2 } })', "needs a stream"),
        ('user:get("/", { hang_up = { aftr = 2 } })', "hang_up has no member 'aftr'"),
        ('user:get("/", { hang_up = {} })', "needs after, event or tokens"),
        ('user:get("/", { hang_up = { after = 1, stop = true } })', "stop must be a function"),
        ('user:get("/", { hang_up = { event = 5 }, stream = "sse" })', "an event's name or a function"),
        ('user:get("/", { read = { bytes_per_s = 0 } })', "bytes_per_s must be a number above 0"),
        ('user:get("/", { role = "spy" })', "there is load, probe and setup"),
        ('user:get("/", { on_429 = "again" })', "there is fail, wait and back_off"),
        ('user:get("/", { on_429 = { policy = "wait", retries = 0 } })', "retries of on_429"),
        ("user:wait(5)", "takes what user:start gave"),
        ("user:parallel {}", "takes a list of requests")):
      self.expect_error(call, words)


if __name__ == "__main__":
  main()
