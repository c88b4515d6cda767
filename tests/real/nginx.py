"""Debian's nginx in front of a target, with its stub_status page."""
import os
import shutil
import subprocess
import tempfile

import real

CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location = /nginx_status {{ stub_status; }}
    location / {{ proxy_pass {target}; proxy_buffering {buffering}; proxy_http_version {version}; }}
  }}
}}
"""


class Nginx:
  def __init__(self, target, connections, as_it_comes=False):
    """as_it_comes: by nginx' own defaults, which hold streams back. Else it passes them on, as Dify's does."""
    program = real.need("nginx", "nginx-light")
    self.folder = tempfile.mkdtemp(prefix="spate-nginx-")
    os.chmod(self.folder, 0o777)
    self.port = real.free_port()
    config = os.path.join(self.folder, "config")
    with open(config, "w", encoding="ascii") as file:
      file.write(CONFIG.format(folder=self.folder, port=self.port, target=target, connections=connections,
                               buffering="on" if as_it_comes else "off", version="1.0" if as_it_comes else "1.1"))
    self.process = subprocess.Popen([program, "-c", config, "-p", self.folder], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
    real.wait_for("nginx at its port", lambda: real.listens(self.port), 30)
    self.url = f"http://127.0.0.1:{self.port}"

  def close(self):
    self.process.terminate()
    self.process.wait(20)
    shutil.rmtree(self.folder)
