"""What the tests of the command line share: the scenario tests' support, and transcripts kept beside in golden/."""
import difflib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))
import support  # pylint: disable=wrong-import-position

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
PLANS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plans")


def normalised(text):
  """Without what differs from run to run: ports, times, folders, the version."""
  text = re.sub(r"(127\.0\.0\.1|localhost):\d{4,5}", r"\1:PORT", text)
  text = re.sub(re.escape(PLANS) + "/", "PLANS/", text)
  text = re.sub(r"/tmp/[\w-]+/", "TMP/", text)
  text = re.sub(r"(?m)^spate \d+\.\d+\.\d+\S*$", "spate VERSION", text)
  return re.sub(r" *\b\d+\.\d\d ms\b", " N ms", text)


def transcript(args, result):
  shown = " ".join(f"'{word}'" if " " in word or "*" in word else word for word in map(str, args))
  parts = [f"$ spate {shown}\n", normalised(result.out)]
  if result.err:
    parts += ["[standard error]\n", normalised(result.err)]
  return normalised(parts[0]) + "".join(parts[1:]) + f"[exit {result.code}]\n"


class GoldenCase(support.Case):
  def golden(self, name, text):
    """Compares with golden/NAME.txt; SP_UPDATE=1 writes it."""
    path = os.path.join(GOLDEN, name + ".txt")
    if os.environ.get("SP_UPDATE"):
      with open(path, "w", encoding="utf-8") as file:
        file.write(text)
      return
    self.assertTrue(os.path.exists(path), f"{path} is missing: run this once with SP_UPDATE=1, and look at it")
    with open(path, encoding="utf-8") as file:
      wanted = file.read()
    if text != wanted:
      diff = difflib.unified_diff(wanted.splitlines(True), text.splitlines(True), "golden/" + name, "now")
      self.fail("".join(diff) + "\n(SP_UPDATE=1 keeps the new text)")
