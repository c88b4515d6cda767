"""TLS: trust by default, what is said of a certificate that is not trusted, client certificates, the mock over TLS."""
import ssl

from certs import Certs
from server import Server, always, answer
from support import Case, count_of, main, mock, plan, run


class Tls(Case):
  @classmethod
  def setUpClass(cls):
    cls.certs = Certs()

  @classmethod
  def tearDownClass(cls):
    cls.certs.close()

  def context(self, name, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self.certs.path(name + ".pem"), self.certs.path(name + ".key"))
    if client_ca:
      context.verify_mode = ssl.CERT_REQUIRED
      context.load_verify_locations(self.certs.path(client_ca + ".pem"))
    return context

  def go(self, name, *args, host="127.0.0.1", client_ca=None, context=None):
    with Server(always(answer("hello")), tls=context or self.context(name, client_ca)) as server:
      self.server = server
      return run(plan("one.lua"), "-H", f"https://{host}:{server.port}", "--iterations", 3, *args)

  def trusted(self):
    return ["--cacert", self.certs.path("ca.pem")]

  def refused(self, result, words):
    self.expect_outcomes(result, {"connect": 3})
    self.assertRegex(result.details(), words)
    self.expect_code(result, 1)
    self.assertEqual(self.server.requests, [])

  def test_trusted(self):
    for host in ("127.0.0.1", "localhost"):
      result = self.go("good", *self.trusted(), "-e", "text=hello", host=host)
      self.expect_outcomes(result, {"ok": 3})
      self.assertEqual((self.server.connections, count_of(result.request("one")["metrics"]["tls"])), (1, 1))

  def test_verified_by_default(self):
    self.refused(self.go("good"), "certificate|issuer")

  def test_expired(self):
    self.refused(self.go("expired", *self.trusted()), "expired")

  def test_another_host(self):
    self.refused(self.go("elsewhere", *self.trusted()), "(?i)mismatch|host|name|IP")
    self.refused(self.go("elsewhere", *self.trusted(), host="localhost"), "(?i)mismatch|host|name")

  def test_self_signed(self):
    self.refused(self.go("selfsigned", *self.trusted()), "self.signed")
    result = self.go("selfsigned", "--cacert", self.certs.path("selfsigned.pem"))
    self.expect_outcomes(result, {"ok": 3})

  def test_another_authority(self):
    self.refused(self.go("good", "--cacert", self.certs.path("other-ca.pem")), "certificate|issuer")

  def test_insecure(self):
    for name in ("good", "expired", "elsewhere", "selfsigned"):
      self.expect_outcomes(self.go(name, "--insecure"), {"ok": 3})

  def test_client_certificates(self):
    pair = lambda name: ["--cert", self.certs.path(name + ".pem"), "--key", self.certs.path(name + ".key")]
    result = self.go("good", *self.trusted(), *pair("client"), client_ca="ca")
    self.expect_outcomes(result, {"ok": 3})
    for more in ([], pair("stranger")):
      result = self.go("good", *self.trusted(), *more, client_ca="ca")
      self.assertEqual(self.server.requests, [])
      self.assertEqual(result.totals["failed"], 3)
      self.assertLessEqual(set(result.outcomes()), {"connect",
                                                    "reset"})  # TLS 1.3: the server says no after the handshake
      self.assertRegex(result.details(), "(?i)certificate|closed|reset|alert")

  def test_files_that_are_wrong(self):
    good, key = self.certs.path("good.pem"), self.certs.path("good.key")
    for args, words in ((["--cacert", "no-such-file.pem"], "no-such-file.pem"), (["--cacert", key], "good.key"),
                        (["--cert", good, "--key", self.certs.path("client.key")], "good.pem|client.key"),
                        (["--cert", "no-such.pem", "--key", key], "no-such.pem"),
                        (["--cert", good, "--key", "no-such.key"], "no-such.key"),
                        (["--key", key], "--cert|cert")):
      with Server(always(answer("hello")), tls=self.context("good")) as server:
        result = run(plan("one.lua"), "-H", f"https://127.0.0.1:{server.port}", "--iterations", 1, *args)
        with self.subTest(args=args):
          self.assertIn(result.code, (1, 2), str(result))
          self.assertRegex(result.err, words)
          self.assertEqual(server.connections, 0)

  def test_plain_and_tls_confused(self):
    def plain(peer):
      peer.sock.recv(65536)
      peer.send(answer("", "400 Bad Request"))
    with Server(plain) as server:
      result = run(plan("one.lua"), "-H", f"https://127.0.0.1:{server.port}", "--iterations", 2, "--insecure")
    self.expect_outcomes(result, {"connect": 2})
    self.assertRegex(result.details(), "(?i)tls|ssl")
    with Server(always(answer("hello")), tls=self.context("good")) as server:
      result = run(plan("one.lua"), "-H", f"http://127.0.0.1:{server.port}", "--iterations", 2, "--timeout", "10s")
    self.assertEqual(result.totals["ok"], 0)

  def test_old_versions_and_new(self):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
      context = self.context("good")
      context.minimum_version = context.maximum_version = version
      self.expect_outcomes(self.go("good", *self.trusted(), context=context), {"ok": 3})

  def test_the_name_is_sent(self):
    """SNI for a name, none for an address."""
    seen = []
    context = self.context("good")
    context.sni_callback = lambda sock, name, _: seen.append(name)
    self.go("good", *self.trusted(), host="localhost", context=context)
    self.go("good", *self.trusted(), host="127.0.0.1", context=context)
    self.assertEqual(seen, ["localhost", None])

  def test_closed_without_goodbye(self):
    """An answer delimited by the close needs TLS's own end; a socket that just closes may have lost some of it."""
    def handler(peer):
      if peer.read():
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        peer.sock.close()  # no close_notify
    with Server(handler, tls=self.context("good")) as server:
      result = run(plan("one.lua"), "-H", server.url, "--iterations", 2, *self.trusted())
    self.assertLessEqual(set(result.outcomes()), {"ok", "reset"})

  def test_streams_over_tls(self):
    args = ["--cert", self.certs.path("good.pem"), "--key", self.certs.path("good.key")]
    schedule = "queue=0ms node=1ms first=2ms gap=1ms tail=0ms tokens=10"
    faults = {"ok": "ok", "reset@3": "reset", "cut@3": None, "truncate@3": "truncated", "drip": "ok",
              "garbage": "protocol", "error@3": "stream_error"}
    with mock(*args) as target:
      self.assertEqual(target.scheme, "https")
      result = run(plan("faults.lua"), "-H", target.url, "-e", "faults=" + ",".join(faults), "-e",
                   "schedule=" + schedule,
                   "-u", 4, "--iterations", 8, *self.trusted())
    for fault, outcome in faults.items():
      if outcome:
        self.expect_outcomes(result, {outcome: 8}, fault)
    self.assertLessEqual(set(result.outcomes("cut@3")), {"truncated", "reset"})
    self.expect_outcomes(result, {"ok": 8 * len(faults)}, "after")


if __name__ == "__main__":
  main()
