"""Dify's streams, from a server that writes each byte: ends in every order, errors, times, tokens, nodes."""
import json
import time

from server import LAST_CHUNK, PING, Server, chunk, event, every, stream_head
from support import Case, count_of, main, plan, run

IDS = {"conversation_id": "c-1", "message_id": "m-1", "task_id": "t-1"}
FLOW = {**IDS, "workflow_run_id": "r-1"}
HOLD_S = 12  # how long a server holds the socket where a client must not wait for it
QUICK_S = 9  # what a run takes at most that does not wait, on a slow machine


def flow(name, extra=None, **data):
  return event(name, **{**FLOW, **(extra or {})}, data=data)


def token(text="hi", **members):
  return event("message", **IDS, id="m-1", answer=text, **members)


def text_chunk(text):
  return event("text_chunk", task_id="t-1", workflow_run_id="r-1", data={"text": text})


def node(title, kind="llm", elapsed=0.25, status="succeeded", name="node_finished", **more):
  return flow(name, id="x", node_id="n", node_type=kind, title=title, status=status, elapsed_time=elapsed, **more)


USAGE = {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42, "latency": 1.84,
         "time_to_first_token": 0.412,
         "total_price": "0.001", "currency": "USD"}
STARTED = flow("workflow_started", id="r-1", inputs={})
MESSAGE_END = event("message_end", **IDS, id="m-1", metadata={"usage": USAGE, "retriever_resources": []}, files=[])
FINISHED = flow("workflow_finished", id="r-1", status="succeeded", elapsed_time=1.97, error=None)


def finished(status, error=None):
  return flow("workflow_finished", id="r-1", status=status, error=error)


class Hold:
  """The server keeps the socket open, as long as the client does or HOLD_S."""


def respond(parts, closing=LAST_CHUNK):
  def act(peer, _):
    peer.send(stream_head())
    for part in parts:
      if isinstance(part, (int, float)):
        time.sleep(part)
      elif part is Hold:
        peer.sock.settimeout(HOLD_S)
        peer.wait_close()
        return
      else:
        peer.send(chunk(part))
    peer.send(closing)
  return every(act)


class Streams(Case):
  def go(self, *parts, args=(), handler=None):
    with Server(handler or respond(parts)) as server:
      result = run(plan("dify_one.lua"), "-H", server.url, *args)
    self.server = server
    return result

  def ok(self, *parts, text="-", args=()):
    result = self.go(*parts, args=("-e", "text=" + text, *args))
    self.expect_outcomes(result, {"ok": 2})
    return result.request("ask")

  def fails(self, outcome, detail, *parts, args=()):
    result = self.go(*parts, args=args)
    self.expect_outcomes(result, {outcome: 2})
    self.assertRegex(result.details(), detail)
    return result

  def assert_quick(self, result):
    self.assertLess(result.json["run"]["duration_s"], QUICK_S, "it waited for the socket's close")


class Ends(Streams):
  def test_both_orders(self):
    """message_end and workflow_finished, as 1.13.1 and newer have them and as 1.12 had them."""
    for last in ((MESSAGE_END, FINISHED), (FINISHED, MESSAGE_END)):
      result = self.go(PING, STARTED, token("He"), token("llo"), *last, Hold, args=("-e", "text=Hello"))
      self.expect_outcomes(result, {"ok": 2})
      self.assert_quick(result)

  def test_the_later_of_both_is_the_end(self):
    for last in ((MESSAGE_END, 0.25, FINISHED), (FINISHED, 0.25, MESSAGE_END)):
      row = self.ok(PING, STARTED, token(), *last)
      self.assertGreaterEqual(row["metrics"]["e2e"]["min"], 249)

  def test_one_alone_and_then_the_streams_end(self):
    """1.13.0 never sent message_end. The end of the answer is the event, not the socket's close."""
    for last in (FINISHED, MESSAGE_END):
      begun = time.monotonic()
      row = self.ok(PING, STARTED, token(), last, 2.5)
      self.assertGreater(time.monotonic() - begun, 2 * 2.5 - 0.1)
      self.assertLess(row["metrics"]["e2e"]["min"], 2000)

  def test_chat_and_completion_end_at_message_end(self):
    result = self.go(token("Hello"), MESSAGE_END, Hold, args=("-e", "text=Hello"))
    self.expect_outcomes(result, {"ok": 2})
    self.assert_quick(result)

  def test_a_workflow_ends_at_workflow_finished(self):
    ids = {"task_id": "t-1", "workflow_run_id": "r-1"}
    started = event("workflow_started", **ids, data={"id": "r-1"})
    end = event("workflow_finished", **ids, data={"id": "r-1", "status": "succeeded", "outputs": {"text": "Hello"}})
    result = self.go(PING, started, text_chunk("Hel"), text_chunk("lo"), end, Hold,
                     args=("-e", "app=workflow", "-e", "text=Hello"))
    self.expect_outcomes(result, {"ok": 2})
    self.assert_quick(result)
    self.assertEqual(self.server.requests[0].path, "/v1/workflows/run")

  def test_no_end(self):
    self.fails("truncated", "terminal event", PING, STARTED, token())
    self.fails("truncated", "single event", PING)
    self.fails("truncated", "single event")

  def test_statuses_of_a_run(self):
    self.fails("stream_error", "workflow failed: out of memory", PING, STARTED, token(),
               finished("failed", "out of memory"), Hold)
    self.fails("stream_error", "workflow stopped", PING, STARTED, token(), finished("stopped"), Hold)
    self.fails("stream_error", "workflow", PING, STARTED, token(), finished("running"), Hold)
    self.fails("stream_error", "without a status", PING, STARTED, token(), flow("workflow_finished", id="r-1"), Hold)
    self.assertEqual(self.ok(PING, STARTED, token(), finished("partial-succeeded"),
                             MESSAGE_END)["counters"]["partial"], 2)
    self.assertEqual(self.ok(PING, STARTED, token(), finished("paused"))["counters"]["paused"], 2)

  def test_a_failed_run_and_its_error_are_one_failure(self):
    broken = event("error", **FLOW, code="internal_server_error", status=500, message="x")
    result = self.fails("stream_error", "workflow failed: boom", STARTED, finished("failed", "boom"), broken)
    self.assertEqual(len(result.json["errors"]), 1)

  def test_paused_runs_end(self):
    paused = flow("workflow_paused", workflow_run_id="r-1", reasons=[], status="paused")
    result = self.go(PING, STARTED, token(), flow("human_input_required", form_id="f"), paused, Hold)
    self.expect_outcomes(result, {"ok": 2})
    self.assert_quick(result)
    self.assertEqual(result.request("ask")["counters"]["paused"], 2)


class Errors(Streams):
  def test_with_a_code(self):
    error = event("error", **IDS, code="provider_quota_exceeded", status=400, message="Your quota is used up.")
    result = self.fails("stream_error", r"^provider_quota_exceeded \(400\): Your quota is used up\.$", token(), error,
                        Hold)
    self.assert_quick(result)
    self.expect_code(result, 3)
    self.assertIsNone(result.request("ask")["metrics"]["ttft"])  # a failed request's times are in no ok histogram

  def test_without_code_and_ids(self):
    """What a worker that failed early says; the relay then holds the stream for 300 s."""
    result = self.fails("stream_error", r"boom", PING, event("error", message="boom", status=500), Hold)
    self.assert_quick(result)

  def test_odd_ones(self):
    for members in ({}, {"message": None, "code": None}, {"message": "", "status": "500"}, {"message": {"deep": 1}},
                    {"status": 99999999999}):
      with self.subTest(members=members):
        self.fails("stream_error", ".", PING, event("error", **members), Hold)

  def test_long_and_foreign_messages_stay_one_line(self):
    message = "first line\nsecond\tline 错误 \u2028 \x1b[31m" + "x" * 20000
    result = self.fails("stream_error", "first line second line 错误",
                        event("error", code="c", status=400, message=message))
    detail = result.json["errors"][0]["detail"]
    self.assertLess(len(detail), 1000)
    self.assertNotIn("\x1b", result.out + result.err + detail)

  def test_an_error_after_the_end_is_none(self):
    self.ok(token(), MESSAGE_END, event("error", message="late"))


class Bytes(Streams):
  """The same meaning in every clothing."""
  TEXT = "你好 \"Dify\" \\ 😀 </s>\n\ttab"

  def wear(self, make):
    return self.ok(make("message", **IDS, answer=self.TEXT[:5]), make("message", **IDS, answer=self.TEXT[5:]),
                   make("message_end", **IDS),
                   text=self.TEXT)

  def test_spaced_and_escaped(self):
    for spaced in (False, True):
      for escaped in (False, True):
        self.wear(lambda name, spaced=spaced, escaped=escaped, **members: event(name, spaced, escaped, **members))

  def test_keys_in_any_order(self):
    self.wear(lambda name, **members: ("data: " + json.dumps({**members, "event": name}) + "\n\n").encode())

  def test_line_ends(self):
    for end in ("\r\n", "\r", "\n"):
      self.wear(lambda name, end=end, **members: event(name, **members).replace(b"\n", end.encode()))

  def test_no_space_after_the_colon(self):
    self.wear(lambda name, **members: event(name, **members).replace(b"data: ", b"data:"))

  def test_an_event_line_beside(self):
    self.wear(lambda name, **members: b"event: " + name.encode() + b"\nid: 7\nretry: 1000\n: comment\n" + event(name,
        **members))

  def test_data_over_several_lines(self):
    self.wear(lambda name, **members: ("".join(f"data: {line}\n" for line in
                                              json.dumps({"event": name, **members}, indent=1,
                                                         ensure_ascii=False).split("\n")) + "\n").encode())

  def test_a_byte_order_mark(self):
    self.ok(b"\xef\xbb\xbf" + token("x"), MESSAGE_END, text="x")

  def test_all_in_one_write_and_in_many(self):
    whole = PING + STARTED + token("He") + token("llo") + MESSAGE_END + FINISHED
    self.ok(whole, text="Hello")
    self.ok(*[whole[i:i + 3] for i in range(0, len(whole), 3)], text="Hello")

  def test_a_frame_of_megabytes(self):
    row = self.ok(STARTED, node("Knowledge", outputs={"result": "文" * 1000000}), token("x"), MESSAGE_END, FINISHED,
                  text="x")
    self.assertGreater(row["bytes_in"], 6000000)

  def test_what_nobody_knows(self):
    row = self.ok(event("message_token", answer="no"), event("quantum_leap", data=[1, 2]), b"data: no json\n\n",
                  b"data: [1]\n\n",
                  b"data: 7\n\n", b"data: {\"event\": 5}\n\n", event(None, answer="no event"), token("x"), MESSAGE_END,
                  text="x")
    self.assertEqual((row["counters"]["unknown_event"], row["tokens"]["events"]), (14, 2))


class Tokens(Streams):
  def test_every_kind(self):
    agent = event("agent_message", **IDS, id="m", answer="A")
    self.assertEqual(self.ok(agent, agent, MESSAGE_END, text="AA")["tokens"]["events"], 4)
    file = event("message_file", **IDS, id="m", answer="F")
    self.assertEqual(self.ok(token("x"), file, MESSAGE_END, text="xF")["tokens"]["events"], 4)
    chunks = [text_chunk("a"), text_chunk("b"), event("workflow_finished", task_id="t", data={"status": "succeeded"})]
    self.assertEqual(self.ok(*chunks, text="ab", args=("-e", "app=workflow"))["tokens"]["events"], 4)

  def test_an_agents_last_message_repeats_its_answer(self):
    agent = [event("agent_message", **IDS, id="m", answer=text) for text in ("Hel", "lo")]
    row = self.ok(*agent, token("Hello"), MESSAGE_END, text="Hello")
    self.assertEqual(row["tokens"]["events"], 4)

  def test_what_is_no_token(self):
    row = self.ok(token(""), event("message_file", **IDS, id="f", type="image", url="/a.png"),
                  event("agent_thought", **IDS, thought="hm"),
                  event("agent_log", **IDS, data={}), event("tts_message", **IDS, audio="AAAA"), text_chunk(""),
                  event("message", **IDS), event("message", **IDS, answer=None), 0.15, token("x"), MESSAGE_END,
                  text="x")
    self.assertEqual((row["tokens"]["events"], row["metrics"]["itl"], row["metrics"]["tpot"]), (2, None, None))
    self.assertGreaterEqual(row["metrics"]["ttft"]["min"], 149)

  def test_no_token_at_all(self):
    row = self.ok(STARTED, MESSAGE_END, FINISHED, text="")
    self.assertEqual((row["metrics"]["ttft"], row["metrics"]["itl"], row["metrics"]["max_gap"]), (None, None, None))
    self.assertEqual((row["counters"]["empty_answer"], count_of(row["metrics"]["ttfe"])), (2, 2))

  def test_reasoning_is_apart(self):
    thought = flow("reasoning_chunk", reasoning="hm", is_final=False)
    row = self.ok(STARTED, thought, 0.15, thought, token("x"), MESSAGE_END, FINISHED, text="x")
    self.assertEqual(row["tokens"]["events"], 2)
    self.assertEqual(count_of(row["metrics"]["ttfr"]), 2)
    self.assertLess(row["metrics"]["ttfr"]["mean"] + 140, row["metrics"]["ttft"]["mean"])

  def test_replaced(self):
    row = self.ok(token("bad words"), event("message_replace", **IDS, answer="***", reason="moderation"), MESSAGE_END,
                  text="***")
    self.assertEqual((row["counters"]["replaced"], row["tokens"]["events"]), (2, 2))

  def test_usage(self):
    row = self.ok(token(), token(), MESSAGE_END)
    self.assertEqual(row["tokens"], {"events": 4, "reported_prompt": 60, "reported_completion": 24})
    self.assertAlmostEqual(row["metrics"]["server_ttft"]["p50"], 412, delta=1)
    odd = event("message_end", **IDS, metadata={"usage": {"prompt_tokens": "many", "completion_tokens": -5,
                                                          "time_to_first_token": None}})
    row = self.ok(token(), odd)
    self.assertEqual((row["tokens"]["reported_prompt"], row["metrics"]["server_ttft"]), (None, None))

  def test_ids(self):
    self.ok(token(), MESSAGE_END, args=("-e", "conversation=c-1"))

  def test_the_request(self):
    self.ok(token(), MESSAGE_END)
    request = self.server.requests[0]
    self.assertEqual((request.method, request.path), ("POST", "/v1/chat-messages"))
    self.assertEqual(request.headers["authorization"], "Bearer app-test")
    self.assertEqual(request.headers["content-type"].split(";")[0], "application/json")
    self.assertEqual(request.json, {"query": "你好", "inputs": {}, "user": "someone", "response_mode": "streaming",
                                    "auto_generate_name": False})


class Times(Streams):
  def test_a_ping_is_neither_first_event_nor_first_token(self):
    """Head and ping at once, 150 ms, workflow_started, 150 ms, a token."""
    row = self.ok(PING, 0.15, STARTED, 0.15, token("x"), MESSAGE_END, FINISHED)
    ttfb, ttfe, ttft = (row["metrics"][key]["min"] for key in ("ttfb", "ttfe", "ttft"))
    self.assertGreaterEqual(ttfe, ttfb + 100)  # 150 but for what the head itself took to arrive
    self.assertGreaterEqual(ttfe, 149)
    self.assertGreaterEqual(ttft, 299)
    self.assertEqual(row["counters"]["ping"], 2)

  def test_a_named_ping_with_data_is_none_either(self):
    row = self.ok(event("ping"), 0.15, b"event: ping\ndata: {}\n\n", 0.15, token("x"), MESSAGE_END)
    self.assertGreaterEqual(row["metrics"]["ttfe"]["min"], 299)
    self.assertEqual(row["counters"]["ping"], 4)

  def test_a_ping_between_tokens_ends_no_gap(self):
    row = self.ok(token(), 0.1, PING, 0.1, token(), MESSAGE_END)
    self.assertEqual(row["metrics"]["itl"]["count"], 2)
    self.assertGreaterEqual(row["metrics"]["itl"]["min"], 199)

  def test_a_stall_is_a_long_gap(self):
    parts = [token(), 0.3, token(), 0.05, token(), MESSAGE_END]
    self.assertEqual(self.ok(*parts, args=("-e", "stall_s=0.2"))["stalls"], 2)
    self.assertEqual(self.ok(*parts, args=("--stall", "30s"))["stalls"], 0)

  def test_time_per_token(self):
    row = self.ok(token(), 0.1, token(), 0.2, token(), 0.2, MESSAGE_END)
    tpot, itl, gap = (row["metrics"][key] for key in ("tpot", "itl", "max_gap"))
    self.assertGreaterEqual(tpot["min"], 149.5)
    self.assertEqual((itl["count"], tpot["count"], gap["count"]), (4, 2, 2))
    self.assertGreaterEqual(gap["min"], 199)
    self.assertAlmostEqual(itl["mean"], tpot["mean"], delta=1)
    self.assertGreaterEqual(row["metrics"]["e2e"]["min"], 499)

  def test_nodes(self):
    result = self.go(STARTED, node("Start", "start", 0.001), node("LLM", "llm", 1.5), node("LLM", "llm", 0.5),
                     node("LLM", "tool", 0.25),
                     node("Code", "code", 0.125, "failed", error="x"), node("Try", "tool", 0.125, "exception"),
                     flow("node_retry", title="Code", node_type="code", retry_index=1),
                     node("Each", "iteration", 2, name="iteration_completed"),
                     node("Loop", "loop", 2, name="loop_completed"), node("No time", "llm", None), token(),
                     MESSAGE_END, FINISHED)
    self.expect_outcomes(result, {"ok": 2})
    nodes = {(row["title"], row["type"]): row for row in result.json["nodes"]}
    self.assertEqual({key: (row["count"], row["failed"]) for key, row in nodes.items()}, {
        ("Start", "start"): (2, 0), ("LLM", "llm"): (4, 0), ("LLM", "tool"): (2, 0), ("Code", "code"): (2, 2),
        ("Try", "tool"): (2, 2),
        ("Each", "iteration"): (2, 0), ("Loop", "loop"): (2, 0), ("No time", "llm"): (2, 0)})
    self.assertAlmostEqual(nodes["LLM", "llm"]["elapsed"]["mean"], 1000, delta=2)
    self.assertIsNone(nodes["No time", "llm"]["elapsed"])
    self.assertEqual(result.request("ask")["counters"]["node_retry"], 2)


if __name__ == "__main__":
  main()
