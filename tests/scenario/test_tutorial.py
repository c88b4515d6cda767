"""docs/tutorial.md as it is written: its commands in their order, in one shell, with a tenth of the users and less time. What its
commands say of real loads is held elsewhere (test_diagnose_cases.c, test_whatif.c, the mock's profiles)."""
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import support
from support import Case

TUTORIAL = os.path.join(support.HERE, "..", "..", "docs", "tutorial.md")
ADDRESS = "127.0.0.1:5001"  # where `spate mock` listens by default
# What makes it short. Each has to be there: else the tutorial is no longer what this test thinks.
SHORTER = [
  (r"\b(\d+)0:\d+s", r"\1:1s"),                               # stages
  (r"--ladder [\d,]+", "--ladder 5,10,15"),
  (r"--trial-time \w+", "--trial-time 2s"),
  (r"in 1 2 3;", "in 1;"),
  (r"last~2 last~1 last", "last --allow-invalid"),            # so short a trial may be anything
]
# Stands before spate in the PATH. `spate mock NAME` takes the place of the mock before it, which a reader ends with Ctrl-C; what
# only says that this machine is busy (4) or slow (3) is no fault of the tutorial.
WRAPPER = """#!/bin/bash
cd "$TUTORIAL_FOLDER"
if [ "$1" = mock ]; then
  [ -f mock.pid ] && kill -INT "$(cat mock.pid)"
  rm -f mock.txt # the one before may still write to it
  "$SPATE" "$@" -l 127.0.0.1:0 >mock.txt 2>&1 &
  echo $! >mock.pid
  for wait in $(seq 100); do grep -q http: mock.txt && exit 0; sleep 0.1; done
  exit 1
fi
address=$(grep -o '127.0.0.1:[0-9]*' mock.txt | head -1)
"$SPATE" "${@//%s/$address}"
code=$?
if [ $code = 3 ] || [ $code = 4 ]; then exit 0; fi
exit $code
""" % ADDRESS


def document():
  with open(TUTORIAL, encoding="utf-8") as file:
    return file.read()


def commands():
  """What stands behind "$ " in it, with the lines that go on behind a backslash."""
  return [match.group(1) for match in re.finditer(r"^\$ ((?:.*\\\n)*.*)$", document(), re.M)]


def shorter(script):
  for pattern, short in SHORTER:
    script, count = re.subn(pattern, short, script)
    if count == 0:
      raise AssertionError(f"nothing in the tutorial looks like {pattern}")
  return script


class Tutorial(Case):
  def setUp(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = folder.name
    self.addCleanup(self.end_mock)
    self.bin = os.path.join(self.folder, "bin")
    os.mkdir(self.bin)
    with open(os.path.join(self.bin, "spate"), "w", encoding="utf-8") as file:
      file.write(WRAPPER)
    os.chmod(file.name, 0o755)

  def end_mock(self):
    path = os.path.join(self.folder, "mock.pid")
    if os.path.exists(path):
      with open(path, encoding="utf-8") as file:
        os.kill(int(file.read()), signal.SIGINT)

  def shell(self, script):
    env = support.environment({"XDG_DATA_HOME": self.folder, "TUTORIAL_FOLDER": self.folder, "SPATE": support.SPATE,
                               "PATH": self.bin + os.pathsep + os.environ["PATH"]})
    result = subprocess.run(["bash", "-ec", script], env=env, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=240, check=False)
    self.assertIsNone(support.SANITIZERS.search(result.stdout + result.stderr), result.stderr)
    self.assertEqual(result.returncode, 0, f"{script}\n{result.stdout}\n{result.stderr}")
    return result.stdout

  def test_as_it_is_written(self):
    script = shorter("\n".join(commands()))
    self.assertEqual(re.findall(r"spate mock (\S+)", script)[:6], [f"dify-8c16g-{n}" for n in range(1, 7)])
    self.shell(script)
    rounds = []
    for name in re.findall(r"campaign new (\S+)", script):
      campaign = json.loads(self.shell(f"spate campaign show {name} --json"))
      for index, row in enumerate(campaign["rounds"]):
        rounds.append(row["title"])
        self.assertEqual(len(row["trials"]), 1, row)
        self.assertEqual(len(row["changes"]), 1 if index else 0, row)
        if row["prediction"]:
          self.assertFalse(row["prediction"]["afterwards"], row)
    self.assertGreaterEqual(len(rounds), 7)
    for title in rounds:  # what is shown of the campaigns is of these
      self.assertRegex(document(), rf"(?m)^{re.escape(title)}  ")
    for path in re.findall(r"--out \w+=(\S+)", script):
      self.assertGreater(os.path.getsize(os.path.join(self.folder, path)), 500, path)


if __name__ == "__main__":
  support.main()
