"""A target under a CPU quota: what host=cgroup and host=process see of it. Needs a cgroup with a CPU limit that can be made
here (version 2 or 1); else it is skipped."""
import os

import real
import test_throttled as throttled
from support import Case, Mock, main, run

QUOTA_CORES = throttled.QUOTA_US / throttled.PERIOD_US


class Quota(Case):
  folder = None

  def setUp(self):
    self.mock = Mock()
    throttled.write(os.path.join(self.folder, "cgroup.procs"), str(self.mock.process.pid))

  def tearDown(self):
    self.mock.close()

  def series(self, result, signal):
    rows = [row for row in result.json["watch"]["series"] if (row["subject"], row["signal"]) == ("dify-api", signal)]
    self.assertTrue(rows, signal + str(result))
    return rows[0]

  def go(self, place):
    return run("dify:chat", "-H", self.mock.url, "-e", "key=app-simple", "-e", "think_min=0", "-e", "think_max=0.1", "-u", 300,
               "-r", 300, "-t", "6s", "--stop-timeout", "20s", "--watch", f"host={place} subject=dify-api interval=500ms")

  def test_the_cgroup_is_throttled(self):
    result = self.go("cgroup:" + self.folder)
    self.assertAlmostEqual(self.series(result, "cpu.limit")["mean"], QUOTA_CORES, 6)
    self.assertGreater(self.series(result, "cpu.throttled")["max"], 0.5, str(result))
    self.assertLess(self.series(result, "cpu.cores")["mean"], 3 * QUOTA_CORES)
    self.assertGreater(self.series(result, "memory.used")["mean"], 1e5)
    self.assertEqual(self.series(result, "threads")["min"] >= 1, True)

  def test_its_processes_alone(self):
    result = self.go(f"process:{self.mock.process.pid}")
    self.assertLess(self.series(result, "cpu.cores")["mean"], 3 * QUOTA_CORES)
    self.assertGreater(self.series(result, "cpu.busiest_thread")["max"], 0)
    self.assertGreaterEqual(self.series(result, "cpu.run_wait")["max"], 0)


if __name__ == "__main__":
  Quota.folder = throttled.make_cgroup()
  if not Quota.folder:
    real.skip("no cgroup with a CPU limit can be made here (root, and a writable /sys/fs/cgroup)")
  try:
    main()
  finally:
    throttled.remove(Quota.folder)
