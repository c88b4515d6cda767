"""Ends of runs whose users hang in a hook, a request, a pause or a stream: in time, and with books that close."""
import signal
import time

from server import LAST_CHUNK, Server, answer, chunk, every, stream_head
from support import Case, main, plan, start


def respond(peer, request):
  if request.path == "/hang":
    peer.wait_close()
  elif request.path == "/half":
    peer.send(stream_head(), chunk("data: one\n\n"))
    peer.wait_close()
  elif request.path == "/events":
    peer.send(stream_head(), chunk("data: one\n\n"),
              chunk("data: stop\n\n" if request.number % 2 else "data: two\n\n"), LAST_CHUNK)
  else:
    peer.send(answer("hello"))


class Ends(Case):
  HANGS = ("nothing", "login", "logout", "task", "stream", "sleep")
  USERS = 6

  def go(self, hang, *args):
    """The run, under way."""
    return start(plan("hooks.lua"), "-H", self.server.url, "-e", "hang=" + hang, "-u", self.USERS, "--threads", 2,
                 *args)

  def setUp(self):
    self.server = Server(every(respond))
    self.addCleanup(self.server.close)

  def seen(self, path, count):
    until = time.monotonic() + 40
    while sum(request.path == path for request in list(self.server.requests)) < count:
      self.assertLess(time.monotonic(), until, f"not {count} requests to {path}")
      time.sleep(0.02)

  def test_by_time(self):
    """The stop timeout ends what hangs; nothing waits for longer."""
    for hang in self.HANGS:
      with self.subTest(hang=hang):
        begun = time.monotonic()
        result = self.go(hang, "-t", "600ms", "--stop-timeout", "500ms").finish(50)
        self.assertLess(time.monotonic() - begun, 30)
        self.assertIn(result.verdict, (0, 3))
        self.assertEqual(result.totals["failed"], 0, str(result))
        # what is still open when the stop timeout is over counts as cancelled; a hook's pause is no request
        self.assertEqual(result.totals["cancelled"] > 0, hang in ("login", "logout", "task", "stream"),
                         result.outcomes())

  def test_nothing_completed(self):
    """Nothing has failed either: no code, but it is said, and no value is made up."""
    result = self.go("login", "-t", "300ms", "--stop-timeout", "200ms").finish(50)
    self.expect_code(result, 0)
    self.assertEqual(result.totals["cancelled"], self.USERS)
    self.assertEqual([(slo["value"], slo["met"]) for slo in result.json["slo"]], [(None, True)])
    said = "no request was completed: of 6 started, 0 were abandoned and 6 cut by the end"
    self.assertTrue(any(said in note for note in result.json["notes"]), result.json["notes"])
    self.assertIn("no request was completed", result.out)

  def test_interrupted_twice(self):
    for hang in self.HANGS:
      with self.subTest(hang=hang):
        del self.server.requests[:]
        started = self.go(hang, "-t", "60s")
        self.seen({"login": "/hang", "task": "/hang", "stream": "/half"}.get(hang, "/login"), self.USERS)
        time.sleep(0.3)
        begun = time.monotonic()
        started.process.send_signal(signal.SIGINT)
        time.sleep(0.7)
        if started.process.poll() is None:
          started.process.send_signal(signal.SIGINT)
        result = started.finish(50)
        self.assertLess(time.monotonic() - begun, 25)  # the stop timeout is 30 s
        self.assertEqual(result.code, 130)
        self.assertEqual(result.totals["failed"], 0, str(result))

  def test_by_iterations(self):
    """Every user says goodbye, also where the work was over before it began."""
    result = self.go("nothing", "--iterations", 13).finish()
    self.expect_code(result, 0)
    self.assertEqual(result.totals["tasks"], 13)
    self.assertEqual(result.request("visit")["count"], 13)
    self.assertEqual((result.request("login")["count"], result.request("bye")["count"]), (self.USERS, self.USERS))
    stream = result.request("stream")
    self.assertEqual((stream["count"], set(result.outcomes("stream"))), (13, {"ok", "abandoned"}))

  def test_a_stream_left_open_at_the_end(self):
    """A task that is in the middle of a stream when the run ends may finish it."""
    result = self.go("nothing", "-t", "1s").finish()
    self.assertEqual(result.totals["cancelled"] + result.totals["failed"], 0, str(result))
    self.assertEqual(result.request("logout")["count"], self.USERS)

  def test_warm_up_with_requests_across_its_end(self):
    def slow(peer, request):
      time.sleep(0.15)
      respond(peer, request)
    with Server(every(slow)) as server:
      result = start(plan("hooks.lua"), "-H", server.url, "-u", 8, "-t", "1.5s", "--warm-up", "700ms", "--threads",
                     2).finish()
    self.assertEqual(result.totals["failed"] + result.totals["cancelled"], 0, str(result))
    self.assertGreater(result.totals["started"], 0)


if __name__ == "__main__":
  main()
