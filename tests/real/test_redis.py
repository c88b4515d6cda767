"""The watcher `redis` beside Debian's Redis: slow commands, queues, rights, trouble."""
import socket
import threading
import time

import real
from servers import Redis
from support import Case, main
from watched import Watch, refused

BUSY = "local n = 0; for i = 1, ARGV[1] * 4e7 do n = n + i % 7 end"  # about so many seconds


class Commands(Case):
  @classmethod
  def setUpClass(cls):
    cls.server = Redis(maxclients=500)
    cls.addClassCleanup(cls.server.close)

  def watch(self, seconds=4, more=""):
    return Watch("redis=" + self.server.url() + more, seconds=seconds)

  def test_slow_commands(self):
    self.server.command("DEBUG", "SLEEP", 0.05)  # before the run: not of it
    watch = self.watch(seconds=5)
    for _ in range(3):
      self.server.command("DEBUG", "SLEEP", 0.3)
    for _ in range(3):
      self.server.command("EVAL", BUSY, 0, 0.4)
    seen = watch.finish()
    self.assertGreater(seen.mean("cache.slow_commands") * 5, 4.5, seen.text())
    self.assertGreater(seen.most("cache.slowest_command", "EVAL"), 0.05)
    self.assertGreaterEqual(seen.most("cache.slowest_command", "DEBUG"), 0.3)
    self.assertNotIn("for i", seen.text())  # arguments are nobody's business
    self.assertGreater(seen.mean("cache.main_thread"), 0.02)
    self.assertLessEqual(seen.most("cache.main_thread"), 1.3)

  def test_nothing_goes_on(self):
    seen = self.watch(seconds=3).finish()
    self.assertEqual(seen.mean("cache.slow_commands"), 0, seen.text())
    self.assertEqual(seen.mean("cache.evictions"), 0)
    self.assertEqual(seen.mean("cache.rejected"), 0)
    self.assertEqual(seen.mean("cache.clients"), 1)
    self.assertEqual(seen.mean("cache.clients_limit"), 500)
    self.assertEqual(seen.mean("cache.blocked_clients"), 0)
    self.assertLess(seen.mean("cache.main_thread"), 0.5)
    self.assertGreater(seen.mean("memory.used"), 100000)
    self.assertGreater(seen.mean("cache.ops"), 1)
    self.assertEqual(seen.details("memory.limit"), {})  # 0 is none
    self.assertEqual(seen.details("queue.length"), {})
    self.assertEqual(seen.settings["maxclients"], "500")
    self.assertEqual(seen.settings["appendonly"], "no")
    self.assertTrue(seen.settings["redis_version"])

  def test_queues(self):
    watch = self.watch(seconds=5)
    time.sleep(2)
    self.server.command("RPUSH", "dataset", *range(30), database=1)
    self.server.command("RPUSH", "dataset", *range(50), database=0)  # no queue of Dify's
    seen = watch.finish()
    self.server.command("DEL", "dataset", database=1)
    self.assertEqual(list(seen.details("queue.length")), ["dataset"], seen.text())
    self.assertEqual(seen.most("queue.length", "dataset"), 30)
    self.assertEqual(seen.one("queue.length", "dataset")["least"], 0)
    self.assertIn("the queues in its database 1", seen.can)

  def test_own_queues(self):
    self.server.command("RPUSH", "jobs", 1, 2, 3, database=4)
    seen = self.watch(seconds=2, more=" queues=jobs,others queue_db=4").finish()
    self.assertEqual(seen.mean("queue.length", "jobs"), 3, seen.text())
    self.assertEqual(seen.mean("queue.length", "others"), 0)


class Trouble(Case):
  @classmethod
  def setUpClass(cls):
    cls.server = Redis()
    cls.addClassCleanup(cls.server.close)

  def notes(self, url, seconds=1):
    seen = Watch("redis=" + url, seconds=seconds).finish()
    self.assertIn("anything at the start", seen.cannot)
    return " ".join(seen.notes)

  def test_passwords(self):
    notes = self.notes(self.server.url("wr0ng"))
    self.assertIn(f"watching redis 127.0.0.1:{self.server.port}: cannot connect: WRONGPASS", notes)
    self.assertNotIn("wr0ng", notes)
    self.assertIn("NOAUTH Authentication required", self.notes(f"redis://127.0.0.1:{self.server.port}"))
    path = self.server.write("password", self.server.password + "\n")
    seen = Watch(f"redis=redis://127.0.0.1:{self.server.port}/0 password_file={path}", seconds=1).finish()
    self.assertIsNotNone(seen.mean("cache.clients"))

  def test_a_user_without_rights(self):
    self.server.command("ACL", "SETUSER", "watcher", "on", ">w-pw", "+info", "+select")
    seen = Watch(f"redis=redis://watcher:w-pw@127.0.0.1:{self.server.port}", seconds=2).finish()
    cannot = " ".join(seen.cannot)
    for what in ("its settings: NOPERM", "slow commands: NOPERM", "the queue dataset: NOPERM"):
      self.assertIn(what, cannot, seen.text())
    self.assertIsNotNone(seen.mean("cache.clients"))
    self.assertIsNone(seen.mean("cache.slow_commands"))

  def test_the_rights_that_it_needs(self):
    self.server.command("ACL", "SETUSER", "least", "on", ">l-pw", "~*", "+info", "+select", "+slowlog|get", "+config|get", "+llen")
    seen = Watch(f"redis=redis://least:l-pw@127.0.0.1:{self.server.port}", seconds=1).finish()
    self.assertEqual(seen.cannot, [])
    self.assertEqual(seen.notes, [])

  def test_a_restart(self):
    with Redis() as server:
      watch = Watch("redis=" + server.url(), seconds=6)
      time.sleep(2)
      server.stop()
      server.start()
      seen = watch.finish()
    self.assertIn("the connection is lost", " ".join(seen.notes))
    self.assertGreater(seen.one("cache.clients", "")["points"], 2, seen.text())
    self.assertLess(seen.most("cache.ops"), 1000)

  def answer_with(self, data):
    """A server that answers everything with that, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
      try:
        while True:
          peer, _ = listener.accept()
          with peer:
            while peer.recv(4096):
              peer.sendall(data)
      except OSError:
        pass

    threading.Thread(target=serve, daemon=True).start()
    self.addCleanup(listener.close)
    self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
    return f"redis://127.0.0.1:{listener.getsockname()[1]}"

  def test_servers_that_are_none(self):
    self.assertIn("no answer within 5 s", self.notes(self.answer_with(b""), seconds=0.5))
    self.assertIn("the connection is lost: Protocol error", self.notes(self.answer_with(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    self.assertIn("it answered with over 4 MiB", self.notes(self.answer_with(b"$90000000\r\n" + b"x" * 5000000)))
    self.assertIn("Connection refused", self.notes(f"redis://127.0.0.1:{real.free_port()}"))

  def test_bad_urls(self):
    self.assertEqual(refused("redis=127.0.0.1:6379"), "watching redis: the URL is none of Redis: write redis://:password@host:6379")
    self.assertNotIn("hunter2", refused("redis=redis://:hunter2@"))
    self.assertIn("queue_db is the number of a database", refused("redis=redis://db1 queue_db=first"))


if __name__ == "__main__":
  main()
