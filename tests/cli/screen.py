"""A terminal for tests: a pty of a given size, spate in it, and a small screen that its bytes are drawn on."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unicodedata

from cli_support import support

ESCAPE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")


def width_of(text):
  """Columns of a line, escapes left out."""
  text = ESCAPE.sub("", text)
  return sum(0 if unicodedata.combining(c) or c in "\u200b\ufe0f" else 2 if unicodedata.east_asian_width(c) in "WF"
             else 1 for c in text)


class Screen:
  """Rows without end; what spate writes and no more: CR, LF, cursor up, erase line and below, colours, the cursor."""

  def __init__(self):
    self.rows, self.row, self.column, self.cursor_shown, self.unknown = [""], 0, 0, True, set()

  def feed(self, text):
    at = 0
    while at < len(text):
      escape = ESCAPE.match(text, at)
      if escape:
        self.control(escape.group(1), escape.group(2))
        at = escape.end()
        continue
      self.put(text[at])
      at += 1

  def put(self, char):
    if char == "\r":
      self.column = 0
    elif char == "\n":
      self.row += 1
      while len(self.rows) <= self.row:
        self.rows.append("")
    elif char == "\x1b":
      self.unknown.add(char)
    else:
      row = self.rows[self.row].ljust(self.column)
      self.rows[self.row] = row[:self.column] + char + row[self.column + 1:]
      self.column += 1

  def control(self, values, letter):
    if letter == "A":
      self.row = max(0, self.row - int(values or 1))
    elif letter == "K":
      self.rows[self.row] = self.rows[self.row][:self.column] if values in ("", "0") else ""
    elif letter == "J" and values in ("", "0"):
      self.rows[self.row] = self.rows[self.row][:self.column]
      del self.rows[self.row + 1:]
    elif letter in "hl" and values == "?25":
      self.cursor_shown = letter == "h"
    elif letter != "m":
      self.unknown.add(values + letter)

  @property
  def text(self):
    return "\n".join(row.rstrip() for row in self.rows)


class Terminal:
  """`with Terminal(80, "run", …) as terminal`: type(), resize(), wait(); then raw, screen and code."""

  def __init__(self, columns, *args, rows=40, env=None):
    self.master, slave = pty.openpty()
    self.resize(columns, rows)
    self.raw, self.code, self.closing = "", None, False

    def adopt():
      os.setsid()
      fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal
    with tempfile.TemporaryDirectory() as folder:
      self.process = subprocess.Popen([support.SPATE, *map(str, args)], stdin=slave, stdout=slave, stderr=slave,
                                      preexec_fn=adopt,
                                      env=support.environment(env), cwd=folder)
    os.close(slave)
    self.before = termios.tcgetattr(self.master)
    self.thread = threading.Thread(target=self.read, daemon=True)
    self.thread.start()

  def read(self):
    pieces = b""
    while not self.closing:
      if not select.select([self.master], [], [], 0.2)[0]:
        if self.process.poll() is not None:
          break
        continue
      try:
        piece = os.read(self.master, 65536)
      except OSError:
        break
      if not piece:
        break
      pieces += piece
      self.raw = pieces.decode("utf-8", errors="replace")

  def resize(self, columns, rows=40):
    fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

  def type(self, keys):
    os.write(self.master, keys)

  def wait_for(self, words, limit_s=30):
    until = time.monotonic() + limit_s
    while not re.search(words, self.raw):
      if time.monotonic() > until:
        raise AssertionError(f"{words!r} never came: {self.raw[-2000:]!r}")
      time.sleep(0.02)

  def wait(self, limit_s=support.RUN_LIMIT_S):
    self.code = self.process.wait(limit_s)
    self.thread.join(10)
    self.after = termios.tcgetattr(self.master)
    self.screen = Screen()
    self.screen.feed(self.raw)
    if support.SANITIZERS.search(self.raw):
      raise AssertionError(support.SANITIZERS.search(self.raw).group(0)[:4000])
    return self

  def __enter__(self):
    return self

  def close(self):
    self.closing = True
    self.thread.join(10)
    os.close(self.master)

  def __exit__(self, *_):
    if self.process.poll() is None:
      self.process.send_signal(signal.SIGKILL)
      self.process.wait()
    self.close()
