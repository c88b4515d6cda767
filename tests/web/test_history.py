"""The page's calls about past runs: the list, one run as it was, two runs compared."""
import os
import sys
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from web import Serve, chat, check_ticks, summary_sums, sums  # noqa: E402
from support import MockCase, main, spate  # noqa: E402


class History(MockCase):
  def test_runs_are_listed_and_shown_as_they_were(self):
    with Serve() as server:
      page, ids, data = server.page, [], []
      before = {run["id"] for run in page.get("/api/history")["runs"]}
      self.assertTrue(page.get("/api/state")["can"]["history"])
      for name, key in (("one", "app-simple"), ("two", "app-nobody-knows")):
        form = chat(self.mock, name=name, tag=["round=" + name])
        ids.append(page.post("/api/run", dict(form, settings=dict(form["settings"], key=key)))["id"])
        page.until_ended()
        data.append(page.get("/api/data"))
      listed = [run for run in page.get("/api/history?limit=50")["runs"] if run["id"] not in before]
      self.assertEqual([run["id"] for run in listed], ids[::-1])  # the newest first
      self.assertEqual([run["name"] for run in listed], ["two", "one"])
      self.assertEqual([run["id"] for run in page.get("/api/history?tag=round=one")["runs"] if run["id"] in ids], ids[:1])
      self.assertEqual(page.get("/api/history?plan=no-such-plan")["runs"], [])
      kept = page.get("/api/history/" + ids[0])
      self.assertEqual((kept["schema"], kept["begin"]["id"], kept["summary"]), ("spate.page/1", ids[0], data[0]["summary"]))
      self.assertEqual(page.get("/api/history/" + ids[1])["log"], data[1]["log"])
      self.assertIn("401", data[1]["log"][0]["text"])
      check_ticks(self, kept["ticks"])
      self.assertEqual(sums(kept["ticks"]), summary_sums(kept["summary"]))
      compared = page.get(f"/api/compare?a={ids[0]}&b={ids[1]}")
      self.assertEqual((compared["a"]["id"], compared["b"]["id"]), tuple(ids))
      self.assertFalse(compared["comparable"])  # so short a run has no steady part to speak of
      self.assertTrue(compared["reasons"])

  def test_campaigns(self):
    with Serve() as server:
      page = server.page
      self.assertEqual([row for row in page.get("/api/campaigns")["campaigns"] if row["name"] == "调优 1/2"], [])
      ident = page.post("/api/run", chat(self.mock))["id"]
      page.until_ended()
      for words in (["new", "调优 1/2", "--goal", "faster"], ["add", "调优 1/2", ident, "--round", "baseline", "--allow-invalid"]):
        done = spate("campaign", *words)
        self.assertEqual(done.code, 0, done)
      row = [row for row in page.get("/api/campaigns")["campaigns"] if row["name"] == "调优 1/2"][0]
      self.assertEqual((row["goal"], row["rounds"], row["figure"]), ("faster", 1, "ok_rps"))
      document = page.get("/api/campaign?name=" + quote("调优 1/2", safe=""))
      self.assertEqual((document["schema"], document["rounds"][0]["trials"][0]["id"]), ("spate.campaign/1", ident))
      for path, status in (("/api/campaign", 400), ("/api/campaign?name=nope", 404)):
        self.assertEqual(page.ask("GET", path)[0], status, path)

  def test_what_is_not_there(self):
    with Serve() as server:
      for path, status, words in (("/api/history/nope", 404, "no run 'nope'"), ("/api/compare?a=nope&b=last", 404, "nope"),
                                  ("/api/compare?a=last", None, "a= and b="), ("/api/history?limit=x", 400, "'x'")):
        got, _, answer = server.page.ask("GET", path)
        self.assertIn(got, (status,) if status else (400, 404), path)
        if status:
          self.assertIn(words, answer.decode(), path)


main()
