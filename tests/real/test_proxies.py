"""Through Debian's own proxies: tinyproxy and squid. Each gets a configuration of its own in a temporary folder and a free
port; what the packages' services do does not matter."""
import os
import shutil
import ssl
import subprocess
import tempfile

import real
from certs import Certs
from server import Server, always, answer, every
from support import Case, Mock, main, plan, run

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 60
MaxClients 100
LogLevel Info
LogFile "{folder}/log"
PidFile "{folder}/pid"
{more}
"""
# Logs into the folder, keeps nothing, and knows one user.
SQUID = """
http_port 127.0.0.1:{port}
visible_hostname localhost
pid_filename {folder}/pid
access_log none
cache_log {folder}/log
cache_store_log none
cache deny all
coredump_dir {folder}
shutdown_lifetime 1 seconds
pinger_enable off
{more}
"""
SQUID_PASSWORDS = """
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/users
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""


class Software:
  """A program in the foreground with its configuration in a folder that it may write to."""

  def __init__(self, command, text, more=""):
    self.folder = tempfile.mkdtemp(prefix="spate-proxy-")
    os.chmod(self.folder, 0o777)  # both give their root rights away
    self.port = real.free_port()
    config = os.path.join(self.folder, "config")
    with open(os.path.join(self.folder, "users"), "w", encoding="ascii") as file:
      password = subprocess.run(["openssl", "passwd", "-apr1", "hunter2"], capture_output=True, check=True)
      file.write("me:" + password.stdout.decode())
    with open(config, "w", encoding="ascii") as file:
      file.write(text.format(port=self.port, folder=self.folder, more=more.format(folder=self.folder)))
    self.output = open(os.path.join(self.folder, "output"), "wb")
    self.process = subprocess.Popen([*command, config], stdout=self.output, stderr=self.output)
    real.wait_for("proxy at its port", self.is_up, 30)

  def is_up(self):
    if self.process.poll() is not None:
      with open(os.path.join(self.folder, "output"), errors="replace", encoding="utf-8") as file:
        raise AssertionError(f"{self.process.args} ended: {file.read()}")
    return real.listens(self.port)

  def close(self):
    self.process.terminate()
    try:
      self.process.wait(20)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.wait()
    self.output.close()
    shutil.rmtree(self.folder)


class Through:
  """What holds of any proxy."""

  @classmethod
  def setUpClass(cls):
    cls.certs = Certs()
    cls.proxy = Software(cls.command, cls.text, cls.open_to_all)
    cls.mock = Mock()

  @classmethod
  def tearDownClass(cls):
    cls.mock.close()
    cls.proxy.close()
    cls.certs.close()

  def go(self, plan_name, *args, proxy=None, user=""):
    return run(plan(plan_name), "--proxy", f"http://{user}127.0.0.1:{(proxy or self.proxy).port}", *args)

  def tls_server(self, handler, *alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self.certs.path("good.pem"), self.certs.path("good.key"))
    if alpn:
      context.set_alpn_protocols(alpn)
    return Server(handler, tls=context)

  def test_http(self):
    with Server(every(lambda peer, request: peer.send(answer(request.body)))) as server:
      result = self.go("one.lua", "-H", server.url, "--iterations", 20, "-e", "method=POST", "-e", "body=to and fro", "-e",
                       "text=to and fro")
    self.expect_outcomes(result, {"ok": 20})
    self.assertEqual(len(server.requests), 20)

  def test_streams(self):
    result = run("dify:chat", "-H", self.mock.url, "--iterations", 5, "-e", "key=app-simple", "--proxy",
                 f"http://127.0.0.1:{self.proxy.port}")
    self.expect_outcomes(result, {"ok": 5})
    self.assertGreater(result.totals["events"], 5)

  def test_https(self):
    with self.tls_server(always(answer("hello"))) as server:
      result = self.go("one.lua", "-H", f"https://localhost:{server.port}", "--cacert", self.certs.path("ca.pem"), "--iterations",
                       20, "-e", "text=hello")
    self.expect_outcomes(result, {"ok": 20})
    self.assertEqual(result.json["validity"]["generator"]["connections"], 1)

  def test_https_by_address_and_many_users(self):
    with self.tls_server(always(answer("hello"))) as server:
      result = self.go("one.lua", "-H", f"https://127.0.0.1:{server.port}", "--insecure", "--iterations", 200, "-u", 20)
    self.expect_outcomes(result, {"ok": 200})

  def test_http2_through_a_tunnel(self):
    nghttpd = real.need("nghttpd", "nghttp2-server")
    port = real.free_port()
    server = subprocess.Popen([nghttpd, "-a", "127.0.0.1", "-d", self.certs.folder, str(port), self.certs.path("good.key"),
                               self.certs.path("good.pem")], stdout=subprocess.DEVNULL)
    try:
      real.wait_for("nghttpd", lambda: real.listens(port), 20)
      result = self.go("one.lua", "-H", f"https://localhost:{port}", "--cacert", self.certs.path("ca.pem"), "--http", "2",
                       "--iterations", 20, "-e", "path=/good.pem")
    finally:
      server.terminate()
      server.wait()
    self.expect_outcomes(result, {"ok": 20})

  def test_nobody_behind_it(self):
    port = real.free_port()
    result = self.go("one.lua", "-H", f"https://localhost:{port}", "--iterations", 2)
    self.expect_outcomes(result, {"connect": 2})
    self.assertRegex(result.details(), rf"proxy http://127.0.0.1:{self.proxy.port} \(--proxy\): it answered CONNECT with 50\d")
    result = self.go("one.lua", "-H", f"http://localhost:{port}", "--iterations", 2)
    self.expect_outcomes(result, {"http_status": 2})

  def test_passwords(self):
    proxy = Software(self.command, self.text, self.with_passwords)
    try:
      with self.tls_server(always(answer("hello"))) as server, Server(always(answer("plain"))) as plain:
        urls = f"https://localhost:{server.port}", plain.url
        for url in urls:
          result = self.go("one.lua", "-H", url, "--insecure", "--iterations", 3, proxy=proxy, user="me:hunter2@")
          self.expect_outcomes(result, {"ok": 3})
          self.assertNotIn("hunter2", result.out + result.err + str(result.json))
        for user in ("", "me:wrong@"):
          result = self.go("one.lua", "-H", urls[0], "--insecure", "--iterations", 2, proxy=proxy, user=user)
          self.expect_outcomes(result, {"connect": 2})
          self.assertRegex(result.details(), r"it answered CONNECT with 40[17] ")
          result = self.go("one.lua", "-H", urls[1], "--iterations", 2, proxy=proxy, user=user)
          self.expect_outcomes(result, {"http_status": 2})
    finally:
      proxy.close()


class Tinyproxy(Through, Case):
  text = TINYPROXY
  open_to_all, with_passwords = "", "BasicAuth me hunter2"


class Squid(Through, Case):
  text = SQUID
  open_to_all, with_passwords = "http_access allow all", SQUID_PASSWORDS


if __name__ == "__main__":
  os.environ["PATH"] += ":/usr/sbin"  # where squid is
  Tinyproxy.command = [real.need("tinyproxy", "tinyproxy"), "-d", "-c"]
  Squid.command = [real.need("squid", "squid"), "-N", "-f"]
  main()
