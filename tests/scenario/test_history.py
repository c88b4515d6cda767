"""The history: what runs did is there afterwards, whatever became of them; and it never costs the run a thing."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from support import SPATE, Case, environment, main, mock, run, spate, start

KEY = ["-e", "key=app-simple", "-e", "think_min=0.1", "-e", "think_max=0.3"]
SHORT = ["-u", 2, "-t", "2s", "--stop-timeout", "2s", "--threads", 1]


class HistoryCase(Case):
  @classmethod
  def setUpClass(cls):
    cls.stack = contextlib.ExitStack()
    cls.target = cls.stack.enter_context(mock())

  @classmethod
  def tearDownClass(cls):
    cls.stack.close()

  def setUp(self):
    self.folder = tempfile.mkdtemp(prefix="spate-history-")
    self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
    self.path = os.path.join(self.folder, "new", "history.db")

  def words(self, *args, short=True):
    return ["dify:chat", "-H", self.target.url, *KEY, *(SHORT if short else SHORT[4:]), "--history", self.path, *args]

  def go(self, *args, **options):
    result = run(*self.words(*args), **options)
    self.expect_code(result, 0)
    return result

  def listed(self, *args):
    result = spate("history", "--json", "--history", self.path, *args)
    self.assertEqual(result.code, 0, result)
    return json.loads(result.out)["runs"]

  def query(self, sql, *values):
    with contextlib.closing(sqlite3.connect(self.path, timeout=10)) as database:
      return database.execute(sql, values).fetchall()

  def report(self, *args):
    return spate("report", *args, "--history", self.path)

  def wait_for_ticks(self, count, sql="SELECT count(*) FROM ticks"):
    until = time.monotonic() + 40
    while True:
      with contextlib.suppress(sqlite3.Error):
        if os.path.exists(self.path) and self.query(sql)[0][0] >= count:
          return
      self.assertLess(time.monotonic(), until, f"not {count} seconds in the history")
      time.sleep(0.05)


class Kept(HistoryCase):
  def test_every_output_again(self):
    """From the history come the same bytes as from the run."""
    with open(os.path.join(self.folder, "out.txt"), "wb") as out:
      words = [SPATE, "run", *map(str, self.words("-q", "--warm-up", "500ms", "--tag", "colour=red", "--slo", "p95(ttft) < 9s",
                                                 "--slo", "p95(e2e) < 9s over 1s", "--stages", "2:1s,1:1s", short=False))]
      for kind, name in (("json", "a.json"), ("csv", "a"), ("hdr", "a.hdr"), ("html", "a.html")):
        words += ["--out", f"{kind}={self.folder}/{name}"]
      subprocess.run(words, stdout=out, check=False, env=environment(), timeout=60)
    again = self.report("last", *(word for kind, name in (("json", "b.json"), ("csv", "b"), ("hdr", "b.hdr"), ("html", "b.html"))
                                  for word in ("--out", f"{kind}={self.folder}/{name}")))
    self.assertEqual((again.code, again.out, again.err), (0, "", ""))
    for name in (".json", ".html", ".hdr", "_requests.csv", "_failures.csv", "_history.csv"):
      with open(f"{self.folder}/a{name}", "rb") as one, open(f"{self.folder}/b{name}", "rb") as two:
        self.assertEqual(one.read(), two.read(), name)
    with open(os.path.join(self.folder, "out.txt"), encoding="utf-8") as out:
      self.assertEqual(out.read(), self.report("last").out)
    document = json.loads(self.report("last", "--out", "json=-").out)
    self.assertEqual(document["run"]["tags"], {"colour": "red"})
    self.assertEqual(json.loads(self.query("SELECT summary FROM runs")[0][0]), document)

  def test_what_was_said_again(self):
    """The log is kept, too: a report has it from the run and from the history alike."""
    one, two = (os.path.join(self.folder, name) for name in ("one.html", "two.html"))
    run(*self.words("-e", "key=app-nobody-knows", "--out", "html=" + one))
    self.assertEqual(self.report("last", "--out", "html=" + two).code, 0)
    with open(one, encoding="utf-8") as first, open(two, encoding="utf-8") as second:
      text = first.read()
      self.assertEqual(text, second.read())
    log = json.loads(text.split('id="page-data">', 1)[1].split("</script>", 1)[0])["log"]
    self.assertTrue(any("401" in line["text"] for line in log), log)

  def test_the_list(self):
    self.assertEqual(self.listed(), [])  # nothing was kept yet: no fault
    first = self.go("--tag", "colour=red", "--name", "the first")
    second = self.go("--tag", "colour=blue")
    runs = self.listed()
    self.assertEqual([row["id"] for row in runs], [second.json["run"]["id"], first.json["run"]["id"]])
    self.assertEqual(runs[1]["name"], "the first")
    for row, result in zip(runs, (second, first)):
      self.assertEqual(row["state"], "finished")
      self.assertAlmostEqual(row["rps"], result.totals["rps"], places=6)
      self.assertEqual(row["users_max"], 2)
      self.assertEqual(row["valid"], result.json["validity"]["valid"])
      self.assertEqual(row["tags"], result.json["run"]["tags"])
    self.assertEqual([row["tags"] for row in self.listed("--tag", "colour=red")], [{"colour": "red"}])
    self.assertEqual(len(self.listed("--limit", 1)), 1)
    self.assertEqual(len(self.listed("--since", "1h", "--plan", "dify:chat")), 2)
    self.assertEqual(self.listed("--plan", "http"), [])
    self.assertEqual(self.listed("--since", "2200-01-01"), [])
    self.assertIn("the first", spate("history", "--history", self.path).out)
    refused = spate("compare", "last~1", "last", "--history", self.path)
    self.assertEqual(refused.code, 1)
    self.assertIn("an interval needs 10 s and more", refused.out)

  def test_no_secret_in_it(self):
    run(*self.words("-e", "key=app-very-secret-7311", "-H", self.target.url.replace("//", "//user:pass-9142@")))
    for name in os.listdir(os.path.dirname(self.path)):
      with open(os.path.join(os.path.dirname(self.path), name), "rb") as file:
        content = file.read()
      self.assertNotIn(b"very-secret-7311", content)
      self.assertNotIn(b"pass-9142", content)
    self.assertEqual(self.query("SELECT value FROM params WHERE key = 'key'"), [(None,)])

  def test_not_kept(self):
    self.go("--no-history")
    self.assertFalse(os.path.exists(self.path))

  def test_two_at_once(self):
    """Both are whole: every second of each, in one file."""
    runs = [start(*self.words("--name", name)) for name in ("one", "two", "three")]
    results = [one.finish() for one in runs]
    self.assertEqual({row["id"] for row in self.listed()}, {one.json["run"]["id"] for one in results})
    for row in self.listed():
      self.assertEqual(row["state"], "finished")
      numbers = self.query("SELECT n FROM ticks JOIN runs ON run = no WHERE id = ? ORDER BY n", row["id"])
      self.assertGreaterEqual(len(numbers), 2)
      self.assertEqual([n for n, in numbers], list(range(len(numbers))))
    for result in results:
      self.assertNotIn("history", result.out + result.err)


class CutOff(HistoryCase):
  def test_kill_9(self):
    """A killed run is there up to its last second, and is told from one that goes on."""
    alive = start(*self.words("-t", "60s", "--name", "alive"))
    killed = start(*self.words("-t", "60s", "--name", "killed"))
    self.wait_for_ticks(3, "SELECT ifnull(min(count), 0) FROM (SELECT count(n) AS count FROM runs LEFT JOIN ticks ON run = no GROUP BY no) "
                           "WHERE (SELECT count(*) FROM runs) = 2")
    self.assertEqual({row["name"]: row["state"] for row in self.listed()}, {"alive": "running", "killed": "running"})
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait(20)
    killed.process.stdout.close()
    killed.process.stderr.close()
    shutil.rmtree(killed.folder)
    rows = {row["name"]: row for row in self.listed()}
    self.assertEqual({name: row["state"] for name, row in rows.items()}, {"alive": "running", "killed": "interrupted"})
    self.assertGreaterEqual(rows["killed"]["duration_s"], 2.5)
    self.assertGreater(rows["killed"]["rps"], 0)
    ident = rows["killed"]["id"]
    document = json.loads(self.report(ident, "--out", "json=-").out)
    self.assertGreater(document["totals"]["ok"], 0)
    self.assertEqual(document["run"]["id"], ident)
    self.assertIn("cut off", document["validity"]["reasons"][0])
    self.assertFalse(document["validity"]["valid"])
    self.assertIn("cut off", self.report(ident).out)
    compared = spate("compare", ident, rows["alive"]["id"], "--history", self.path)
    self.assertEqual(compared.code, 1)
    self.assertIn("A was cut off", compared.out)
    self.assertIn("B still goes on", compared.out)
    alive.process.send_signal(signal.SIGINT)
    self.assertEqual(alive.finish().code, 130)
    self.assertEqual({row["name"]: row["state"] for row in self.listed()}["alive"], "finished")  # it has its end

  def test_cleaning_up(self):
    self.go()
    going = start(*self.words("-t", "60s", "--name", "goes on"))
    self.wait_for_ticks(1, "SELECT count(*) FROM ticks JOIN runs ON run = no WHERE name = 'goes on'")
    dry = spate("history", "gc", "--keep", "0s", "--dry-run", "--history", self.path)
    self.assertEqual((dry.code, dry.out.split(";")[0]), (0, "would delete 1 run"))
    self.assertEqual(len(self.listed()), 2)
    self.assertIn("deleted 0 runs", spate("history", "gc", "--keep", "90d", "--history", self.path).out)
    self.assertIn("deleted 1 run;", spate("history", "gc", "--keep", "0s", "--history", self.path).out)
    self.assertEqual([row["name"] for row in self.listed()], ["goes on"])
    going.process.send_signal(signal.SIGINT)
    going.finish()
    self.assertEqual([row["state"] for row in self.listed()], ["finished"])


class Hindered(HistoryCase):
  """Whatever is wrong with the history costs one sentence, and not the run or its exit code."""

  def expect_a_sentence(self, result, *parts):
    lines = [line for line in (result.out + result.err).splitlines() if "histor" in line and "validity" not in line]
    self.assertEqual(len(lines), 1, str(result))
    for part in parts:
      self.assertIn(part, lines[0])

  def test_no_place(self):
    blocking = os.path.join(self.folder, "file")
    with open(blocking, "w", encoding="utf-8") as file:
      file.write("no folder\n")
    self.expect_a_sentence(self.go("--history", blocking + "/history.db"), "this run is not kept", "Not a directory", "--no-history")
    self.expect_a_sentence(self.go("--history", blocking), "this run is not kept", "the file is no history")
    with open(blocking, encoding="utf-8") as file:
      self.assertEqual(file.read(), "no folder\n")

  def test_no_home(self):
    result = run("dify:chat", "-H", self.target.url, *KEY, *SHORT, env={"XDG_DATA_HOME": "", "HOME": ""})
    self.expect_code(result, 0)
    self.expect_a_sentence(result, "neither XDG_DATA_HOME nor HOME is set")

  def test_read_only(self):
    if os.geteuid() == 0:  # whom permissions don't stop: a mount does
      return self.in_own_mounts("mount --bind {0} {0} && mount -o remount,bind,ro {0}", "not kept", "ead-only")
    os.chmod(self.folder, 0o555)
    try:
      self.expect_a_sentence(self.go(), "this run is not kept", "ermission denied")
    finally:
      os.chmod(self.folder, 0o755)

  def test_full(self):
    """Full before the run, and full in the middle of it."""
    for room, says in (("-0", "not kept"), ("-60K", "the ")):
      with self.subTest(room=room):
        self.in_own_mounts("mount -t tmpfs -o size=400k tmpfs {0} && " + self.shell() + " >/dev/null && "
                           "(cat /dev/zero >{0}/rest; truncate -s " + room + " {0}/rest) 2>/dev/null",
                           "histor", says, "disk is full")

  def shell(self, *args):
    return " ".join([SPATE, "run", *map(str, self.words(*args))])

  def in_own_mounts(self, prepare, *says):
    """A run in a mount namespace of its own, where there may be one."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
      script = prepare.format(self.folder) + " && exec " + self.shell("--out", "json=" + out.name)
      done = subprocess.run(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment(), timeout=60, check=False)
      text = (done.stdout + done.stderr).decode()
      if "unshare:" in text or "mount:" in text:
        self.skipTest("no mounts here: " + text.strip())
      self.assertIn(done.returncode, (0, 4), text)
      self.assertGreater(json.load(out)["totals"]["ok"], 0)
    lines = [line for line in text.splitlines() if "histor" in line]
    self.assertEqual(len(lines), 1, text)
    for part in says:
      self.assertIn(part, lines[0])

  def test_locked_all_the_time(self):
    self.go()
    with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as holder:
      holder.execute("BEGIN IMMEDIATE")
      result = self.go()
      holder.execute("ROLLBACK")
    self.expect_a_sentence(result, "the run is not in the history", "another process has it locked")
    self.assertEqual(len(self.listed()), 1)

  def test_locked_for_a_while(self):
    """What waited is written once it can be: nothing is lost, nothing is said."""
    self.go()
    with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as holder:
      holder.execute("BEGIN IMMEDIATE")
      going = start(*self.words("-t", "5s"))
      time.sleep(4)
      holder.execute("ROLLBACK")
      result = going.finish()
    self.expect_code(result, 0)
    self.assertNotIn("histor", result.out + result.err)
    self.assertEqual([row["state"] for row in self.listed()], ["finished", "finished"])
    numbers = self.query("SELECT n FROM ticks WHERE run = 2 ORDER BY n")
    self.assertEqual([n for n, in numbers], list(range(len(numbers))))
    self.assertGreaterEqual(len(numbers), 5)

  def test_of_a_later_spate(self):
    self.go()
    self.query("PRAGMA user_version = 99")
    self.expect_a_sentence(self.go(), "not kept", "written by a later spate")
    listed = spate("history", "--history", self.path)
    self.assertEqual((listed.code, listed.out), (1, ""))


class Demo(Case):
  def test_kept_too(self):
    """In the user's own place, where nothing else is said; tagged. Its second part has what holds the round, still."""
    data = tempfile.mkdtemp(prefix="spate-data-")
    self.addCleanup(shutil.rmtree, data, ignore_errors=True)
    env = {"XDG_DATA_HOME": data}
    spate("demo", "-q", "-u", 3, "-r", 3, "-t", "1s", "--stop-timeout", "3s", env=env)
    self.assertEqual(os.stat(os.path.join(data, "spate", "history.db")).st_mode & 0o777, 0o600)
    runs = json.loads(spate("history", "--json", "--tag", "demo=true", env=env).out)["runs"]
    self.assertEqual([row["plan"] for row in runs], ["dify:chat", "dify:three-scenarios"])
    kept = json.loads(spate("report", "last", "--out", "json=-", env=env).out)
    self.assertIn(kept["diagnosis"]["culprit"], ("dify-api.cpu", "generator")) # where this machine was too busy for it
    self.assertTrue(any(series["signal"] == "cpu.cores" for series in kept["watch"]["series"]))


if __name__ == "__main__":
  main()
