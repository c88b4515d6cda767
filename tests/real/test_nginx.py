"""Debian's nginx between the load and the target, by its own stub_status page: streams under way, requests, and connections
that it dropped for want of worker_connections."""
import real
from nginx import Nginx
from support import Case, Mock, main, run

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
