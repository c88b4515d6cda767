"""OpenAI's streams from a server that writes each byte: what is a token, what ends them, what fails them."""
import json
import time

from server import LAST_CHUNK, Server, answer, chunk, every, stream_head
from support import Case, count_of, main, plan, run

HOLD_S = 12
DONE = b"data: [DONE]\n\n"
ROLE = {"role": "assistant", "content": ""}
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def delta(members, index=0, **more):
  document = {"id": "x", "object": "chat.completion.chunk",
              "choices": [{"index": index, "delta": members, "finish_reason": None, **more}]}
  return ("data: " + json.dumps(document, ensure_ascii=False) + "\n\n").encode()


def words(*texts, **more):
  return [delta({"content": text}, **more) for text in texts]


STOP = delta({}, finish_reason="stop")
USAGE_CHUNK = ("data: " + json.dumps({"id": "x", "choices": [], "usage": USAGE}) + "\n\n").encode()


class Streams(Case):
  def go(self, *parts, args=(), hold=False):
    def respond(peer, _):
      peer.send(stream_head())
      for part in parts:
        if isinstance(part, float):
          time.sleep(part)
        else:
          peer.send(chunk(part))
      if hold:
        peer.sock.settimeout(HOLD_S)
        peer.wait_close()
      else:
        peer.send(LAST_CHUNK)
    with Server(every(respond)) as server:
      result = run(plan("openai_one.lua"), "-H", server.url, *args)
    self.server = server
    if hold:
      self.assertLess(result.json["run"]["duration_s"], HOLD_S - 3, "it waited for the socket's close")
    return result

  def ok(self, *parts, text="-", hold=False):
    result = self.go(*parts, args=("-e", "text=" + text), hold=hold)
    self.expect_outcomes(result, {"ok": 2})
    return result.request("ask")

  def test_an_answer(self):
    row = self.ok(delta(ROLE), *words("Hel", "lo", " 你"), STOP, USAGE_CHUNK, DONE, text="Hello 你", hold=True)
    self.assertEqual(row["tokens"], {"events": 6, "reported_prompt": 18, "reported_completion": 6})
    request = self.server.requests[0]
    self.assertEqual((request.path, request.headers["authorization"], request.headers["x-own"]),
                     ("/v1/chat/completions", "Bearer sk-test", "1"))
    self.assertEqual(request.json, {"model": "m-1", "stream": True, "stream_options": {"include_usage": True},
                                    "temperature": 0,
                                    "messages": [{"role": "user", "content": "hi"}]})

  def test_what_is_no_token(self):
    row = self.ok(delta(ROLE), delta({"content": ""}), delta({"content": None}), 0.15, *words("x"), STOP, DONE,
                  text="x")
    self.assertEqual((row["tokens"]["events"], row["metrics"]["itl"]), (2, None))
    self.assertGreaterEqual(row["metrics"]["ttft"]["min"], 149)

  def test_reasoning(self):
    thought = delta({"reasoning_content": "hm"})
    row = self.ok(delta(ROLE), thought, 0.15, thought, *words("x"), STOP, DONE, text="x")
    self.assertEqual((row["tokens"]["events"], count_of(row["metrics"]["ttfr"])), (2, 2))
    self.assertLess(row["metrics"]["ttfr"]["mean"] + 140, row["metrics"]["ttft"]["mean"])

  def test_several_choices(self):
    row = self.ok(*words("a"), *words("b", index=1), *words("c"), STOP, delta({}, 1, finish_reason="stop"), DONE)
    self.assertEqual(row["ok"], 2)

  def test_tools(self):
    call = delta({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": "{"}}]})
    self.ok(delta(ROLE), call, call, delta({}, finish_reason="tool_calls"), DONE)

  def test_no_end(self):
    for parts in ([delta(ROLE), *words("x")], [delta(ROLE)]):
      result = self.go(*parts)
      self.expect_outcomes(result, {"truncated": 2})

  def test_errors(self):
    for error, said in (({"error": {"message": "engine died", "type": "server_error", "code": 500}},
                         "server_error.*engine died"),
                        ({"error": "plain text"}, "plain text"),
                        ({"object": "error", "message": "vllm's way", "code": 400}, "vllm's way"),
                        ({"error": {}}, ".")):
      result = self.go(delta(ROLE), *words("x"), ("data: " + json.dumps(error) + "\n\n").encode(), hold=True)
      with self.subTest(error=error):
        self.expect_outcomes(result, {"stream_error": 2})
        self.assertRegex(result.details(), said)

  def test_an_error_as_a_status(self):
    body = json.dumps({"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}})
    with Server(every(lambda peer, _: peer.send(answer(body, "429 Too Many Requests",
                                                       "Content-Type: application/json")))) as server:
      result = run(plan("openai_one.lua"), "-H", server.url)
    self.expect_outcomes(result, {"http_status": 2})
    self.assertEqual(result.totals["rate_limited"], 2)
    self.assertEqual(result.details(), "429 rate_limit_exceeded: Rate limit reached")


if __name__ == "__main__":
  main()
