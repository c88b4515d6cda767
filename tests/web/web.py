"""Talks to the page's API: calls with their status, and live events with what an EventSource would make of them."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))
import support  # noqa: E402
from support import SANITIZERS, SPATE, environment  # noqa: E402

PATIENCE_S = 60  # sanitizer builds on a busy machine


class Page:
  """The API at an address. `headers` go with every call."""

  def __init__(self, port, headers=None):
    self.port, self.headers = port, headers or {}

  def ask(self, method, path, body=None, headers=None):
    """(status, headers, body as bytes)."""
    link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
    try:
      sent = dict(self.headers)
      data = None
      if body is not None:
        sent["Content-Type"] = "application/json"
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
      sent.update(headers or {})
      link.request(method, path, data, sent)
      answer = link.getresponse()
      return answer.status, dict(answer.getheaders()), answer.read()
    finally:
      link.close()

  def get(self, path):
    status, _, body = self.ask("GET", path)
    if status != 200:
      raise AssertionError(f"GET {path}: {status} {body!r}")
    return json.loads(body)

  def post(self, path, body=None, status=200):
    got, _, answer = self.ask("POST", path, {} if body is None else body)
    if got != status:
      raise AssertionError(f"POST {path} {body}: {got} instead of {status}: {answer!r}")
    return json.loads(answer)

  def live(self, last_id=None):
    return Live(self.port, self.headers, last_id)

  def until(self, what, path="/api/state"):
    """Asks until what(answer) holds; gives the answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
      answer = self.get(path)
      if what(answer):
        return answer
      time.sleep(0.1)
    raise AssertionError(f"it never came: {answer}")

  def until_ended(self):
    return self.until(lambda state: state["phase"] == "ended")


class Event:
  def __init__(self, kind, number, data):
    self.kind, self.id, self.data = kind, number, data

  def __repr__(self):
    return f"{self.kind} {self.id} {str(self.data)[:200]}"


class Live:
  """An event stream: `next()` gives events in turn, `until(kind, what)` collects up to one that fits."""

  def __init__(self, port, headers=None, last_id=None, method="GET", path="/api/live", body=b""):
    self.link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: text/event-stream"]
    lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
    lines += [f"Last-Event-ID: {last_id}"] if last_id is not None else []
    lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    self.link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
    self.file = self.link.makefile("rb")
    self.status = int(self.file.readline().split()[1])
    self.head = []
    while (line := self.file.readline().strip()):
      self.head.append(line.decode())
    self.rest = b""
    self.ended = False
    self.events = []

  def _more(self):
    size = self.file.readline().strip()
    if not size or int(size, 16) == 0:
      self.ended = True
      return
    self.rest += self.file.read(int(size, 16))
    self.file.readline()

  def next(self):
    """The next event; None at the end. Comments are passed over."""
    while not self.ended or b"\n\n" in self.rest:
      block, found, rest = self.rest.partition(b"\n\n")
      if not found:
        self._more()
        continue
      self.rest = rest
      fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
      if "event" in fields:
        event = Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
        self.events.append(event)
        return event
    return None

  def until(self, kind, what=lambda data: True):
    while (event := self.next()):
      if event.kind == kind and what(event.data):
        return event
    raise AssertionError(f"the stream ended without {kind}: {self.events[-3:]}")

  def all(self, kind):
    return [event for event in self.events if event.kind == kind]

  def close(self):
    self.file.close()
    self.link.close()


class Serve:
  """A `spate serve` on a free port. `with Serve(...) as server: server.page`."""

  def __init__(self, *args, env=None, address="127.0.0.1:0"):
    words = [SPATE, "serve", f"--web={address}", *map(str, args)]
    self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=environment(env))
    self.line = self.process.stderr.readline().decode()
    found = re.search(r"https?://[\d.]+:(\d+)/(?:\?token=([\w-]+))?", self.line)
    if not found:
      self.process.kill()
      raise AssertionError(f"serve did not say its address: {self.line!r} {self.process.stderr.read().decode()}")
    self.port, self.token = int(found.group(1)), found.group(2)
    self.page = Page(self.port, {"Authorization": f"Bearer {self.token}"} if self.token else {})
    self.code = self.out = self.err = None

  def end(self, how=signal.SIGINT):
    if self.code is not None:
      return
    self.process.send_signal(how)
    try:
      out, err = self.process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.communicate()
      raise AssertionError(f"serve did not end within {PATIENCE_S} s")
    self.code, self.out, self.err = self.process.returncode, out.decode(), err.decode()
    finding = SANITIZERS.search(self.err)
    if finding:
      raise AssertionError("serve: " + finding.group(0)[:6000])

  def __enter__(self):
    return self

  def __exit__(self, kind, value, trace):
    self.end()
    if kind is None and self.code not in (0, 130):
      raise AssertionError(f"serve ended with {self.code}: {self.err}")


def chat(target, **options):
  """What the form sends for dify:chat."""
  return {"plan": "dify:chat", "host": target.url, "settings": {"key": "app-simple", "think_min": "0.1", "think_max": "0.2"},
          "options": {"users": "4", "run-time": "3s", **options}}


def check_ticks(case, ticks):
  """Numbers without gaps, times that rise, histograms whose heat holds every sample."""
  case.assertEqual([tick["n"] for tick in ticks], list(range(ticks[0]["n"], ticks[0]["n"] + len(ticks))))
  for tick in ticks:
    for request in tick["requests"]:
      for key in ("ttfb", "ttft", "itl", "e2e"):
        hist = request[key]
        if hist:
          case.assertEqual(sum(count for _, count in hist["heat"]), hist["n"])
          case.assertLessEqual(hist["p50"], hist["max"])
  for a, b in zip(ticks, ticks[1:]):
    case.assertLess(a["t"], b["t"])


def sums(ticks):
  """What the ticks add up to, as the summary says it."""
  rows = [request for tick in ticks for request in tick["requests"]]
  n = lambda key: sum(row[key]["n"] for row in rows if row[key])  # noqa: E731
  return {"ok": sum(row["ok"] for row in rows), "failed": sum(row["failed"] for row in rows), "ttft": n("ttft"),
          "itl": n("itl"), "e2e": n("e2e")}


def summary_sums(summary):
  n = lambda key: sum(row["metrics"][key]["count"] for row in summary["requests"] if row["metrics"][key])  # noqa: E731
  return {"ok": summary["totals"]["ok"], "failed": summary["totals"]["failed"], "ttft": n("ttft"), "itl": n("itl"),
          "e2e": n("e2e")}
