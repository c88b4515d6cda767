"""Certificates for the TLS tests, made with the openssl command in a temporary folder: an own CA, what it signed,
and what is wrong with the others."""
import os
import shutil
import subprocess
import tempfile
import unittest

CONFIG = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[good]
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
basicConstraints = CA:false
[elsewhere]
subjectAltName = DNS:elsewhere.example
basicConstraints = CA:false
[client]
basicConstraints = CA:false
extendedKeyUsage = clientAuth
"""


class Certs:
  """`certs.path("good.pem")`; the keys stand beside as good.key."""

  def __init__(self):
    if not shutil.which("openssl"):
      raise unittest.SkipTest("there is no openssl command")
    self.folder = tempfile.mkdtemp(prefix="spate-certs-")
    self.write("openssl.cnf", CONFIG)
    self.write("index.txt", "")
    self.authority("ca", "spate test CA")
    self.authority("other-ca", "another CA")
    self.sign("good", "good", "ca")
    self.sign("elsewhere", "elsewhere", "ca")
    self.sign("client", "client", "ca")
    self.sign("stranger", "client", "other-ca")
    self.expired()
    self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 self.path("selfsigned.key"),
                 "-out", self.path("selfsigned.pem"), "-days", "30", "-subj", "/CN=localhost", "-config",
                 self.path("openssl.cnf"),
                 "-extensions", "good")

  def path(self, name):
    return os.path.join(self.folder, name)

  def write(self, name, text):
    with open(self.path(name), "w", encoding="utf-8") as file:
      file.write(text)

  def openssl(self, *args):
    done = subprocess.run(["openssl", *args], stdin=subprocess.DEVNULL, capture_output=True, cwd=self.folder,
                          check=False)
    if done.returncode:
      raise AssertionError(f"openssl {' '.join(args)}: {done.stderr.decode()}")

  def key(self, name):
    self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path(name + ".key"))

  def authority(self, name, common_name):
    self.key(name)
    self.openssl("req", "-x509", "-new", "-key", self.path(name + ".key"), "-out", self.path(name + ".pem"), "-days",
                 "30",
                 "-subj", "/CN=" + common_name, "-config", self.path("openssl.cnf"), "-extensions", "ca")

  def request(self, name):
    self.key(name)
    self.openssl("req", "-new", "-key", self.path(name + ".key"), "-out", self.path(name + ".csr"), "-subj",
                 "/CN=" + name,
                 "-config", self.path("openssl.cnf"))

  def sign(self, name, extensions, ca):
    self.request(name)
    self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path(ca + ".pem"), "-CAkey",
                 self.path(ca + ".key"),
                 "-CAcreateserial", "-out", self.path(name + ".pem"), "-days", "30", "-extfile",
                 self.path("openssl.cnf"),
                 "-extensions", extensions)

  def expired(self):
    """`openssl ca` is the one that takes both dates in every version."""
    self.request("expired")
    self.write("ca.cnf", f"[ca]\ndefault_ca = own\n[own]\n"
               f"database = {self.path('index.txt')}\nnew_certs_dir = {self.folder}\n"
               f"certificate = {self.path('ca.pem')}\n"
               f"private_key = {self.path('ca.key')}\nrand_serial = yes\ndefault_md = sha256\n"
               "policy = any\n[any]\ncommonName = supplied\n" + CONFIG.split("[good]")[0].replace("[ca]", "[unused]") +
               "[good]" + CONFIG.split("[good]")[1])
    self.openssl("ca", "-batch", "-notext", "-config", self.path("ca.cnf"), "-in", self.path("expired.csr"), "-out",
                 self.path("expired.pem"),
                 "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extensions", "good")

  def close(self):
    shutil.rmtree(self.folder)
