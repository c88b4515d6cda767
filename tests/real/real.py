"""What the tests beside real tools share: runs of the real binary (tests/scenario/support.py), the tools, and how a
test says that it cannot be made here: exit 77, which meson shows as skipped, with the reason printed.
"""
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "scenario"))

import support  # noqa: E402  (found by the line above)

SKIPPED = 77
FOLDER = os.environ.get("REAL_FOLDER") or os.path.join(ROOT, "build", "tests", "real")  # for what is downloaded


def skip(reason):
  print("skipped: " + reason)
  sys.exit(SKIPPED)


def need(program, package):
  """The program's path; without it the whole test is skipped."""
  path = shutil.which(program)
  if not path:
    skip(f"there is no '{program}' here (Debian: apt-get install {package})")
  return path


def need_module(name, package):
  """Debian's modules are for Debian's Python: where another one runs this, the test begins anew with that."""
  if importlib.util.find_spec(name):
    return
  debian = "/usr/bin/python3"
  found = os.path.exists(debian) and subprocess.run([debian, "-c", "import " + name], stderr=subprocess.DEVNULL, check=False).returncode == 0
  if not found:
    skip(f"there is no {name} here (Debian: apt-get install {package})")
  os.execv(debian, [debian, *sys.argv])


def no_proxy():
  """Loopback addresses go nowhere else, whatever the machine's proxies are."""
  kept = {key: value for key, value in os.environ.items() if key != "XDG_DATA_HOME"}  # support.py says where runs go
  return {**kept, "NO_PROXY": "*", "no_proxy": "*"}


def npm_package(name, version):
  """A folder in which node finds the package; skips where the registry can't be reached."""
  need("node", "nodejs")
  npm = need("npm", "npm")
  folder = os.path.join(FOLDER, "node")
  installed = os.path.join(folder, "node_modules", name, "package.json")
  if os.path.exists(installed):
    return folder
  os.makedirs(folder, exist_ok=True)
  command = [npm, "install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix", folder, f"{name}@{version}"]
  try:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
  except subprocess.TimeoutExpired:
    skip(f"npm could not fetch {name} within 2 minutes")
  if not os.path.exists(installed):
    skip(f"npm could not fetch {name}: " + done.stdout.decode(errors="replace")[-400:])
  return folder


def free_port():
  with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    return probe.getsockname()[1]


def listens(port):
  """Does somebody take connections there?"""
  with socket.socket() as probe:
    return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(what, condition, limit_s=60):
  """Asks until the condition gives something; a tool that fails to come up is a failure."""
  end = time.monotonic() + limit_s
  while True:
    found = condition()
    if found:
      return found
    if time.monotonic() > end:
      raise AssertionError(f"no {what} within {limit_s} s")
    time.sleep(0.1)
