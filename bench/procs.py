"""Child processes of the bench: pinned to a core, measured from outside (wait4), bounded in time, never left behind."""
import ctypes
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

TARGET_CORE, CLIENT_CORE = 1, 0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

children = set()  # what is still running
scratch = tempfile.TemporaryDirectory(prefix="spate-bench-")  # the history of spate's runs
niceness = 0  # of every child, target and client alike


class BenchError(Exception):
    """The bench itself could not do what it was to do (a client that does not meet a target is a result)."""


def _prepare(core):
    """Runs in the child: its core, and its death with us however we end."""
    os.sched_setaffinity(0, {core})
    if niceness:
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
        try:  # a session of its own is a group of its own: the scheduler weighs that one against others
            Path("/proc/self/autogroup").write_text(str(niceness))
        except OSError:
            pass
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One process (and its group) on one core."""

    def __init__(self, argv, core, env=None, stdout=None):
        self.name = Path(argv[0]).name
        self.argv = [str(word) for word in argv]
        self.output = tempfile.TemporaryFile()
        self.errors = tempfile.TemporaryFile()
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=stdout or self.output, stderr=self.errors,
            env={**os.environ, "XDG_DATA_HOME": scratch.name, **(env or {})}, start_new_session=True, preexec_fn=lambda: _prepare(core))
        self.pid = self.process.pid
        self.code = None
        children.add(self)

    def _reap(self, block):
        if self.code is None:
            pid, status, usage = os.wait4(self.pid, 0 if block else os.WNOHANG)
            if pid:
                self.code = self.process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu_s = usage.ru_utime + usage.ru_stime
                self.user_s, self.system_s = usage.ru_utime, usage.ru_stime
                self.wall_s = time.monotonic() - self.begun
                children.discard(self)
        return self.code is not None

    def running(self):
        return not self._reap(False)

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, timeout_s):
        """Until it has ended; past its time it is killed and that is an error."""
        until = time.monotonic() + timeout_s
        while self.running():
            if time.monotonic() > until:
                self.kill()
                raise BenchError(f"{self.name} did not end within {timeout_s:.0f} s: {' '.join(self.argv)}")
            time.sleep(0.02)
        return self.code

    def kill(self):
        if self.code is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._reap(True)

    def text(self, file=None):
        file = file or self.output
        file.seek(0)
        return file.read().decode(errors="replace")

    def must(self, *codes):
        if self.code not in codes:
            said = (self.text(self.errors) or self.text())[-2000:]
            raise BenchError(f"{self.name} ended with {self.code}: {' '.join(self.argv)}\n{said}")

    def rss_kib(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise BenchError(f"no VmRSS of {self.name}")


def busy_s():
    """CPU seconds that all processors together have worked so far, whoever for."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = (int(word) for word in words[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def kill_all():
    for child in list(children):
        child.kill()
