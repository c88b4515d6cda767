"""What watchers see of a machine, of a Docker engine (a recorded exchange: none runs here), of nginx and by a canary."""
import json
import os
import socket
import tempfile
import threading
import time

from server import Server, UnixServer, always, answer, every
from support import Case, Mock, main, plan, run

HELLO = answer("hello")


def load(*args, seconds="2500ms"):
  """A mild load on a server of its own, watched."""
  with Server(always(HELLO)) as target:
    return run(plan("one.lua"), "-H", target.url, "-u", 1, "-e", "pause=0.05", "-t", seconds, *args)


class Watched(Case):
  def series(self, result, subject, signal, detail=""):
    found = [row for row in result.json["watch"]["series"]
             if (row["subject"], row["signal"], row["detail"]) == (subject, signal, detail)]
    self.assertEqual(len(found), 1, f"{subject} {signal} {detail}: " + str([(row["subject"], row["signal"], row["detail"])
                                                                            for row in result.json["watch"]["series"]]))
    return found[0]

  def said(self, result, can):
    return " | ".join(row["what"] for row in result.json["watch"]["can_see" if can else "can_not_see"])


class Machine(Watched):
  def test_this_machine(self):
    result = load("--watch", "host=local interval=200ms")
    self.assertEqual(result.verdict, 0, str(result))
    self.assertGreater(self.series(result, "host", "cpu.limit")["mean"], 0)
    self.assertGreater(self.series(result, "host", "cpu.cores")["mean"], 0)
    self.assertGreater(self.series(result, "host", "memory.limit")["mean"], self.series(result, "host", "memory.used")["mean"])
    self.assertIn("CPU", self.said(result, True))

  def test_the_processes_of_the_target(self):
    target = Mock()
    result = run("dify:chat", "-H", target.url, "-e", "key=app-simple", "-u", 5, "-t", "2500ms", "--watch",
                 f"host=process:{target.process.pid} subject=api port={target.port} interval=200ms")
    target.close()
    self.assertEqual(result.verdict, 0, str(result))
    self.assertGreater(self.series(result, "api", "threads")["mean"], 0)
    self.assertGreater(self.series(result, "api", "memory.used")["mean"], 1e5)
    self.assertGreaterEqual(self.series(result, "api", "cpu.cores")["mean"], 0)
    self.assertGreater(self.series(result, "api.accept", "slots.limit")["mean"], 0)
    self.assertEqual(self.series(result, "api.accept", "slots.used")["min"], 0)

  def test_connections_that_nobody_accepts(self):
    with socket.socket() as deaf:
      deaf.bind(("127.0.0.1", 0))
      deaf.listen(3)
      waiting = [socket.create_connection(deaf.getsockname()) for _ in range(3)]
      result = load("--watch", f"host=local port={deaf.getsockname()[1]} subject=deaf interval=200ms", seconds="1s")
      for sock in waiting:
        sock.close()
    self.assertEqual(self.series(result, "deaf.accept", "slots.limit")["mean"], 3)
    self.assertEqual(self.series(result, "deaf.accept", "slots.used")["mean"], 3)

  def test_nobody_there(self):
    result = load("--watch", "host=process:no-such-thing", "--watch", "host=cgroup:/nowhere", seconds="1s")
    self.assertEqual(result.verdict, 0, str(result))
    self.assertIn("no process is called 'no-such-thing'", result.out)
    self.assertIn("there is no cgroup at '/nowhere'", result.out)

  def test_a_place_that_is_none(self):
    result = load("--watch", "host=everywhere", seconds="1s")
    self.assertEqual(result.code, 2, str(result))
    self.assertIn("'everywhere' is no place: write host=local,", result.err)


# -- a Docker engine ---------------------------------------------------------------------------------------

API, WORKER, GONE, ODD = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
INSPECTED = {
    "Id": API, "RestartCount": 2, "State": {"Status": "running", "OOMKilled": False},
    "HostConfig": {"NanoCpus": 800000000, "CpuQuota": 0, "CpuPeriod": 0, "Memory": 2147483648},
    "Config": {"Image": "langgenius/dify-api:1.9.2",
               "Env": ["SERVER_WORKER_AMOUNT=1", "SERVER_WORKER_CONNECTIONS=10", "SECRET_KEY=sk-hunter2", "PATH=/usr/bin",
                       "REDIS_MAX_CONNECTIONS_PASSWORD=hunter2", "POOL_URL=redis://:hunter2@redis:6379/1",
                       "MAX_DSN=host=db password=hunter2"]},
}


class Engine:
  """Answers as Docker 28 does; each stats call finds 50 ms more CPU used, and one period of two throttled."""

  def __init__(self):
    self.calls, self.events_told = 0, False

  def stats(self, v2):
    self.calls += 1
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + 30)) + f".{int(now % 1 * 1e9):09d}Z"  # 30 s ahead of us
    memory = ({"usage": 1500000000, "limit": 2147483648, "stats": {"inactive_file": 500000000, "pgmajfault": 3}} if v2 else
              {"usage": 900000000, "max_usage": 1, "limit": 1000000000, "failcnt": 0,
               "stats": {"inactive_file": 1, "total_inactive_file": 100000000, "total_pgmajfault": 3}})
    op = ("read", "write") if v2 else ("Read", "Write")
    return {"read": stamp, "preread": "0001-01-01T00:00:00Z", "pids_stats": {"current": 12}, "num_procs": 0, "storage_stats": {},
            "cpu_stats": {"cpu_usage": {"total_usage": self.calls * 50000000}, "system_cpu_usage": 1, "online_cpus": 4,
                          "throttling_data": {"periods": self.calls * 2, "throttled_periods": self.calls, "throttled_time": 5}},
            "precpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": memory,
            "blkio_stats": {"io_service_bytes_recursive": [{"major": 8, "minor": 0, "op": name, "value": 4096} for name in op]},
            "networks": {"eth0": {"rx_bytes": self.calls * 1000, "tx_bytes": 5, "rx_dropped": 0, "tx_dropped": 0, "rx_errors": 0,
                                  "tx_errors": 0}}}

  def events(self):
    if self.events_told:
      return ""
    self.events_told = True
    rows = [("oom", WORKER, "dify-worker-1", {}), ("die", WORKER, "dify-worker-1", {"exitCode": "137"}), ("attach", API, "dify-api-1", {})]
    return "".join(json.dumps({"Type": "container", "Action": action, "Actor": {"ID": ident, "Attributes": {"name": name, **more}}})
                   + "\n" for action, ident, name, more in rows) + "{broken\n"

  def respond(self, peer, request):
    path = request.path.split("?")[0]
    if path == "/containers/json":
      names = ((API, "/dify-api-1"), (WORKER, "/dify-worker-1"), (GONE, "/dify-gone-1"), (ODD, "/dify-odd-1"), ("x/../y", "/dify-bad"))
      peer.send(answer(json.dumps([{"Id": ident, "Names": [name], "State": "running"} for ident, name in names] +
                                  [{"Id": "e" * 64, "Names": ["/other"]}, 5])))
    elif path.endswith("/stats"):
      kind = path.split("/")[2][0]
      peer.send(answer('{"message":"No such container"}', "404 Not Found") if kind == "c" else answer("[[[") if kind == "d" else
                answer(json.dumps(self.stats(kind == "a"))))
    elif path == "/events":
      peer.send(answer(self.events()))
    else:
      peer.send(answer(json.dumps(INSPECTED if path.split("/")[2] == API else {"HostConfig": {"CpuQuota": 150000, "CpuPeriod": 100000}})))


class Docker(Watched):
  def engine(self, handler, *args, options=""):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "docker.sock")
      server = UnixServer(path, handler)
      result = load("--watch", f"docker=unix://{path} {options}", *args)
      server.close()
    return result

  def test_a_recorded_engine(self):
    result = self.engine(every(Engine().respond), options="name=dify-* interval=200ms")
    self.assertEqual(result.verdict, 0, str(result))
    mean = lambda subject, signal: self.series(result, subject, signal)["mean"]
    self.assertEqual(mean("dify-api-1", "cpu.limit"), 0.8)
    self.assertEqual(mean("dify-worker-1", "cpu.limit"), 1.5)
    self.assertGreater(mean("dify-api-1", "cpu.cores"), 0)
    self.assertAlmostEqual(mean("dify-api-1", "cpu.throttled"), 0.5, 6)
    self.assertEqual(mean("dify-api-1", "memory.used"), 1e9)
    self.assertEqual(mean("dify-worker-1", "memory.used"), 8e8)  # version 1
    self.assertEqual(mean("dify-api-1", "memory.limit"), 2147483648)
    self.assertEqual(mean("dify-api-1", "threads"), 12)
    self.assertGreater(mean("dify-api-1", "net.in"), 0)
    self.assertEqual(mean("dify-worker-1", "io.write"), 0)
    self.assertGreater(self.series(result, "dify-worker-1", "memory.oom_kills")["max"], 0)
    self.assertGreater(self.series(result, "dify-api-1", "cpu.cores")["covered"], 0.2)  # its clock is 30 s ahead: corrected
    self.assertIn("dify-worker-1 ended (exit code 137)", result.out)
    self.assertIn("dify-api-1 had restarted 2 times before", result.out)
    self.assertEqual({row["subject"] for row in result.json["watch"]["series"]}, {"dify-api-1", "dify-worker-1"})

  def test_settings_without_secrets(self):
    result = self.engine(every(Engine().respond), options="interval=200ms")
    settings = {row["key"]: row["value"] for row in result.json["watch"]["settings"] if row["subject"] == "dify-api-1"}
    self.assertEqual(settings, {"image": "langgenius/dify-api:1.9.2", "cpus": "0.8", "memory": "2147483648", "SERVER_WORKER_AMOUNT": "1",
                                "SERVER_WORKER_CONNECTIONS": "10", "REDIS_MAX_CONNECTIONS_PASSWORD": "***",
                                "POOL_URL": "redis://***@redis:6379/1", "MAX_DSN": "***"})
    self.assertNotIn("hunter2", json.dumps(result.json) + result.err + result.out)

  def test_which_variables(self):
    result = self.engine(every(Engine().respond), options="env=PATH interval=200ms")
    keys = {row["key"] for row in result.json["watch"]["settings"] if row["subject"] == "dify-api-1"}
    self.assertEqual(keys, {"image", "cpus", "memory", "PATH"})

  def test_what_is_no_engine(self):
    for name, handler, words in (
        ("garbage", always(answer("<html>")), "that is no JSON"),
        ("another form", always(answer('{"message":"no"}')), "is no list of containers"),
        ("refused", always(answer("no", "403 Forbidden")), "answered 403"),
        ("without end", always(answer("[" + " " * (17 << 20))), "answered with over 16 MiB"),
        ("nobody of that name", always(answer("[]")), "no container that runs is called 'anything'")):
      with self.subTest(name):
        result = self.engine(handler)
        self.assertEqual(result.verdict, 0, str(result))
        self.assertIn(words, result.out)

  def test_no_socket(self):
    result = load("--watch", "docker=unix:///nowhere/docker.sock", seconds="1s")
    self.assertEqual(result.verdict, 0, str(result))
    self.assertIn("may this user open the engine's socket (group docker, or root)", result.out)


# -- nginx ------------------------------------------------------------------------------------------------


class Nginx(Watched):
  def test_its_page(self):
    asked = []

    def respond(peer, _):
      asked.append(1)
      accepted = len(asked) * 100
      peer.send(answer(f"Active connections: 7 \nserver accepts handled requests\n {accepted} {accepted - len(asked)} 900 \n"
                       "Reading: 1 Writing: 4 Waiting: 2 \n"))

    with Server(every(respond)) as page:
      result = load("--watch", f"nginx={page.url}/nginx_status connections=1024 interval=200ms")
    self.assertEqual(result.verdict, 0, str(result))
    self.assertEqual(self.series(result, "nginx", "slots.used")["mean"], 7)
    self.assertEqual(self.series(result, "nginx", "slots.limit")["mean"], 1024)
    self.assertEqual(self.series(result, "nginx", "calls.active")["mean"], 3)  # but the question's own
    self.assertGreater(self.series(result, "nginx", "proxy.dropped")["mean"], 0)

  def test_another_page(self):
    with Server(always(HELLO)) as page:
      result = load("--watch", f"nginx={page.url}/", seconds="1s")
    self.assertEqual(result.verdict, 0, str(result))
    self.assertIn("is no page of stub_status: give nginx a", result.out)


# -- a canary ---------------------------------------------------------------------------------------------


class Canary(Watched):
  def test_one_at_a_time_over_one_connection(self):
    open_now, most, lock = [0], [0], threading.Lock()

    def respond(peer, _):
      with lock:
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
      time.sleep(0.3)
      with lock:
        open_now[0] -= 1
      peer.send(HELLO)

    with Server(every(respond)) as health:
      result = load("--watch", f"canary={health.url}/health subject=api interval=100ms")
      self.assertGreaterEqual(len(health.requests), 2)
      self.assertEqual((health.connections, most[0]), (1, 1))
    self.assertGreaterEqual(self.series(result, "api", "canary.time")["min"], 0.3)
    self.assertEqual(self.series(result, "api", "canary.failures")["mean"], 0)
    self.assertEqual({row["name"] for row in result.json["requests"]}, {"one"})

  def test_a_fresh_connection_each_time(self):
    with Server(always(HELLO)) as health:
      load("--watch", f"canary={health.url}/health fresh=true interval=100ms")
      self.assertEqual(health.connections, len(health.requests))
      self.assertGreaterEqual(health.connections, 2)

  def test_failures_are_counted(self):
    with Server(always(answer("no", "503 Service Unavailable"))) as health:
      result = load("--watch", f"canary={health.url}/health subject=api interval=100ms")
    self.assertGreater(self.series(result, "api", "canary.failures")["mean"], 0)
    self.assertNotIn("canary.time", {row["signal"] for row in result.json["watch"]["series"]})
    self.assertIn("answered 503", result.out)

  def test_one_that_never_answers_took_at_least_its_timeout(self):
    with socket.socket() as silent:
      silent.bind(("127.0.0.1", 0))
      silent.listen(64)
      result = load("--watch", f"canary=http://127.0.0.1:{silent.getsockname()[1]}/ subject=api timeout=200ms interval=300ms")
    self.assertGreaterEqual(self.series(result, "api", "canary.time")["min"], 0.2)
    self.assertGreater(self.series(result, "api", "canary.failures")["mean"], 0)
    self.assertIn("did not answer within 200 ms", result.out)

  def test_options(self):
    for option, words in (("fresh=maybe", "fresh is true or false"), ("timeout=1h", "a timeout is from 1ms to 5s"),
                          ("tiemout=1s", "did you mean 'timeout'")):
      result = load("--watch", "canary=http://127.0.0.1:1/ " + option, seconds="1s")
      self.assertEqual(result.code, 2, str(result))
      self.assertIn(words, result.err)


if __name__ == "__main__":
  main()
