"""Each fault of the mock ends a request in exactly its outcome, for every app, and harms no other request."""
import http.client
import json
import os
import re

from support import HERE, MockCase, main, plan, run

SCHEDULE = "queue=0ms node=1ms first=2ms gap=1ms tail=0ms tokens=6"

# fault: (outcome, what the detail reads, counters that must be 1)
ENDS = {
    "ok": ("ok", None, []),
    "truncate@3": ("truncated", "without its terminal event", []),
    "noterminal": ("truncated", "without its terminal event", []),
    "cut@3": ("truncated", "closed in the middle", []),
    "reset@3": ("reset", "reset in the middle", []),
    "reset_head": ("reset", "reset before", []),
    "close_head": ("reset", "closed before", []),
    "error@3": ("stream_error", r"\[mock\]", []),
    "stall@3": ("timeout", "no byte for 300 ms", []),
    "silence": ("timeout", "1 s", []),
    "429": ("http_status", "^429 too_many_requests", []),
    "400": ("http_status", "^400 invalid_param: ", []),
    "500": ("http_status", "^500 internal_server_error: ", []),
    "503html": ("http_status", "^503 ", []),
    "html200": ("protocol", "text/html", []),
    "nohead": ("protocol", "no HTTP", []),
    "garbage": ("protocol", r"no HTTP.*\\x16\\x03", []),
    "bighead": ("protocol", "SP_HTTP1_HEAD_MAX", []),
    "badchunk@3": ("protocol", "chunk", []),
    "badjson@3": ("ok", None, ["unknown_event"]),
    "drip": ("ok", None, []),
    "splitutf8": ("ok", None, []),
    "crlf": ("ok", None, []),
    "lump": ("ok", None, []),
    "empty": ("ok", None, ["empty_answer"]),
    "endless": ("timeout", "1 s", []),
    "unknown_event@3": ("ok", None, ["unknown_event"]),
}
DIFY = {
    "error@3": ("stream_error", r"completion_request_error \(400\): \[mock\]", []),
    "error_nocode@3": ("stream_error", r"\[mock\]", []),
    "stopped@3": ("stream_error", "stopped", []),
    "replace@3": ("ok", None, ["replaced"]),
}
FLOW = {
    "failed@3": ("stream_error", r"failed: \[mock\]", []),
    "stopped@3": ("stream_error", "workflow stopped", []),
    "paused@3": ("ok", None, ["paused"]),
    "partial": ("ok", None, ["partial"]),
}
WHOLE = ["ok", "badjson@3", "drip", "crlf", "lump", "unknown_event@3"]

# app: (what the plan calls, key, faults it can have)
APPS = {
    "chatflow": ("chat", "app-complex", {**ENDS, **DIFY, **FLOW}),
    "chat": ("chat", "app-chat", {**ENDS, **DIFY}),
    "agent": ("chat", "app-agent", {**ENDS, **DIFY}),
    "completion": ("completion", "app-completion", {**ENDS, **DIFY}),
    "workflow": ("workflow", "app-workflow", {**ENDS, **DIFY, **FLOW}),
    "openai": ("openai", "sk-mock", ENDS),
}
# Chatbots and agents have no stopped run to tell of in a workflow event: their stream just ends well.
QUIET_STOP = {"chat", "agent", "completion"}

# What a whole answer in JSON can have; no stream, so a cut is a reset.
BLOCKING = {fault: ENDS[fault] for fault in ("ok", "reset@3", "reset_head", "close_head", "stall@3", "silence", "429",
                                             "400",
                                             "500", "503html", "nohead", "garbage", "bighead", "drip")}
BLOCKING["cut@3"] = ("reset", "closed in the middle", [])
BLOCKING["error@3"] = ("http_status", r"^400 completion_request_error: \[mock\]", [])
BLOCKING["html200"] = ("check", "no JSON", [])
BLOCKING["badjson@3"] = ("check", "no JSON", [])


def token_of(event):
  if event.get("event") in ("message", "agent_message"):
    return event["answer"]
  if event.get("event") == "text_chunk":
    return event["data"]["text"]
  return "".join(choice["delta"].get("content") or "" for choice in event.get("choices", []))


class Faults(MockCase):
  def answer_of(self, kind, key):
    """The text of an answer, asked for without spate."""
    connection = http.client.HTTPConnection("127.0.0.1", self.mock.port, timeout=20)
    headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json", "X-Mock-Plan": SCHEDULE}
    paths = {"chat": "/v1/chat-messages", "completion": "/v1/completion-messages", "workflow": "/v1/workflows/run",
             "openai": "/v1/chat/completions"}
    body = {"inputs": {}, "query": "x", "user": "u", "response_mode": "streaming"}
    if kind == "openai":
      body = {"model": "mock-model", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    connection.request("POST", paths[kind], json.dumps(body), headers)
    lines = connection.getresponse().read().decode().split("\n")
    connection.close()
    return "".join(token_of(json.loads(line[6:])) for line in lines if line.startswith("data: {"))

  def go(self, kind, key, faults, *args):
    return run(plan("faults.lua"), "-H", self.mock.url, "-e", "app=" + kind, "-e", "key=" + key,
               "-e", "faults=" + ",".join(faults), "-e", "schedule=" + SCHEDULE, *args)

  def check_row(self, result, fault, expected, count):
    outcome, detail, counters = expected
    row = result.request(fault)
    with self.subTest(fault=fault):
      self.assertEqual(result.outcomes(fault), {outcome: count}, result.details(fault))
      self.assertEqual(row["rate_limited"], count if fault == "429" else 0)
      if detail:
        self.assertRegex(result.details(fault), detail)
      for counter, value in row["counters"].items():
        if counter == "ping" or outcome != "ok":
          continue
        self.assertEqual(value, count if counter in counters else 0, counter)

  def check_app(self, app, *args, iterations=1):
    kind, key, faults = APPS[app]
    faults = dict(faults)
    if app in QUIET_STOP:
      faults.pop("stopped@3")
    text = self.answer_of(kind, key)
    self.assertTrue(text)
    result = self.go(kind, key, faults, "--iterations", iterations, "-e", "text=" + text, "-e",
                     "whole=" + ",".join(WHOLE), *args)
    self.expect_code(result, 0)
    for fault, expected in faults.items():
      self.check_row(result, fault, expected, iterations)
    self.expect_outcomes(result, {"ok": iterations * len(faults)}, "after")
    return result

  def test_chatflow(self):
    result = self.check_app("chatflow")
    self.assertLess(result.request("error_nocode@3")["failed_metrics"]["e2e"]["max"],
                    30000)  # the mock holds it for 300 s
    self.assertEqual(result.request("empty")["metrics"]["ttft"], None)
    self.assertEqual(result.request("lump")["tokens"]["events"], 6)
    self.assertIn("LLM", [node["title"] for node in result.json["nodes"]])

  def test_chat(self):
    self.check_app("chat")

  def test_agent(self):
    self.check_app("agent")

  def test_completion(self):
    self.check_app("completion")

  def test_workflow(self):
    self.check_app("workflow")

  def test_openai(self):
    self.check_app("openai")

  def test_blocking(self):
    for app in ("chatflow", "completion", "workflow", "openai"):
      kind, key, _ = APPS[app]
      faults = {fault: end for fault, end in BLOCKING.items() if app != "openai" or end[0] != "check"}
      result = self.go(kind, key, faults, "-e", "mode=blocking", "--iterations", 1)
      self.expect_code(result, 0)
      for fault, expected in faults.items():
        with self.subTest(app=app):
          self.check_row(result, fault, expected, 1)
      self.expect_outcomes(result, {"ok": len(faults)}, "after")

  def test_split_utf8_reads_right(self):
    """Its tokens are the mock's own: one character each, cut in two writes."""
    result = self.go("chat", "app-complex", ["splitutf8"], "--iterations", 3, "-e", "text=试试试试试试", "-e",
                     "whole=splitutf8")
    self.expect_outcomes(result, {"ok": 3}, "splitutf8")
    self.assertEqual(result.request("splitutf8")["answer_chars"], 18)

  def test_how_a_blocking_run_ended(self):
    """A blocking workflow is answered with 200 however its run ended: a failed one is a failure all the same."""
    ends = {fault: FLOW[fault] for fault in ("failed@3", "partial")}
    result = self.go("workflow", "app-workflow", ends, "-e", "mode=blocking", "--iterations", 1)
    self.expect_code(result, 0)
    for fault, expected in ends.items():
      self.check_row(result, fault, expected, 1)

  def test_many_users_at_once(self):
    """All faults of all apps' kinds at the same time, over threads: the counts are exact."""
    for app in ("chatflow", "openai"):
      with self.subTest(app=app):
        self.check_app(app, "-u", 30, "--threads", 2, "-e", "shuffle=yes", iterations=60)

  def test_a_connection_each_request(self):
    """The same ends when no connection is ever kept."""
    kind, key, faults = APPS["chatflow"]
    result = self.go(kind, key, faults, "-e", "connection=request", "--iterations", 1)
    for fault, expected in faults.items():
      self.check_row(result, fault, expected, 1)

  def test_the_first_request_of_a_run(self):
    """Each fault alone, on a connection that has carried nothing yet: nothing worked, exit 3."""
    kind, key, faults = APPS["chatflow"]
    for fault in ("truncate", "cut", "reset", "reset_head", "close_head", "garbage", "nohead", "bighead", "badchunk",
                  "500"):
      result = self.go(kind, key, [fault], "--iterations", 3, "-e", "well=no")
      expected = next(end[0] for name, end in faults.items() if name.split("@")[0] == fault)
      with self.subTest(fault=fault):
        self.assertEqual((result.verdict, result.outcomes()), (3, {expected: 3}), str(result))

  def test_a_reset_on_a_kept_connection_is_no_second_request(self):
    """A connection that breaks while an answer comes: the request is sent once."""
    result = self.go("chat", "app-complex", ["reset@3", "cut@3", "truncate@3"], "--iterations", 2)
    for fault in ("reset@3", "cut@3", "truncate@3"):
      self.assertEqual(result.request(fault)["counters"]["resent"], 0)


class EveryFault(MockCase):
  def test_the_table_is_complete(self):
    """The mock's faults, as its own message lists or its documents name them, all have a row here."""
    known = {fault.split("@")[0] for fault in {**ENDS, **DIFY, **FLOW}}
    with open(os.path.join(HERE, "..", "..", "src", "mock", "fault.c"), encoding="utf-8") as file:
      named = set(re.findall(r'^ *\{ ?"(\w+)", SP_FAULT_', file.read(), re.M))
    self.assertTrue(named)
    self.assertEqual(named - known - {"ok"}, set())

  def test_an_unknown_fault_is_refused(self):
    result = run(plan("faults.lua"), "-H", self.mock.url, "-e", "faults=trunkate", "-e", "well=no", "--iterations", 1)
    self.expect_outcomes(result, {"http_status": 1})
    self.assertRegex(result.details(), "bad_mock_plan.*did you mean 'truncate'")


if __name__ == "__main__":
  main()
