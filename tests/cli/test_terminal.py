"""The live view in a terminal: it fits, it draws over itself, it leaves the terminal as it was; Ctrl-C works in it."""
import sys
import time

from cli_support import GoldenCase, support
from screen import ESCAPE, Screen, Terminal, width_of
from server import Server, answer, every, stream_head
from shop import DIFY, as_stream

STOPPING = "stopping: started requests may finish"


def busy(peer, request):
  """A little of everything: names in two scripts, failures with long details."""
  if request.path.startswith("/v1/"):
    time.sleep(0.05)
    if peer.number % 4 == 0 and peer.requests % 2:
      peer.send(answer('{"code":"overloaded","message":"' + "所有工作者都忙,请稍后再试 " * 6 + '"}',
                       "503 Busy",
                       "Content-Type: application/json"))
    else:
      peer.send(as_stream(DIFY))
  else:
    peer.send(answer("hello"))


class Live(GoldenCase):
  @classmethod
  def setUpClass(cls):
    cls.server = Server(every(busy))

  @classmethod
  def tearDownClass(cls):
    cls.server.close()

  def words(self, *args):
    return ["run", "dify:chat", "-H", self.server.url, "-e", "key=app-secret-key", "-e", "think_min=0", "-e",
            "think_max=0.1", "-u", 6,
            *args]

  def check_terminal(self, terminal, columns):
    for line in terminal.raw.replace("\r", "\n").split("\n"):
      if STOPPING not in line and "^C" not in line:
        self.assertLessEqual(width_of(line), columns, repr(line))
    self.assertEqual(terminal.screen.unknown, set())
    self.assertTrue(terminal.screen.cursor_shown)
    self.assertEqual(terminal.before, terminal.after, "the terminal's settings are as they were")
    self.assertNotIn("app-secret-key", terminal.raw)

  def check_summary(self, terminal):
    text = terminal.screen.text
    self.assertEqual(text.count("failed_share < 1"), 1, text)
    self.assertRegex(text, r"requests = [\d,]+ ok \+\s+[\d,]+ failed \+\s+[\d,]+ abandoned \+\s+[\d,]+\s+cancelled")
    self.assertNotRegex(text, r"users \d+/\d+", "the live view is gone")

  def test_widths(self):
    for columns in (60, 80, 120):
      with self.subTest(columns=columns), Terminal(columns, *self.words("-t", "3s")) as terminal:
        terminal.wait()
        self.assertIn(terminal.code, (0, 4), terminal.screen.text)
        self.check_terminal(terminal, columns)
        self.check_summary(terminal)
        self.assertGreater(terminal.raw.count("\x1b["), 10)

  def test_a_low_terminal(self):
    """A frame higher than the screen could not be drawn over."""
    with Terminal(80, *self.words("-t", "3s"), rows=8) as terminal:
      terminal.wait()
      self.check_terminal(terminal, 80)
      highest = max((int(found.group(1) or 1) for found in ESCAPE.finditer(terminal.raw) if found.group(2) == "A"),
                    default=0)
      self.assertLess(highest, 8)

  def test_a_tiny_terminal(self):
    for columns, rows in ((20, 5), (1, 1)):
      with Terminal(columns, *self.words("-t", "2s"), rows=rows) as terminal:
        terminal.wait()
        self.assertIn(terminal.code, (0, 4))

  def test_resized_while_it_runs(self):
    with Terminal(120, *self.words("-t", "4s")) as terminal:
      terminal.wait_for("(?s)users.*users")
      terminal.resize(60)
      time.sleep(1)
      terminal.resize(100)
      terminal.wait()
      self.assertIn(terminal.code, (0, 4))
      self.assertTrue(terminal.screen.cursor_shown)

  def test_it_draws_over_itself(self):
    """At every moment there is one live view on the screen."""
    with Terminal(100, *self.words("-t", "4s")) as terminal:
      terminal.wait()
    frames = terminal.raw.split("\x1b[J")
    screen, most = Screen(), 0
    for frame in frames[:-1]:
      screen.feed(frame + "\x1b[J")
      most = max(most, screen.text.count("dify:chat") + 0)
    self.assertGreater(len(frames), 3)
    self.assertLessEqual(most, 2)  # its name and the host's line
    self.assertLess(len(screen.rows), 60)

  def test_ctrl_c_once(self):
    with Terminal(100, *self.words("-t", "60s")) as terminal:
      terminal.wait_for(r"users.*6/6|6 users|users +6")
      terminal.type(b"\x03")
      terminal.wait(40)
      self.assertEqual(terminal.code, 130)
      self.assertIn(STOPPING, terminal.raw)
      self.assertRegex(terminal.screen.text, r"\+ 0 cancelled")
      self.check_terminal(terminal, 100)
      self.check_summary(terminal)

  def test_ctrl_c_twice(self):
    def hold(peer, _):
      peer.send(stream_head())
      peer.wait_close()
    with Server(every(hold)) as server:
      words = self.words("-t", "60s")
      words[words.index("-H") + 1] = server.url
      with Terminal(100, *words) as terminal:
        terminal.wait_for(r"users.*6/6|6 users|users +6")
        terminal.type(b"\x03")
        terminal.wait_for(STOPPING)
        time.sleep(0.5)
        terminal.type(b"\x03")
        terminal.wait(25)  # the stop timeout is 30 s
        self.assertEqual(terminal.code, 130)
        self.assertRegex(terminal.screen.text, r"\+ 6 cancelled")
        self.assertEqual(terminal.before, terminal.after)

  def test_quiet_and_without_colours(self):
    with Terminal(80, *self.words("-t", "2s", "-q")) as terminal:
      terminal.wait()
      self.assertNotIn("\x1b[2K", terminal.raw)
      self.check_summary(terminal)
    for env, args in ({"NO_COLOR": "1"}, ()), ({}, ("--no-color",)):
      with Terminal(80, *self.words("-t", "2s", *args), env=env) as terminal:
        terminal.wait()
        self.assertNotRegex(terminal.raw, r"\x1b\[[\d;]*m")
        self.check_summary(terminal)

  def test_a_terminal_that_cannot_move(self):
    with Terminal(80, *self.words("-t", "2s"), env={"TERM": "dumb"}) as terminal:
      terminal.wait()
      self.assertNotIn("\x1b", terminal.raw)
      self.check_summary(terminal)

  def test_no_terminal_but_a_width(self):
    result = support.run("dify:chat", *self.words("-t", "1s")[2:], env={"COLUMNS": "40"})
    self.assertLessEqual(max(map(width_of, result.out.split("\n"))), 40, result.out)
    self.assertIn("first token", result.out)

  def test_json_to_the_terminal(self):
    """Standard output is the document's, even where it is a terminal: the view goes to standard error."""
    with Terminal(100, *self.words("-t", "2s", "--out", "json=-")) as terminal:
      terminal.wait()
      self.assertIn('"schema": "spate.summary/1"', terminal.raw)

  def test_a_terminal_that_is_closed(self):
    """The window is closed: spate does not go on without it."""
    terminal = Terminal(80, *self.words("-t", "50s"))
    terminal.wait_for("users")
    terminal.close()
    self.assertNotEqual(terminal.process.wait(25), 0)

  def test_demo(self):
    with Terminal(110, "demo", "-t", "4s", "-u", 6) as terminal:
      terminal.wait()
      self.assertIn(terminal.code, (0, 4), terminal.screen.text)
      self.check_terminal(terminal, 110)
      for words in ("simple chat", "complex chat", "file retrieval", "simulated Dify", "Knowledge"):
        self.assertIn(words, terminal.screen.text)


if __name__ == "__main__":
  if len(sys.argv) == 1:
    sys.argv.append("-v")
  support.unittest.main()
