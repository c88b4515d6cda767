"""A server whose every byte the test writes: a function a connection, run in a thread of its own.

  def handler(peer):
    request = peer.read()              # None when the client has closed
    peer.send(answer(b"hello"))

What a client does to a handler (closing early) ends the handler; what is wrong in a handler fails the test in close().
"""
import json
import socket
import struct
import threading
import traceback

LINGER_S = 30  # a handler that waits for longer is stuck


class Request:
  def __init__(self, line, headers, body, number):
    self.method, self.path, self.version = line.split(" ", 2)
    self.headers, self.body, self.number = headers, body, number  # number: of this connection, from 1

  @property
  def json(self):
    return json.loads(self.body)


class Peer:
  """The server's end of one connection."""

  def __init__(self, server, sock, number):
    self.server, self.sock, self.number, self.requests = server, sock, number, 0
    self.buffer = b""

  def read_head(self):
    """The next request without its body; None at the connection's end."""
    while b"\r\n\r\n" not in self.buffer:
      piece = self.sock.recv(65536)
      if not piece:
        return None
      self.buffer += piece
    head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
      name, value = line.split(":", 1)
      if name.lower() in headers:
        value = headers[name.lower()] + "," + value
      headers[name.lower()] = value.strip()
    self.requests += 1
    request = Request(lines[0], headers, b"", self.requests)
    with self.server.lock:
      self.server.requests.append(request)
    return request

  def read(self):
    """The next request, body and all; None at the connection's end."""
    request = self.read_head()
    if request is None:
      return None
    length = int(request.headers.get("content-length", "0"))
    while len(self.buffer) < length:
      piece = self.sock.recv(65536)
      if not piece:
        return None
      self.buffer += piece
    request.body, self.buffer = self.buffer[:length], self.buffer[length:]
    return request

  def send(self, *pieces):
    for piece in pieces:
      self.sock.sendall(piece if isinstance(piece, bytes) else piece.encode())

  def wait_close(self):
    """Until the client hangs up; what it sends is dropped."""
    try:
      while self.sock.recv(65536):
        pass
    except OSError:
      pass

  def reset(self):
    self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    self.close()

  def close(self):
    try:
      self.sock.close()
    except OSError:
      pass

  def end(self):
    """FIN, and then what the client still sends is read, so that no RST overtakes our last bytes."""
    try:
      self.sock.shutdown(socket.SHUT_WR)
      self.wait_close()
    except OSError:
      pass
    self.close()


class Server:
  """`with Server(handler) as server: run(…, "-H", server.url)`; afterwards server.requests, server.connections."""

  def __init__(self, handler, host="127.0.0.1", tls=None, port=0):
    self.handler, self.tls = handler, tls
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    self.listener = socket.socket(family, socket.SOCK_STREAM)
    self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    self.listener.bind((host, port))
    self.listener.listen(512)
    self.port = self.listener.getsockname()[1]
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    self.url = f"{'https' if tls else 'http'}://{shown}:{self.port}"
    self.lock = threading.Lock()
    self.requests, self.connections, self.problems = [], 0, []
    self.thread = threading.Thread(target=self.accept, daemon=True)
    self.thread.start()

  def accept(self):
    while True:
      try:
        sock, _ = self.listener.accept()
      except OSError:
        return
      with self.lock:
        self.connections += 1
        number = self.connections
      threading.Thread(target=self.serve, args=(sock, number), daemon=True).start()

  def serve(self, sock, number):
    sock.settimeout(LINGER_S)
    try:
      if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      if self.tls:
        sock = self.tls.wrap_socket(sock, server_side=True)
      peer = Peer(self, sock, number)
      self.handler(peer)
      peer.end()
    except OSError:  # ssl.SSLError is one; the client went away or is not trusted
      sock.close()
    except Exception:  # pylint: disable=broad-except
      with self.lock:
        self.problems.append(traceback.format_exc())
      sock.close()

  def close(self):
    try:
      self.listener.shutdown(socket.SHUT_RDWR)
    except OSError:
      pass
    self.listener.close()
    self.thread.join(5)
    if self.problems:
      raise AssertionError("in a handler: " + self.problems[0])

  def __enter__(self):
    return self

  def __exit__(self, kind, *_):
    if kind is None:
      self.close()
    else:
      self.listener.close()


class UnixServer:
  """Serves one connection after the other on a Unix socket."""

  def __init__(self, path, handler):
    self.handler, self.lock, self.requests = handler, threading.Lock(), []
    self.listener = socket.socket(socket.AF_UNIX)
    self.listener.bind(path)
    self.listener.listen(8)
    self.thread = threading.Thread(target=self.serve, daemon=True)
    self.thread.start()

  def serve(self):
    while True:
      try:
        sock, _ = self.listener.accept()
      except OSError:
        return
      peer = Peer(self, sock, 1)
      try:
        self.handler(peer)
      except OSError:  # the client went away
        pass
      peer.close()

  def close(self):
    self.listener.shutdown(socket.SHUT_RDWR)
    self.listener.close()
    self.thread.join(5)


def free_port():
  """A port that nothing listens on."""
  with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0))
    return sock.getsockname()[1]


# -- what servers write --------------------------------------------------------------------------------


def answer(body=b"", status="200 OK", *headers):
  body = body if isinstance(body, bytes) else body.encode()
  lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
  return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def head(status="200 OK", *headers):
  return ("\r\n".join([f"HTTP/1.1 {status}", *headers]) + "\r\n\r\n").encode()


def stream_head(*headers):
  return head("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", *headers)


def chunk(body):
  body = body if isinstance(body, bytes) else body.encode()
  return f"{len(body):x}\r\n".encode() + body + b"\r\n"


LAST_CHUNK = b"0\r\n\r\n"


def event(name=None, spaced=False, escaped=False, **members):
  """One Dify event: `data: {"event": name, …}`."""
  document = {"event": name, **members} if name else members
  separators = (", ", ": ") if spaced else (",", ":")
  return ("data: " + json.dumps(document, separators=separators, ensure_ascii=escaped) + "\n\n").encode()


PING = b"event: ping\n\n"


def every(respond):
  """A handler that answers each request of a connection with respond(peer, request)."""

  def handler(peer):
    while True:
      request = peer.read()
      if request is None:
        return
      respond(peer, request)

  return handler


def always(*pieces):
  """A handler that answers each request with the same bytes."""
  return every(lambda peer, request: peer.send(*pieces))
