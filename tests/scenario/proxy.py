"""A proxy whose every byte the test sees: relays CONNECT to one place, whatever was asked for, and answers whole URLs
itself."""
import socket
import threading

from server import Server, answer


def _pump(source, sink):
  try:
    while piece := source.recv(65536):
      sink.sendall(piece)
    sink.shutdown(socket.SHUT_WR)
  except OSError:
    pass


class Proxy(Server):
  """target: a port of 127.0.0.1. `requests` has what it was asked for."""

  def __init__(self, target=None):
    super().__init__(self.handle)
    self.target = target

  def handle(self, peer):
    while (request := peer.read()) is not None:
      if request.method == "CONNECT":
        self.relay(peer)
        return
      peer.send(answer("by proxy " + request.path))

  def relay(self, peer):
    with socket.create_connection(("127.0.0.1", self.target)) as far:
      peer.send("HTTP/1.1 200 Connection established\r\n\r\n")
      back = threading.Thread(target=_pump, args=(far, peer.sock), daemon=True)
      back.start()
      _pump(peer.sock, far)
      back.join()
