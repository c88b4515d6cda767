"""The mock's resources seen by spate: a limit of stream slots shows in the time to the head once more is asked for at
once, and not before; the published rounds are there by name, and say what they are."""
import os
import re
import tempfile
import urllib.request

from support import Case, main, mock, run

SLOTS, HOLD_MS = 4, 150
PROFILE = """return {
  apps = { simple = { head = 1, queue = 1, first = %d, tail = 1 } },
  resources = { streams = { slots = %d } },
}
""" % (HOLD_MS, SLOTS)


def metrics(target):
  """Every sample of /metrics, by its name and labels as they stand there."""
  with urllib.request.urlopen(target.url + "/metrics", timeout=20) as answer:
    lines = answer.read().decode().splitlines()
  return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


class Stations(Case):
  def load(self, target, in_flight):
    result = run("dify:chat", "-H", target.url, "-e", "key=app-simple", "--in-flight", str(in_flight), "--iterations",
                 str(in_flight * 6))
    self.assertEqual(result.verdict, 0, f"\n{result}")
    self.expect_outcomes(result, {"ok": in_flight * 6})
    return result.json["requests"][0]["metrics"]

  def test_a_slot_limit_shows_in_the_time_to_the_head(self):
    with tempfile.TemporaryDirectory() as folder:
      profile = os.path.join(folder, "slots.lua")
      with open(profile, "w", encoding="utf-8") as file:
        file.write(PROFILE)
      with mock(profile) as target:
        under = self.load(target, SLOTS)
        first = metrics(target)
        over = self.load(target, SLOTS * 4)
        second = metrics(target)
    waited, served = ('spate_mock_station_%s{station="streams"}' % name
                      for name in ("waited_seconds_total", "served_total"))
    # whoever holds a slot gives it back before the one who takes its place asks: nobody waits
    self.assertLess(first[waited], HOLD_MS / 1000)
    self.assertEqual(first[served], SLOTS * 6)
    self.assertEqual(second[served], SLOTS * (6 + 24))
    # four times as many as slots: each waits for three before it, but those at the start and the end
    self.assertGreater(second[waited] - first[waited], SLOTS * 4 * 3 * HOLD_MS / 1000)
    self.assertGreater(over["ttfb"]["p50"], HOLD_MS)
    self.assertGreater(over["ttfb"]["p50"], under["ttfb"]["p50"])
    # behind the head nothing is slower: the stream itself takes what it took
    self.assertGreaterEqual(over["ttft"]["min"], HOLD_MS)
    self.assertGreaterEqual(over["ttft"]["p50"] - over["ttfb"]["p50"], HOLD_MS * 0.9)

  def test_the_published_rounds_are_there_by_name(self):
    with mock("dify-8c16g-2") as target:
      self.load(target, 2)
      found = metrics(target)
      cpu = next(value for name, value in found.items()
                 if name.startswith('container_cpu_usage_seconds_total{container="dify-api"'))
      self.assertAlmostEqual(cpu, found['spate_mock_station_busy_seconds_total{station="api"}'], places=6)
      self.assertGreater(cpu, 0)
      quota = next(value for name, value in found.items()
                   if name.startswith('container_spec_cpu_quota{container="dify-api"'))
      self.assertEqual(quota, 120000)
      self.assertEqual(found['spate_mock_info{simulation="true"}'], 1)
      target.process.send_signal(2)
      out = target.process.stdout.read().decode()
    self.assertTrue(re.search(r"^note: Round 2, 8 cores: dify-api 1\.2 CPU", out, re.M), out)


main()
