"""Coordinated omission: a target that stops for two seconds shows in full, for what was due in them counts from when it
was due. The truth is computed from the mock's own log: when each answer was due there, and when each request was here."""
import json
import math
import os
import signal
import ssl
import tempfile
import time
import urllib.request

from certs import Certs
from support import Case, main, mock, plan, start

COUNT, EVERY_S = 125, 0.08  # ten seconds of load; few enough that the handshakes behind the stop take no time to speak of
STOP_AT, STOP_S = 40, 2.0    # the mock stops when it has had so many, for so long


def percentile(ordered, percent):
  """The smallest value with at least that share at or below it: as docs/metrics.md defines it."""
  return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


class Omission(Case):
  @classmethod
  def setUpClass(cls):
    cls.certs = Certs()

  @classmethod
  def tearDownClass(cls):
    cls.certs.close()

  def get(self, target, path):
    trust = ssl.create_default_context(cafile=self.certs.path("ca.pem"))
    with urllib.request.urlopen(target.url + path, timeout=20, context=trust) as answer:
      return json.load(answer)

  def go(self, folder):
    """A run against a mock that is stopped in its midst (SIGSTOP): the run, the mock's log and lateness, the stop."""
    trace, profile = os.path.join(folder, "trace.jsonl"), os.path.join(folder, "profile.lua")
    with open(trace, "w", encoding="utf-8") as file:
      file.writelines(json.dumps({"timestamp": n * EVERY_S, "n": n}) + "\n" for n in range(COUNT))
    with open(profile, "w", encoding="utf-8") as file:
      file.write(f"return {{ log = {COUNT} }}\n")
    with mock(profile, "--cert", self.certs.path("good.pem"), "--key", self.certs.path("good.key")) as target:
      started = start(plan("omission.lua"), "-H", target.url, "-e", "trace=" + trace, "--cacert",
                      self.certs.path("ca.pem"))
      until = time.monotonic() + 30
      while self.get(target, "/mock/log")["written"] < STOP_AT and time.monotonic() < until:
        time.sleep(0.02)
      target.process.send_signal(signal.SIGSTOP)
      stopped_ns = time.monotonic_ns()
      time.sleep(STOP_S)
      resumed_ns = time.monotonic_ns()
      target.process.send_signal(signal.SIGCONT)
      result = started.finish()
      log, late = self.get(target, "/mock/log")["entries"], self.get(target, "/mock/stats")["late_ms"]
    return result, {int(entry["request_id"]): entry for entry in log}, late, (stopped_ns, resumed_ns)

  def truth_ms(self, log, stop, wait_ms):
    """How long each request took from when it was due; nothing that was due in the stop came before its end. The trace
    began when the promptest request arrived, less the time that a prompt one takes to be sent."""
    stopped_ns, resumed_ns = stop
    begin_ns = min(entry["arrival_ns"] - n * EVERY_S * 1e9 for n, entry in log.items()) - wait_ms * 1e6
    times = []
    for n, entry in log.items():
      end_ns = max(entry["end_ns"], resumed_ns) if entry["end_ns"] > stopped_ns else entry["end_ns"]
      times.append((end_ns - begin_ns) / 1e6 - n * EVERY_S * 1e3)
    return sorted(times)

  def test_a_stop_shows_in_full(self):
    with tempfile.TemporaryDirectory(prefix="spate-omission-") as folder:
      result, log, late, stop = self.go(folder)
    self.expect_outcomes(result, {"ok": COUNT})
    self.assertEqual(set(log), set(range(COUNT)))
    metrics = result.request("ask")["metrics"]
    truth = self.truth_ms(log, stop, metrics["wait"]["min"])
    # What no log knows: how much later than due the mock wrote, and we read. Well under a millisecond on an idle machine.
    unknown_ms = late["p99"] + result.json["validity"]["generator"]["lag_ms"]["p99"]
    reported = metrics["e2e"]
    wanted = {"mean": sum(truth) / len(truth), "max": truth[-1]}
    wanted.update((f"p{percent}", percentile(truth, percent)) for percent in (50, 75, 90, 95, 99))
    for name, value in wanted.items():
      self.assertAlmostEqual(reported[name], value, delta=0.01 * value + unknown_ms, msg=f"{name} of {wanted}\n{result}")
    self.assertGreater(reported["p99"], 0.9 * STOP_S * 1e3)

    # Counted from the send, most of the stop is gone: a connection that the target did not yet speak on waited unseen.
    sent, in_flight = metrics["e2e_sent"], self.in_flight(log, stop[0])
    self.assertEqual(sent["count"], COUNT)
    self.assertLess(sent["p95"], 0.5 * wanted["p95"], str(result))
    self.assertLess(sent["mean"], 0.5 * wanted["mean"], str(result))
    if in_flight < 0.01 * COUNT:  # else the p99 is of those that had been sent before the stop
      self.assertLess(sent["p99"], 0.5 * wanted["p99"], str(result))
    self.assertIn("uncorrected", result.out)

  def in_flight(self, log, at_ns):
    return sum(1 for entry in log.values() if entry["arrival_ns"] <= at_ns < entry["end_ns"])


if __name__ == "__main__":
  main()
