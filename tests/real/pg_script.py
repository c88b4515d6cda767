"""A server that speaks PostgreSQL's protocol and answers from a script: versions that Debian 12 has not, and rows as they were
recorded. `answers` is a list of (words, rows): the first whose words all stand in the statement answers it; rows are lists of
texts or None, or a function from the number of times that it was asked to rows. What nobody answers is an error, as of a column that
this version does not have."""
import struct
import threading

from server import Server


class ScriptedPostgres:
  def __init__(self, version, answers):
    self.version, self.answers, self.asked = version, answers, []
    self.counts, self.lock = {}, threading.Lock()
    self.server = Server(self.serve)

  def url(self, user="monitor", database="app"):
    return f"postgresql://{user}@127.0.0.1:{self.server.port}/{database}?sslmode=disable"

  def close(self):
    self.server.close()

  def serve(self, peer):
    read = peer.sock.makefile("rb").read
    head = read(8)
    if len(head) < 8:
      return
    read(struct.unpack("!I", head[:4])[0] - 8)
    peer.send(message(b"R", struct.pack("!I", 0)), message(b"S", b"server_version\0" + self.version.encode() + b"\0"), READY)
    while True:
      head = read(5)
      if len(head) < 5 or head[:1] == b"X":
        return
      body = read(struct.unpack("!I", head[1:])[0] - 4)
      peer.send(self.answer(body.rstrip(b"\0").decode()), READY)

  def answer(self, sql):
    with self.lock:
      self.asked.append(sql)
      for number, (words, rows) in enumerate(self.answers):
        if all(word in sql for word in words):
          self.counts[number] = self.counts.get(number, 0) + 1
          return table(rows(self.counts[number]) if callable(rows) else rows)
    return message(b"E", b"SERROR\0C42703\0Mnobody answers this here\0\0")


def message(kind, body):
  return kind + struct.pack("!I", len(body) + 4) + body


READY = message(b"Z", b"I")


def cell(text):
  return struct.pack("!i", -1) if text is None else struct.pack("!i", len(str(text).encode())) + str(text).encode()


def table(rows):
  width = len(rows[0]) if rows else 1
  columns = b"".join(b"c%d\0" % i + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0) for i in range(width))
  lines = [message(b"D", struct.pack("!H", width) + b"".join(map(cell, row))) for row in rows]
  return message(b"T", struct.pack("!H", width) + columns) + b"".join(lines) + message(b"C", b"SELECT\0")
