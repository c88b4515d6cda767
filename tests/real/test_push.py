"""Outputs that push: what a receiver gets, and what the run does when there is none or it says no."""
import base64
import json
import os

import real
from receiver import Receiver
from support import MockCase, main, run

PLAN = os.path.join(real.HERE, "monitored.lua")


def points(document, name):
  for resource in document["resourceMetrics"]:
    for scope in resource["scopeMetrics"]:
      for metric in scope["metrics"]:
        if metric["name"] == name:
          return next(metric[kind] for kind in ("sum", "gauge", "histogram") if kind in metric)["dataPoints"]
  return []


def attributes(point):
  return {item["key"]: item["value"]["stringValue"] for item in point["attributes"]}


class Push(MockCase):
  def go(self, *outs, run_time="2s"):
    args = [arg for out in outs for arg in ("--out", out)]
    return run(PLAN, "-H", self.mock.url, "-t", run_time, *args, env=real.no_proxy())

  def test_otlp_says_what_the_summary_says(self):
    """The last document's counts are the summary's; times grow; the resource names the run."""
    with Receiver() as receiver:
      result = self.go(f"otlp=http://127.0.0.1:{receiver.port}")
    self.assertNotIn("pushes", result.out)
    self.assertGreaterEqual(len(receiver.posts), 2)
    for path, headers, _, _ in receiver.posts:
      self.assertEqual((path, headers["Content-Type"]), ("/v1/metrics", "application/json"))
    documents = [json.loads(body) for _, _, body, _ in receiver.posts]
    last = documents[-1]
    resource = {item["key"]: item["value"]["stringValue"] for item in last["resourceMetrics"][0]["resource"]["attributes"]}
    self.assertEqual(resource["service.name"], "spate")
    self.assertEqual(resource["service.instance.id"], result.json["run"]["id"])
    for row in result.json["requests"]:
      key = {"name": row["name"], "class": row["user_class"], "task": row["task"]}
      for point in points(last, "spate_requests"):
        if {name: attributes(point)[name] for name in key} == key:
          self.assertEqual(point["asDouble"], row["outcomes"][attributes(point)["outcome"]])
      e2e = [point for point in points(last, "spate_request_duration_seconds")
             if attributes(point) == {**key, "metric": "e2e"}]
      self.assertEqual(sum(int(point["count"]) for point in e2e), row["ok"])
    times = [int(points(document, "spate_users")[0]["timeUnixNano"]) for document in documents]
    self.assertEqual(times, sorted(set(times)))

  def test_own_path_and_password(self):
    """A path in the URL is kept; user and password go into the header and are shown nowhere."""
    with Receiver([400] * 100, b"no such tenant\nmore") as receiver:
      result = self.go(f"prometheus=http://me:hunter2@127.0.0.1:{receiver.port}/tenant/push?x=hunter3")
    path, headers, body, _ = receiver.posts[0]
    self.assertEqual(path, "/tenant/push?x=hunter3")
    self.assertEqual(headers["Authorization"], "Basic " + base64.b64encode(b"me:hunter2").decode())
    self.assertEqual((headers["Content-Encoding"], headers["X-Prometheus-Remote-Write-Version"]), ("snappy", "0.1.0"))
    self.assertIn(b"spate_users", body)
    self.assertRegex(result.out, r"prometheus: \d+ of \d+ pushes to http://127\.0\.0\.1:\d+/tenant/push were not taken: "
                                 r"HTTP 400: no such tenant\n")
    self.assertNotIn("hunter", result.out + result.err)

  def test_a_receiver_that_stumbles_gets_all(self):
    """503 and 429 are tried again: nothing is lost."""
    with Receiver([503, 429]) as receiver:
      result = self.go(f"otlp=http://127.0.0.1:{receiver.port}/v1/metrics", run_time="3s")
    self.assertEqual([status for _, _, _, status in receiver.posts][:3], [503, 429, 200])
    self.assertEqual(receiver.posts[0][2], receiver.posts[2][2])
    self.assertNotIn("pushes", result.out)

  def test_nobody_there_is_a_note(self):
    """The run is what it is: the verdict does not depend on who listens."""
    port = real.free_port()
    result = self.go(f"prometheus=http://127.0.0.1:{port}", f"otlp=http://127.0.0.1:{port}")
    self.assertEqual(result.verdict, 0, str(result))
    for kind in ("prometheus", "otlp"):
      self.assertRegex(result.out, kind + r": \d+ of \d+ pushes to http://127.0.0.1:\d+/.* were not taken: .*[Cc]onnect")

  def test_what_is_no_url(self):
    for url in ("nonsense://x", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://127.0.0.1:99999"):
      with self.subTest(url=url):
        result = run(PLAN, "-H", self.mock.url, "-t", "1s", "--out", "otlp=" + url)
        self.assertEqual(result.code, 2, str(result))
        self.assertIn("must be the URL of the receiver", result.err)


if __name__ == "__main__":
  main()
