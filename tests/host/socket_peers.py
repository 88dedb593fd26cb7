"""What the tests of sockets talk to, and how."""

import socket
import threading
from ipaddress import ip_address

import pytest

from golem_nb.host.declare import WitError
from golem_nb.host.socket_address import value_from_ip
from tests.host.context import call


def address(port, text="127.0.0.1"):
    case, parts = value_from_ip(ip_address(text))
    more = {} if case == "ipv4" else {"flow-info": 0, "scope-id": 0}
    return case, {"port": port, "address": parts, **more}


def refused(code, target, function, /, **arguments):
    """Check that a call gives this error-code."""
    with pytest.raises(WitError) as error:
        call(target, function, **arguments)
    assert error.value.payload == code


def wait(target):
    """Wait for a resource's pollable, as a component does."""
    call(call(target, "subscribe"), "block")


class TcpServer:
    """On loopback. It gives back what it is sent (`echoes`), or keeps connections open and reads nothing."""

    def __init__(self, *, echoes=True):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port, self.taken, self.received = self._listening.getsockname()[1], [], b""
        self._echoes = echoes
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self):
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            self.taken.append(taken)
            if self._echoes:
                threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken):
        try:
            while data := taken.recv(1 << 16):
                self.received += data
                taken.sendall(data)
            taken.close()
        except OSError:
            return

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)  # ends the accept of the thread, which else might take one more
        self._accepting.join()
        self._listening.close()
        for taken in self.taken:
            taken.close()
