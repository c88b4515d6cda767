"""A generator that shares its only CPU with other work says so, and does not call its figures valid."""
import os
import subprocess
import sys
import time
import unittest

from support import Case, main, mock, start

BURNERS = 3


def pinned_to(cpu):
  return lambda: os.sched_setaffinity(0, {cpu})


class Busy(Case):
  def setUp(self):
    self.cpus = sorted(os.sched_getaffinity(0))
    if len(self.cpus) < 2:
      raise unittest.SkipTest("the target needs a CPU of its own")

  def burn(self, cpu):
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=pinned_to(cpu))
            for _ in range(BURNERS)]

  def go(self, *args):
    """spate and other work on one CPU, the target on another."""
    burners = self.burn(self.cpus[0])
    try:
      time.sleep(0.3)
      with mock() as target:
        os.sched_setaffinity(target.process.pid, {self.cpus[-1]})
        return start(*args, "-H", target.url, preexec_fn=pinned_to(self.cpus[0])).finish()
    finally:
      for burner in burners:
        burner.kill()
        burner.wait()

  def invalid(self, result):
    self.assertEqual((result.code, result.json["validity"]["valid"]), (4, False), str(result))
    self.assertRegex(" ".join(result.json["validity"]["reasons"]), r"waited for a CPU \d+ % of the time")
    self.assertEqual(result.json["run"]["threads"], 1)  # what taskset left is what it uses
    self.assertIn("NOT VALID", result.out)

  def test_users(self):
    self.invalid(self.go("http", "-u", 50, "-t", "4s"))

  def test_few_streams(self):
    """They need hardly any CPU, and wait for nearly all of it. How long is the scheduler's choice: where nothing was late
    by it, the figures are as good as valid."""
    result = self.go("dify:chat", "-e", "key=app-simple", "-e", "think_min=0.1", "-e", "think_max=0.3", "-u", 20, "-t", "4s")
    if result.json["validity"]["generator"]["start_lag_ms"]["p90"] > 5:
      self.invalid(result)

  def test_arrivals(self):
    self.invalid(self.go("http", "--rate", "6000/s", "-t", "4s"))


if __name__ == "__main__":
  main()
