"""The watcher `pgbouncer` beside Debian's PgBouncer: a pool that is too small, clients that hold its connections idle, rights."""
import contextlib
import threading
import time

from servers import PgBouncer, Postgres
from support import Case, main
from watched import Watch


def sleep_in_transactions(server, port, sql_s, idle_s):
  """A client's work: a transaction that runs something for a while and then holds its connection for nothing."""
  def work(_, done):
    with contextlib.closing(server.connect(port=port)) as connection:
      cursor = connection.cursor()
      while not done.is_set():
        cursor.execute("SELECT pg_sleep(%s)", (sql_s,))
        time.sleep(idle_s)
        connection.commit()
  return work


class Pools(Case):
  @classmethod
  def setUpClass(cls):
    cls.server = Postgres()
    cls.addClassCleanup(cls.server.close)

  def look(self, clients, sql_s, idle_s, seconds=5, **settings):
    with PgBouncer(self.server, **settings) as bouncer:
      done = threading.Event()
      work = sleep_in_transactions(self.server, bouncer.port, sql_s, idle_s)
      threads = [threading.Thread(target=work, args=(i, done), daemon=True) for i in range(clients)]
      for thread in threads:
        thread.start()
      watch = Watch("pgbouncer=" + bouncer.url(), "postgres=" + self.server.url(), seconds=seconds)
      seen = watch.finish()
      done.set()
      for thread in threads:
        thread.join(30)
    return seen

  def test_a_small_pool(self):
    seen = self.look(10, 0.1, 0, pool_mode="transaction", default_pool_size=2)
    self.assertEqual(seen.mean("slots.limit", "app"), 2, seen.text())
    self.assertGreater(seen.mean("slots.used", "app"), 1.4)
    self.assertGreater(seen.mean("slots.waiting", "app"), 6)
    self.assertGreater(seen.mean("slots.max_wait", "app"), 0)
    self.assertGreater(seen.mean("slots.wait_time", "app"), 4)  # eight wait at any time
    self.assertGreater(seen.mean("calls.queue_time", "app"), 0.2)
    self.assertGreaterEqual(seen.mean("calls.time", "app"), 0.1)
    self.assertGreater(seen.mean("calls.rate", "app"), 2)
    self.assertLess(seen.mean("slots.idle_held", "app"), 0.6)
    self.assertGreaterEqual(seen.mean("slots.used", subject="pgbouncer clients"), 10)
    self.assertEqual(seen.mean("slots.limit", subject="pgbouncer clients"), 100)
    self.assertEqual(seen.settings["pool_mode"], "transaction")
    self.assertEqual(seen.settings["default_pool_size"], "2")
    self.assertLess(seen.mean("db.sessions", "Timeout/PgSleep"), 2.3)  # PostgreSQL itself sees only two

  def test_connections_held_idle(self):
    seen = self.look(6, 0.01, 0.4, seconds=6, pool_mode="transaction", default_pool_size=3)
    self.assertGreater(seen.mean("slots.idle_held", "app"), 1.5, seen.text())
    self.assertGreater(seen.mean("slots.waiting", "app"), 1)
    self.assertGreater(seen.mean("db.idle_in_transaction"), 1.5)

  def test_held_by_sessions(self):
    seen = self.look(4, 0.01, 0.3, pool_mode="session", default_pool_size=2)
    self.assertGreater(seen.mean("slots.idle_held", "app"), 1, seen.text())
    self.assertEqual(seen.mean("slots.waiting", "app"), 2)
    self.assertEqual(seen.settings["pool_mode"], "session")

  def test_room_enough(self):
    seen = self.look(2, 0.05, 0, seconds=3, pool_mode="transaction", default_pool_size=20)
    self.assertEqual(seen.mean("slots.waiting", "app"), 0, seen.text())
    self.assertLess(seen.mean("slots.wait_time", "app"), 0.1)


class Trouble(Case):
  @classmethod
  def setUpClass(cls):
    cls.server = Postgres()
    cls.addClassCleanup(cls.server.close)
    cls.bouncer = PgBouncer(cls.server)
    cls.addClassCleanup(cls.bouncer.close)

  def notes(self, kind, url):
    seen = Watch(f"{kind}={url}", seconds=1).finish()
    self.assertIn("anything at the start", seen.cannot)
    return " ".join(seen.notes)

  def test_rights(self):
    self.assertIn("not allowed", self.notes("pgbouncer", self.bouncer.url("plain")))
    notes = self.notes("pgbouncer", self.bouncer.url(password="wr0ng"))
    self.assertIn("authentication failed", notes)
    self.assertNotIn("wr0ng", notes)

  def test_the_wrong_door(self):
    self.assertIn("the database 'app' is not PgBouncer's console", self.notes("pgbouncer", self.bouncer.url(database="app")))
    self.assertIn("is not PgBouncer's console", self.notes("pgbouncer", self.server.url()))
    self.assertIn("this is PgBouncer; give the server behind it", self.notes("postgres", self.bouncer.url("app", database="app")))


if __name__ == "__main__":
  main()
