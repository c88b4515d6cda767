"""A Prometheus server of Debian's package, for the length of a `with`."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import real

PROGRAM = real.need("prometheus", "prometheus")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback, whatever the machine's proxies are

CONFIG = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
"""
JOB = """
  - job_name: {name}
    static_configs: [{{targets: ['{address}']}}]
"""


class Prometheus:
  def __init__(self, folder, jobs):
    self.port = real.free_port()
    self.url = f"http://127.0.0.1:{self.port}"
    config = os.path.join(folder, "prometheus.yml")
    self.log = open(os.path.join(folder, "prometheus.log"), "w+", encoding="utf-8")
    with open(config, "w", encoding="utf-8") as file:
      file.write(CONFIG + "".join(JOB.format(name=name, address=address) for name, address in jobs.items()))
    self.process = subprocess.Popen(
      [PROGRAM, "--config.file=" + config, "--storage.tsdb.path=" + os.path.join(folder, "data"),
       f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver", "--log.level=warn"],
      stdout=self.log, stderr=subprocess.STDOUT, env=real.no_proxy())
    real.wait_for("Prometheus", self.is_ready)
    real.wait_for("first scrape", lambda: self.query("up"))  # its targets come a few seconds later

  def is_ready(self):
    if self.process.poll() is not None:
      self.log.seek(0)
      raise AssertionError("Prometheus ended: " + self.log.read())
    try:
      with OPENER.open(self.url + "/-/ready", timeout=5) as answer:
        return answer.status == 200
    except (urllib.error.URLError, OSError):
      return False

  def get(self, path, **parameters):
    with OPENER.open(f"{self.url}/api/v1/{path}?" + urllib.parse.urlencode(parameters), timeout=30) as answer:
      document = json.load(answer)
    if document["status"] != "success":
      raise AssertionError(document)
    return document["data"]

  def query(self, expression):
    """[(labels, value)]"""
    return [(row["metric"], float(row["value"][1])) for row in self.get("query", query=expression)["result"]]

  def one(self, expression):
    rows = self.query(expression)
    if len(rows) != 1:
      raise AssertionError(f"{len(rows)} rows for {expression}: {rows}")
    return rows[0][1]

  def query_range(self, expression, start, end, step=1):
    """[(labels, [value])]"""
    data = self.get("query_range", query=expression, start=start, end=end, step=step)
    return [(row["metric"], [float(value) for _, value in row["values"]]) for row in data["result"]]

  def close(self):
    self.process.send_signal(signal.SIGTERM)
    try:
      self.process.wait(timeout=30)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.wait()
    self.log.close()


@contextlib.contextmanager
def prometheus(target_port, **more):
  """It scrapes that port as the job `scraped`, and more addresses as jobs of their names."""
  with tempfile.TemporaryDirectory(prefix="spate-prometheus-") as folder:
    server = Prometheus(folder, {"scraped": f"127.0.0.1:{target_port}", **more})
    try:
      yield server
    finally:
      server.close()
