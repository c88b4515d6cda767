"""Debian's postgres_exporter beside a PostgreSQL of our own, scraped: its figures, and what so old a one can't tell."""
import threading
import time
import unittest

import real
from exporters import PostgresExporter
from servers import Postgres  # skips where there is none
from support import main
from watched import Watch

real.need("prometheus-postgres-exporter", "prometheus-postgres-exporter")
PAUSE_S, COMMITS = 0.02, 150


def commit_often(server):
  with server.connect("app") as connection:
    connection.autocommit = True
    with connection.cursor() as cursor:
      for _ in range(COMMITS):
        cursor.execute("SELECT 1")
        time.sleep(PAUSE_S)


class Scraped(unittest.TestCase):
  def test_what_it_says(self):
    with Postgres() as server:
      exporter = PostgresExporter(server)
      self.addCleanup(exporter.close)
      holder = server.connect("app")
      self.addCleanup(holder.close)
      holder.cursor().execute("SELECT 1")  # and no commit
      watch = Watch(f"scrape=http://127.0.0.1:{exporter.port} interval=500ms")
      working = threading.Thread(target=commit_often, args=(server,))
      working.start()
      working.join()
      seen = watch.finish()
    self.assertGreaterEqual(seen.one("db.idle_in_transaction")["most"], 1)
    self.assertGreaterEqual(seen.one("db.longest_transaction")["most"], 1)
    self.assertGreaterEqual(seen.one("db.connections")["most"], 2)
    self.assertEqual(seen.one("db.connections_limit")["mean"], float(seen.settings["max_connections"]))
    self.assertGreater(seen.one("db.commits")["mean"], 0.1 / PAUSE_S)
    self.assertEqual(seen.one("db.deadlocks")["most"], 0)
    self.assertEqual(seen.one("db.blocked")["most"], 0)
    self.assertIsNotNone(seen.one("db.checkpoints_requested"))
    self.assertEqual({row["subject"] for row in seen.series}, {"postgres"})  # none of the exporter's own process
    self.assertTrue(seen.details("db.sessions") or any("has no label wait_event_type" in text for text in seen.cannot), seen.cannot)


main()
