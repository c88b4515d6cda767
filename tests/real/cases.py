"""What the diagnosis is held to beside real servers: the cases, how each is loaded, and whether what it says is right. For
tests/real/test_diagnosis_*.py and bench/diagnosis.
"""
import contextlib
import threading
import unittest

import real
import targets
import targets_around
from servers import PASSWORDS
from support import Case, start

STAGES = ((1, 3), (None, 5))  # users (none: the target's), seconds
TRIES = 3
UNSURE = "can't tell"
# Their answers wait, and hardly use a CPU: others may run beside them.
WAITING = (targets.locked_row, targets.slow_commit, targets.no_connections_left, targets.small_pool, targets.idle_in_transaction,
           targets.healthy, targets.watcher_cut_off, targets_around.buffering_proxy, targets_around.proxy_that_passes)
# What holds these is a CPU, or all of this machine is watched: they have it for themselves.
WORKING = (targets_around.seen_by_prometheus, targets.slow_statement, targets.slow_command, targets.locks_and_commands, targets_around.under_quota,
           targets_around.starved_generator)


@contextlib.contextmanager
def made(make):
  """The target; unittest.SkipTest where it can't be had here (tests/real's helpers end the program then)."""
  with contextlib.ExitStack() as stack:
    try:
      target = stack.enter_context(make())
    except SystemExit as skipped:
      if skipped.code != real.SKIPPED:
        raise
      raise unittest.SkipTest(f"{title(make)} can't be made here") from None
    yield target


def load(target):
  """A run against it; target.meanwhile happens between the two loads."""
  stages = ",".join(f"{users or target.users}:{seconds}s" for users, seconds in STAGES)
  started = start("dify:chat", "-H", target.url, "--stages", stages, "-e", "key=app-simple", "-e", "think_min=0.1", "-e", "think_max=0.3",
                  "--stop-timeout", "5s", *target.watch, **target.options)
  timer = threading.Timer(STAGES[0][1], target.meanwhile or (lambda: None))
  timer.start()
  try:
    return started.finish(120)
  finally:
    timer.cancel()
    timer.join()


def found(result):
  return (result.json or {}).get("diagnosis") or {}


def verdict(target, diagnosis):
  claimed = diagnosis.get("culprit")
  if claimed in target.truth or not (claimed or target.truth):
    return "right"
  return "WRONG" if claimed else UNSURE


def title(make):
  return make.__name__.replace("_", " ")


def is_busy(target, result):
  """Nothing was named, or the generator, for want of CPU of this machine."""
  culprit = found(result).get("culprit")
  named = culprit not in (None, "generator") or "generator" in target.truth
  return not (result.json["validity"]["valid"] or named or (culprit is None and not target.truth))


class Held(Case):
  """A test names its target; where what it needs is not installed, that one is skipped."""

  def go(self, make):
    """Where the machine has no room for the load, the generator is the limit, or nothing can be told: once more then."""
    for _ in range(TRIES):
      with made(make) as target:
        result = load(target)
      self.assertIn(result.verdict, (0, 3, 4), f"\n{result}")
      for word in (*PASSWORDS.values(), "redis-pw"):
        self.assertNotIn(word, result.out + result.err + str(result.json))
      if not is_busy(target, result):
        return target, found(result), result
    return self.skipTest("the machine is busy: " + " ".join(result.json["validity"]["reasons"]))

  def names(self, make):
    target, diagnosis, result = self.go(make)
    shown = f"\n{diagnosis}\n{result.out}\n{result.err}"
    self.assertIn(diagnosis["culprit"], target.truth, shown)
    if target.sure:
      self.assertGreaterEqual(len(diagnosis["witnesses"]), 2, shown)
      least = ("medium", "high") if result.json["validity"]["valid"] else ("low", "medium", "high")  # a late generator costs a grade
      self.assertIn(diagnosis["confidence"], least, shown)
    return diagnosis, result

  def names_nobody(self, make):
    _, diagnosis, result = self.go(make)
    self.assertIsNone(diagnosis["culprit"], f"\n{diagnosis}\n{result.out}")
    return diagnosis, result
