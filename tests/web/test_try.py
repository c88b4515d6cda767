"""A look at one stream from the page."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from web import Live, Serve, chat  # noqa: E402
import support  # noqa: E402
from support import MockCase  # noqa: E402


def attempt(server, form):
  return Live(server.port, path="/api/try", method="POST", body=json.dumps(form).encode())


def form_of(target, **members):
  return {**chat(target), "options": {}, **members}


class Try(MockCase):
  def test_a_stream(self):
    with Serve() as server:
      live = attempt(server, form_of(self.mock))
      self.assertEqual(live.status, 200)
      live.until("end")
      self.assertIsNone(live.next())
      request, events, done = live.all("request")[0].data, live.all("event"), live.all("done")[0].data
      self.assertEqual((request["n"], request["method"], request["name"], request["t"]), (1, "POST", "chat", 0))
      self.assertEqual((done["n"], done["outcome"], done["status"], done["remedy"]), (1, "ok", 200, None))
      tokens = [event.data for event in events if event.data["kind"] == "token"]
      self.assertAlmostEqual(tokens[0]["t"], done["metrics"]["ttft"], delta=0.01)
      times = [event.data["t"] for event in events if event.data["kind"] != "ping"]
      self.assertEqual(times, sorted(times))
      self.assertEqual(done["text"], "".join(token["text"] for token in tokens)[:len(done["text"])])
      self.assertIn("end", [event.data["kind"] for event in events])
      live.close()
      server.page.until(lambda state: state["can"]["try"])
      live = attempt(server, form_of(self.mock))  # and once more
      live.until("end")
      live.close()

  def test_a_failure_has_its_remedy_and_no_secret(self):
    with Serve() as server:
      key = "app-nobody-knows-this-one"
      live = attempt(server, form_of(self.mock, settings={"key": key}))
      live.until("end")
      done = live.all("done")[0].data
      self.assertEqual((done["outcome"], done["status"]), ("http_status", 401))
      self.assertIn("check the key", done["remedy"])
      self.assertNotIn(key, str([event.data for event in live.events]))
      live.close()

  def test_one_task_of_a_plan(self):
    with Serve() as server:
      settings = {"simple_key": "app-simple", "complex_key": "app-complex", "dataset_key": "dataset-demo", "dataset": "demo"}
      form = form_of(self.mock, plan="dify:three-scenarios", settings=settings)
      live = attempt(server, form)
      live.until("end")
      names = [event.data["name"] for event in live.all("request")]
      self.assertGreaterEqual(len(set(names)), 3)
      self.assertEqual([event.data["n"] for event in live.all("request")], list(range(1, len(names) + 1)))
      live.close()
      server.page.until(lambda state: state["can"]["try"])
      answer = server.page.post("/api/try", dict(form, task="no such task"), 400)
      self.assertIn("no such task", answer["error"])

  def test_one_at_a_time_and_whoever_leaves_ends_it(self):
    with Serve() as server:
      live = attempt(server, form_of(self.mock, settings={"key": "app-complex"}))
      live.until("request")
      self.assertFalse(server.page.get("/api/state")["can"]["start"])
      self.assertIn("a try is under way", server.page.post("/api/run", chat(self.mock), 409)["error"])
      live.close()
      server.page.until(lambda state: state["can"]["try"])
      server.page.post("/api/run", chat(self.mock, **{"run-time": "1s"}))
      server.page.until_ended()


if __name__ == "__main__":
  support.main()
