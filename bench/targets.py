"""What the clients are measured against, each on the target's core: `with open_target(tools, …) as target`."""
import json
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

import tape
from procs import BenchError, Child, TARGET_CORE, busy_s

START_S = 10


class Server:
    """A process that listens. Its CPU, and its own figures where it tells them, are there afterwards."""
    scheme, tells = "http", True

    def begin(self, argv):
        self.busy_s, self.begun = busy_s(), time.monotonic()
        self.child = Child(argv, TARGET_CORE)

    def wait_for(self, ready):
        until = time.monotonic() + START_S
        while not ready():
            if not self.child.running() or time.monotonic() > until:
                self.child.kill()
                raise BenchError(f"{self.child.name} does not listen: "
                                 f"{self.child.text()}{self.child.text(self.child.errors)}")
            time.sleep(0.02)

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def read_stats(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=self.trust()))
        with opener.open(self.url + "/mock/stats", timeout=10) as answer:
            return json.load(answer)

    def trust(self):
        return None

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.child.running():
                self.stats = self.read_stats() if self.tells else {}
                self.child.signal(signal.SIGTERM)
                self.child.wait(10)
        finally:
            self.child.kill()
        if kind is None:
            self.cpu_s = self.child.cpu_s
            self.busy_s, self.wall_s = busy_s() - self.busy_s, time.monotonic() - self.begun


class Told(Server):
    """One that prints where it listens."""

    def argv(self):
        raise NotImplementedError

    def __enter__(self):
        self.begin(self.argv())
        where = f" on {self.scheme}://127.0.0.1:"
        self.wait_for(lambda: where in self.child.text())
        self.port = int(self.child.text().split(where)[1].split()[0])
        return self


class Mock(Told):
    """`spate mock`."""

    def __init__(self, tools, certificate=None):
        self.tools, self.certificate = tools, certificate
        self.scheme = "https" if certificate else "http"

    def argv(self):
        argv = [self.tools.spate, "mock", "--listen", "127.0.0.1:0"]
        return argv + (["--cert", self.certificate.cert, "--key", self.certificate.key] if self.certificate else [])

    def trust(self):
        return self.certificate.trust() if self.certificate else None


class Cheap(Told):
    """bench/target.c, which plays the mock's answer by one schedule."""

    def __init__(self, tools, schedule):
        self.tools, self.schedule = tools, schedule

    def tape(self):
        path = self.tools.folder / f"tape-{self.schedule}".replace(" ", "")
        if not path.exists():
            with Mock(self.tools) as mock:
                tape.write(path, mock.port, self.schedule)
        return path

    def argv(self):
        return [self.tools.target, self.tape(), self.schedule.text()]


class Nghttpd(Server):
    """nghttp2's own server, one file to give."""
    tells = False

    def __init__(self, tools, certificate=None):
        self.tools, self.certificate = tools, certificate
        self.scheme = "https" if certificate else "http"

    def __enter__(self):
        folder = self.tools.folder / "htdocs"
        folder.mkdir(exist_ok=True)
        (folder / "healthz").write_text("ok")
        self.port = free_port()
        argv = [shutil.which("nghttpd"), "-a", "127.0.0.1", "-d", folder]
        if self.certificate:
            self.begin(argv + [self.port, self.certificate.key, self.certificate.cert])
        else:
            self.begin(argv + ["--no-tls", self.port])
        self.wait_for(lambda: connects(self.port))
        return self


class Exporter(Server):
    """What a node exporter on a machine of 16 processors has to say, from a file: some 150 KiB a scrape."""
    tells = False
    MODES = ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user")

    def __init__(self, tools):
        self.folder = tools.folder / "exporter"

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        lines = [f'node_cpu_seconds_total{{cpu="{cpu}",mode="{mode}"}} {cpu * 1000 + 7}'
                 for cpu in range(16) for mode in self.MODES]
        lines += [f'node_other_total{{name="much that nobody asks an exporter for",number="{i}"}} {i}' for i in range(1800)]
        (self.folder / "metrics").write_text("\n".join(lines) + "\n")
        self.port = free_port()
        self.begin(["/usr/bin/python3", "-m", "http.server", self.port, "--bind", "127.0.0.1", "--directory",
                    self.folder])
        self.wait_for(lambda: connects(self.port))
        return self


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Certificate:
    """One for 127.0.0.1, signed by itself, in the bench's own folder."""

    def __init__(self, folder):
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        if not self.cert.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-keyout", self.key, "-out", self.cert, "-days", "2", "-subj", "/CN=spate bench",
                            "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)

    def trust(self):
        return ssl.create_default_context(cafile=str(self.cert))


def open_target(tools, load):
    """The target of a load of streams."""
    if load.target == "cheap":
        return Cheap(tools, load.schedule)
    return Mock(tools, Certificate(tools.folder) if load.target == "tls" else None)
