"""Debian's own PostgreSQL, PgBouncer and Redis, each for the length of a `with`: an instance of our own in a temporary folder, on a
free port of the loopback, run by a user without rights. What the packages' services do does not matter, and none is left running.

  with Postgres() as server:
    with server.connect("app") as connection: …
    watch.run(5, "postgres=" + server.url("monitor"))
"""
import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

import real

real.need_module("psycopg2", "python3-psycopg2")
import psycopg2  # noqa: E402

# Roles of the database: who asks for it as the application, who may look at all, who may not, and whom PgBouncer looks up.
PASSWORDS = {"app": "app-pw", "monitor": "monitor-pw", "plain": "plain-pw"}
ROLES = """
CREATE ROLE app LOGIN PASSWORD 'app-pw';
CREATE ROLE monitor LOGIN PASSWORD 'monitor-pw';
GRANT pg_monitor TO monitor;
CREATE ROLE plain LOGIN PASSWORD 'plain-pw';
"""
HBA = """
local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""


def unprivileged():
  """PostgreSQL and PgBouncer refuse to run as root: the packages' user then, by keywords of Popen."""
  if os.geteuid() != 0:
    return {}
  for name in ("postgres", "nobody"):
    with contextlib.suppress(KeyError):
      user = pwd.getpwnam(name)
      return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
  return real.skip("root has no other user here to run a server as")


class Server:
  """A program in the foreground, in a folder that belongs to it."""
  name, stop_signal = "server", signal.SIGTERM

  def __init__(self):
    self.run_as = unprivileged()
    self.folder = tempfile.mkdtemp(prefix=f"spate-{self.name}-")
    if self.run_as:
      os.chown(self.folder, self.run_as["user"], self.run_as["group"])
    self.port, self.process = real.free_port(), None
    self.log = open(os.path.join(self.folder, "log"), "ab")

  def path(self, name):
    return os.path.join(self.folder, name)

  def write(self, name, text):
    with open(self.path(name), "w", encoding="ascii") as file:
      file.write(text)
    if self.run_as:
      os.chown(self.path(name), self.run_as["user"], self.run_as["group"])
    return self.path(name)

  def said(self):
    self.log.flush()
    with open(self.path("log"), encoding="utf-8", errors="replace") as file:
      return file.read()

  def launch(self, command, **env):
    self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                    env={**real.no_proxy(), "LC_ALL": "C.UTF-8", **env}, **self.run_as)
    real.wait_for(self.name, self.is_up)

  def is_up(self):
    if self.process.poll() is not None:
      raise AssertionError(f"{self.name} ended with {self.process.returncode}: {self.said()}")
    return self.answers()

  def answers(self):
    return real.listens(self.port)

  def stop(self, how=None):
    if not self.process:
      return
    self.process.send_signal(how or self.stop_signal)
    try:
      self.process.wait(30)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.wait()
    self.process = None

  def close(self):
    self.stop()
    self.log.close()
    shutil.rmtree(self.folder, ignore_errors=True)

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.close()


class Postgres(Server):
  """settings: of its configuration. slow_sync_ms: how much longer each flush of a file takes than it would."""
  name, stop_signal = "postgres", signal.SIGINT  # fast: sessions are ended

  def __init__(self, slow_sync_ms=0, databases=("app",), **settings):
    super().__init__()
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs:
      self.close()
      real.skip("there is no PostgreSQL here (Debian: apt-get install postgresql)")
    self.programs, self.slow_sync_ms, self.settings = programs[-1], slow_sync_ms, settings
    try:
      self.initialise()
      self.start()
      self.fill(databases)
    except BaseException:
      self.close()
      raise

  def initialise(self):
    subprocess.run([self.programs + "/initdb", "-D", self.path("data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                    "--locale=C.UTF-8", "--no-sync", "--no-instructions"], check=True, stdout=self.log, stderr=self.log, cwd=self.folder,
                   **self.run_as)
    self.write("data/pg_hba.conf", HBA)
    if self.slow_sync_ms:
      shutil.copy(os.environ["SLOW_SYNC"], self.path("slow_sync.so"))
      os.chmod(self.path("slow_sync.so"), 0o755)

  def start(self):
    settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder,
                "shared_preload_libraries": "pg_stat_statements", "shared_buffers": "32MB", "logging_collector": "off",
                **self.settings}
    slow = {"LD_PRELOAD": self.path("slow_sync.so"), "SLOW_SYNC_MS": str(self.slow_sync_ms)} if self.slow_sync_ms else {}
    self.launch([self.programs + "/postgres", "-D", self.path("data"), *(f"--{key}={value}" for key, value in settings.items())], **slow)

  def close(self):
    self.stop(signal.SIGQUIT)  # at once: nothing of it is kept
    super().close()

  def answers(self):
    try:
      self.admin("SELECT 1", database="postgres")
      return True
    except psycopg2.OperationalError:
      return False

  def restart(self):
    self.stop()
    self.start()

  def fill(self, databases):
    self.admin(ROLES, database="postgres")
    for database in databases:
      self.admin(f"CREATE DATABASE {database} OWNER app", database="postgres")
      self.admin("CREATE EXTENSION pg_stat_statements", database=database)

  def admin(self, sql, database="app"):
    """As the superuser, by the socket; the rows, where there are any."""
    connection = psycopg2.connect(host=self.folder, port=self.port, user="postgres", dbname=database)
    try:
      connection.autocommit = True
      with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []
    finally:
      connection.close()

  def connect(self, user="app", database="app", port=None):
    return psycopg2.connect(host="127.0.0.1", port=port or self.port, user=user, password=PASSWORDS[user], dbname=database)

  def url(self, user="monitor", password=None, database="app"):
    return f"postgresql://{user}:{password or PASSWORDS[user]}@127.0.0.1:{self.port}/{database}"


class PgBouncer(Server):
  """In front of a Postgres; settings: of its [pgbouncer] section."""
  name = "pgbouncer"

  def __init__(self, postgres, **settings):
    super().__init__()
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
      self.close()
      real.skip("there is no PgBouncer here (Debian: apt-get install pgbouncer)")
    settings = {"listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "auth_type": "plain",
                "auth_file": self.write("users", "".join(f'"{user}" "{word}"\n' for user, word in PASSWORDS.items())),
                "stats_users": "monitor", "admin_users": "postgres", **settings}
    lines = [f"[databases]\napp = host=127.0.0.1 port={postgres.port} dbname=app\n[pgbouncer]"]
    config = self.write("pgbouncer.ini", "\n".join(lines + [f"{key} = {value}" for key, value in settings.items()]) + "\n")
    try:
      self.launch([program, config])
    except BaseException:
      self.close()
      raise

  def url(self, user="monitor", password=None, database="pgbouncer"):
    return f"postgresql://{user}:{password or PASSWORDS[user]}@127.0.0.1:{self.port}/{database}"


class Redis(Server):
  name = "redis"

  def __init__(self, password="redis-pw", **settings):
    super().__init__()
    program = shutil.which("redis-server")
    if not program:
      self.close()
      real.skip("there is no Redis here (Debian: apt-get install redis-server)")
    self.password, self.program, self.settings = password, program, settings
    try:
      self.start()
    except BaseException:
      self.close()
      raise

  def start(self):
    words = {"port": self.port, "bind": "127.0.0.1", "requirepass": self.password, "save": "", "dir": self.folder,
             "enable-debug-command": "yes", **self.settings}
    self.launch([self.program] + [part for key, value in words.items() for part in (f"--{key}", str(value))])

  def url(self, password=None):
    return f"redis://:{password or self.password}@127.0.0.1:{self.port}"

  def command(self, *words, database=0):
    """A connection a command: what Redis answered, as text."""
    client = real.need("redis-cli", "redis-tools")
    done = subprocess.run([client, "-p", str(self.port), "-n", str(database), "--no-auth-warning", *map(str, words)],
                          env={**os.environ, "REDISCLI_AUTH": self.password}, capture_output=True, timeout=60, check=True)
    return done.stdout.decode().strip()
