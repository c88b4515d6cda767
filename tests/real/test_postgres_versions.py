"""What the watcher `postgres` asks of versions 10 to 18, by servers that answer from a script, and what it makes of recorded rows."""
import real  # finds tests/scenario  # noqa: F401
from pg_script import ScriptedPostgres
from support import Case, main
from watched import Watch

# Of every version.
COMMON = [
  (("coalesce(wait_event_type",), [["IO/WalSync", "active", 3, "0.5"], ["CPU", "active", 1, "0.1"],
                                   ["Client/ClientRead", "idle in transaction", 2, "7.25"], ["Client/ClientRead", "idle", 4, None]]),
  (("pg_has_role",), [["t", "f"]]),
  (("current_setting('max_connections')",), [["200"]]),
  (("xact_commit", "xact_rollback", "deadlocks", "blks_read", "temp_bytes", "pg_stat_database"),
   lambda n: [[1000 * n, 0, 0, 50 * n, 0]]),
]


def settings(version, timing):
  rows = [["max_connections", "200"], ["server_version", version]]
  return ("pg_settings",), rows + ([["track_wal_io_timing", "on"]] if timing else [])


OLD_WAL = (("pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')",), lambda n: [[8192 * n]])
WAL_BYTES = (("SELECT wal_bytes FROM pg_stat_wal",), lambda n: [[8192 * n]])
WAL_SYNCS = (("SELECT wal_sync_time, wal_sync, wal_sync FROM pg_stat_wal",), lambda n: [[20.0 * 10 * n, 10 * n, 10 * n]])
IO_SYNCS = (("sum(fsync_time), sum(fsyncs)", "pg_stat_io", "object = 'wal'"), lambda n: [[20.0 * 10 * n, 10 * n, 10 * n]])
OLD_CHECKPOINTS = (("checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter",), lambda n: [[n, 0]])
CHECKPOINTS = (("num_timed, num_requested FROM pg_stat_checkpointer",), lambda n: [[n, 0]])
NO_STATEMENTS = (("pg_extension",), [])
STATEMENT = (("left(query", "IN (77)"), [["77", "SELECT  * FROM t WHERE a = 'x' AND b = $1"]])


def statements(column):
  return [(("pg_extension",), [["public"]]), STATEMENT,
          (("queryid, sum(calls)", f"sum({column})", "public.pg_stat_statements(false)"), lambda n: [["77", 10 * n, 1000.0 * n]])]


class Versions(Case):
  def look(self, version, *answers, timing=True, seconds=5):
    self.script = ScriptedPostgres(version, [*COMMON, settings(version, timing), *answers])
    self.addCleanup(self.script.close)
    seen = Watch("postgres=" + self.script.url(), seconds=seconds).finish()
    self.assertNotIn("nobody answers", seen.text())
    self.assertTrue(all(sql.startswith("/* spate */ SELECT") for sql in self.script.asked))
    return seen

  def flushes_are_seen(self, seen):
    self.assertAlmostEqual(seen.mean("db.wal_sync_time"), 0.02, delta=1e-6, msg=seen.text())
    self.assertGreater(seen.mean("db.wal_syncs"), 5)
    self.assertGreater(seen.mean("db.wal_bytes"), 4000)
    self.assertGreater(seen.mean("db.checkpoints_timed"), 0.5)
    self.assertEqual(seen.mean("db.checkpoints_requested"), 0)

  def test_14_to_16(self):
    for version in ("14.0", "15.8", "16.4 (Debian 16.4-1)"):
      with self.subTest(version=version):
        self.flushes_are_seen(self.look(version, WAL_BYTES, WAL_SYNCS, OLD_CHECKPOINTS, NO_STATEMENTS))

  def test_17(self):
    self.flushes_are_seen(self.look("17.2", WAL_BYTES, WAL_SYNCS, CHECKPOINTS, NO_STATEMENTS))

  def test_18(self):
    self.flushes_are_seen(self.look("18.0", WAL_BYTES, IO_SYNCS, CHECKPOINTS, NO_STATEMENTS))

  def test_13(self):
    seen = self.look("13.14", OLD_WAL, OLD_CHECKPOINTS, *statements("total_exec_time"), timing=False)
    self.assertIn("only PostgreSQL 14 and later count them", " ".join(seen.cannot))
    self.assertIsNone(seen.mean("db.wal_syncs"))
    self.assertGreater(seen.mean("db.wal_bytes"), 4000)
    text = "SELECT * FROM t WHERE a = ? AND b = $1"
    self.assertGreater(seen.mean("db.statement_time", text), 0.2, seen.text())
    self.assertAlmostEqual(seen.mean("db.statement_time", text) / seen.mean("db.statement_calls", text), 0.1, delta=1e-6)

  def test_12(self):
    seen = self.look("12.22", OLD_WAL, OLD_CHECKPOINTS, *statements("total_time"), timing=False)
    self.assertGreater(seen.mean("db.statement_time", "SELECT * FROM t WHERE a = ? AND b = $1"), 0.2)

  def test_9(self):
    script = ScriptedPostgres("9.6.24", [])
    self.addCleanup(script.close)
    seen = Watch("postgres=" + script.url(), seconds=1).finish()
    self.assertIn("PostgreSQL 9.6 is too old: 10 and later can be watched", " ".join(seen.notes))

  def test_rows(self):
    seen = self.look("15.8", WAL_BYTES, WAL_SYNCS, OLD_CHECKPOINTS, NO_STATEMENTS, timing=False, seconds=3)
    for event, sessions in (("IO/WalSync", 3), ("CPU", 1)):
      self.assertAlmostEqual(seen.mean("db.sessions", event), sessions)
    self.assertEqual(len(seen.details("db.sessions")), 2)
    self.assertEqual(seen.mean("db.idle_in_transaction"), 2)
    self.assertEqual(seen.mean("db.connections"), 11)  # and its own
    self.assertEqual(seen.mean("db.longest_transaction"), 7.25)
    self.assertGreater(seen.mean("db.block_reads"), 20)
    self.assertIsNone(seen.mean("db.wal_sync_time"))  # without track_wal_io_timing it would be 0


if __name__ == "__main__":
  main()
