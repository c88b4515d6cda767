"""The walls of short connections: a small range of local ports, and few files. In a network namespace of its own, so
that nobody else's ports run out.

The range of 282 ports allows 4.7 new connections a second for ever, as the system's own of 28,232 allows 470; the server
lets the client close first, so that TIME_WAIT is the client's.
"""
import os
import resource
import subprocess
import sys

import real
from server import Server, answer
from support import Case, main, plan, run

LOW, HIGH = 40000, 40281
INSIDE = "SPATE_TEST_NAMESPACE"


def enter():
  """Starts this file again inside a new user and network namespace."""
  real.need("unshare", "util-linux")
  real.need("ip", "iproute2")
  enter_both = ["unshare", "--user", "--map-root-user", "--net"]
  if subprocess.run([*enter_both, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode:
    real.skip("no user and network namespace can be made here")
  os.environ[INSIDE] = "1"
  os.execvp("unshare", [*enter_both, sys.executable, *sys.argv])


def write(path, text):
  try:
    with open(path, "w", encoding="ascii") as file:
      file.write(text)
  except OSError as error:
    real.skip(f"{path} can't be written here: {error}")


def prepare():
  subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
  write("/proc/sys/net/ipv4/ip_local_port_range", f"{LOW} {HIGH}")
  write("/proc/sys/net/ipv4/tcp_tw_reuse", "0")  # loopback would use them again after a second


def answer_and_wait(peer):
  """The client closes first."""
  if peer.read() is not None:
    peer.send(answer("hello"))
    peer.wait_close()


class Ports(Case):
  def go(self, *args, connection="request"):
    with Server(answer_and_wait) as server:
      return run(plan("short.lua"), "-H", server.url, "-u", 4, "-e", f"connection={connection}", *args)

  def test_the_wall_has_a_name(self):
    result = self.go("-t", "2s")
    self.assertEqual(result.code, 4, result)
    verdict = result.json["validity"]
    self.assertFalse(verdict["valid"])
    reason = next(text for text in verdict["reasons"] if "EADDRNOTAVAIL" in text)
    for words in (f"local ports {LOW} to {HIGH}", "allow 5 new connections a second to one address", "keep connections alive",
                  "--source", "net.ipv4.ip_local_port_range"):
      self.assertIn(words, reason)
    generator = verdict["generator"]
    self.assertEqual(generator["port_exhausted"], result.outcomes().get("connect"), result)
    self.assertEqual(generator["connections"], result.totals["ok"])
    self.assertLessEqual(generator["connections"], HIGH - LOW + 1)
    self.assertGreater(generator["connections"], (HIGH - LOW + 1) // 3)
    self.assertIn("no free local port", result.details())

  def test_more_source_addresses_widen_it(self):
    few = self.go("--iterations", 600, "--source", "127.0.1.1")
    many = self.go("--iterations", 600, "--source", "127.0.1.2,127.0.1.3,127.0.1.4,127.0.1.5,127.0.1.6")
    self.assertGreater(few.outcomes().get("connect", 0), 0)
    self.expect_outcomes(many, {"ok": 600})
    self.assertNotIn("EADDRNOTAVAIL", " ".join(many.json["validity"]["reasons"]))

  def test_below_the_wall(self):
    result = self.go("--iterations", 20, "--source", "127.0.1.7")
    self.expect_outcomes(result, {"ok": 20})
    self.assertEqual(result.json["validity"]["generator"]["port_exhausted"], 0)

  def test_ipv6_switched_off_is_no_wall(self):
    write("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1")
    try:
      result = run(plan("short.lua"), "-H", "http://[::1]:80", "--iterations", 3)
    finally:
      write("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "0")
    self.expect_outcomes(result, {"connect": 3})
    self.assertEqual(result.json["validity"]["generator"]["port_exhausted"], 0)
    self.assertIn("no local address reaches it", result.details())


class Files(Case):
  def test_the_limit_has_a_name(self):
    """An open loop's pool grows until no file is left; here not even root may raise the limit (another user namespace)."""
    def few_files():
      resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))

    with Server(lambda peer: peer.wait_close()) as server:
      result = run(plan("short.lua"), "-H", server.url, "--rate", "100/s", "--threads", 1, "-t", "2s", "--stop-timeout", "0s",
                   preexec_fn=few_files)
    self.assertEqual(result.code, 4, result)
    reason = next(text for text in result.json["validity"]["reasons"] if "EMFILE" in text)
    self.assertIn("(the limit is 60): raise it with 'ulimit -n', or use fewer users", reason)
    self.assertEqual(result.json["validity"]["generator"]["files_exhausted"], result.outcomes()["connect"])


if __name__ == "__main__":
  if INSIDE not in os.environ:
    enter()
  prepare()
  main()
