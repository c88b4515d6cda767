"""`spate capacity` against a server whose ceiling is known: so many slots, so long each. In real time, so that bounds are
generous: a busy machine makes the server slower than its rule, never faster."""
import json
import os
import signal
import tempfile
import threading
import time
import unittest

import support
from server import Server, answer, every
from support import Case

SLOTS, SERVICE_S = 4, 0.05
CEILING = SLOTS / SERVICE_S  # 80/s
QUICK = ["--slo", "p95(e2e) < 400ms", "--trial-time", "2s", "--from", "40", "--to", "160", "--seed", "3"]


def slots(count=SLOTS, service_s=SERVICE_S):
  free = threading.Semaphore(count)

  def respond(peer, _):
    with free:
      time.sleep(service_s)
    peer.send(answer("done"))

  return Server(every(respond))


def read(path):
  with open(path, encoding="utf-8") as file:
    return file.read()


def capacity(server, *args, **options):
  with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "capacity.json")
    result = support.spate("capacity", "http", "-H", server.url, *args, "--out", "json=" + path, limit_s=240, **options)
    result.json = None
    if os.path.exists(path) and os.path.getsize(path):
      result.json = json.loads(read(path))
  return result


class Capacity(Case):
  def check_document(self, document):
    self.assertEqual(document["schema"], "spate.capacity/1")
    self.assertEqual(list(document)[:5], ["schema", "run", "goals", "diagnosis", "validity"])
    self.assertTrue(document["diagnosis"]["unseen"])
    self.assertIsNone(document["diagnosis"]["claim"])
    for goal in document["goals"]:
      self.assertIn(goal["verdict"], ("bounded", "no upper bound", "no lower bound", "no steady state",
                                      "generator not able"))
      if goal["lower"] is not None and goal["upper"] is not None:
        self.assertLess(goal["lower"], goal["upper"])
      for trial in goal["trials"]:
        self.assertIn(trial["class"], ("lower", "upper", "undecided"))
        if trial["class"] == "upper" and goal["lower"] is not None:
          self.assertGreater(trial["load"], goal["lower"])

  def test_known_ceiling(self):
    with slots() as server:
      result = capacity(server, *QUICK)
    self.assertIsNotNone(result.json, result.err)
    self.check_document(result.json)
    goal = result.json["goals"][0]
    if goal["verdict"] == "generator not able":
      self.skipTest("this machine is busy: " + str(result.json["validity"]))
    self.assertEqual((result.code, goal["verdict"]), (0, "bounded"), result.out + result.err)
    self.assertLessEqual(goal["lower"], CEILING * 1.1, result.out)
    self.assertGreater(goal["lower"], CEILING * 0.3, result.out)
    self.assertEqual(goal["unit"], "/s")
    self.assertEqual(goal["slo"], ["p95(e2e) < 400ms"])
    self.assertLessEqual((goal["upper"] - goal["lower"]) / goal["upper"], 0.03)
    self.assertTrue(any(trial["class"] == "lower" and trial["load"] == goal["lower"] for trial in goal["trials"]))
    self.assertIn("keeps the goal", result.out)

  def test_impossible(self):
    with slots() as server:
      result = capacity(server, "--slo", "p95(e2e) < 10ms", "--trial-time", "2s", "--from", "5", "--to", "50")
    self.check_document(result.json)
    if result.code == 4:
      self.skipTest("this machine is busy: " + str(result.json["validity"]))
    self.assertEqual(result.code, 3, result.out + result.err)
    self.assertEqual(result.json["goals"][0]["verdict"], "no lower bound")
    self.assertIsNone(result.json["goals"][0]["lower"])
    self.assertIn("not even 5/s", result.out)

  def test_no_upper_bound_and_two_goals(self):
    with slots(50, 0.005) as server:
      result = capacity(server, "--slo", "p95(e2e) < 5s", "--goal", "failed_share < 1%; max(e2e) < 9s", "--trial-time",
                        "2s", "--from", "10", "--to", "20")
    self.check_document(result.json)
    if result.code == 4:
      self.skipTest("this machine is busy: " + str(result.json["validity"]))
    self.assertEqual(result.code, 0, result.out + result.err)
    self.assertEqual([goal["verdict"] for goal in result.json["goals"]], ["no upper bound"] * 2)
    self.assertEqual([goal["lower"] for goal in result.json["goals"]], [20, 20])

  def test_ladder(self):
    with slots() as server:
      result = capacity(server, "--slo", "p95(e2e) < 150ms", "--ladder", "2,4,40", "--trial-time", "2s")
    self.check_document(result.json)
    goal = result.json["goals"][0]
    if not all(trial["valid"] for trial in goal["trials"]):
      self.skipTest("this machine is busy: " + str(result.json["validity"]))
    self.assertEqual([trial["load"] for trial in goal["trials"]], [2, 4, 40])
    self.assertEqual(goal["unit"], "users")
    self.assertEqual(goal["trials"][2]["class"], "upper", result.out)
    self.assertEqual(goal["trials"][0]["class"], "lower", result.out)

  def test_what_if(self):
    asked = ["dify-api.cpu=1", "rest.time*=0.5", "users=16", "users=300", "dify-apy.cpu=1", "rate=5"]
    with support.mock("dify-8c16g-1") as target, tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "capacity.json")
      result = support.spate("capacity", "dify:chat", "-H", target.url, "-e", "key=app-simple", "--slo", "p95(e2e) < 30s",
                             "--ladder", "4,8,12", "--trial-time", "5s", "--watch", f"scrape={target.url}/metrics", "--out",
                             "json=" + path, *(word for text in asked for word in ("--what-if", text)), limit_s=120)
      answers = json.loads(read(path))["what_if"]
    self.assertEqual([answer["asked"] for answer in answers], asked)
    for answer in answers[:3]:
      self.assertIsNone(answer["why_not"], result.out)
      self.assertLess(answer["low"], answer["per_s"])
      self.assertLess(answer["per_s"], answer["high"])
      self.assertIn(answer["confidence"], ("low", "medium", "high"))
      self.assertIn("requests/s (90 %)", answer["predicted"])
      self.assertTrue(answer["refuted_by"])
    self.assertEqual(answers[0]["change"], "dify-api.cpu 0.8 -> 1 cores")
    self.assertIn("dify-api.cpu takes", answers[0]["basis"])
    self.assertEqual(answers[2]["change"], "users 12 -> 16")
    for answer, why in zip(answers[3:], ("more than twice the 12", "did you mean 'dify-api.cpu'?", "can't be changed")):
      self.assertIn(why, answer["why_not"])
      self.assertNotIn("per_s", answer)
    self.assertIn("what if", result.out)

  def test_by_users(self):
    with slots(2, 0.02) as server:  # of n users without think time n - 2 wait: 4 take 40 ms, 20 take 200
      result = capacity(server, "--slo", "p95(e2e) < 120ms", "--unit", "users", "--trial-time", "2s", "--from", "4", "--to", "32", "-r", "50")
    self.check_document(result.json)
    goal = result.json["goals"][0]
    if goal["verdict"] == "generator not able":
      self.skipTest("this machine is busy: " + str(result.json["validity"]))
    self.assertEqual(goal["unit"], "users")
    self.assertTrue(goal["lower"] is None or goal["lower"] <= 13, result.out)
    self.assertLess(goal["upper"], 32, result.out)
    self.assertTrue(all(trial["load"] == int(trial["load"]) for trial in goal["trials"]))

  def test_interrupted_and_resumed(self):
    with slots() as server, tempfile.TemporaryDirectory() as folder:
      state, out = os.path.join(folder, "state.json"), os.path.join(folder, "out.json")
      words = ["http", "-H", server.url, "--slo", "failed_share < 50%", "--trial-time", "2s", "--from", "5", "--to", "5"]
      started = support.Started("capacity", [*words, "--state", state, "--out", "json=" + out], want_json=False)
      deadline = time.monotonic() + 60
      while time.monotonic() < deadline:  # until one trial is kept
        if os.path.exists(state) and '"load"' in read(state):
          break
        time.sleep(0.1)
      started.process.send_signal(signal.SIGINT)
      result = started.finish()
      self.assertEqual(result.code, 130, result.out + result.err)
      document = json.loads(read(out))
      self.check_document(document)
      self.assertTrue(document["run"]["interrupted"])
      self.assertFalse(document["goals"][0]["complete"])
      kept = len(json.loads(read(state))["trials"])
      other = support.spate("capacity", *words, "--slo", "p95(e2e) < 1s", "--resume", state)
      self.assertEqual(other.code, 2)
      self.assertIn("another search: its goals", other.err)
      result = support.spate("capacity", *words, "--resume", state)
      self.assertIn(result.code, (0, 4), result.out + result.err)  # 4: this machine is busy
      self.assertIn(f"resumed behind {kept} trials", result.out)
      with open(state, "w", encoding="utf-8") as file:
        file.write('{"schema": "spate.capacity-state/1", "trials": [')
      self.assertEqual(support.spate("capacity", *words, "--resume", state).code, 2)

  def test_nobody_there(self):
    result = support.spate("capacity", "http", "-H", "http://127.0.0.1:1", "--slo", "p95(e2e) < 1s", "--trial-time", "2s")
    self.assertEqual(result.code, 1, result.out + result.err)
    self.assertIn("every connection to http://127.0.0.1:1 failed", result.err)


if __name__ == "__main__":
  unittest.main(verbosity=2)
