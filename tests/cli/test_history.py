"""What spate says of past runs, to the letter: the list in several widths, one run again, two compared, and refusals."""
import json
import os
import subprocess
import tempfile

from cli_support import GoldenCase, support, transcript

FAKE_HISTORY = os.environ.get("FAKE_HISTORY")
SAID = {
    "history_help": [["help", "history"], ["help", "report"], ["help", "compare"]],
    "history": [["history"], ["history", "--tag", "colour=blue"], ["history", "--plan", "http"],
                ["history", "--since", "2026-11-24"], ["history", "--limit", "1"], ["history", "--json", "--limit", "1"]],
    "history_wrong": [["history", "gcc"], ["history", "gc"], ["history", "--keep", "1d"], ["history", "--since", "soon"],
                      ["history", "gc", "--keep", "90"], ["history", "--limit", "0"], ["history", "--history", ""],
                      ["report"], ["report", "nope"], ["report", "last~9"], ["report", "20261123"],
                      ["report", "last", "--out", "jsonl=x"], ["report", "last", "--history", "/nowhere/h.db"],
                      ["compare", "last"], ["compare", "last", "nope"]],
    "report": [["report", "20261123-17"], ["report", "last"]],
    "compare": [["compare", "20261123-16", "20261123-17"], ["compare", "20261123-17", "20261123-17"]],
    "compare_refused": [["compare", "20261123-16", "20261123-18"], ["compare", "20261123-16", "last", "--force"],
                        ["compare", "--json", "20261123-16", "20261123-18"]],
}


class History(GoldenCase):
  @classmethod
  def setUpClass(cls):
    cls.folder = tempfile.mkdtemp(prefix="spate-cli-history-")
    cls.addClassCleanup(support.shutil.rmtree, cls.folder)
    cls.env = {"XDG_DATA_HOME": cls.folder, "COLUMNS": "120"}
    subprocess.run([FAKE_HISTORY, os.path.join(cls.folder, "spate", "history.db")], check=True, timeout=60)

  def said(self, *args, **env):
    return support.spate(*args, env={**self.env, **env})

  def check(self, name):
    self.golden(name, "\n".join(transcript(args, self.said(*args)) for args in SAID[name]))

  def test_widths(self):
    """Nothing is wider than it may be, and the narrow list still says which run it was."""
    for width in (40, 60, 80, 100, 200):
      for args in (["history"], ["compare", "20261123-16", "20261123-17"], ["report", "last"]):
        text = self.said(*args, COLUMNS=str(width)).out
        with self.subTest(width=width, args=args):
          self.assertIn("20261123-1", text) if args[0] != "report" else None
          for line in text.splitlines():
            wide = sum(ord(letter) >= 0x2e80 for letter in line)
            self.assertLessEqual(len(line) + wide, width, line)

  def test_documents(self):
    runs = json.loads(self.said("history", "--json").out)["runs"]
    self.assertEqual([row["state"] for row in runs], ["interrupted", "finished", "finished", "finished"])
    self.assertEqual([row["valid"] for row in runs], [None, False, True, True])
    compared = json.loads(self.said("compare", "--json", "20261123-16", "20261123-17").out)
    self.assertTrue(compared["comparable"])
    verdicts = {(row["name"], row["metric"], row["statistic"]): row["verdict"] for row in compared["rows"]}
    self.assertEqual(verdicts["simple chat", "ttft", "mean"], "faster")
    self.assertEqual(verdicts["simple chat", "rps", "per_s"], "higher")
    for row in compared["rows"]:
      self.assertLessEqual(row["low"], row["ratio"] * 1.0001)
      self.assertGreaterEqual(row["high"], row["ratio"] * 0.9999)
    same = json.loads(self.said("compare", "--json", "20261123-17", "20261123-17").out)
    self.assertEqual({row["verdict"] for row in same["rows"]}, {"no difference seen"})


for said_name in SAID:
  setattr(History, "test_" + said_name, lambda self, name=said_name: self.check(name))

if __name__ == "__main__":
  support.main()
