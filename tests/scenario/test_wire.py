"""Outcomes that must hold against any server: here each byte of it is scripted (server.py), nothing is the mock's."""
import gzip
import threading
import time
import unittest

from server import LAST_CHUNK, Server, always, answer, chunk, event, every, free_port, head, stream_head
from support import Case, main, plan, run

TOKEN = event("message", answer="hi", id="m", task_id="t", message_id="m", conversation_id="c")
END = event("message_end", id="m", task_id="t", message_id="m", conversation_id="c", metadata={})
ENDLESS_S = 20  # how long a server goes on that never ends by itself


def one(server, *args, count=2):
  url = server if isinstance(server, str) else server.url
  return run(plan("one.lua"), "-H", url, "--iterations", count, *args)


def once(act):
  """A handler: reads one request, then act(peer)."""

  def handler(peer):
    if peer.read() is not None:
      act(peer)

  return handler


def send_and_reset(*pieces):
  def act(peer):
    peer.send(*pieces)
    time.sleep(0.05)  # what was sent is read before the RST takes it away
    peer.reset()
  return once(act)


def send_and_close(*pieces):
  return once(lambda peer: (peer.send(*pieces), peer.end()))


def endlessly(first, piece):
  """Sends first, then piece for as long as the client takes it."""

  def act(peer):
    peer.send(first)
    until = time.monotonic() + ENDLESS_S
    while time.monotonic() < until:
      peer.send(piece)
  return once(act)


class Wire(Case):
  def expect(self, handler, outcomes, *args, detail=None, code=None, count=2):
    with Server(handler) as server:
      result = one(server, *args, count=count)
    self.expect_outcomes(result, outcomes)
    if detail:
      self.assertRegex(result.details(), detail)
    if code is not None:
      self.expect_code(result, code)
    return result, server


class Ends(Wire):
  """How a connection can end before the answer is whole."""

  def test_refused(self):
    result = one(f"http://127.0.0.1:{free_port()}")
    self.expect_outcomes(result, {"connect": 2})
    self.assertRegex(result.details(), "refused")
    self.expect_code(result, 1)

  def test_reset_before_the_request_is_read(self):
    self.expect(lambda peer: peer.reset(), {"reset": 2}, code=3)

  def test_reset_before_the_head(self):
    self.expect(once(lambda peer: peer.reset()), {"reset": 2}, detail="reset", code=3)

  def test_reset_in_the_head(self):
    self.expect(send_and_reset(b"HTTP/1.1 200 OK\r\nContent-Le"), {"reset": 2}, detail="reset")

  def test_reset_in_a_body(self):
    self.expect(send_and_reset(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), {"reset": 2}, detail="reset")

  def test_reset_in_a_close_delimited_body(self):
    self.expect(send_and_reset(head(), b"hello"), {"reset": 2}, detail="reset")

  def test_reset_in_a_stream(self):
    self.expect(send_and_reset(stream_head(), chunk(TOKEN)), {"reset": 2}, "-e", "stream=dify", detail="reset")

  def test_reset_in_a_close_delimited_stream(self):
    self.expect(send_and_reset(head("200 OK", "Content-Type: text/event-stream"), TOKEN), {"reset": 2}, "-e",
                "stream=dify")

  def test_closed_before_the_request_is_read(self):
    self.expect(lambda peer: peer.end(), {"reset": 2})

  def test_closed_before_the_head(self):
    self.expect(once(lambda peer: peer.end()), {"reset": 2}, detail="closed")

  def test_closed_in_the_head(self):
    self.expect(send_and_close(b"HTTP/1.1 200 OK\r\nContent-Le"), {"reset": 2}, detail="closed")

  def test_closed_in_a_body(self):
    self.expect(send_and_close(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), {"reset": 2}, detail="closed")

  def test_closed_in_a_chunked_body(self):
    self.expect(send_and_close(head("200 OK", "Transfer-Encoding: chunked"), chunk("hello")), {"reset": 2},
                detail="closed")

  def test_closed_in_a_chunked_stream(self):
    self.expect(send_and_close(stream_head(), chunk(TOKEN)), {"truncated": 2}, "-e", "stream=dify", detail="closed")

  def test_closed_inside_a_chunk_of_a_stream(self):
    self.expect(send_and_close(stream_head(), chunk(TOKEN)[:-9]), {"truncated": 2}, "-e", "stream=dify")

  def test_a_stream_that_ends_without_its_terminal_event(self):
    self.expect(send_and_close(stream_head(), chunk(TOKEN), LAST_CHUNK), {"truncated": 2}, "-e", "stream=dify",
                detail="without its terminal event")

  def test_an_error_that_ends_early_is_the_error(self):
    """A 500 whose body is cut is still a 500."""
    self.expect(send_and_close(b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhello"), {"http_status": 2},
                detail="^500")

  def test_close_delimited_streams(self):
    plain = head("200 OK", "Content-Type: text/event-stream")
    self.expect(send_and_close(plain, TOKEN, END), {"ok": 2}, "-e", "stream=dify", code=0)
    self.expect(send_and_close(plain, TOKEN), {"truncated": 2}, "-e", "stream=dify")
    self.expect(send_and_close(plain), {"truncated": 2}, "-e", "stream=dify", detail="single event")
    self.expect(send_and_close(plain, b"data: a\n\ndata: b\n\n"), {"ok": 2}, "-e", "stream=sse")
    self.expect(send_and_close(plain), {"ok": 2}, "-e", "stream=sse", code=0)

  def test_never_answered(self):
    result, _ = self.expect(once(lambda peer: peer.wait_close()), {"timeout": 1}, "-e", "first=0.2", detail="200 ms",
                            count=1)
    self.assertGreaterEqual(result.request("one")["failed_metrics"]["e2e"]["min"], 199)
    self.expect(once(lambda peer: peer.wait_close()), {"timeout": 1}, "-e", "timeout=0.2", detail="200 ms", count=1)
    self.expect(once(lambda peer: peer.wait_close()), {"timeout": 1}, "--timeout", "200ms", detail="200 ms", count=1)

  def test_silent_after_the_head(self):
    self.expect(once(lambda peer: (peer.send(stream_head(), chunk(TOKEN)), peer.wait_close())), {"timeout": 1},
                "-e", "stream=dify", "-e", "silence=0.2", detail="200 ms", count=1)

  def test_accepted_but_never_tls(self):
    """A TLS handshake that is never answered is a connection that was not made."""
    with Server(lambda peer: peer.wait_close()) as server:
      result = one("https" + server.url[4:], "--connect-timeout", "300ms", "--insecure", count=1)
    self.assertIn(list(result.outcomes().items()), ([("timeout", 1)], [("connect", 1)]))
    self.assertRegex(result.details(), "300 ms|TLS")


class NoHttp(Wire):
  """Bytes that are no HTTP, and what is over a cap."""

  def test_garbage(self):
    self.expect(send_and_close(b"\x00\x01\x02 hello \xff\xfe\r\n\r\n"), {"protocol": 2}, detail="no HTTP")
    self.expect(send_and_close(b"220 mail.example ESMTP\r\n"), {"protocol": 2})
    self.expect(send_and_close(b"{\"json\": true}"), {"protocol": 2})

  def test_bad_framing(self):
    for bad in (b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\nhello\r\n0\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\nhello",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n"):
      with self.subTest(bytes=bad):
        self.expect(send_and_close(bad), {"protocol": 1}, count=1)

  def test_a_head_of_a_megabyte(self):
    lines = [f"X-Filler-{i}: {'x' * 4000}" for i in range(256)]
    self.expect(send_and_close(head("200 OK", "Content-Length: 0", *lines)), {"protocol": 2},
                detail="SP_HTTP1_HEAD_MAX")

  def test_a_head_of_one_endless_line(self):
    self.expect(endlessly(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65536), {"protocol": 1}, detail="SP_HTTP1_HEAD_MAX",
                count=1)

  def test_a_head_of_endless_lines(self):
    self.expect(endlessly(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000), {"protocol": 1}, detail="_MAX", count=1)

  def test_endless_informational_heads(self):
    self.expect(endlessly(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 10), {"protocol": 1}, count=1)

  def test_a_body_that_never_ends(self):
    self.expect(endlessly(head("200 OK", "Transfer-Encoding: chunked"), chunk(b"x" * (1 << 20))), {"protocol": 1},
                detail="SP_BODY_MAX", count=1)

  def test_an_event_that_never_ends(self):
    self.expect(endlessly(stream_head() + chunk("data: "), chunk(b"x" * 65536)), {"protocol": 1}, "-e", "stream=sse",
                detail="SP_SSE_EVENT_MAX|MiB", count=1)

  def test_a_stream_that_never_ends(self):
    self.expect(endlessly(stream_head(), chunk(TOKEN)), {"timeout": 1}, "-e", "stream=dify", "-e", "timeout=0.5",
                count=1)

  def test_chunk_extensions_without_end(self):
    with Server(endlessly(stream_head() + b"5;", b"x" * 65536)) as server:
      result = one(server, "-e", "stream=sse", "-e", "timeout=2", count=1)
    self.assertIn(list(result.outcomes()), (["protocol"], ["timeout"]))

  def test_no_event_stream(self):
    for content_type in ("application/json", "text/html; charset=utf-8", "text/event-streams"):
      with self.subTest(content_type=content_type):
        self.expect(always(answer("{}", "200 OK", "Content-Type: " + content_type)), {"protocol": 2}, "-e",
                    "stream=sse",
                    detail="not an event stream")
    self.expect(always(head("204 No Content")), {"protocol": 2}, "-e", "stream=sse", detail="204")


class Whole(Wire):
  """Answers that are well, however odd."""

  def ok(self, handler, text="hello", *args, count=3):
    more = ["-e", "text=" + text] if text else []
    return self.expect(handler, {"ok": count}, *more, *args, code=0, count=count)

  def test_plain_and_kept_alive(self):
    _, server = self.ok(always(answer("hello")))
    self.assertEqual((server.connections, len(server.requests)), (1, 3))
    request = server.requests[0]
    self.assertEqual((request.method, request.path, request.version), ("GET", "/", "HTTP/1.1"))
    self.assertEqual(request.headers["host"], f"127.0.0.1:{server.port}")
    self.assertNotIn("accept-encoding", request.headers)
    self.assertIn("spate", request.headers["user-agent"])

  def test_connection_close(self):
    _, server = self.ok(every(lambda peer, _: (peer.send(answer("hello", "200 OK", "Connection: close")), peer.end())))
    self.assertEqual(server.connections, 3)

  def test_http_1_0(self):
    self.ok(send_and_close(b"HTTP/1.0 200 OK\r\n\r\nhello"))
    _, server = self.ok(always(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"))
    self.assertEqual(server.connections, 1)

  def test_chunked(self):
    self.ok(always(head("200 OK", "Transfer-Encoding: chunked"), chunk("hel"), chunk("lo"), LAST_CHUNK))

  def test_chunk_extensions_and_trailers(self):
    self.ok(always(head("200 OK", "Transfer-Encoding: chunked"), b"3;flag;name=value\r\nhel\r\n2;q=\"a b\"\r\nlo\r\n",
                   b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n"))

  def test_a_byte_at_a_time(self):
    def trickle(peer, _):
      for byte in head("200 OK", "Transfer-Encoding: chunked") + chunk("hel") + chunk("lo") + LAST_CHUNK:
        peer.send(bytes([byte]))
        time.sleep(0.0005)
    self.ok(every(trickle))

  def test_a_stream_a_byte_at_a_time(self):
    bytes_of_it = stream_head() + chunk(b"event: ping\n\n") + chunk(event("message", answer="你好")) + \
        chunk(END) + LAST_CHUNK

    def trickle(peer, _):
      for byte in bytes_of_it:
        peer.send(bytes([byte]))
        time.sleep(0.0005)
    result, _ = self.ok(every(trickle), "你好", "-e", "stream=dify")
    self.assertEqual(result.request("one")["tokens"]["events"], 3)

  def test_informational_heads_first(self):
    def respond(peer, _):
      peer.send(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
      time.sleep(0.15)
      peer.send(answer("hello"))
    result, _ = self.ok(every(respond))
    self.assertGreaterEqual(result.request("one")["metrics"]["ttfb"]["min"], 149)  # an interim head is no response's

  def test_no_body(self):
    self.ok(always(head("204 No Content")), "", "-e", "status=204")
    self.ok(always(head("304 Not Modified", "Content-Length: 500", "ETag: \"x\"")), "", "-e", "status=304")
    self.ok(always(answer("")), "", "-e", "status=200")

  def test_head_requests(self):
    _, server = self.ok(always(head("200 OK", "Content-Length: 5000")), "", "-e", "method=HEAD")
    self.assertEqual((server.connections, server.requests[0].method), (1, "HEAD"))

  def test_redirects_are_not_followed(self):
    _, server = self.ok(always(answer("", "302 Found", "Location: /elsewhere")), "", "-e", "status=302")
    self.assertEqual({request.path for request in server.requests}, {"/"})

  def test_gzip_where_asked_for(self):
    body = gzip.compress(b"hello" * 1000)
    handler = always(answer(body, "200 OK", "Content-Encoding: gzip"))
    _, server = self.ok(handler, "hello" * 1000, "-e", "gzip=yes")
    self.assertIn("gzip", server.requests[0].headers["accept-encoding"])
    self.expect(always(answer(body[:-20], "200 OK", "Content-Encoding: gzip")), {"protocol": 2}, "-e", "gzip=yes")
    self.expect(always(answer(b"hello", "200 OK", "Content-Encoding: gzip")), {"protocol": 2}, "-e", "gzip=yes",
                detail="gzip")

  def test_a_gzip_stream(self):
    squeezed = gzip.compress(TOKEN + END)
    pieces = [chunk(squeezed[i:i + 7]) for i in range(0, len(squeezed), 7)]
    self.ok(always(stream_head("Content-Encoding: gzip"), *pieces, LAST_CHUNK), "hi", "-e", "gzip=yes", "-e",
            "stream=dify")

  def test_content_types_of_streams(self):
    for line in ("", "Content-Type: text/event-stream;charset=utf-8", "Content-Type: TEXT/Event-Stream ; Charset=UTF-8",
                 "content-type:text/event-stream"):
      with self.subTest(line=line):
        lines = ["Transfer-Encoding: chunked"] + ([line] if line else [])
        self.ok(always(head("200 OK", *lines), chunk(TOKEN + END), LAST_CHUNK), "hi", "-e", "stream=dify")

  def test_error_statuses(self):
    for status in ("400 Bad Request", "401 Unauthorized", "404 Not Found", "429 Too Many Requests", "500 Oops",
                   "502 Bad Gateway", "599 X"):
      result, _ = self.expect(always(answer("", status)), {"http_status": 2}, detail="^" + status.split()[0], code=3)
      self.assertEqual(result.totals["rate_limited"], 2 if status.startswith("429") else 0)

  def test_an_error_in_place_of_a_stream(self):
    body = '{"code":"app_unavailable","message":"App unavailable","status":400}'
    self.expect(always(answer(body, "400 BAD REQUEST", "Content-Type: application/json")), {"http_status": 2},
                "-e", "stream=dify", detail="^400 app_unavailable: App unavailable$")

  def test_a_big_body_up(self):
    def respond(peer, request):
      peer.send(answer(str(len(request.body))))
    self.ok(every(respond), "3000000", "-e", "method=POST", "-e", "size=3000000")

  def test_an_early_refusal_of_a_big_body(self):
    """The server answers and closes before it has read the request: the answer counts."""
    def handler(peer):
      if peer.read_head():
        peer.send(answer("", "413 Payload Too Large", "Connection: close"))
        peer.end()
    self.expect(handler, {"http_status": 2}, "-e", "method=POST", "-e", "size=3000000", detail="^413")

  def test_lines_end_in_bare_lf(self):
    with Server(always(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")) as server:
      result = one(server)
    self.assertIn(list(result.outcomes()), (["ok"], ["protocol"]))  # lenient or strict, but never a hang


class Kept(Wire):
  """Connections that are used again."""

  def test_closed_between_requests(self):
    """A server that closes a kept connection while nothing is asked: no failure."""
    def handler(peer):
      if peer.read():
        peer.send(answer("hello"))
        peer.end()
    result, server = self.expect(handler, {"ok": 6}, "-e", "pause=0.05", code=0, count=6)
    self.assertEqual(server.connections, 6)

  def test_closed_at_once(self):
    """The same without a pause: the next request races with the close."""
    def handler(peer):
      if peer.read():
        peer.send(answer("hello"))
        peer.close()
    self.expect(handler, {"ok": 30}, code=0, count=30)

  def test_closed_on_the_next_request(self):
    """Closed or reset when the second request comes, before a byte of its answer, by a server that never kept one: it is
    sent again, on a new one."""
    for end in ("end", "reset"):
      def handler(peer, end=end):
        if peer.read():
          peer.send(answer("hello"))
        if peer.read():
          getattr(peer, end)()
      result, server = self.expect(handler, {"ok": 4}, code=0, count=4)
      with self.subTest(end=end):
        self.assertEqual(result.request("one")["counters"]["resent"], 3)
        self.assertEqual(server.connections, 4)

  def test_no_resending_once_the_request_was_taken(self):
    """A server that keeps connections hangs up on a request: that is its doing, and is not hidden."""
    for end in ("end", "close", "reset"):
      def handler(peer, end=end):
        for _ in range(2):
          if peer.read():
            peer.send(answer("hello"))
        if peer.read():
          getattr(peer, end)()
      result, server = self.expect(handler, {"ok": 4, "reset": 2}, count=6)
      with self.subTest(end=end):
        self.assertEqual((result.request("one")["counters"]["resent"], len(server.requests)), (0, 6))

  def test_no_resending_once_the_answer_has_begun(self):
    def handler(peer):
      if peer.read():
        peer.send(answer("hello"))
      if peer.read():
        peer.send(b"HTTP/1.1 2")
        peer.end()
    result, server = self.expect(handler, {"ok": 2, "reset": 2}, count=4)
    self.assertEqual((result.request("one")["counters"]["resent"], len(server.requests)), (0, 4))

  def test_an_answer_nobody_asked_for(self):
    """Bytes behind an answer are never taken for the next one's."""
    def respond(peer, request):
      peer.send(answer(f"answer {peer.requests}") + answer("unasked"))
    with Server(every(respond)) as server:
      result = one(server, "-e", "text=answer 1", count=4)
    self.assertEqual(result.outcomes().get("ok"), 4, str(result))
    self.assertEqual(server.connections, 4)

  def test_an_answer_between_two_questions(self):
    """What comes on an idle connection is nobody's: it is not used again."""
    def handler(peer):
      while peer.read():
        peer.send(answer("hello"))
        time.sleep(0.02)
        peer.send(answer("unasked"))
    result, server = self.expect(handler, {"ok": 4}, "-e", "text=hello", "-e", "pause=0.3", count=4)
    self.assertEqual((server.connections, len(server.requests)), (4, 4))

  def test_a_connection_a_user(self):
    with Server(always(answer("hello"))) as server:
      result = run(plan("one.lua"), "-H", server.url, "-u", 10, "--iterations", 100, "--threads", 2)
    self.expect_outcomes(result, {"ok": 100})
    self.assertLessEqual(server.connections, 10)
    self.assertEqual(len(server.requests), 100)


class Names(Wire):
  def test_ipv6(self):
    try:
      server = Server(always(answer("hello")), host="::1")
    except OSError as error:
      raise unittest.SkipTest(f"no IPv6 here: {error}")
    with server:
      result = one(server, "-e", "text=hello")
    self.expect_outcomes(result, {"ok": 2})
    self.assertEqual(server.requests[0].headers["host"], f"[::1]:{server.port}")

  def test_localhost(self):
    with Server(always(answer("hello"))) as server:
      result = one(f"http://localhost:{server.port}", "-e", "text=hello")
    self.expect_outcomes(result, {"ok": 2})
    self.assertEqual(server.requests[0].headers["host"], f"localhost:{server.port}")

  def test_a_name_that_is_none(self):
    result = one("http://no-such-host.invalid:9")
    self.expect_outcomes(result, {"connect": 2})
    self.assertRegex(result.details(), "no-such-host.invalid")
    self.expect_code(result, 1)

  def test_a_base_url_with_a_path(self):
    with Server(always(answer("hello"))) as server:
      one(server.url + "/base/", "-e", "path=/deep?a=b&c=d")
      one(server.url + "/base", "-e", "path=/deep")
      one(server.url, "-e", f"path={server.url}/whole/url")
    self.assertEqual({request.path for request in server.requests}, {"/base/deep?a=b&c=d", "/base/deep", "/whole/url"})

  def test_credentials_in_the_url_are_sent_and_hidden(self):
    with Server(always(answer("hello"))) as server:
      result = one(f"http://user:hunter22@127.0.0.1:{server.port}")
    self.assertEqual(server.requests[0].headers["authorization"], "Basic dXNlcjpodW50ZXIyMg==")
    self.assertNotIn("hunter22", str(result) + result.out + result.err)

  def test_a_server_that_lets_many_in_slowly(self):
    """More users than the server takes at once: all are served in the end."""
    gate = threading.Semaphore(4)

    def respond(peer, _):
      with gate:
        time.sleep(0.005)
      peer.send(answer("hello", "200 OK", "Connection: close"))
    with Server(every(respond)) as server:
      result = run(plan("one.lua"), "-H", server.url, "-u", 60, "--iterations", 240, "--threads", 2)
    self.expect_outcomes(result, {"ok": 240})


if __name__ == "__main__":
  main()
