"""Who gets in: tokens, TLS, other sites' pages, slow and many connections."""
import http.client
import os
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from web import PATIENCE_S, Page, Serve  # noqa: E402
import certs  # noqa: E402
import support  # noqa: E402
from support import Case, spate  # noqa: E402


class Access(Case):
  def test_other_machines_need_a_token(self):
    with Serve(address="0.0.0.0:0") as server:
      self.assertEqual(len(server.token), 24)
      stranger = Page(server.port)
      for path in ("/", "/metrics", "/api/state", "/api/plans", "/api/live", "/api/data"):
        self.assertEqual(stranger.ask("GET", path)[0], 401, path)
      self.assertEqual(stranger.ask("POST", "/api/run", {"plan": "dify:chat"})[0], 401)
      self.assertEqual(stranger.ask("GET", "/?token=" + server.token[:-1] + "*")[0], 401)
      status, headers, body = stranger.ask("GET", "/?token=" + server.token)
      self.assertEqual((status, headers["Location"], body), (303, "/", b""))
      cookie = headers["Set-Cookie"]
      self.assertRegex(cookie, r"^spate_\d+=[\w-]+; Path=/; HttpOnly; SameSite=Strict$")
      guest = Page(server.port, {"Cookie": cookie.split(";")[0]})
      self.assertEqual(guest.get("/api/state")["phase"], "idle")
      self.assertEqual(guest.ask("POST", "/api/stop", {}, {"Origin": "http://evil.example"})[0], 403)
      self.assertEqual(server.page.get("/api/state")["phase"], "idle")  # as a bearer
      for path in ("/api/state", "/api/plans", "/"):
        self.assertNotIn(server.token.encode(), guest.ask("GET", path)[2])

  def test_a_token_of_ones_own(self):
    with Serve(env={"SPATE_WEB_TOKEN": "a-token-of-mine-1234"}) as server:
      self.assertEqual(server.token, "a-token-of-mine-1234")  # on loopback, too
      self.assertEqual(Page(server.port).ask("GET", "/api/state")[0], 401)
    result = spate("serve", "--web=127.0.0.1:0", env={"SPATE_WEB_TOKEN": "short"})
    self.assertEqual(result.code, 2)
    self.assertIn("SPATE_WEB_TOKEN must have 16 to 128 characters", result.err)

  def test_names(self):
    with Serve("--web-name", "load.example.com") as server:
      for host, status in (("load.example.com", 200), (f"load.example.com:{server.port}", 200), ("evil.example", 403),
                           (f"localhost:{server.port}", 200), ("localhost:1", 403)):
        self.assertEqual(server.page.ask("GET", "/api/state", None, {"Host": host})[0], status, host)

  def test_tls(self):
    made = certs.Certs()
    try:
      with Serve("--web-cert", made.path("good.pem"), "--web-key", made.path("good.key")) as server:
        self.assertIn("https://127.0.0.1:", server.line)
        context = ssl.create_default_context(cafile=made.path("ca.pem"))
        link = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=PATIENCE_S)
        link.request("GET", "/api/state")
        self.assertEqual(link.getresponse().status, 200)
        link.close()
      result = spate("serve", "--web=127.0.0.1:0", "--web-cert", made.path("good.pem"), "--web-key", made.path("ca.key"))
      self.assertEqual(result.code, 1, result)
    finally:
      made.close()

  def test_a_request_that_never_comes_is_cut(self):
    with Serve() as server:
      began = time.monotonic()
      link = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
      link.sendall(b"GET /api/state HTTP/1.1\r\nHost: localhost\r\n")
      gone = False
      while not gone and time.monotonic() - began < PATIENCE_S:
        try:
          link.sendall(b"X: y\r\n")  # never silent for long, never done
          link.settimeout(1)
          gone = link.recv(1000) == b""
        except socket.timeout:
          pass
        except OSError:
          gone = True
      self.assertTrue(gone)
      self.assertGreater(time.monotonic() - began, 15)
      link.close()
      self.assertEqual(server.page.get("/api/state")["phase"], "idle")

  def test_a_hundred_connections(self):
    with Serve() as server:
      links = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) for _ in range(100)]
      for link in links:
        link.sendall(f"GET /api/state HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
      for link in links:
        self.assertTrue(link.recv(12).startswith(b"HTTP/1.1 200"))
        link.close()
      self.assertEqual(server.page.get("/api/state")["phase"], "idle")

  def test_what_serve_refuses(self):
    for words, why, code in ((["--web=nowhere:1"], "must be ADDR:PORT", 2), (["--web=127.0.0.1:0", "--web-cert=x"], "belong together", 2),
                             (["--web=127.0.0.1:0", "--web-cert=/no", "--web-key=/no"], "cannot read '/no'", 1)):
      result = spate("serve", *words)
      self.assertEqual(result.code, code, result)
      self.assertIn(why, result.err)


if __name__ == "__main__":
  support.main()
