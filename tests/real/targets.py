"""Targets with a known culprit: a chat app in Dify's dialect whose each answer does its work in a real PostgreSQL, through a real
PgBouncer or in a real Redis, so that spate's load meets the bottleneck through an application. Each is a context:

  with locked_row() as target:
    run("dify:chat", "-H", target.url, "--watch", …) with *target.watch

`target.culprit` is what a diagnosis must name; tests/real/test_databases.py holds it to that.
"""
import contextlib
import json
import queue
import socket
import threading
import time

from servers import PgBouncer, Postgres, Redis, psycopg2  # the first: it finds tests/scenario
from server import LAST_CHUNK, PING, Server, answer, chunk, event, every, stream_head

IDS = {"conversation_id": "c-1", "message_id": "m-1", "task_id": "t-1", "workflow_run_id": "r-1"}
TOKENS = ("Ihr ", "Antrag ", "ist ", "da.")


class Application:
  """Answers each question by work(): before its first token, as a node of the flow."""

  def __init__(self, work, node="Database"):
    self.work, self.node = work, node
    self.server = Server(every(self.respond))
    self.url = self.server.url

  def respond(self, peer, request):
    if request.method != "POST" or not request.path.startswith("/v1/chat-messages"):
      peer.send(answer(json.dumps({"code": "not_found"}), "404 Not Found"))
      return
    peer.send(stream_head(), chunk(PING), chunk(event("workflow_started", **IDS, data={"id": "r-1", "inputs": {}})))
    began = time.monotonic()
    try:
      self.work()
    except (psycopg2.Error, PoolTimeout, OSError) as error:
      peer.send(chunk(event("error", **IDS, status=500, code="internal_server_error", message=" ".join(str(error).split()))),
                LAST_CHUNK)
      return
    took = time.monotonic() - began
    peer.send(chunk(event("node_finished", **IDS, data={"id": "n-1", "node_id": "n-1", "node_type": "tool", "title": self.node,
                                                        "status": "succeeded", "elapsed_time": took})))
    for token in TOKENS:
      peer.send(chunk(event("message", **IDS, id="m-1", answer=token)))
    peer.send(chunk(event("message_end", **IDS, id="m-1", metadata={"usage": {"prompt_tokens": 9, "completion_tokens": 4}})),
              chunk(event("workflow_finished", **IDS, data={"id": "r-1", "status": "succeeded", "elapsed_time": took})), LAST_CHUNK)

  def close(self):
    self.server.close()


class PoolTimeout(Exception):
  pass


class Pool:
  """Connections of an application, as SQLAlchemy's QueuePool keeps them; size 0: a new one for each transaction."""

  def __init__(self, connect, size, timeout_s=30):
    self.connect, self.size, self.timeout_s = connect, size, timeout_s
    self.free, self.open, self.lock = queue.LifoQueue(), 0, threading.Lock()

  def take(self):
    with self.lock:
      make = not self.size or (self.free.empty() and self.open < self.size)
      self.open += make
    if make:
      return self.connect()
    try:
      return self.free.get(timeout=self.timeout_s)
    except queue.Empty:
      raise PoolTimeout(f"QueuePool limit of size {self.size} overflow 0 reached, connection timed out") from None

  @contextlib.contextmanager
  def transaction(self):
    connection = self.take()
    try:
      with connection, connection.cursor() as cursor:  # commits
        yield cursor
    finally:
      if self.size:
        self.free.put(connection)
      else:
        connection.close()

  def close(self):
    while not self.free.empty():
      self.free.get().close()


class RedisClient:
  """Just enough of Redis' protocol; a connection a thread of the application."""

  def __init__(self, port, password):
    self.port, self.password, self.local, self.open = port, password, threading.local(), []

  def command(self, *words):
    if not hasattr(self.local, "file"):
      connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
      self.local.file = connection.makefile("rwb")
      self.open += [self.local.file, connection]
      self.send("AUTH", self.password)
    return self.send(*words)

  def close(self):
    for part in self.open:
      part.close()

  def send(self, *words):
    parts = [str(word).encode() for word in words]
    self.local.file.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
    self.local.file.flush()
    line = self.local.file.readline()
    if not line or line.startswith(b"-"):
      raise OSError("redis: " + line.decode(errors="replace").strip())
    return line


class Target:
  def __init__(self, application, culprit, *watch):
    self.application, self.url, self.culprit = application, application.url, culprit
    self.watch = [word for spec in watch for word in ("--watch", spec)]


TABLE = "CREATE TABLE runs (id bigserial PRIMARY KEY, node text, at timestamptz DEFAULT now()); " \
        "CREATE TABLE counters (id int PRIMARY KEY, n bigint); INSERT INTO counters VALUES (1, 0); " \
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO app; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app"


@contextlib.contextmanager
def database(work, culprit, pool_size=40, bouncer=None, **settings):
  """work(pool) over a Postgres; bouncer: settings of a PgBouncer between."""
  with contextlib.ExitStack() as stack:
    server = stack.enter_context(Postgres(**settings))
    server.admin(TABLE)
    watch = ["postgres=" + server.url()]
    port = server.port
    if bouncer is not None:
      front = stack.enter_context(PgBouncer(server, **bouncer))
      watch.append("pgbouncer=" + front.url())
      port = front.port
    pool = Pool(lambda: server.connect(port=port), pool_size)
    stack.callback(pool.close)
    application = Application(lambda: work(pool))
    stack.callback(application.close)
    yield Target(application, culprit, *watch)


# -- the targets ---------------------------------------------------------------------------------------


def locked_row():
  """Every answer updates the same row and keeps its lock for a while."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("UPDATE counters SET n = n + 1 WHERE id = 1")
      cursor.execute("SELECT pg_sleep(0.02)")
  return database(work, "postgres.locks")


def slow_commit():
  """Every answer commits several times to a log on a slow disk."""
  def work(pool):
    for node in range(5):
      with pool.transaction() as cursor:
        cursor.execute("INSERT INTO runs (node) VALUES (%s)", (str(node),))
  return database(work, "postgres.commit", slow_sync_ms=15, track_wal_io_timing="on")


def no_connections_left():
  """Every answer opens a connection of its own, and the server has few."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("SELECT pg_sleep(0.2)")
  return database(work, "postgres.connections", pool_size=0, max_connections=10, superuser_reserved_connections=2)


def small_pool():
  """PgBouncer has two connections for all."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("SELECT pg_sleep(0.05)")
  return database(work, "pgbouncer.slots", bouncer={"pool_mode": "transaction", "default_pool_size": 2})


def idle_in_transaction():
  """Every answer waits for something else, a model say, inside of its transaction."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("SELECT n FROM counters WHERE id = 1")
      time.sleep(0.15)
  return database(work, "postgres.idle_in_transaction", bouncer={"pool_mode": "transaction", "default_pool_size": 4})


def slow_statement():
  """Every answer has one statement that reads far too much."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("SELECT count(*) FROM generate_series(1, 400000) AS g(i) WHERE i %% 7 = %s", (3,))
  return database(work, "postgres.sql", max_parallel_workers_per_gather=0)


BUSY = "local n = 0; for i = 1, ARGV[1] * 4e7 do n = n + i % 7 end"  # about so many seconds


@contextlib.contextmanager
def slow_command():
  """Every answer runs a script in Redis that keeps its one thread for some 30 ms."""
  with contextlib.ExitStack() as stack:
    server = stack.enter_context(Redis())
    client = RedisClient(server.port, server.password)
    stack.callback(client.close)
    application = Application(lambda: client.command("EVAL", BUSY, 0, 0.03), node="Cache")
    stack.callback(application.close)
    yield Target(application, "redis.main_thread", "redis=" + server.url())


def healthy():
  """Nothing is short."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("SELECT n FROM counters WHERE id = 1")
    time.sleep(0.05)
  return database(work, None)


ALL = (locked_row, slow_commit, no_connections_left, small_pool, idle_in_transaction, slow_statement, slow_command)
