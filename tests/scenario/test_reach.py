"""How targets are reached: proxies by option and environment, Unix sockets, --resolve, --dns, --source, --connect-rate."""
import os
import ssl
import tempfile
import threading

from certs import Certs
from proxy import Proxy
from server import Server, UnixServer, always, answer, free_port
from support import Case, main, plan, run, spate

HELLO = answer("hello")


def basics(*args, count=2):
  return [plan("one.lua"), "--iterations", count, *args]


class Proxies(Case):
  def everything(self, result):
    return result.out + result.err + str(result.json)

  def test_whole_urls_with_password(self):
    with Proxy() as proxy:
      result = run(*basics("-H", "http://target.test:81", "--proxy", f"http://me:hunter2@127.0.0.1:{proxy.port}"))
    self.expect_outcomes(result, {"ok": 2})
    self.assertEqual([request.path for request in proxy.requests], ["http://target.test:81/"] * 2)
    self.assertEqual({request.headers["proxy-authorization"] for request in proxy.requests}, {"Basic bWU6aHVudGVyMg=="})
    self.assertEqual((proxy.connections, result.json["validity"]["generator"]["connections"]), (1, 1))
    self.assertIn(f"went through the proxy http://127.0.0.1:{proxy.port} (--proxy)", " ".join(result.json["validity"]["notes"]))
    self.assertNotIn("hunter2", self.everything(result))

  def test_tls_through_a_tunnel(self):
    certs = Certs()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs.path("good.pem"), certs.path("good.key"))
    with Server(always(HELLO), tls=context) as target, Proxy(target.port) as proxy:
      result = run(*basics("-H", "https://localhost", "--cacert", certs.path("ca.pem"), "-e", "text=hello", "--proxy",
                           proxy.url))
    certs.close()
    self.expect_outcomes(result, {"ok": 2})
    self.assertEqual([(request.method, request.path) for request in proxy.requests], [("CONNECT", "localhost:443")])
    metrics = result.request("one")["metrics"]
    self.assertEqual((metrics["connect"]["count"], metrics["tls"]["count"]), (1, 1))
    self.assertEqual(metrics["dns"], None)

  def test_refused_tunnels(self):
    for status in ("407 Proxy Authentication Required", "503 Service Unavailable"):
      with Server(always(answer("no", status))) as proxy:
        result = run(*basics("-H", "https://target.test", "--proxy", proxy.url.replace("//", "//me:hunter2@")))
      self.expect_outcomes(result, {"connect": 2})
      self.assertIn(f"{proxy.url} (--proxy): it answered CONNECT with {status}", result.details())
      self.assertNotIn("hunter2", self.everything(result))
      self.expect_code(result, 1)

  def test_the_environment_with_a_notice(self):
    with Proxy() as proxy:
      env = {"http_proxy": proxy.url.replace("//", "//me:hunter2@"), "no_proxy": "other.test"}
      result = run(*basics("-H", "http://target.test"), env=env)
      self.expect_outcomes(result, {"ok": 2})
      self.assertIn(f"through the proxy {proxy.url} (http_proxy) of the environment (--proxy '' goes without)", result.out)
      self.assertNotIn("hunter2", self.everything(result))
      tried = spate("try", plan("one.lua"), "-H", "http://target.test", env=env)
      self.assertIn(f"through the proxy {proxy.url} (http_proxy) of the environment", tried.out)
      asked = len(proxy.requests)
      dead = free_port()
      for args in (["-H", f"http://target.test:{dead}", "--proxy", ""], ["-H", f"http://x.other.test:{dead}"]):
        result = run(*basics(*args, "--resolve", f"*:{dead}:127.0.0.1"), env=env)
        self.expect_outcomes(result, {"connect": 2})
        self.assertNotIn("through the proxy", self.everything(result))
    self.assertEqual(len(proxy.requests), asked)

  def test_this_machine_is_never_behind_one(self):
    with Server(always(HELLO)) as target, Proxy() as proxy:
      for variable in ("http_proxy", "all_proxy", "ALL_PROXY"):
        result = run(*basics("-H", target.url), env={variable: proxy.url})
        self.expect_outcomes(result, {"ok": 2})
      self.assertEqual(proxy.connections, 0)
      result = run(*basics("-H", target.url, "--proxy", proxy.url))
      self.expect_outcomes(result, {"ok": 2})
      self.assertEqual((proxy.connections, target.connections), (1, 3))

  def test_what_cannot_be(self):
    for args, words in ((["--proxy", "socks5://me:hunter2@x:1"], "SOCKS"), (["--proxy", "http://x", "--unix-socket", "/s"], "two ways"),
                        (["--resolve", "nothing"], "HOST:PORT:ADDRESS"), (["--source", "192.0.2.1"], "no address of this machine"),
                        (["--dns", "last"], "round-robin"), (["--connect-rate", "0"], "more than 0")):
      result = spate("run", *basics(*args))
      self.assertEqual(result.code, 2, result)
      self.assertIn(words, result.err)
      self.assertNotIn("hunter2", result.err)
    result = spate("run", *basics("-H", "http://target.test"), env={"http_proxy": "socks5://x:1"})
    self.assertEqual(result.code, 2, result)
    self.assertIn("http_proxy of the environment: SOCKS", result.err)


class Places(Case):
  """Unix sockets and addresses."""

  def test_a_unix_socket(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "app.sock")
      server = UnixServer(path, always(HELLO))
      result = run(*basics("-H", "http://app.test/base", "--unix-socket", path, "-e", "text=hello"))
      server.close()
    self.expect_outcomes(result, {"ok": 2})
    self.assertEqual([(request.path, request.headers["host"]) for request in server.requests], [("/base/", "app.test")] * 2)
    self.assertIn("the target is on this machine", " ".join(result.json["validity"]["notes"]))

  def test_no_unix_socket(self):
    result = run(*basics("-H", "http://app.test", "--unix-socket", "/nowhere/app.sock"))
    self.expect_outcomes(result, {"connect": 2})
    self.assertIn("No such file or directory (unix:/nowhere/app.sock)", result.details())

  def two_places(self, *args, count=12):
    with Server(always(HELLO)) as first, Server(always(HELLO), host="127.0.0.2", port=first.port) as second:
      result = run(plan("short.lua"), "-H", f"http://many.test:{first.port}", "--iterations", count, "--threads", 1, "--resolve",
                   f"many.test:{first.port}:127.0.0.1,127.0.0.2", *args)
    self.expect_outcomes(result, {"ok": count})
    return len(first.requests), len(second.requests)

  def test_which_address(self):
    self.assertEqual(self.two_places(), (12, 0))
    self.assertEqual(self.two_places("--dns", "first"), (12, 0))
    self.assertEqual(self.two_places("--dns", "round-robin"), (6, 6))
    first, second = self.two_places("--dns", "random", count=60)
    self.assertTrue(first > 5 and second > 5, (first, second))
    self.assertEqual(self.two_places("--dns", "random", count=60), (first, second))  # same seed, same choices

  def test_the_next_address_where_one_refuses(self):
    with Server(always(HELLO), host="127.0.0.2") as server:
      result = run(plan("short.lua"), "-H", f"http://many.test:{server.port}", "--iterations", 4, "--dns", "round-robin",
                   "--resolve", f"many.test:{server.port}:127.0.0.1,127.0.0.2")
    self.expect_outcomes(result, {"ok": 4})

  def test_source_addresses(self):
    seen = []
    lock = threading.Lock()

    def handler(peer):
      with lock:
        seen.append(peer.sock.getpeername()[0])
      always(HELLO)(peer)

    with Server(handler) as server:
      result = run(plan("short.lua"), "-H", server.url, "--iterations", 9, "--source", "127.0.0.2,127.0.0.3,127.0.0.4")
    self.expect_outcomes(result, {"ok": 9})
    self.assertEqual(sorted(seen), ["127.0.0.2"] * 3 + ["127.0.0.3"] * 3 + ["127.0.0.4"] * 3)


class Rate(Case):
  def test_new_connections_a_second(self):
    """20 at once, 20 a second, over two threads: the last waits for about a second, and its wait shows."""
    with Server(always(HELLO)) as server:
      result = run(plan("short.lua"), "-H", server.url, "-u", 20, "--iterations", 20, "--threads", 2, "--connect-rate", "20/s")
    self.expect_outcomes(result, {"ok": 20})
    row = result.request("short")
    self.assertGreaterEqual(row["metrics"]["wait"]["max"], 900)
    self.assertGreaterEqual(row["metrics"]["e2e"]["max"], 900)
    self.assertGreaterEqual(result.json["run"]["duration_s"], 0.9)
    self.assertLess(row["metrics"]["connect"]["p50"], 500)

  def test_kept_connections_are_not_held_up(self):
    with Server(always(HELLO)) as server:
      result = run(plan("short.lua"), "-H", server.url, "-e", "connection=user", "--iterations", 50, "--connect-rate", "1/s")
    self.expect_outcomes(result, {"ok": 50})
    self.assertEqual(server.connections, 1)


if __name__ == "__main__":
  main()
