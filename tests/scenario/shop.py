"""A server for the plans' tests: every request is kept, some paths answer in a way of their own."""
import json
import time

from server import LAST_CHUNK, PING, Server, answer, chunk, event, every, stream_head

IDS = {"conversation_id": "c-1", "message_id": "m-1", "task_id": "t-1"}
DIFY = [PING, event("workflow_started", **IDS, data={"id": "r"}), event("message", **IDS, answer="Hel"),
        event("message", **IDS, answer="lo"),
        event("node_finished", **IDS, data={"title": "LLM", "node_type": "llm", "status": "succeeded",
                                            "elapsed_time": 0.5}),
        event("message_end", **IDS, metadata={"usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
        event("workflow_finished", **IDS, data={"id": "r", "status": "succeeded"})]
OWN = [b'data: {"delta":"a"}\n\n', b'data: {"other":1}\n\n', b'data: {"delta":"b"}\n\n', b"data: bye\n\n",
       b"data: behind\n\n"]
OPENAI = [b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
          b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n',
          b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
          b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}\n\n', b"data: [DONE]\n\n"]


def as_stream(pieces):
  return b"".join([stream_head()] + [chunk(piece) for piece in pieces]) + LAST_CHUNK


def endless(peer):
  peer.send(stream_head())
  for i in range(1, 400):
    peer.send(chunk(f"data: {i}\n\n"))
    time.sleep(0.02)


def echo(request):
  body = json.dumps({"method": request.method, **(request.json if request.body else {})})
  return answer(body, "200 OK", "Content-Type: application/json; charset=utf-8", "X-Several: one", "x-several: two")


def respond(peer, request):
  path = request.path.split("?")[0]
  streams = {"/dify": DIFY, "/own": OWN, "/oops": [b"data: a\n\n", b"event: oops\ndata: x\n\n"],
             "/counted": [b"".join(b"data: %d\n\n" % i for i in range(300))], "/v1/chat-messages": DIFY,
             "/v1/chat/completions": OPENAI,
             "/v1/completions": [b'data: {"choices":[{"index":0,"text":"Hi"}]}\n\n', b"data: [DONE]\n\n"]}
  if path in streams:
    peer.send(as_stream(streams[path]))
  elif path == "/endless":
    endless(peer)
  elif path == "/missing":
    peer.send(answer('{"code":"not_found","message":"nothing here"}', "404 Not Found",
                     "Content-Type: application/json"))
  elif path == "/reset":
    peer.reset()
  elif path == "/late":
    time.sleep(1)
  elif path == "/text":
    peer.send(answer("just text"))
  elif path == "/login":
    peer.send(answer(json.dumps({"token": f"t-{request.json['user']}"})))
  else:
    peer.send(echo(request) if path == "/echo" else answer(b'{"result":"success"}'))


class Shop(Server):
  def __init__(self):
    super().__init__(every(respond))

  def clear(self):
    del self.requests[:]

  def at(self, path):
    return [request for request in self.requests if request.path.split("?")[0] == path]

  def one(self, path):
    found = self.at(path)
    if len(found) != 1:
      raise AssertionError(f"{len(found)} requests to {path}: {[request.path for request in self.requests]}")
    return found[0]

  @property
  def reports(self):
    return [request.json for request in self.at("/report")]
