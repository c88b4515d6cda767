"""Debian's exporters of Prometheus, each beside what it tells about; skipped where they are not installed."""
import subprocess

import real


class Exporter:
  def __init__(self, command, port, host="127.0.0.1", **env):
    self.port, self.address = port, f"{host}:{port}"
    self.process = subprocess.Popen([*command, f"--web.listen-address={self.address}", "--log.level=error"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**real.no_proxy(), **env})

  def close(self):
    self.process.terminate()
    self.process.wait(timeout=30)


class NodeExporter(Exporter):
  """At an address of its own: the simulated deployment tells of a host at 127.0.0.1."""

  def __init__(self):
    super().__init__([real.need("prometheus-node-exporter", "prometheus-node-exporter")], real.free_port(), "127.0.0.2")


class PostgresExporter(Exporter):
  def __init__(self, server):
    super().__init__([real.need("prometheus-postgres-exporter", "prometheus-postgres-exporter")], real.free_port(),
                     DATA_SOURCE_NAME=server.url("monitor") + "?sslmode=disable")
    try:
      real.wait_for("postgres_exporter", lambda: real.listens(self.port))
    except BaseException:
      self.close()
      raise
