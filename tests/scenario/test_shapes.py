"""Loads of a plan's own: a function of the time, a recording; what their runs, figures and faults look like."""
import json
import os
import tempfile
import time

from server import Server, answer, every
from support import Case, HERE, MockCase, main, run, spate

PLANS = os.path.join(HERE, "..", "..", "plans")
SHAPE = """local spate = require("spate")
spate.user("U", { think = 0.02, tasks = { one = function(user) user:get("/") end } })
spate.load { shape = %s }
"""


class Files(Case):
  def setUp(self):
    self.folder = tempfile.TemporaryDirectory(prefix="spate-shapes-")

  def tearDown(self):
    self.folder.cleanup()

  def write(self, name, text):
    path = os.path.join(self.folder.name, name)
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)
    return path


class Shape(Files):
  @classmethod
  def setUpClass(cls):
    cls.server = Server(every(lambda peer, _: peer.send(answer("hello"))))

  @classmethod
  def tearDownClass(cls):
    cls.server.close()

  def go(self, shape, *args):
    return run(self.write("plan.lua", SHAPE % shape), "-H", self.server.url, *args)

  def test_users_by_the_time(self):
    result = self.go("function(t) if t < 2 then return 3 + 2 * t end end")
    self.expect_code(result, 0)
    self.assertEqual((result.json["load"]["kind"], result.json["load"]["follows"]), ("users", "shape"))
    self.assertEqual(result.json["run"]["users_max"], 5)
    self.assertGreaterEqual(result.json["run"]["duration_s"], 1.999)
    self.assertIn("a shape of the plan's own", result.out)

  def test_arrivals_by_the_time(self):
    """Ten, then none, then thirty a second: even, so that their number is known."""
    shape = "{ rate = function(t) if t < 3 then return ({ 10, 0, 30 })[math.floor(t) + 1] end end }, arrivals = 'even'"
    result = self.go(shape)
    self.assertEqual(result.json["load"]["follows"], "shape")
    planned = result.json["load"]["arrivals"]["planned"]
    self.assertTrue(abs(planned - 40) <= 2, str(result))  # 40, and what a step's own instant takes or leaves
    self.assertEqual(result.totals["started"] + result.json["load"]["arrivals"]["dropped"], planned)

  def test_tasks_in_flight_by_the_time(self):
    result = self.go("{ in_flight = function(t) if t < 1 then return t < 0.5 and 2 or 6 end end, every = '100ms' }")
    self.assertEqual((result.json["load"]["kind"], result.json["run"]["users_max"]), ("in_flight", 6), str(result))

  def test_a_fault_ends_the_run(self):
    begun = time.monotonic()
    result = self.go("function(t)\n  if t >= 1 then return t.x.y end\n  return 2 end", "-t", "50s")
    self.assertLess(time.monotonic() - begun, 40)
    self.assertEqual(result.code, 1)
    self.assertRegex(result.json["run"]["aborted"], r"^the load's shape at 1 s: .*plan\.lua:4: attempt to index")
    self.assertGreater(result.totals["ok"], 0)
    self.assertIn("ENDED EARLY", result.out)

  def test_flags_win(self):
    result = self.go("function(t) return t.x.y end", "-u", 2, "--iterations", 10)
    self.expect_outcomes(result, {"ok": 10})
    self.assertIsNone(result.json["load"]["follows"])

  def test_a_shape_that_ends_at_once(self):
    result = self.go("function() end")
    self.assertEqual(result.totals["started"], 0, str(result))


class Replay(Files):
  def trace(self, *times):
    lines = [json.dumps({"timestamp": at, "n": n}) for n, at in enumerate(times)]
    return self.write("trace.jsonl", "\n".join(lines))

  def plan(self, options="", more=""):
    return self.write("plan.lua", """local spate = require("spate")
spate.user("U", { tasks = { one = function(user) user:get("/" .. user:row().n) end } })
spate.load { replay = spate.replay(spate.param("trace"), { %s }) %s }
""" % (options, more))

  def serve(self, *args, pause=0):
    seen = []

    def respond(peer, request):
      seen.append((time.monotonic(), int(request.path[1:])))
      time.sleep(pause)
      peer.send(answer("hello"))
    with Server(every(respond)) as server:
      result = run(*args, "-H", server.url)
    return result, sorted(seen, key=lambda one: one[1])

  def test_each_line_once_at_its_time(self):
    times = [100.0, 100.4, 100.4, 101.5]
    result, seen = self.serve(self.plan(), "-e", "trace=" + self.trace(*times), "--threads", 3)
    self.expect_outcomes(result, {"ok": 4})
    self.assertEqual([n for _, n in seen], [0, 1, 2, 3])
    self.assertGreater(seen[3][0] - seen[0][0], 1.3)  # not before its time; a slow machine may be late
    self.assertEqual(result.json["load"]["follows"], "trace")
    self.assertEqual(result.json["load"]["arrivals"], {"planned": 4, "made": 4, "dropped": 0})

  def test_speed(self):
    begun = time.monotonic()
    result, seen = self.serve(self.plan("speed = 100"), "-e", "trace=" + self.trace(0, 100, 200))
    self.assertEqual([n for _, n in seen], [0, 1, 2])
    self.assertGreaterEqual(result.json["run"]["duration_s"], 1.999)
    self.assertLess(time.monotonic() - begun, 50)

  def test_what_cannot_start_makes_it_invalid(self):
    result, seen = self.serve(self.plan("", ", max_in_flight = 2"), "-e", "trace=" + self.trace(*[0] * 5), pause=0.3)
    self.assertEqual(result.code, 4, str(result))
    self.assertEqual((len(seen), result.json["validity"]["generator"]["dropped_starts"]), (2, 3))
    self.assertIn("3 starts (60.0 % of 5) that were due were dropped", " ".join(result.json["validity"]["reasons"]))

  def test_a_wrong_line_is_named(self):
    result = spate("run", self.plan(), "-e", "trace=" + self.trace(1, 3, 2))
    self.assertEqual(result.code, 1)
    self.assertRegex(result.err, r"plan\.lua:3: cannot replay: .*trace\.jsonl:3: its time is before that of the line before it")

  def test_another_load(self):
    result, seen = self.serve(self.plan(), "-e", "trace=" + self.trace(1, 2, 3), "-u", 1, "--iterations", 5)
    self.assertEqual([n for _, n in seen], [0, 0, 1, 1, 2])
    self.assertIsNone(result.json["load"]["follows"])


class Examples(MockCase):
  def test_they_run(self):
    trace = os.path.join(PLANS, "replay.jsonl")
    for name, args in (("shape.lua", ("-e", "day=2")), ("replay.lua", ("-e", "trace=" + trace))):
      with self.subTest(plan=name):
        result = run(os.path.join(PLANS, name), "-H", self.mock.url, "-e", "key=app-simple", *args)
        self.expect_code(result, 0)
        self.assertGreater(result.totals["ok"], 2)
        self.assertEqual((result.totals["failed"], result.totals["task_errors"]), (0, 0))


if __name__ == "__main__":
  main()
