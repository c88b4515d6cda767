"""A small HTTP server that keeps what is posted to it; it answers with the statuses it was given, then 200."""
import http.server
import threading


class Receiver:
  def __init__(self, statuses=(), answer=b""):
    self.posts, self.statuses, self.answer = [], list(statuses), answer
    receiver = self

    class Handler(http.server.BaseHTTPRequestHandler):
      protocol_version = "HTTP/1.1"

      def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = receiver.statuses.pop(0) if receiver.statuses else 200
        receiver.posts.append((self.path, dict(self.headers), body, status))
        self.send_response(status)
        self.send_header("Content-Length", str(len(receiver.answer)))
        self.end_headers()
        self.wfile.write(receiver.answer)

      def log_message(self, *args):
        pass

    self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    self.server.daemon_threads = True
    self.port = self.server.server_address[1]
    self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
    self.thread.start()

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.server.shutdown()
    self.server.server_close()
    self.thread.join()
