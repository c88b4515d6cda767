"""How requests reach a target: cookies, redirects, Basic authentication, uploads, shared connections."""
import base64
import os
import re
import tempfile

from server import Server, answer, every
from shop import Shop, echo
from support import Case, MockCase, main, plan, run


def redirect(status, to, *headers):
  return answer(b"moved", f"{status} Moved", f"Location: {to}", *headers)


def respond(peer, request):
  path, _, query = request.path.partition("?")
  if path.startswith("/to/"):
    _, _, status, to = path.split("/", 3)
    to = {"bad": "ftp://elsewhere/"}.get(to, to if "://" in to else "/" + to)
    peer.send(redirect(status, to))
  elif path.startswith("/hop/"):
    left = int(path[5:])
    peer.send(redirect(301, f"../hop/{left - 1}", f"Set-Cookie: hop{left}=1") if left else echo(request))
  elif path == "/loop":
    peer.send(redirect(302, "/loop?" + query))
  elif path == "/echo":
    peer.send(echo(request))
  elif path == "/login":
    peer.send(answer(b"", "200 OK", f"Set-Cookie: session={query}; Path=/; HttpOnly", "Set-Cookie: deep=1; Path=/deep",
                     "Set-Cookie: foreign=1; Domain=example.com", "Set-Cookie: old=1; Max-Age=0"))
  elif path == "/logout":
    peer.send(answer(b"", "200 OK", "Set-Cookie: session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"))
  elif path == "/own":
    peer.send(answer(b"data: a\n\n", "200 OK", "Content-Type: text/event-stream"))
  elif path == "/repeats":
    token = request.headers["authorization"]
    peer.send(answer(f'{{"message":"{token} is me:pass-word"}}', "403 Forbidden", "Content-Type: application/json"))
  else:
    peer.send(answer(b"ok"))


class Reach(Shop):
  def __init__(self):
    Server.__init__(self, every(respond))


class ReachCase(Case):
  @classmethod
  def setUpClass(cls):
    cls.server = Reach()

  @classmethod
  def tearDownClass(cls):
    cls.server.close()

  def setUp(self):
    self.server.clear()

  def part(self, name, *args, errors=0):
    result = run(plan("reach.lua"), "-H", self.server.url, "-e", "part=" + name, *args)
    self.assertEqual(result.totals["task_errors"], errors, str(result))
    return result


class Cookies(ReachCase):
  def cookies(self, path):
    """As the server saw them; None without the header."""
    header = self.server.one(path).headers.get("cookie")
    return header and header.split("; ")

  def test_a_user_keeps_its_own(self):
    result = self.part("cookies")
    self.expect_code(result, 0)
    self.assertIsNone(self.cookies("/login"))
    session = "session=user=" + re.search(r"user=(\d+)", self.server.one("/login").path).group(1)
    self.assertEqual(self.cookies("/deep/page"), ["deep=1", session])
    self.assertIsNone(self.cookies("/without"))
    self.assertEqual(self.cookies("/own"), ["mine=1"])
    self.assertEqual(self.cookies("/set"), [session, "set=by plan"])
    self.assertEqual(self.cookies("/after"), ["set=by plan"])
    self.assertIsNone(self.cookies("/cleared"))
    self.assertEqual(self.server.reports, [{"name": session[8:], "none": True, "deep": "1"}])

  def test_users_do_not_share_them(self):
    self.part("cookies", "-u", 5, "--iterations", 25)
    pages = self.server.at("/deep/page")
    self.assertEqual(len(pages), 25)
    for page in pages:
      self.assertEqual(page.headers["cookie"], "deep=1; session=" + page.path.split("?")[1])

  def test_a_foreign_domain_is_refused(self):
    result = self.part("wrong_cookie", errors=1)
    self.assertRegex(result.details(), r"reach\.lua:\d+: set_cookie\('a', …\): the cookie's domain is not the host's")


class Redirects(ReachCase):
  def test_methods_limits_and_outcomes(self):
    result = self.part("redirects")
    report = self.server.reports[0]
    self.assertEqual((report["found"], report["kept"], report["body"]), ("GET", "POST", 1))
    self.assertEqual((report["chain"], report["url"]), (3, self.server.url + "/hop/0"))
    self.assertEqual((report["plain"], report["none"], report["events"]), (302, True, 1))
    self.assertEqual(report["over"], f"over 2 redirects, the last one to: {self.server.url}/hop/0")
    self.assertEqual(report["loop"], f"over 10 redirects, the last one to: {self.server.url}/loop?key=***")
    for name in ("found", "kept", "chain", "plain", "stream"):
      self.expect_outcomes(result, {"ok": 1}, name)
    for name in ("over", "loop", "bad"):
      self.expect_outcomes(result, {"protocol": 1}, name)
    self.assertEqual(report["bad"], "protocol")
    self.assertIn("ftp", result.details("bad"))

  def test_one_request_whatever_its_hops(self):
    result = self.part("redirects")
    row = result.request("chain")
    self.assertEqual((row["count"], row["counters"]["redirect"]), (1, 3))
    hops = [request for request in self.server.requests if request.path.startswith("/hop/")]
    self.assertEqual(len(hops), 4 + 3)  # and those of "over"
    size = sum(len(f"{request.method} {request.path}") for request in hops[:4])
    self.assertGreater(row["bytes_out"], size)
    self.assertEqual(hops[3].headers["cookie"].count("="), 3)  # set on the way
    self.assertNotIn("content-type", self.server.at("/echo")[0].headers)

  def test_by_load_and_by_class(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "plan.lua")
      for where, wanted in (("load", 200), ("class", 200), ("class off", 301)):
        with open(path, "w", encoding="utf-8") as file:
          file.write("local spate = require('spate')\nspate.load { iterations = 1, redirects = %s }\nspate.user('U', {"
                     " redirects = %s, tasks = { t = function(u) local r = u:get('/hop/1')"
                     " u:check(r.status == %d, 'status ' .. r.status) end } })" % (
                         "false" if where == "class" else "true",
                         {"load": "nil", "class": "3", "class off": "0"}[where], wanted))
        with self.subTest(where=where):
          self.expect_outcomes(run(path, "-H", self.server.url), {"ok": 1})

  def test_what_is_the_origins_stays_there(self):
    with Server(every(lambda peer, _: peer.send(answer(b"ok")))) as other:
      self.part("elsewhere", "-e", f"other={other.url}/there")
      there = other.requests[0].headers
    here = self.server.requests[0].headers
    self.assertEqual((here["x-api-key"], here["x-plain"]), ("k", "p"))
    self.assertTrue(here["authorization"].startswith("Basic "))
    self.assertNotIn("authorization", there)
    self.assertNotIn("x-api-key", there)
    self.assertEqual((there["x-plain"], there["host"]), ("p", other.url[7:]))


class Auth(ReachCase):
  def test_basic(self):
    result = self.part("auth")
    sent = [self.server.one(path).headers["authorization"] for path in ("/auth", "/class", "/header", "/repeats")]
    token = base64.b64encode(b"me:pass-word").decode()
    self.assertEqual(sent, ["Basic " + token, "Basic " + base64.b64encode(b"class:class-word").decode(), "Bearer x",
                            "Basic " + token])
    self.assertEqual(self.server.reports[0]["error"], "403: Basic *** is me:***")
    for text in (result.out, result.err, str(result.json)):
      self.assertNotIn("pass-word", text)
      self.assertNotIn(token, text)


  def test_a_user_in_the_url(self):
    result = self.part("url_auth", "-e", "other=" + self.server.url)
    self.assertEqual(self.server.one("/repeats").headers["authorization"],
                     "Basic " + base64.b64encode(b"me:pass-word").decode())
    self.assertEqual(self.server.reports[0]["error"], "403: Basic *** is me:***")
    self.assertNotIn("pass", str(result.json["errors"]))


class Uploads(ReachCase):
  def test_forms(self):
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
      file.write(b"%PDF \0 bytes\r\n--")
      file.flush()
      self.expect_code(self.part("upload", "-e", "file=" + file.name), 0)
      name = os.path.basename(file.name)
    sent = self.server.one("/upload")
    kind, boundary = sent.headers["content-type"].split("; boundary=")
    self.assertEqual((sent.method, kind), ("POST", "multipart/form-data"))
    self.assertEqual(sent.body.decode("latin-1").encode("latin-1"), (
        f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nü\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="b"\r\n\r\n2\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f'Content-Type: application/pdf\r\n\r\n%PDF \0 bytes\r\n--\r\n--{boundary}--\r\n').encode())
    self.assertIn(b'name="doc"; filename="x.csv"\r\nContent-Type: text/csv\r\n\r\na,b\n\r\n',
                  self.server.one("/data").body)
    parts = self.server.one("/parts").body
    self.assertEqual(re.findall(rb'name="(\w+)"', parts), [b"zero", b"one", b"two"])
    self.assertIn(b'name="two"\r\nContent-Type: text/x\r\n\r\n2\r\n', parts)

  def test_a_file_that_is_not_there(self):
    result = self.part("missing", "-e", "file=/nowhere/x", errors=1)
    self.assertRegex(result.details(), r"reach\.lua:\d+: multipart\{…\}: cannot open '/nowhere/x\.none': No such file")


class Connections(ReachCase):
  def test_shared(self):
    before = self.server.connections
    self.part("shared", "-u", 1, "--iterations", 20)
    self.assertEqual(self.server.connections - before, 1)
    before = self.server.connections
    self.part("shared", "-u", 5, "-r", 5, "--iterations", 5, "--threads", 1)  # one after the other
    self.assertEqual(len(self.server.at("/shared")), 25)
    self.assertLess(self.server.connections - before, 5)

  def test_the_version_of_a_plan_and_of_the_flag(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "plan.lua")
      for load, user, request, flags, wanted in (
          ("'2'", "nil", "nil", (), "PRI"), ("nil", "'2'", "nil", (), "PRI"), ("nil", "nil", "'2'", (), "PRI"),
          ("'2'", "'1.1'", "nil", (), "GET"), ("nil", "'2'", "'auto'", (), "GET"),
          ("'2'", "'2'", "'2'", ("--http", "1.1"), "GET")):
        with open(path, "w", encoding="utf-8") as file:
          file.write(f"local spate = require('spate')\nspate.load {{ iterations = 1, http = {load} }}\n"
                     f"spate.user('U', {{ http = {user}, tasks = {{ t = function(u) "
                     f"u:get('/', {{ http = {request} }}) end }} }})")
        with self.subTest(load=load, user=user, request=request), \
            Server(lambda peer: peer.read_head() and peer.send(answer(b"ok"))) as server:
          run(path, "-H", server.url, *flags)
          self.assertEqual(server.requests[0].method, wanted)


class DifyFiles(MockCase):
  def test_an_uploaded_file_in_a_chat(self):
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
      file.write(b"hello")
      file.flush()
      result = run(plan("reach.lua"), "-H", self.mock.url, "-e", "part=dify", "-e", "file=" + file.name)
    self.assertEqual(result.totals["task_errors"], 0, str(result))
    self.expect_outcomes(result, {"ok": 1}, "dify")
    self.expect_outcomes(result, {"ok": 1}, "chat")
    self.expect_outcomes(result, {"http_status": 1}, "stranger")
    self.assertEqual(result.details("stranger"), "400 invalid_param: Invalid upload file")


if __name__ == "__main__":
  main()
