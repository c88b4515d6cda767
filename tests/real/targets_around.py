"""Targets whose trouble stands around the application of targets.py: a proxy that holds its stream back, a CPU quota, a database that
only Prometheus sees, a machine that leaves the generator no CPU.
"""
import contextlib
import multiprocessing
import os
import subprocess
import sys
import time

import real
import targets
import test_throttled as throttled
from exporters import NodeExporter, PostgresExporter
from nginx import Nginx
from support import mock
from targets import Application, Target

WORDS = tuple(f"Wort {number} " for number in range(12))
BUSY_S = 0.003  # of CPU, an answer
PINNED = 4  # of those that keep the generator's core busy
NICER = 10


@contextlib.contextmanager
def speaking_behind_nginx(*truth, as_it_comes=False):
  """A model speaks for 0.6 s, and nginx stands before it."""
  with contextlib.closing(Application(lambda: None, node="LLM", kind="llm", tokens=WORDS, pause_s=0.05)) as application:
    with contextlib.closing(Nginx(application.url, 512, as_it_comes)) as front:
      yield Target(front.url, truth, f"nginx={front.url}/nginx_status connections=512 interval=250ms")


def buffering_proxy():
  return speaking_behind_nginx("proxy.buffering", as_it_comes=True)


def proxy_that_passes():
  return speaking_behind_nginx()


# -- a CPU quota -----------------------------------------------------------------------------------------


def burn():
  until = time.thread_time() + BUSY_S
  while time.thread_time() < until:
    pass


def serve_in(folder, port):
  throttled.write(os.path.join(folder, "cgroup.procs"), str(os.getpid()))
  Application(burn, node="Code", port=port).server.thread.join()


@contextlib.contextmanager
def cgroup():
  folder = throttled.make_cgroup()
  if not folder:
    real.skip("no cgroup with a CPU limit can be made here (root, and a writable /sys/fs/cgroup)")
  try:
    yield folder
  finally:
    throttled.remove(folder)


@contextlib.contextmanager
def under_quota():
  """The application is allowed a tenth of a CPU."""
  with cgroup() as folder:
    port = real.free_port()
    process = multiprocessing.get_context("fork").Process(target=serve_in, args=(folder, port), daemon=True)
    process.start()
    try:
      real.wait_for("application under a quota", lambda: real.listens(port))
      yield Target(f"http://127.0.0.1:{port}", ("dify-api.cpu",), f"host=cgroup:{folder} subject=dify-api interval=500ms")
    finally:
      process.kill()
      process.join()


# -- through Prometheus ----------------------------------------------------------------------------------


@contextlib.contextmanager
def seen_by_prometheus():
  """Answers that wait inside of their transactions, with a pool of the application's own; Prometheus alone looks at it."""
  from prometheus import prometheus  # where there is none, that skips
  with contextlib.ExitStack() as stack:
    application, server, _ = stack.enter_context(targets.over_database(targets.wait_inside, pool_size=4))
    database = stack.enter_context(contextlib.closing(PostgresExporter(server)))
    node = stack.enter_context(contextlib.closing(NodeExporter()))
    store = stack.enter_context(prometheus(database.port, node=node.address))
    real.wait_for("both exporters", lambda: store.query("sum(up) == 2"))
    yield Target(application.url, ("postgres.idle_in_transaction",), f"prometheus={store.url} interval=1s", sure=False)


# -- a generator without a CPU ---------------------------------------------------------------------------


@contextlib.contextmanager
def busy_core(core):
  programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=lambda: os.sched_setaffinity(0, {core}))
              for _ in range(PINNED)]
  try:
    yield
  finally:
    for program in programs:
      program.kill()
      program.wait()


@contextlib.contextmanager
def starved_generator():
  """Who makes the load is held to one core, behind others that never rest: it comes too late, and the target is well."""
  core = min(os.sched_getaffinity(0))

  def starve():
    os.sched_setaffinity(0, {core})
    os.nice(NICER)
  with mock() as target, busy_core(core):
    yield Target(target.url, ("generator",), f"host=process:{target.process.pid} subject=dify-api interval=500ms", users=400, sure=False,
                 preexec_fn=starve)
