"""Watchers alone, by watch_probe: what they saw while the test did something.

  watch = Watch("postgres=" + url)     # has started: the load may begin
  …
  seen = watch.finish()
  seen.mean("db.sessions", "Lock/transactionid"), seen.cannot, seen.notes, seen.settings["max_connections"]
"""
import os
import subprocess

import real  # finds tests/scenario  # noqa: F401
from support import SANITIZERS, environment

PROBE = os.environ.get("WATCH_PROBE", "watch_probe")


class Seen:
  def __init__(self, lines):
    self.can, self.cannot, self.notes, self.settings, self.series = [], [], [], {}, []
    for line in lines:
      kind, *parts = line.split("\t")
      if kind in ("can", "cannot"):
        getattr(self, kind).append(parts[1])
      elif kind == "note":
        self.notes.append(parts[0])
      elif kind == "setting":
        self.settings[parts[1]] = parts[2]
      elif kind == "series":
        signal, subject, detail, mean, least, most, points, covered, query = parts
        self.series.append({"signal": signal, "subject": subject, "detail": detail, "mean": float(mean), "least": float(least),
                            "most": float(most), "points": int(points), "covered": float(covered), "query": query})

  def details(self, signal, subject=None):
    """Its series by their details."""
    return {row["detail"]: row for row in self.series if row["signal"] == signal and subject in (None, row["subject"])}

  def one(self, signal, detail="", subject=None):
    """None: nothing was seen of it."""
    rows = [row for row in self.series if row["signal"] == signal and row["detail"] == detail and subject in (None, row["subject"])]
    return rows[0] if rows else None

  def mean(self, *key, **more):
    row = self.one(*key, **more)
    return row and row["mean"]

  def most(self, *key, **more):
    row = self.one(*key, **more)
    return row and row["most"]

  def text(self):
    return "\n".join([*self.can, *self.cannot, *self.notes, *map(repr, self.series)])


class Watch:
  def __init__(self, *specs, seconds=4, env=None):
    self.process = subprocess.Popen([PROBE, str(seconds), *specs], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    env=environment(env))
    self.lines = []
    for line in self.process.stdout:
      self.lines.append(line.rstrip("\n"))
      if line == "started\n":
        break

  def finish(self, limit_s=60):
    out, err = self.process.communicate(timeout=limit_s)
    if SANITIZERS.search(err):
      raise AssertionError(err[:6000])
    if self.process.returncode:
      raise AssertionError(f"watch_probe ended with {self.process.returncode}: {err}")
    return Seen(self.lines + out.splitlines())


def refused(spec):
  """The sentence about a spec that is wrong."""
  done = subprocess.run([PROBE, "1", spec], capture_output=True, text=True, timeout=60, env=environment(), check=False)
  if done.returncode != 2:
    raise AssertionError(f"{spec} was taken: {done.stdout}{done.stderr}")
  return done.stderr.strip()
