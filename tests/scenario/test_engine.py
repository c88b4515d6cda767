"""How a run begins, shares its work out and ends, seen from outside."""
import collections
import signal
import threading
import time

from server import LAST_CHUNK, Server, always, answer, chunk, event, every, free_port, stream_head
from support import Case, main, plan, run, start

TOKEN = event("message", answer="hi", id="m", task_id="t", message_id="m", conversation_id="c")
END = event("message_end", id="m", task_id="t", message_id="m", conversation_id="c", metadata={})


class Gate:
  """A streaming server that sends a token at once and the end only when it is let go."""

  def __init__(self):
    self.open, self.arrived, self.lock = threading.Event(), 0, threading.Lock()
    self.server = Server(every(self.respond))

  def respond(self, peer, _):
    peer.send(stream_head(), chunk(TOKEN))
    with self.lock:
      self.arrived += 1
    self.open.wait(30)
    peer.send(chunk(TOKEN + END), LAST_CHUNK)

  def wait_for(self, count):
    until = time.monotonic() + 40
    while self.arrived < count:
      if time.monotonic() > until:
        raise AssertionError(f"only {self.arrived} of {count} requests came")
      time.sleep(0.01)

  def __enter__(self):
    return self

  def __exit__(self, *details):
    self.open.set()
    self.server.__exit__(*details)


def streams(gate, *args):
  return start(plan("one.lua"), "-H", gate.server.url, "-e", "stream=dify", *args)


class Sharing(Case):
  @classmethod
  def setUpClass(cls):
    cls.server = Server(always(answer("hello")))

  @classmethod
  def tearDownClass(cls):
    cls.server.close()

  def go(self, *args, name="classes.lua"):
    del self.server.requests[:]
    result = run(plan(name), "-H", self.server.url, *args)
    self.assertEqual(len(self.server.requests), result.totals["started"] + sum(row["counters"]["resent"]
                                                                               for row in result.json["requests"]))
    return result

  def counts(self, result):
    return {row["task"]: row["count"] for row in result.json["requests"]}

  def test_iterations_are_exact(self):
    for iterations, users, threads in ((1, 1, 1), (1, 10, 2), (7, 3, 2), (100, 10, 4), (101, 100, 2), (1000, 7, 3)):
      with self.subTest(iterations=iterations, users=users, threads=threads):
        result = self.go("--iterations", iterations, "-u", users, "--threads", threads)
        self.expect_outcomes(result, {"ok": iterations})
        self.assertEqual((result.totals["tasks"], result.totals["task_errors"]), (iterations, 0))
        self.expect_code(result, 0)
        self.assertLessEqual(result.json["run"]["users_max"], users)
        self.assertLessEqual(result.json["run"]["threads"], users)

  def test_the_plans_own_load(self):
    result = self.go()
    self.assertEqual((result.totals["ok"], result.json["run"]["users_max"]), (40, 8))

  def test_weights(self):
    """18 of 24 users read, and they read 'one' twice as often as 'two'. Only spate's choices are in this: no clock."""
    result = self.go("--iterations", 3000, "-u", 24, "--threads", 1)
    counts = self.counts(result)
    self.assertEqual(set(counts), {"read one", "read two", "write"})
    share = counts["read one"] / (counts["read one"] + counts["read two"])
    self.assertAlmostEqual(share, 2 / 3, delta=0.06)
    self.assertGreater(counts["read one"] + counts["read two"], counts["write"])

  def test_tasks_by_pattern(self):
    self.assertEqual(set(self.counts(self.go("-T", "read*"))), {"read one", "read two"})
    self.assertEqual(set(self.counts(self.go("-T", "read two"))), {"read two"})
    self.assertEqual(set(self.counts(self.go("-T", "*"))), {"read one", "read two", "write"})

  def test_user_classes(self):
    self.assertEqual(self.counts(self.go("--user-class", "Writer", "--iterations", 9)), {"write": 9})
    self.assertEqual(set(self.counts(self.go("--user-class", "Writer", "--user-class", "Reader"))),
                     {"read one", "read two", "write"})
    rows = self.go("--user-class", "Reader").json["requests"]
    self.assertEqual({row["user_class"] for row in rows}, {"Reader"})

  def test_what_matches_nothing(self):
    for args in (("-T", "nothing of this name"), ("--user-class", "Redaer")):
      result = run(plan("classes.lua"), "-H", self.server.url, *args)
      self.assertIn(result.code, (1, 2), str(result))
      self.assertIn("Reader.read one", result.err)  # what there is

  def sequence(self, *args):
    self.go("-u", 1, "--threads", 1, "--iterations", 60, "--user-class", "Reader", *args)
    return [request.path for request in self.server.requests]

  def test_the_same_seed_makes_the_same_choices(self):
    first, again, other = self.sequence("--seed", 7), self.sequence("--seed", 7), self.sequence("--seed", 8)
    self.assertEqual(first, again)
    self.assertNotEqual(first, other)

  def test_the_same_seed_the_same_counts_of_many_users(self):
    def bag():
      result = self.go("-u", 12, "--threads", 1, "--iterations", 12, "--seed", 3)
      return collections.Counter(request.path for request in self.server.requests), self.counts(result)
    self.assertEqual(bag(), bag())

  def test_many_users(self):
    result = self.go("-u", 250, "-r", 1000, "--iterations", 1000, "--threads", 2)
    self.expect_outcomes(result, {"ok": 1000})

  def test_users_are_spawned_over_time(self):
    result = self.go("-u", 1000, "-r", 4, "-t", "1.2s", "-e", "pause=0.05")
    self.assertLessEqual(result.json["run"]["users_max"], 12)  # 5, and some for a machine that stutters
    self.assertGreaterEqual(result.json["run"]["users_max"], 1)
    result = self.go("-u", 6, "-r", 50, "-t", "1s", "-e", "pause=0.05")
    self.assertEqual(result.json["run"]["users_max"], 6)

  def test_warm_up_is_left_out(self):
    del self.server.requests[:]
    result = run(plan("classes.lua"), "-H", self.server.url, "-u", 4, "-t", "1.2s", "--iterations", 100000,
                 "--warm-up", "600ms", "-e", "pause=0.02")
    self.assertGreater(len(self.server.requests), result.totals["started"])
    self.assertGreater(result.totals["started"], 0)
    self.assertEqual(result.json["run"]["warm_up_s"], 0.6)
    self.assertLess(result.json["run"]["measured_s"], result.json["run"]["duration_s"])

  def test_a_run_ends_though_its_users_wait(self):
    for args in (("-e", "what=sleep"), ("-e", "what=think", "-e", "think=60"), ("-e", "what=nothing"),
                 ("-e", "what=nothing", "-e", "think=60"),
                 ("-e", "what=tiny")):
      with self.subTest(args=args):
        begun = time.monotonic()
        result = run(plan("idle.lua"), "-H", self.server.url, "-u", 3, "-t", "500ms", *args)
        self.assertLess(time.monotonic() - begun, 25)
        self.assertEqual(result.totals["started"], result.totals["ok"])
        self.assertGreaterEqual(result.json["run"]["duration_s"], 0.499)

  def test_a_thread_that_never_returns_can_be_left(self):
    """A task that spins for ever: the third Ctrl-C ends the program at once."""
    started = start(plan("idle.lua"), "-H", self.server.url, "-e", "what=spin", "-t", "1s")
    for _ in range(8):
      time.sleep(0.5)
      started.interrupt()
    self.assertEqual(started.finish(30).code, 130)


class Ending(Case):
  def test_the_end_waits_for_streams(self):
    """Run time over with streams in flight: they may finish, and nothing new starts."""
    with Gate() as gate:
      started = streams(gate, "-u", 5, "-t", "300ms")
      gate.wait_for(5)
      time.sleep(0.8)
      self.assertIsNone(started.process.poll())
      gate.open.set()
      result = started.finish()
      self.expect_outcomes(result, {"ok": 5})
      self.expect_code(result, 0)
      self.assertEqual(gate.arrived, 5)
      self.assertGreaterEqual(result.request("one")["metrics"]["e2e"]["min"], 400)

  def test_the_stop_timeout_cancels(self):
    with Gate() as gate:
      started = streams(gate, "-u", 5, "-t", "500ms", "--stop-timeout", "0.2s")
      result = started.finish(30)
      self.assertEqual(result.totals["cancelled"], result.totals["started"])
      self.expect_outcomes(result, {"cancelled": 5})
      row = result.request("one")
      self.assertEqual((row["rps"], row["metrics"]["e2e"], row["failed_metrics"]["e2e"]), (0, None, None))
      self.assertGreater(row["cancelled_age"]["max"], 100)

  def test_interrupted_once(self):
    for number in (signal.SIGINT, signal.SIGTERM):
      with Gate() as gate, self.subTest(signal=number):
        started = streams(gate, "-u", 6, "-t", "60s", "--threads", 2)
        gate.wait_for(6)
        started.process.send_signal(number)
        time.sleep(0.5)
        self.assertIsNone(started.process.poll(), "the streams are let finish")
        gate.open.set()
        result = started.finish()
        self.expect_outcomes(result, {"ok": 6})
        self.assertEqual((result.code, gate.arrived, result.json["run"]["interrupted"]), (130, 6, True))

  def test_interrupted_twice(self):
    with Gate() as gate:
      started = streams(gate, "-u", 6, "-t", "60s", "--threads", 2)
      gate.wait_for(6)
      begun = time.monotonic()
      started.process.send_signal(signal.SIGINT)
      time.sleep(0.7)
      started.process.send_signal(signal.SIGINT)
      result = started.finish()
      self.assertLess(time.monotonic() - begun, 20)  # the stop timeout is 30 s
      self.expect_outcomes(result, {"cancelled": 6})
      self.assertEqual(result.code, 130)

  def test_interrupted_with_ends_of_all_kinds(self):
    """Some of it finished, some failed, some cut: the books close."""
    gate = threading.Event()

    def respond(peer, request):
      if peer.number % 3 == 0:
        peer.send(stream_head(), chunk(TOKEN))
        gate.wait(30)
      elif peer.number % 3 == 1:
        peer.send(stream_head(), chunk(TOKEN + END), LAST_CHUNK)
      else:
        peer.send(answer("", "503 Busy"))
    with Server(every(respond)) as server:
      started = start(plan("one.lua"), "-H", server.url, "-e", "stream=dify", "-e", "pause=0.02", "-u", 9, "-t", "60s")
      until = time.monotonic() + 40
      while len(server.requests) < 60 and time.monotonic() < until:
        time.sleep(0.02)
      started.process.send_signal(signal.SIGINT)
      time.sleep(0.7)
      started.process.send_signal(signal.SIGINT)
      result = started.finish()
      gate.set()
    self.assertEqual((result.code, result.totals["cancelled"]), (130, 3), str(result))
    self.assertEqual(set(result.outcomes()), {"ok", "http_status", "cancelled"})

  def test_interrupted_before_anything_happened(self):
    started = start(plan("one.lua"), "-H", f"http://127.0.0.1:{free_port()}", "-e", "pause=1", "-t", "60s")
    time.sleep(1)
    started.process.send_signal(signal.SIGINT)
    result = started.finish()
    self.assertEqual(result.code, 130)

  def test_a_dead_target_ends_the_run(self):
    """Ten seconds of nothing but refused connections are enough."""
    begun = time.monotonic()
    result = run(plan("one.lua"), "-H", f"http://127.0.0.1:{free_port()}", "-e", "pause=0.2", "-u", 2, "-t", "55s")
    self.assertLess(time.monotonic() - begun, 40)
    self.assertEqual(set(result.outcomes()), {"connect"})
    self.expect_code(result, 1)

  def test_a_target_that_comes_back_is_not_dead(self):
    """Refused at first, then well: the run goes on."""
    port = free_port()
    started = start(plan("one.lua"), "-H", f"http://127.0.0.1:{port}", "-e", "pause=0.1", "-t", "3s")
    time.sleep(1)
    server = Server(always(answer("hello")), port=port)
    result = started.finish()
    server.close()
    self.assertIn("ok", result.outcomes(), str(result))
    self.assertIn("connect", result.outcomes(), str(result))
    self.expect_code(result, 0)


if __name__ == "__main__":
  main()
