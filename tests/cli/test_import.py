"""spate import from the command line: a command with its quotes, without them, from standard input."""
import os
import subprocess
import tempfile

from cli_support import support
from server import Server, always, answer

WORDS = ["-X", "POST", "http://127.0.0.1:1/v1/chat-messages", "-H", "Authorization: Bearer app-12345678", "-H",
         "Content-Type: application/json", "-d", '{"query": "it\'s", "response_mode": "streaming"}']
QUOTED = "curl " + " ".join("'" + word.replace("'", "'\\''") + "'" for word in WORDS)


class Import(support.Case):
  def imported(self, *args):
    result = support.spate("import", *args)
    self.assertEqual(result.code, 0, str(result))
    self.assertNotIn("app-12345678", result.out + result.err)
    return result

  def test_words_are_as_good_as_quotes(self):
    plan = self.imported("curl", QUOTED).out
    self.assertIn('Authorization = "Bearer " .. key', plan)
    self.assertEqual(self.imported("curl", *WORDS).out, plan)
    self.assertEqual(self.imported("curl", "curl", *WORDS).out, plan)
    piped = subprocess.run([support.SPATE, "import", "curl", "-"], input=QUOTED.encode(), stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, check=True)
    self.assertEqual(piped.stdout.decode(), plan)

  def test_whose_option_it_is(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, "plan.lua")
      for args in (("-o", path, "curl", *WORDS), ("--output=" + path, "curl", *WORDS), ("curl", QUOTED, "-o", path)):
        with self.subTest(args=args[:2]):
          self.assertEqual(self.imported(*args).out, "")
          os.unlink(path)
      result = self.imported("curl", "-s", "http://127.0.0.1:1/", "-o", path)
      self.assertIn("spate.load", result.out)
      self.assertIn("note: -o behind 'curl' is curl's own", result.err)
      self.assertFalse(os.path.exists(path))
    self.assertIn("Usage: spate import", support.spate("import", "curl", "--help").out)

  def test_what_it_sends(self):
    """A form, a user, cookies and redirects go the whole way."""
    with tempfile.TemporaryDirectory() as folder, Server(always(answer(b"ok"))) as server:
      plan, file = os.path.join(folder, "plan.lua"), os.path.join(folder, "a.txt")
      with open(file, "w", encoding="utf-8") as out:
        out.write("hello")
      self.imported("-o", plan, "curl", "-L", "-u", "me:secret1", "-b", "a=1; b=2", "-F", "file=@" + file, "-F", "user=x",
                    server.url + "/up")
      with open(plan, encoding="utf-8") as text:
        self.assertNotIn("secret1", text.read())
      result = support.run(plan, "--iterations", 1, "-e", "auth_user=me", "-e", "auth_password=secret1", "-e",
                           "cookie=a=1; b=2")
      self.expect_outcomes(result, {"ok": 1})
      request = server.requests[0]
      self.assertEqual((request.method, request.headers["cookie"]), ("POST", "a=1; b=2"))
      self.assertEqual(request.headers["authorization"], "Basic bWU6c2VjcmV0MQ==")
      self.assertIn(b'name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n', request.body)


if __name__ == "__main__":
  support.main()
