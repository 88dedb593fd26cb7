"""Servers on loopback that do to a client what well-behaved ones do not."""

import select
import socket
import threading

import psutil

from tests.host.http_server import tls_context


class RawServer:
    """Answers what it is given to whatever ends a head, and then nothing more. `accepts=False` takes no connection."""

    def __init__(self, answer=b"", *, accepts=True, reads=True):
        self.answer, self.reads, self.taken = answer, reads, []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=0 if not accepts else 300)
        self.port = self._listening.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        if accepts:
            threading.Thread(target=self._accept, daemon=True).start()

    def fill_queue(self):
        """Leave no room for connections: the next one is neither taken nor refused. Those that filled it are kept."""
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", self.port))
            self.taken.append(waiting)

    def _accept(self):
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            self.taken.append(taken)
            threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken):
        received = b""
        try:
            while self.reads and (data := taken.recv(1 << 16)):
                received += data
                if received.endswith(b"\r\n\r\n") and self.answer:
                    taken.sendall(self.answer)
        except OSError:
            return

    def close(self):
        self._listening.close()
        for taken in self.taken:
            taken.close()


class Proxy:
    """Tunnels every CONNECT to one port of this machine; with TLS, it is itself reached by that."""

    def __init__(self, target_port, tls=False):
        self._target_port, self._tls = target_port, tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://localhost:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken):
        if self._tls:
            taken = tls_context().wrap_socket(taken, server_side=True)
        while not taken.recv(1 << 16).endswith(b"\r\n\r\n"):
            pass
        taken.sendall(b"HTTP/1.1 200 ok\r\n\r\n")
        with taken, socket.create_connection(("127.0.0.1", self._target_port)) as target:
            while True:
                ready = [taken] if self._tls and taken.pending() else select.select([taken, target], [], [])[0]
                for one in ready:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    (target if one is taken else taken).sendall(data)

    def close(self):
        self._listening.close()


def connections_to(port):
    """Return how many of this process's sockets are connected, or connecting, to a port of this machine."""
    return sum(1 for c in psutil.Process().net_connections("tcp") if c.raddr and c.raddr.port == port)
