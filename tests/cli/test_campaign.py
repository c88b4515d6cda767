"""A campaign from its first word to its report, to the letter; bad input; no secret of a snapshot anywhere."""
import json
import os
import re
import subprocess
import tempfile

from cli_support import GoldenCase, support, transcript

FAKE_CAMPAIGN = os.environ.get("FAKE_CAMPAIGN")
FIRST, SECOND, THIRD = (["2026112%d-1%d" % (3 + round_, trial) for trial in range(3)] for round_ in range(3))
BASELINE = ["campaign", "add", "tune", *FIRST, "--round", "baseline", "--decision", "keep"]
CPU = ["campaign", "add", "tune", *SECOND, "--round", "api 1.2 CPU", "--hypothesis", "dify-api is at 98 % of its CPU",
       "--change", "dify-api.cpu: 0.8 -> 1.2", "--predict", "28..34, because demand is 46 ms a request", "--decision", "keep"]
STORY = [["campaign", "new", "tune", "--goal", "30 a second with p95 under 4 s", "--slo", "p95(e2e) < 4s"], BASELINE, CPU,
         ["campaign", "add", "tune", "--round", "local SSD", "--change", "postgres.storage: NFS → SSD",
          "--change", "postgres.POSTGRES_PASSWORD: old-9142 -> new-9142"],
         ["campaign", "add", "tune", *THIRD, "--round", "local SSD", "--note", "lock waits rose"],
         ["campaign", "decide", "tune", "local SSD", "revert", "--note", "no gain"],
         ["campaign"], ["campaign", "show", "tune"]]
WRONG = [["campaign", "shew"], ["campaign", "new"], ["campaign", "new", ""], ["campaign", "new", "tune"], ["campaign", "new", "a", "--figure", "speed"],
         ["campaign", "new", "b", "--figure", "failed_share"], ["campaign", "new", "c", "--slo", "p95(e2e)"],
         ["campaign", "new", "d", "--round", "x"], ["campaign", "show", "tone"], ["campaign", "add", "tune"],
         ["campaign", "add", "tune", "nope", "--round", "x"], ["campaign", "add", "tune", "capacity", "--round", "x"],
         ["campaign", "add", "tune", *FIRST[:1], "--round", "x"], ["campaign", "add", "tune", "--round", "baseline", "--change", "cpu"],
         ["campaign", "add", "tune", "--round", "baseline", "--predict", "soon"],
         ["campaign", "add", "tune", "--round", "baseline", "--snapshot", "exit 4"],
         ["campaign", "add", "tune", "--round", "baseline", "--snapshot", "echo nothing here"],
         ["campaign", "add", "tune", "--round", "api 1.2 CPU", "--hypothesis", "another"],
         ["campaign", "add", "tune", "--round", "x", "--decision", "maybe"], ["campaign", "decide", "tune", "baseline"],
         ["campaign", "decide", "tune", "baseline", "perhaps"], ["campaign", "decide", "tune", "nope", "keep"],
         ["campaign", "report", "tune", "--out", "pdf=x"], ["campaign", "report", "tune", "--out", "md=/nowhere/x.md"],
         ["campaign", "report", "tune", "--json"], ["campaign", "delete", "tone"]]


class Campaign(GoldenCase):
  @classmethod
  def setUpClass(cls):
    cls.folder = tempfile.mkdtemp(prefix="spate-cli-campaign-")
    cls.addClassCleanup(support.shutil.rmtree, cls.folder)
    cls.env = {"XDG_DATA_HOME": cls.folder, "COLUMNS": "120"}
    cls.path = os.path.join(cls.folder, "spate", "history.db")
    subprocess.run([FAKE_CAMPAIGN, cls.path], check=True, timeout=60)
    cls.story = [(args, cls.said(cls, *args)) for args in STORY]

  def said(self, *args, **env):
    return support.spate(*args, env={**self.env, **env})

  @staticmethod
  def dated(text):
    """Campaigns begin today."""
    return re.sub(r"\b20\d\d-\d\d-\d\d\b(?! \d)", "TODAY", text)

  def test_story(self):
    self.golden("campaign", self.dated("\n".join(transcript(args, result) for args, result in self.story)))

  def test_help(self):
    self.golden("campaign_help", transcript(["help", "campaign"], self.said("help", "campaign")))

  def test_markdown(self):
    self.golden("campaign_markdown", self.dated(self.said("campaign", "report", "tune").out))
    self.assertEqual(self.said("campaign", "report", "tune").out, self.said("campaign", "report", "tune", "--out", "-").out)

  def test_narrow(self):
    self.golden("campaign_narrow", self.dated(self.said("campaign", "show", "tune", COLUMNS="44").out))

  def test_wrong(self):
    """A sentence each, nothing is written."""
    before = self.said("campaign", "show", "tune", "--json").out
    self.golden("campaign_wrong", "\n".join(transcript(args, self.said(*args)) for args in WRONG))
    self.assertEqual(self.said("campaign", "show", "tune", "--json").out, before)

  def test_documents(self):
    document = json.loads(self.said("campaign", "show", "tune", "--json").out)
    self.assertEqual(document["schema"], "spate.campaign/1")
    self.assertEqual([row["title"] for row in document["rounds"]], ["baseline", "api 1.2 CPU", "local SSD"])
    self.assertEqual([row["verdict"] and row["verdict"]["kind"] for row in document["rounds"]],
                     [None, "better", document["rounds"][2]["verdict"]["kind"]])
    verdict = document["rounds"][1]["verdict"]
    self.assertEqual(verdict["n"], [3, 3])
    self.assertAlmostEqual(verdict["p_least"], 0.1)
    self.assertLess(verdict["low"], verdict["delta"])
    self.assertAlmostEqual(document["rounds"][0]["figure"]["cap_per_s"], 50, delta=1)
    listed = json.loads(self.said("campaign", "--json").out)["campaigns"]
    self.assertEqual([(row["name"], row["rounds"]) for row in listed], [("tune", 3)])
    files = {kind: os.path.join(self.folder, "report." + kind) for kind in ("md", "html", "json")}
    result = self.said("campaign", "report", "tune", *(word for kind, path in files.items() for word in ("--out", f"{kind}={path}")))
    self.assertEqual((result.code, result.out, result.err), (0, "", ""))
    with open(files["json"], encoding="utf-8") as file:
      self.assertEqual(json.load(file), document)
    with open(files["html"], encoding="utf-8") as file:
      self.assertIn('"schema": "spate.campaign/1"', file.read())

  def test_snapshots(self):
    """Differences become the change; secrets reach neither the file nor a page."""
    self.said("campaign", "new", "conf")
    first = self.said("campaign", "add", "conf", "--round", "one", "--snapshot",
                      "echo WORKERS=1; echo DB_PASSWORD=hunter2-7311; echo URL=postgres://u:hunter2-7311@db/x; echo api_key: hunter2-7311")
    self.assertIn("no earlier round has a snapshot", first.err)
    self.said("campaign", "add", "conf", "--round", "two", "--snapshot",
              """printf '{"WORKERS": 2, "DB_PASSWORD": "hunter2-9999", "Args": ["--password", "hunter2-9999"]}'""",
              "--change", "api.SECRET_KEY: hunter2-1 -> hunter2-2")
    rounds = json.loads(self.said("campaign", "show", "conf", "--json").out)["rounds"]
    self.assertEqual([change["text"] for change in rounds[1]["changes"]],
                     ["api.SECRET_KEY: *** → ***", "Args.0: new, --password", "Args.password: new, ***",
                      "URL: gone, was postgres://***@db/x", "WORKERS: 1 → 2"])
    for name in os.listdir(os.path.dirname(self.path)):
      with open(os.path.join(os.path.dirname(self.path), name), "rb") as file:
        self.assertNotIn(b"hunter2", file.read())
    self.assertIn("deleted campaign 'conf'", self.said("campaign", "delete", "conf").out)

  def test_nothing_yet(self):
    with tempfile.TemporaryDirectory() as folder:
      env = {"XDG_DATA_HOME": folder}
      self.assertIn("no campaigns", self.said("campaign", **env).out)
      self.assertEqual(json.loads(self.said("campaign", "show", "--json", **env).out), {"campaigns": []})
      self.assertEqual(self.said("campaign", "show", "x", **env).code, 1)


if __name__ == "__main__":
  support.main()
