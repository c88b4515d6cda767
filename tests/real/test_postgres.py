"""The watcher `postgres` beside Debian's PostgreSQL: locks, slow commits, exhausted connections, rights, restarts."""
import contextlib
import socket
import threading
import time

import real
from servers import PASSWORDS, Postgres, psycopg2
from support import Case, main
from watched import Watch, refused

SLOW_MS = 30


def at_once(count, work):
  """Threads that work until the event that is returned is set; join them by the list."""
  done = threading.Event()
  threads = [threading.Thread(target=work, args=(i, done), daemon=True) for i in range(count)]
  for thread in threads:
    thread.start()
  return done, threads


def stop(done, threads):
  done.set()
  for thread in threads:
    thread.join(30)


class ServerCase(Case):
  settings = {}

  @classmethod
  def setUpClass(cls):
    cls.server = Postgres(**cls.settings)
    cls.addClassCleanup(cls.server.close)
    cls.server.admin("CREATE TABLE counters (id int PRIMARY KEY, n bigint); INSERT INTO counters SELECT i, 0 FROM "
                     "generate_series(1, 100) i; GRANT ALL ON counters TO app")

  def watch(self, user="monitor", seconds=4, more="", **members):
    return Watch("postgres=" + self.server.url(user) + more, seconds=seconds, **members)

  def update_one(self, row, hold_s=0.02):
    """Each transaction of any number of sessions wants the same row, and holds it for a while."""
    def work(number, done):
      with contextlib.closing(self.server.connect()) as connection:
        cursor = connection.cursor()
        while not done.is_set():
          cursor.execute("UPDATE counters SET n = n + 1 WHERE id = %s", (row or number + 1,))
          time.sleep(hold_s)
          connection.commit()
    return work


class Sessions(ServerCase):
  def test_a_contended_row(self):
    watch = self.watch(seconds=6)
    load = at_once(8, self.update_one(1))
    seen = watch.finish()
    stop(*load)
    self.assertGreater(seen.mean("db.blocked"), 2, seen.text())
    locks = sum(row["mean"] for detail, row in seen.details("db.sessions").items() if detail.startswith("Lock/"))
    self.assertAlmostEqual(locks, seen.mean("db.blocked"), delta=0.01)
    self.assertIn("Lock/transactionid", seen.details("db.sessions"))
    self.assertGreater(seen.mean("db.idle_in_transaction"), 0.2)  # the one that holds it sleeps
    self.assertGreater(seen.most("db.longest_transaction"), 0)
    self.assertRegex(" ".join(seen.can), r"UPDATE counters SET n = n \+ \? WHERE id = \?, held by a session that is")
    self.assertNotIn("id = 1", seen.text())  # nobody's data
    self.assertGreater(seen.mean("db.commits"), 1)
    self.assertGreaterEqual(seen.mean("db.connections"), 8)
    top = seen.details("db.statement_time")
    update = "UPDATE counters SET n = n + $1 WHERE id = $2"
    self.assertIn(update, top, seen.text())
    self.assertGreater(top[update]["mean"], 1)
    self.assertGreater(seen.mean("db.statement_calls", update), 1)
    self.assertFalse([detail for detail in top if "spate" in detail or "pg_stat_activity" in detail])

  def test_nothing_goes_on(self):
    seen = self.watch(seconds=4).finish()
    self.assertEqual(seen.mean("db.blocked"), 0, seen.text())
    self.assertEqual(seen.mean("db.idle_in_transaction"), 0)
    self.assertEqual(seen.mean("db.deadlocks"), 0)
    self.assertLess(seen.mean("db.commits"), 3)  # its own are not the application's
    self.assertEqual(seen.mean("db.connections"), 1)
    self.assertEqual(seen.mean("db.connections_limit"), 100)
    for signal in ("db.rollbacks", "db.block_reads", "db.temp_bytes", "db.wal_bytes", "db.wal_syncs",
                   "db.checkpoints_timed", "db.checkpoints_requested"):
      self.assertIsNotNone(seen.mean(signal), signal)
    self.assertGreater(seen.one("db.blocked", "")["covered"], 0.5)

  def test_settings_and_what_is_not_seen(self):
    seen = self.watch(seconds=1).finish()
    self.assertEqual(seen.settings["max_connections"], "100")
    self.assertEqual(seen.settings["synchronous_commit"], "on")
    self.assertIn("track_wal_io_timing is off", " ".join(seen.cannot))
    self.assertIsNone(seen.mean("db.wal_sync_time"))
    for series in seen.series:
      self.assertTrue(series["query"].startswith("SELECT "), series)

  def test_the_connection_changes_nothing(self):
    watch = self.watch(seconds=2)
    found = real.wait_for("the watcher's session", lambda: self.server.admin(
      "SELECT usename FROM pg_stat_activity WHERE application_name = 'spate'"))
    watch.finish()
    self.assertEqual(found, [("monitor",)])
    with self.server.connect("monitor") as connection, self.assertRaises(psycopg2.Error):
      connection.cursor().execute("CREATE TABLE public.x ()")


class SlowDisk(ServerCase):
  settings = {"slow_sync_ms": SLOW_MS, "track_wal_io_timing": "on"}

  def test_commits_wait_for_the_log(self):
    watch = self.watch(seconds=5)
    load = at_once(8, self.update_one(None, 0))
    seen = watch.finish()
    stop(*load)
    self.assertGreater(seen.mean("db.sessions", "IO/WALSync"), 0.3, seen.text())
    self.assertGreaterEqual(seen.mean("db.wal_sync_time"), SLOW_MS / 1000)
    self.assertLess(seen.mean("db.wal_syncs"), 1000 / SLOW_MS * 1.5)  # one after the other
    self.assertGreater(seen.mean("db.wal_syncs"), 1)
    self.assertGreater(seen.mean("db.commits"), seen.mean("db.wal_syncs"))  # several in a flush
    self.assertEqual(seen.mean("db.blocked"), 0)
    waits = {detail: row["mean"] for detail, row in seen.details("db.sessions").items()}
    log = sum(mean for detail, mean in waits.items() if "WAL" in detail)
    self.assertGreater(log, 0.7 * sum(waits.values()), waits)


class FewConnections(ServerCase):
  settings = {"max_connections": 10, "superuser_reserved_connections": 2}

  def take_all(self):
    held = []
    with contextlib.suppress(psycopg2.OperationalError):
      while True:
        held.append(self.server.connect())
    return held

  def test_full(self):
    watch = self.watch(seconds=4)
    held = self.take_all()
    seen = watch.finish()
    for connection in held:
      connection.close()
    self.assertEqual(len(held), 7)  # one is the watcher's
    self.assertEqual(seen.most("db.connections"), 8, seen.text())
    self.assertEqual(seen.mean("db.connections_limit"), 10)
    self.assertEqual(seen.settings["superuser_reserved_connections"], "2")

  def test_the_watcher_comes_too_late(self):
    held = self.take_all()
    seen = self.watch(seconds=1).finish()
    for connection in held:
      connection.close()
    self.assertRegex(" ".join(seen.notes), "sorry, too many clients already|remaining connection slots are reserved")


class Rights(ServerCase):
  def test_a_role_without_rights(self):
    load = at_once(4, self.update_one(1))
    real.wait_for("the sessions", lambda: len(self.server.admin("SELECT 1 FROM pg_stat_activity WHERE usename = 'app'")) == 4)
    watch = self.watch("plain", seconds=4)
    seen = watch.finish()
    stop(*load)
    self.assertIn("GRANT pg_monitor TO plain", " ".join(seen.cannot))
    self.assertEqual(seen.details("db.sessions"), {})
    self.assertIsNone(seen.mean("db.blocked"))  # and not 0
    self.assertEqual(seen.most("db.connections"), 5)
    self.assertGreater(seen.mean("db.commits"), 1)

  def test_its_own_sessions_are_seen_without_rights(self):
    watch = self.watch("app", seconds=4)
    load = at_once(4, self.update_one(1))
    seen = watch.finish()
    stop(*load)
    self.assertIn("GRANT pg_monitor TO app", " ".join(seen.cannot))
    self.assertGreater(seen.mean("db.blocked"), 0.5, seen.text())

  def test_statements_are_not_installed(self):
    seen = Watch("postgres=" + self.server.url(database="postgres"), seconds=1).finish()
    self.assertIn("pg_stat_statements is not installed in the database postgres", " ".join(seen.cannot))
    self.assertIsNotNone(seen.mean("db.connections"))


class Trouble(ServerCase):
  def notes(self, url, seconds=1, env=None):
    seen = Watch("postgres=" + url, seconds=seconds, env=env).finish()
    self.assertIn("anything at the start", seen.cannot)
    return " ".join(seen.notes)

  def test_wrong_password(self):
    notes = self.notes(self.server.url(password="wr0ng"))
    self.assertIn(f"watching postgres 127.0.0.1:{self.server.port}/app: cannot connect: password authentication failed for user "
                  '"monitor"', notes)
    self.assertNotIn("wr0ng", notes)

  def test_no_password(self):
    notes = self.notes(f"postgresql://monitor@127.0.0.1:{self.server.port}/app")
    self.assertIn("it wants a password: in the URL, in a password_file, or as libpq has it", notes)

  def test_passwords_from_elsewhere(self):
    path = self.server.write("password", PASSWORDS["monitor"] + "\n")
    url = f"postgres=postgresql://monitor@127.0.0.1:{self.server.port}/app"
    self.assertEqual(Watch(f"{url} password_file={path}", seconds=0.5).finish().mean("db.connections_limit"), 100)
    self.assertEqual(Watch(url, seconds=0.5, env={"PGPASSWORD": PASSWORDS["monitor"]}).finish().mean("db.connections_limit"), 100)

  def test_unknown_database(self):
    self.assertIn('database "nowhere" does not exist', self.notes(self.server.url(database="nowhere")))

  def test_nobody_there(self):
    port = real.free_port()
    self.assertIn("cannot connect: Connection refused", self.notes(f"postgresql://monitor@127.0.0.1:{port}/app"))

  def test_a_server_that_never_answers(self):
    with socket.create_server(("127.0.0.1", 0)) as silent:
      began = time.monotonic()
      notes = self.notes(f"postgresql://monitor@127.0.0.1:{silent.getsockname()[1]}/app", seconds=0.5)
    self.assertIn("cannot connect: no answer within 5 s", notes)
    self.assertLess(time.monotonic() - began, 40)

  def test_a_server_that_speaks_something_else(self):
    with socket.create_server(("127.0.0.1", 0)) as other:
      def serve():
        with contextlib.suppress(OSError):
          while True:
            peer, _ = other.accept()
            with peer:
              peer.recv(100)
              peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
      threading.Thread(target=serve, daemon=True).start()
      notes = self.notes(f"postgresql://monitor@127.0.0.1:{other.getsockname()[1]}/app")
      other.shutdown(socket.SHUT_RDWR)
    self.assertIn("cannot connect: ", notes)

  def test_a_restart(self):
    watch = self.watch(seconds=8)
    time.sleep(2)
    self.server.restart()
    seen = watch.finish()
    self.assertRegex(" ".join(seen.notes), "the connection is lost: terminating connection due to administrator command")
    series = seen.one("db.connections", "")
    self.assertGreater(series["points"], 3, seen.text())
    self.assertGreater(series["covered"], 0.3)
    self.assertLess(seen.most("db.commits"), 1000)  # what it counted before is no rate of now

  def test_bad_urls(self):
    self.assertEqual(refused("postgres=http://db1/app"),
                     "watching postgres: the URL is none of PostgreSQL: write postgresql://user@host:5432/database")
    self.assertIn('invalid URI query parameter: "nonsense"', refused("postgres=postgresql://db1/app?nonsense=1"))
    said = refused("postgres=postgresql://monitor:hunter2@[::1/app")
    self.assertNotIn("hunter2", said)
    self.assertIn("did you mean 'password_file'", refused("postgres=postgresql://db1/app password_fil=x"))


if __name__ == "__main__":
  main()
