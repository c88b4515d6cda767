"""From end to end: spate loads an application over real databases, watches it, and says what holds it. Here those whose answers
wait and hardly use a CPU (tests/real/cases.py)."""
import cases
import targets
from support import main


class Waiting(cases.Held):
  def test_locks(self):
    self.names(targets.locked_row)

  def test_commits(self):
    _, result = self.names(targets.slow_commit)
    series = {(row["signal"], row["detail"]): row for row in result.json["watch"]["series"]}
    self.assertGreaterEqual(series["db.wal_sync_time", ""]["mean"], 0.025)
    self.assertGreater(series["db.sessions", "IO/WALSync"]["mean"], 0.1)

  def test_connections(self):
    _, result = self.names(targets.no_connections_left)
    self.assertRegex(result.details(), "too many clients already|remaining connection slots")

  def test_pool(self):
    self.names(targets.small_pool)

  def test_idle_transactions(self):
    self.names(targets.idle_in_transaction)


class Unnamed(cases.Held):
  def test_healthy(self):
    self.names_nobody(targets.healthy)


if __name__ == "__main__":
  main()
