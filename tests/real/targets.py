"""Targets with a known culprit: a chat app in Dify's dialect whose each answer does its work in a real PostgreSQL, through a real
PgBouncer or in a real Redis, so that spate's load meets the bottleneck through an application. Each is a context:

  with locked_row() as target:
    run("dify:chat", "-H", target.url, *target.watch)

`target.truth` is what a diagnosis may name; tests/real/cases.py loads each and judges. targets_around.py has those whose trouble is
not in the application's stores.
"""
import contextlib
import json
import queue
import socket
import threading
import time

from servers import PgBouncer, Postgres, Redis, psycopg2  # the first: it finds tests/scenario
from server import LAST_CHUNK, PING, Server, answer, chunk, event, every, head, stream_head

IDS = {"conversation_id": "c-1", "message_id": "m-1", "task_id": "t-1", "workflow_run_id": "r-1"}
TOKENS = ("Ihr ", "Antrag ", "ist ", "da.")


class Application:
  """Answers each question by work(): before its first token, as a node of the flow. pause_s: between its tokens, as a model speaks."""

  def __init__(self, work, node="Database", kind="tool", tokens=TOKENS, pause_s=0, port=0):
    self.work, self.node, self.kind, self.tokens, self.pause_s = work, node, kind, tokens, pause_s
    self.server = Server(every(self.respond), port=port)
    self.url, self.port = self.server.url, self.server.port

  def respond(self, peer, request):
    if request.method != "POST" or not request.path.startswith("/v1/chat-messages"):
      peer.send(answer(json.dumps({"code": "not_found"}), "404 Not Found"))
      return
    chunked = request.version != "HTTP/1.0"  # nginx asks so by default: the end of the connection is the end of the stream
    peer.send(stream_head() if chunked else head("200 OK", "Content-Type: text/event-stream"))
    self.stream(lambda *events: peer.send(*(chunk(text) if chunked else text for text in events)))
    if chunked:
      peer.send(LAST_CHUNK)
    else:
      peer.end()

  def stream(self, say):
    say(PING, event("workflow_started", **IDS, data={"id": "r-1", "inputs": {}}))
    began = time.monotonic()
    try:
      self.work()
    except (psycopg2.Error, PoolTimeout, OSError) as error:
      say(event("error", **IDS, status=500, code="internal_server_error", message=" ".join(str(error).split())))
      return
    self.speak(say)
    took = time.monotonic() - began
    say(event("node_finished", **IDS, data={"id": "n-1", "node_id": "n-1", "node_type": self.kind, "title": self.node,
                                            "status": "succeeded", "elapsed_time": took}),
        event("message_end", **IDS, id="m-1", metadata={"usage": {"prompt_tokens": 9, "completion_tokens": 4}}),
        event("workflow_finished", **IDS, data={"id": "r-1", "status": "succeeded", "elapsed_time": took}))

  def speak(self, say):
    for token in self.tokens:
      time.sleep(self.pause_s)
      say(event("message", **IDS, id="m-1", answer=token))

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
  """truth: the culprits that are there; none: a diagnosis must not name anybody. sure: it can be told with more than low
  confidence. meanwhile: what happens to the target while the load is on. options: of Popen, for who makes the load."""

  def __init__(self, url, truth, *watch, users=16, sure=True, meanwhile=None, **options):
    self.url, self.truth, self.users, self.sure, self.meanwhile, self.options = url, truth, users, sure, meanwhile, options
    self.watch = [word for spec in watch for word in ("--watch", spec)]


TABLE = "CREATE TABLE runs (id bigserial PRIMARY KEY, node text, at timestamptz DEFAULT now()); " \
        "CREATE TABLE counters (id int PRIMARY KEY, n bigint); INSERT INTO counters VALUES (1, 0); " \
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO app; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app"


@contextlib.contextmanager
def over_database(work, pool_size=40, bouncer=None, **settings):
  """An application that does work(pool) over a Postgres, and how to watch it; bouncer: settings of a PgBouncer between."""
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
    yield application, server, watch


@contextlib.contextmanager
def database(work, *truth, **more):
  with over_database(work, **more) as (application, _, watch):
    yield Target(application.url, truth, *watch)


# -- the targets ---------------------------------------------------------------------------------------


def lock_the_row(pool):
  """Updates the same row as every answer, and keeps its lock for a while."""
  with pool.transaction() as cursor:
    cursor.execute("UPDATE counters SET n = n + 1 WHERE id = 1")
    cursor.execute("SELECT pg_sleep(0.02)")


def locked_row():
  return database(lock_the_row, "postgres.locks")


def wait_inside(pool):
  """Waits for something else, a model say, inside of its transaction."""
  with pool.transaction() as cursor:
    cursor.execute("SELECT n FROM counters WHERE id = 1")
    time.sleep(0.15)


def idle_in_transaction():
  return database(wait_inside, "postgres.idle_in_transaction", bouncer={"pool_mode": "transaction", "default_pool_size": 4})


def slow_commit():
  """Every answer commits several times to a log on a slow disk."""
  def work(pool):
    for node in range(5):
      with pool.transaction() as cursor:
        cursor.execute("INSERT INTO runs (node) VALUES (%s)", (str(node),))
  return database(work, "postgres.commit", slow_sync_ms=25, track_wal_io_timing="on")


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


def slow_statement():
  """Every answer has one statement that reads far too much."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("SELECT count(*) FROM generate_series(1, 400000) AS g(i) WHERE i %% 7 = %s", (3,))
  return database(work, "postgres.sql", max_parallel_workers_per_gather=0)


BUSY = "local n = 0; for i = 1, ARGV[1] do n = n + i % 7 end"
PROBE_TURNS, SLOW_COMMAND_S = 1000000, 0.03


@contextlib.contextmanager
def slow_cache():
  """A Redis and a command that keeps its one thread for SLOW_COMMAND_S, however fast this machine is."""
  with Redis() as server:
    client = RedisClient(server.port, server.password)
    took_s = []
    for _ in range(3):
      began = time.monotonic()
      client.command("EVAL", BUSY, 0, PROBE_TURNS)
      took_s.append(time.monotonic() - began)
    turns = int(PROBE_TURNS * SLOW_COMMAND_S / min(took_s))
    try:
      yield server, lambda: client.command("EVAL", BUSY, 0, turns)
    finally:
      client.close()


@contextlib.contextmanager
def slow_command():
  """Every answer runs a script in Redis that keeps all others waiting."""
  with slow_cache() as (server, command):
    with contextlib.closing(Application(command, node="Cache")) as application:
      yield Target(application.url, ("redis.main_thread",), "redis=" + server.url())


@contextlib.contextmanager
def locks_and_commands():
  """Two at once: each answer has its turn at a row of PostgreSQL and at Redis' thread, and both take as long."""
  with slow_cache() as (cache, command):
    def work(pool):
      command()
      with pool.transaction() as cursor:
        cursor.execute("UPDATE counters SET n = n + 1 WHERE id = 1")
        cursor.execute("SELECT pg_sleep(%s)", (SLOW_COMMAND_S,))
    with over_database(work) as (application, _, watch):
      yield Target(application.url, ("postgres.locks", "redis.main_thread"), *watch, "redis=" + cache.url())


@contextlib.contextmanager
def watcher_cut_off():
  """Rows are locked, and who watches the database is turned away before it gets bad: the run alone tells in which node the time is,
  and nobody what holds it there."""
  with over_database(lock_the_row) as (application, server, watch):
    def turn_away():
      server.admin("ALTER ROLE monitor NOLOGIN; "
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'monitor'")
    yield Target(application.url, ("flow.node",), *watch, sure=False, meanwhile=turn_away)


def healthy():
  """Nothing is short."""
  def work(pool):
    with pool.transaction() as cursor:
      cursor.execute("SELECT n FROM counters WHERE id = 1")
    time.sleep(0.05)
  return database(work)

