"""A server on loopback for tests of outgoing HTTP. It keeps what it was sent."""

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "loopback.pem"
"""Of localhost and service.test, with its key; who trusts this file trusts them."""


class Server:
    """/echo gives the body back; /trailers the trailers, too; /N answers status N; /slow answers after a second; /drop
    closes in the middle.

    /cookie sets a cookie. Requests that break off are not kept. Connections are those that sent a request.
    """

    def __init__(self, tls=False):
        requests = self.requests = []
        connections = self.connections = set()
        trailers = self.trailers = []
        """Of each request: pairs as they came."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.body()
                if body is None:
                    self.close_connection = True
                    return
                connections.add(self.client_address)
                requests.append((self.command, self.path, dict(self.headers), body))
                if self.path == "/drop":
                    self.send_response(200)
                    self.send_header("content-length", "100")
                    self.end_headers()
                    self.wfile.write(b"half")
                    self.wfile.flush()
                    self.close_connection = True
                    return
                if self.path == "/trailers":
                    self.give_back(body, trailers[-1])
                    return
                if self.path == "/slow":
                    time.sleep(1)
                status = int(self.path[1:]) if self.path[1:].isdigit() else 200
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if self.path == "/cookie":
                    self.send_header("Set-Cookie", "key=value")
                self.send_header("X-Twice", "1")
                self.send_header("X-Twice", "2")
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def give_back(self, body, trailers):
                self.send_response(200)
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
                chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
                self.wfile.write(chunk + b"0\r\n%s\r\n" % lines.encode())

            def body(self):
                trailers.append([])
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                data = b""
                while size := int(self.rfile.readline() or b"-1", 16):
                    if size < 0:
                        return None
                    data += self.rfile.read(size)
                    self.rfile.readline()
                while line := self.rfile.readline().strip().decode():
                    name, _, value = line.partition(": ")
                    trailers[-1].append((name, value))
                return data

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls_context().wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
