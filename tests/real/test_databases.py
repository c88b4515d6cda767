"""From end to end: spate loads an application over a real database, watches it, and says what holds it (tests/real/targets.py)."""
import targets
from servers import PASSWORDS
from support import Case, main, run

STAGES = "1:8s,16:12s"
TRIES = 3


class Databases(Case):
  def load(self, make):
    with make() as target:
      result = run("dify:chat", "-H", target.url, "--stages", STAGES, "-e", "key=app-x", "-e", "think_min=0.1", "-e",
                   "think_max=0.3", "--stop-timeout", "10s", *target.watch, limit_s=120)
    self.assertIn(result.verdict, (0, 3), f"\n{result}")
    for word in [*PASSWORDS.values(), "redis-pw"]:
      self.assertNotIn(word, result.out + result.err + str(result.json))
    return target, result.json["diagnosis"], result

  def go(self, make):
    """Where the machine has no room for the load, the generator is the limit, and right to say so: once more then."""
    for _ in range(TRIES):
      target, found, result = self.load(make)
      if result.json["validity"]["valid"]:
        return target, found, result
      self.assertEqual(found["culprit"], "generator", f"\n{found}\n{result.out}")
    return self.skipTest("the machine is busy: " + " ".join(result.json["validity"]["reasons"]))

  def names(self, make):
    target, found, result = self.go(make)
    shown = f"\n{found}\n{result.out}\n{result.err}"
    self.assertEqual(found["culprit"], target.culprit, shown)
    self.assertIn(found["confidence"], ("medium", "high"), shown)
    self.assertGreaterEqual(len(found["witnesses"]), 2, shown)
    return found, result

  def test_locks(self):
    self.names(targets.locked_row)

  def test_commits(self):
    _, result = self.names(targets.slow_commit)
    series = {(row["signal"], row["detail"]): row for row in result.json["watch"]["series"]}
    self.assertGreaterEqual(series["db.wal_sync_time", ""]["mean"], 0.015)
    self.assertGreater(series["db.sessions", "IO/WALSync"]["mean"], 0.1)

  def test_connections(self):
    _, result = self.names(targets.no_connections_left)
    self.assertRegex(result.details(), "too many clients already|remaining connection slots")

  def test_pool(self):
    self.names(targets.small_pool)

  def test_idle_transactions(self):
    self.names(targets.idle_in_transaction)

  def test_statement(self):
    self.names(targets.slow_statement)

  def test_cache(self):
    self.names(targets.slow_command)

  def test_healthy(self):
    _, found, result = self.go(targets.healthy)
    self.assertIsNone(found["culprit"], f"\n{found}\n{result.out}")


if __name__ == "__main__":
  main()
