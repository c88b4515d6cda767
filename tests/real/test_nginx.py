"""Debian's nginx between the load and the target, by its own stub_status page: streams under way, requests, and connections
that it dropped for want of worker_connections."""
import os
import shutil
import subprocess
import tempfile

import real
from support import Case, Mock, main, run

CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location = /nginx_status {{ stub_status; }}
    location / {{ proxy_pass {target}; proxy_buffering off; proxy_http_version 1.1; }}
  }}
}}
"""


class Nginx:
  def __init__(self, target, connections):
    program = real.need("nginx", "nginx-light")
    self.folder = tempfile.mkdtemp(prefix="spate-nginx-")
    os.chmod(self.folder, 0o777)
    self.port = real.free_port()
    config = os.path.join(self.folder, "config")
    with open(config, "w", encoding="ascii") as file:
      file.write(CONFIG.format(folder=self.folder, port=self.port, target=target, connections=connections))
    self.process = subprocess.Popen([program, "-c", config, "-p", self.folder], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
    real.wait_for("nginx at its port", lambda: real.listens(self.port), 30)
    self.url = f"http://127.0.0.1:{self.port}"

  def close(self):
    self.process.terminate()
    self.process.wait(20)
    shutil.rmtree(self.folder)


class Watched(Case):
  def setUp(self):
    self.mock = Mock()

  def tearDown(self):
    self.mock.close()

  def watch(self, connections, users):
    nginx = Nginx(self.mock.url, connections)
    try:
      return run("dify:chat", "-H", nginx.url, "-e", "key=app-simple", "-e", "think_min=0.1", "-e", "think_max=0.2", "-u", users,
                 "-t", "4s", "--watch", f"nginx={nginx.url}/nginx_status connections={connections} interval=200ms")
    finally:
      nginx.close()

  def figures(self, result, signal):
    rows = [row for row in result.json["watch"]["series"] if (row["subject"], row["signal"]) == ("nginx", signal)]
    self.assertEqual(len(rows), 1, str(result))
    return rows[0]

  def test_streams_through_it(self):
    result = self.watch(512, 10)
    self.assertEqual(set(result.outcomes()), {"ok"}, str(result))
    self.assertGreater(self.figures(result, "calls.active")["max"], 0)
    self.assertGreater(self.figures(result, "calls.rate")["mean"], 1)
    self.assertGreaterEqual(self.figures(result, "slots.used")["max"], 10)
    self.assertEqual(self.figures(result, "slots.limit")["mean"], 512)
    self.assertEqual(self.figures(result, "proxy.dropped")["max"], 0)

  def test_too_few_connections(self):
    result = self.watch(32, 60)
    self.assertGreater(self.figures(result, "proxy.dropped")["max"], 0, str(result))


if __name__ == "__main__":
  main()
