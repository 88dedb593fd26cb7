"""Requests byte by byte, as no client library sends them."""

import json
import socket


class Raw:
    """One connection."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def is_closed(self):
        """Wait until the server closes the connection; what it sends before is dropped."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def answer(self, is_head=False):
        """Return status, headers and JSON of the next answer; None for what is no JSON."""
        with self.socket.makefile("rb") as file:
            return self._answer(file, is_head)

    @staticmethod
    def _answer(file, is_head):
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        is_json = headers["content-type"] == "application/json" and not is_head
        return status, headers, json.loads(file.read(int(headers["content-length"]))) if is_json else None

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(method="GET", path="/healthcheck", *headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
