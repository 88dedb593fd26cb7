"""What all traffic of an engine's components has in common: the policy, the HTTP client, the thread behind sockets."""

from __future__ import annotations

import threading

from golem_nb.host.http_network import Client, make_client
from golem_nb.host.network_policy import EVERYTHING, NetworkPolicy
from golem_nb.host.socket_watch import Watcher

# To outside, at once; requests beyond wait. Each has a thread while it is under way.
MOST_CONNECTIONS = 256
HTTP_TIMEOUT_S = 600.0  # of workers' requests that set none themselves


class Network:
    """One for each engine. What is not used is not made."""

    def __init__(self, policy: NetworkPolicy = EVERYTHING) -> None:
        self.policy, self.watcher = policy, Watcher()
        self._http: Client | None = None
        self._lock = threading.Lock()

    def http_client(self) -> Client:
        with self._lock:
            if self._http is None:
                self._http = make_client(MOST_CONNECTIONS, HTTP_TIMEOUT_S, self.policy)
            return self._http

    def close(self) -> None:
        """End what is under way, and close what is kept."""
        if self._http is not None:
            self._http.close()
        self.watcher.close()
