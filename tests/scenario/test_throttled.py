"""A generator whose own cgroup uses its CPU limit up says so. Needs a cgroup that can be written: version 2 (cpu.max) or
version 1 (cpu.cfs_quota_us); where there is none, exits with 77: skipped."""
import os
import sys
import time

from support import Case, main, mock, start

NAME = f"spate-test-{os.getpid()}"
PERIOD_US, QUOTA_US = 100000, 10000  # a tenth of a CPU


def write(path, text):
  with open(path, "w", encoding="ascii") as file:
    file.write(text)


def limited(mount, files):
  """A new cgroup below the mount with these contents; None where it cannot be."""
  folder = os.path.join(mount, NAME)
  try:
    os.mkdir(folder)
  except OSError:
    return None
  try:
    for name, text in files:
      write(os.path.join(folder, name), text)
    return folder
  except OSError:
    os.rmdir(folder)
    return None


def offer_cpu():
  """Version 2: children have the CPU controller only where their parent offers it."""
  try:
    write("/sys/fs/cgroup/cgroup.subtree_control", "+cpu")
  except OSError:
    pass  # it does already, or there is no limit to be had


def make_cgroup():
  v1 = limited("/sys/fs/cgroup/cpu", [("cpu.cfs_period_us", str(PERIOD_US)), ("cpu.cfs_quota_us", str(QUOTA_US))])
  if v1:
    return v1
  offer_cpu()
  return limited("/sys/fs/cgroup", [("cpu.max", f"{QUOTA_US} {PERIOD_US}")])


def remove(folder):
  for _ in range(50):  # the last process may not be gone yet
    try:
      os.rmdir(folder)
      return
    except OSError:
      time.sleep(0.1)


class Throttled(Case):
  folder = None

  def go(self, *args):
    with mock() as target:
      return start(*args, "-H", target.url,
                   preexec_fn=lambda: write(os.path.join(self.folder, "cgroup.procs"), str(os.getpid()))).finish()

  def test_it_is_named(self):
    result = self.go("http", "-u", 20, "-t", "4s", "--threads", 1)
    self.assertEqual((result.code, result.json["validity"]["valid"]), (4, False), str(result))
    self.assertRegex(" ".join(result.json["validity"]["reasons"]),
                     r"own cgroup was throttled: it used its CPU limit up in \d+ periods and stood still for [\d.]+ m?s")
    self.assertGreater(result.json["validity"]["generator"]["throttled_ms"], 100)


if __name__ == "__main__":
  Throttled.folder = make_cgroup()
  if not Throttled.folder:
    print("no cgroup with a CPU limit can be made here")
    sys.exit(77)
  try:
    main()
  finally:
    remove(Throttled.folder)
