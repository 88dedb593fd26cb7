"""A server on loopback that answers `POST /step/N` by how often it was told of step N."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StepsServer:
    """`steps` are those that it was told of, in order."""

    def __init__(self):
        steps = self.steps = []
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                step = int(self.path.rpartition("/")[2])
                with lock:
                    steps.append(step)
                    answer = str(steps.count(step)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
