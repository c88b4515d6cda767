"""HTTP/2 beside others' servers: nghttpd and nginx, with TLS (ALPN) and by prior knowledge; many streams a connection, slow
readers, GOAWAY. What no plan does yet, many calls on shared connections, is h2_drive's (h2_drive.c)."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import real
from certs import Certs
from server import Server, answer, every
from support import Case, main, plan, run

DRIVE = os.environ.get("H2_DRIVE") or os.path.join(real.ROOT, "build", "tests", "real", "h2_drive")
BIG = 3 << 20  # of a file: over a stream's window of 1 MiB
NGINX = """
daemon off;
master_process on;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 64m;
  keepalive_requests {requests};
  server {{
    listen 127.0.0.1:{port} http2;
    listen 127.0.0.1:{tls_port} ssl http2;
    listen 127.0.0.1:{old_port} ssl;
    ssl_certificate {certs}/good.pem;
    ssl_certificate_key {certs}/good.key;
    http2_max_concurrent_streams 20;
    root {folder}/files;
    location /echo {{ proxy_pass http://127.0.0.1:{echo}; }}
  }}
}}
"""


class Folder:
  """Files to serve, that servers which give their rights away can read, too."""

  def __init__(self):
    self.path = tempfile.mkdtemp(prefix="spate-h2-")
    os.chmod(self.path, 0o755)
    self.files = os.path.join(self.path, "files")
    os.mkdir(self.files)
    self.write("small", "hello")
    self.write("big", "x" * BIG)

  def write(self, name, text):
    with open(os.path.join(self.files, name), "w", encoding="ascii") as file:
      file.write(text)

  def close(self):
    shutil.rmtree(self.path)


def drive(url, calls, paused=0, pause_ms=0, body=0):
  done = subprocess.run([DRIVE, url, str(calls), str(paused), str(pause_ms), str(body)], capture_output=True, timeout=100, check=True)
  return {**json.loads(done.stdout), "said": done.stderr.decode()}


class Servers:
  """What holds of any server that speaks HTTP/2: `self.plain`, `self.tls`, `self.echo` are its URLs."""

  def test_get(self):
    for url, *args in ((self.tls, "--insecure"), (self.plain,)):
      result = run(plan("one.lua"), "-H", url, "--http", "2", "--iterations", 50, "-u", 5, "-e", "path=/small", "-e", "text=hello",
                   *args)
      self.expect_outcomes(result, {"ok": 50})
      self.assertEqual(result.json["validity"]["generator"]["connections"], 5)

  def test_trusted_and_chosen_by_alpn(self):
    url = self.tls.replace("127.0.0.1", "localhost")
    result = run(plan("one.lua"), "-H", url, "--http", "auto", "--iterations", 5, "-e", "path=/small", "--cacert",
                 self.certs.path("ca.pem"))
    self.expect_outcomes(result, {"ok": 5})

  def test_post(self):
    for url, *args in ((self.tls, "--insecure"), (self.plain,)):
      result = run(plan("one.lua"), "-H", url, "--http", "2", "--iterations", 10, "-e", "path=" + self.echo, "-e", "method=POST",
                   "-e", "body=to and fro", "-e", "text=to and fro", *args)
      self.expect_outcomes(result, {"ok": 10})
    result = run(plan("one.lua"), "-H", self.plain, "--http", "2", "--iterations", 3, "-e", "path=" + self.echo, "-e", "method=POST",
                 "-e", f"size={BIG}")
    self.expect_outcomes(result, {"ok": 3})
    self.assertGreater(result.totals["bytes_in"], 3 * BIG)
    self.assertGreater(result.totals["bytes_out"], 3 * BIG)

  def test_many_streams(self):
    for url in (self.tls, self.plain):
      got = drive(url + "/small", 400)
      self.assertEqual((got["ok"], got["bytes"]), (400, 400 * len("hello")), got)
      self.assertLessEqual(got["connections"], 400 / self.streams + 1, got)  # not one a call
      got = drive(url + self.echo, 60, body=100000)
      self.assertEqual((got["ok"], got["bytes"]), (60, 60 * 100000), got)

  def test_slow_readers(self):
    """Two of eight stop reading until the others are done: those are not held up, and these are given no more than a
    window."""
    for url in (self.tls, self.plain):
      got = drive(url + "/big", 8, paused=2, pause_ms=200)
      self.assertEqual((got["ok"], got["bytes"]), (8, 8 * BIG), got)
      self.assertLessEqual(got["most_while_paused"], 1 << 20, got)
      self.assertEqual(got["done_before_resume"], 6, got)


class Nghttpd(Servers, Case):
  streams, echo = 100, "/upload"

  @classmethod
  def setUpClass(cls):
    cls.certs, cls.folder, cls.processes = Certs(), Folder(), []
    cls.tls = "https://127.0.0.1:" + cls.start(cls.certs.path("good.key"), cls.certs.path("good.pem"))
    cls.plain = "http://127.0.0.1:" + cls.start("--no-tls")

  @classmethod
  def start(cls, *args):
    port, switches = real.free_port(), [arg for arg in args if arg.startswith("-")]
    files = [arg for arg in args if not arg.startswith("-")]
    command = ["nghttpd", "-a", "127.0.0.1", "-d", cls.folder.files, "--echo-upload", *switches, str(port), *files]
    cls.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    real.wait_for("nghttpd", lambda: real.listens(port), 20)
    return str(port)

  @classmethod
  def tearDownClass(cls):
    for process in cls.processes:
      process.terminate()
      process.wait()
    cls.folder.close()
    cls.certs.close()


class OneNginx:
  requests = 1000000  # of a connection, then comes a GOAWAY

  @classmethod
  def setUpClass(cls):
    cls.certs = Certs()
    os.chmod(cls.certs.folder, 0o755)
    cls.upstream = Server(every(lambda peer, request: peer.send(answer(request.body))))
    cls.start()

  @classmethod
  def start(cls):
    cls.folder = Folder()
    ports = {name: real.free_port() for name in ("port", "tls_port", "old_port")}
    config = os.path.join(cls.folder.path, "nginx.conf")
    with open(config, "w", encoding="ascii") as file:
      file.write(NGINX.format(folder=cls.folder.path, certs=cls.certs.folder, echo=cls.upstream.port, requests=cls.requests, **ports))
    cls.process = subprocess.Popen(["nginx", "-p", cls.folder.path, "-c", config, "-e", os.path.join(cls.folder.path, "error.log")],
                                   stderr=subprocess.DEVNULL)
    real.wait_for("nginx", lambda: real.listens(ports["tls_port"]), 20)
    cls.plain, cls.tls = f"http://127.0.0.1:{ports['port']}", f"https://127.0.0.1:{ports['tls_port']}"
    cls.old = f"https://127.0.0.1:{ports['old_port']}"

  @classmethod
  def tearDownClass(cls):
    cls.process.send_signal(signal.SIGTERM)
    cls.process.wait(20)
    cls.folder.close()
    cls.upstream.close()
    cls.certs.close()


class Nginx(OneNginx, Servers, Case):
  streams, echo = 20, "/echo"

  def test_a_server_without_http2(self):
    result = run(plan("one.lua"), "-H", self.old, "--insecure", "--http", "auto", "--iterations", 3, "-e", "path=/small")
    self.expect_outcomes(result, {"ok": 3})
    result = run(plan("one.lua"), "-H", self.old, "--insecure", "--http", "2", "--iterations", 3, "-e", "path=/small")
    self.expect_outcomes(result, {"connect": 3})
    self.assertRegex(result.details(), "does not speak HTTP/2|none of the protocols that were offered")

  def test_goaway_when_workers_change(self):
    """A reload in the middle of the load: old workers say GOAWAY and go; no request is lost."""
    def reload():
      for _ in range(3):
        time.sleep(0.5)
        self.process.send_signal(signal.SIGHUP)

    for url in (self.tls, self.plain):
      thread = threading.Thread(target=reload)
      thread.start()
      result = run(plan("one.lua"), "-H", url, "--insecure", "--http", "2", "-u", 10, "-t", "2.5s", "-e", "path=/small", "-e",
                   "pause=0.01")
      thread.join()
      self.assertEqual(set(result.outcomes()), {"ok"}, result)
      self.assertGreater(result.json["validity"]["generator"]["connections"], 10)


class NginxThatEnds(OneNginx, Case):
  requests = 30

  def test_goaway_in_the_middle(self):
    for url in (self.tls, self.plain):
      result = run(plan("one.lua"), "-H", url, "--insecure", "--http", "2", "-u", 4, "--iterations", 600, "-e", "path=/small")
      self.expect_outcomes(result, {"ok": 600})
      self.assertGreaterEqual(result.json["validity"]["generator"]["connections"], 20)


if __name__ == "__main__":
  os.environ["PATH"] += ":/usr/sbin"  # where they are
  real.need("nginx", "nginx-light")
  real.need("nghttpd", "nghttp2-server")
  main()
