"""A campaign over real runs: three rounds on a simulated Dify with so many stream slots, each round's truth known. In real
time, so that what is asserted is order and signs, never how fast this machine is."""
import contextlib
import json
import os
import shutil
import sqlite3
import tempfile

from support import Case, main, mock, run, spate

HOLD_MS, USERS = 150, 20
PROFILE = """return {
  apps = { simple = { head = 1, queue = 1, first = %d, tail = 1 } },
  resources = { streams = { slots = %d } },
}
"""


class Campaign(Case):
  def setUp(self):
    self.folder = tempfile.mkdtemp(prefix="spate-campaign-")
    self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
    self.history = ["--history", os.path.join(self.folder, "history.db")]

  def profile(self, slots):
    path = os.path.join(self.folder, f"slots{slots}.lua")
    with open(path, "w", encoding="utf-8") as file:
      file.write(PROFILE % (HOLD_MS, slots))
    return path

  def campaign(self, *args, code=0):
    result = spate("campaign", *args, *self.history)
    self.assertEqual(result.code, code, result)
    return result

  def document(self, name):
    return json.loads(self.campaign("show", name, "--json").out)

  def trials(self, slots, count=2):
    """Runs of one configuration, and their ids. What only says that this machine is busy does not count against them here."""
    ids = []
    with mock(self.profile(slots)) as target:
      for _ in range(count):
        ids.append(self.trial(target, "-u", USERS, "-t", "5s"))
    return ids

  def trial(self, target, *load):
    result = run("dify:chat", "-H", target.url, "-e", "key=app-simple", "-e", "think_min=0.05", "-e", "think_max=0.1", "--threads", 1,
                 *load, *self.history)
    self.assertEqual(result.verdict, 0, f"\n{result}")
    with contextlib.closing(sqlite3.connect(self.history[1], timeout=10)) as database:
      database.execute("UPDATE runs SET valid = 1")
      database.commit()
    return result.json["run"]["id"]

  def test_three_rounds(self):
    self.campaign("new", "slots", "--goal", "more at once", "--slo", "p95(e2e) < 30s")
    self.campaign("add", "slots", *self.trials(4), "--round", "4 slots", "--snapshot", "echo SERVER_WORKER_CONNECTIONS=4",
                  "--decision", "keep")
    self.campaign("add", "slots", "--round", "8 slots", "--hypothesis", "slots are the limit", "--predict",
                  f"{4 / HOLD_MS * 1000:.0f}..{8 / HOLD_MS * 1000 * 1.1:.0f}, because a stream holds its slot {HOLD_MS} ms",
                  "--snapshot", "echo SERVER_WORKER_CONNECTIONS=8")
    self.campaign("add", "slots", *self.trials(8), "--round", "8 slots", "--decision", "keep")
    said = self.campaign("add", "slots", *self.trials(8, 1), "--round", "the same again")
    self.assertIn("is no test", said.out)
    rounds = self.document("slots")["rounds"]
    self.assertEqual([row["parent"] for row in rounds], [None, "4 slots", "8 slots"])
    self.assertEqual([row["counting"] for row in rounds], [2, 2, 1])
    self.assertEqual([change["text"] for change in rounds[1]["changes"]], ["SERVER_WORKER_CONNECTIONS: 4 → 8"])
    self.assertEqual(rounds[1]["changes"][0]["source"], "snapshot")
    for row, slots in zip(rounds, (4, 8, 8)):  # never more than so many at a time, so long each
      self.assertLess(row["figure"]["value"], slots / HOLD_MS * 1000 * 1.1)
      self.assertLessEqual(row["figure"]["in_flight"], USERS)
      self.assertGreater(row["figure"]["cap_per_s"], row["figure"]["rps"])
      self.assertTrue(row["figure"]["slos_met"])
    self.assertTrue(rounds[1]["verdict"]["tested"])
    self.assertIn(rounds[1]["verdict"]["kind"], ("better", "inconclusive"))
    self.assertGreater(rounds[1]["verdict"]["delta"], 0.2)
    self.assertFalse(rounds[1]["prediction"]["afterwards"])
    self.assertIn(rounds[1]["prediction"]["score"], ("as predicted", "below"))
    self.assertEqual(rounds[2]["verdict"]["kind"], "inconclusive")
    self.assertFalse(rounds[2]["verdict"]["tested"])
    # trials are spared when the history is cleaned up
    self.assertIn("deleted 0 runs", spate("history", "gc", "--keep", "0s", *self.history).out)
    markdown = self.campaign("report", "slots").out
    self.assertIn("| 8 slots | SERVER_WORKER_CONNECTIONS: 4 → 8 | 2 |", markdown)

  def test_what_does_not_belong(self):
    ids = self.trials(8, 1)
    with mock(self.profile(8)) as target:
      self.trial(target, "-u", 3, "-t", "3s")
    self.campaign("new", "gates")
    self.campaign("add", "gates", *ids, "--round", "a")
    refused = self.campaign("add", "gates", "last", "--round", "a", code=2)
    self.assertIn("other loads", refused.err)
    self.campaign("add", "gates", "last", "--round", "b")
    verdict = self.document("gates")["rounds"][1]["verdict"]
    self.assertIsNone(verdict["kind"])
    self.assertIn("other loads: 'a' had 20 users, 'b' 3 users", verdict["reasons"][0])

  def test_searches_are_kept(self):
    """`spate capacity` is in the history, and a trial of a campaign that is judged by its bound; a history that can't be
    written costs a sentence."""
    words = ["--slo", "p95(e2e) < 30s", "--trial-time", "2s", "--from", "5", "--to", "10", "--threads", 1]
    with mock(self.profile(8)) as target:
      search = ["capacity", "dify:chat", "-H", target.url, "-e", "key=app-simple", *words]
      first = spate(*search, *self.history)
      blocked = os.path.join(self.folder, "file")
      with open(blocked, "w", encoding="utf-8") as file:
        file.write("no history\n")
      second = spate(*search, "--history", blocked)
    if first.code == 4 or second.code == 4:
      self.skipTest("this machine is busy")
    self.assertEqual((first.code, first.err), (0, ""), first)
    self.assertEqual(second.code, 0, second)
    self.assertIn("this search is not kept: ", second.err)
    self.assertEqual(len(second.err.splitlines()), 1)
    listed = json.loads(spate("history", "--json", *self.history).out)
    self.assertEqual(listed["runs"], [])
    search = listed["capacities"][0]
    self.assertEqual((search["goal"], search["unit"], search["verdict"], search["lower"]), ("p95(e2e) < 30s", "/s", "no upper bound", 10))
    self.assertIn(search["id"], spate("history", *self.history).out)
    self.campaign("new", "bounds", "--figure", "bound")
    self.campaign("add", "bounds", "capacity", "--round", "a")
    row = self.document("bounds")["rounds"][0]
    self.assertEqual((row["trials"][0]["kind"], row["trials"][0]["id"], row["figure"]["value"]), ("capacity", search["id"], 10))

  def test_locked(self):
    """A campaign waits for who writes, and then says so."""
    self.campaign("new", "x")
    database = sqlite3.connect(self.history[1], isolation_level=None)
    self.addCleanup(database.close)
    database.execute("BEGIN IMMEDIATE")
    self.assertIn("another process has it locked", self.campaign("add", "x", "--round", "a", code=1).err)
    database.execute("ROLLBACK")
    self.campaign("add", "x", "--round", "a")


main()
