"""`spate selftest`: what it says of this machine, whatever that is; nothing here asserts how fast it is."""
import json
import os
import tempfile

from support import Case, main, spate


class Selftest(Case):
  def test_it_says_what_it_found(self):
    with tempfile.TemporaryDirectory(prefix="spate-selftest-") as folder:
      path = os.path.join(folder, "self.json")
      result = spate("selftest", "-t", "5s", "--out", "json=" + path, limit_s=120)
      with open(path, encoding="utf-8") as file:
        document = json.load(file)
    self.assertIn(result.code, (0, 4), str(result))  # a busy machine is not to be trusted, and that is said
    self.assertEqual((document["schema"], document["ok"]), ("spate.selftest/1", result.code == 0))
    self.assertEqual([series["name"] for series in document["series"]], ["streams at once", "streams a second"])
    for series in document["series"]:
      self.check_series(series)
    machine = document["machine"]
    self.assertEqual(machine["engine_threads"], len(os.sched_getaffinity(0)))
    self.assertGreater(machine["file_limit"], 0)
    self.assertGreater(machine["connections_per_s"], 0)
    for row in ("engine threads", "open files", "local ports", "kernel stamps", "clock source", "cgroup"):
      self.assertIn("\n  " + row + " ", result.out)
    self.assertIn("\ntrusted on this machine\n  streams at once ", result.out)
    self.assertIn("\n  streams a second ", result.out)

  def check_series(self, series):
    self.assertGreater(len(series["steps"]), 0)
    for step in series["steps"]:
      self.assertEqual(step["trusted"], step["why"] is None, step)
      self.assertGreater(step["streams_per_s"], 0, step)
    for step in series["steps"][:-1]:
      self.assertTrue(step["trusted"], series)  # it goes no further than the first that is not
    trusted = [step["level"] for step in series["steps"] if step["trusted"]]
    self.assertEqual(series["trusted"], trusted[-1] if trusted else None)

  def test_the_document_on_standard_output(self):
    result = spate("selftest", "-t", "1s", "--out", "json=-", limit_s=120)
    self.assertEqual(json.loads(result.out)["schema"], "spate.selftest/1")
    self.assertIn("trusted on this machine", result.err)

  def test_only_json(self):
    result = spate("selftest", "--out", "csv=x")
    self.assertEqual(result.code, 2)
    self.assertIn("selftest writes json only, not csv", result.err)

  def test_a_path_that_cannot_be_written(self):
    result = spate("selftest", "--out", "json=/nothing/here/self.json")
    self.assertEqual(result.code, 1)
    self.assertIn("/nothing/here/self.json", result.err)


if __name__ == "__main__":
  main()
