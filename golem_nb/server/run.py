"""The engine process: open the folder, listen, tell where in the lock file, end in good order.

Source: ARCHITECTURE, decisions 1 to 4.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from golem_nb import __version__
from golem_nb.engine.engine import Engine
from golem_nb.engine.options import bytes_from_mib, options_of, policy_from_options, seconds_from_option
from golem_nb.engine.settings import Settings
from golem_nb.errors import BadInput, GolemError
from golem_nb.files import write_whole
from golem_nb.server.access import Access, allowed_hosts, is_loopback
from golem_nb.server.app import make_app
from golem_nb.server.guard import Activity
from golem_nb.server.limits import Limits, fitting, raise_open_files
from golem_nb.server.protocol import protocol_with
from golem_nb.server.sockets import EventSockets
from golem_nb.wire.lock import LOCK_NAME, EngineLock, text_from_lock

# A busy guest gives the lock up to Python every so often; a host call waits for it. Source: ENGINE 3, "GIL convoy".
SWITCH_INTERVAL_S = 0.0005
GRACE_S = 10
WATCH_S = 0.25
BACKLOG = 2048
PING_S, PONG_TIMEOUT_S = 30.0, 15.0  # Source: SEMANTICS 11
MOST_FROM_CLIENT = 64 << 10  # bytes of a message; nothing that a client sends is read

log = logging.getLogger("golem_nb.server")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    folder: Path
    host: str = "127.0.0.1"
    port: int = 9881
    tokens: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    idle_exit_minutes: float = 0
    settings: Settings = field(default_factory=Settings)
    limits: Limits = field(default_factory=Limits)


def serve(options: ServeOptions) -> None:
    """Serve until a signal, or until nothing has happened for `idle_exit_minutes` (0 = for ever).

    Raises:
        DataFolderError: The folder cannot be used.
        BadInput: The address cannot be listened on, or is open to others without a token; or there are too few files.
    """
    if not is_loopback(options.host) and not options.tokens:
        raise BadInput(f"{options.host} can be reached by others: give a --token, or listen on 127.0.0.1")
    if not options.tokens:
        print("golem_nb: open to every user of this machine; --token restricts it", file=sys.stderr, flush=True)
    limits = fitting(options.limits, raise_open_files())
    if limits != options.limits:
        log.warning("at most %d connections: the process may not open more files (ulimit -n)", limits.connections)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # uvicorn has handlers of its own while it serves, and raises what they caught again when it has ended; ours see to
    # the time before and after.
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    listener = _listen(options.host, options.port)
    try:
        engine = Engine.open(options.folder, options.settings)
    except GolemError:
        listener.close()
        raise
    listener.listen(BACKLOG)  # before anybody is told of it: who connects now waits until we serve
    lock_file = options.folder / LOCK_NAME
    port = listener.getsockname()[1]
    lock = EngineLock(os.getpid(), port, "".join(options.tokens[:1]), __version__, options_of(options.settings))
    write_whole(lock_file, text_from_lock(lock).encode())
    url = f"http://[{options.host}]:{port}" if ":" in options.host else f"http://{options.host}:{port}"
    log.info("golem_nb %s serves %s on %s", __version__, options.folder, url)
    print(f"golem_nb: {url}", flush=True)
    try:
        asyncio.run(_run(engine, listener, options, limits, stopping))
    finally:
        lock_file.unlink(missing_ok=True)
        engine.close()
        log.info("golem_nb has stopped")


async def _run(
    engine: Engine, listener: socket.socket, options: ServeOptions, limits: Limits, stopping: threading.Event
) -> None:
    activity = Activity()
    access = Access(options.tokens, allowed_hosts(options.host, options.allowed_hosts))
    config = uvicorn.Config(
        make_app(engine, access, limits, activity),
        http=protocol_with(limits),
        log_config=None,
        log_level="warning",
        access_log=False,  # request lines may carry tokens of proxies
        lifespan="off",
        ws=EventSockets,
        ws_per_message_deflate=False,  # it would cost each socket of loopback its own copy of every event, and memory
        ws_max_size=MOST_FROM_CLIENT,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PONG_TIMEOUT_S,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=limits.keep_alive_s,  # type: ignore[arg-type]  # a number of seconds, whole or not
    )
    server = uvicorn.Server(config)
    watching = asyncio.create_task(_watch(server, engine, activity, options.idle_exit_minutes, stopping))
    await server.serve(sockets=[listener])
    watching.cancel()


async def _watch(
    server: uvicorn.Server, engine: Engine, activity: Activity, minutes: float, stopping: threading.Event
) -> None:
    """End the server on a signal that came before its own handlers, and when nothing has happened for so long."""
    last = time.monotonic()

    def touch() -> None:
        nonlocal last
        last = time.monotonic()

    activity.touch = touch
    while not server.should_exit:
        await asyncio.sleep(WATCH_S)
        if stopping.is_set():
            server.should_exit = True
        elif activity.is_busy or engine.is_busy:
            touch()
        elif minutes > 0 and time.monotonic() - last > minutes * 60:
            log.info("nothing has happened for %g minutes: the engine ends itself", minutes)
            server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise BadInput(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port") from None
    listener.set_inheritable(False)
    return listener


def settings(
    durability: str,
    max_loaded: int,
    memory_limit_mib: int,
    time_limit_s: float,
    *,
    no_network: bool = False,
    allow_host: Sequence[str] = (),
    deny_private: bool = False,
    allow_listen: bool = False,
) -> Settings:
    """Return an engine's settings from what the command line has.

    Raises:
        BadInput: A number makes no sense, or a host; or the options contradict each other.
    """
    if max_loaded < 0:
        raise BadInput(f"--max-loaded must not be negative, found {max_loaded}")
    network = policy_from_options(
        is_on=not no_network, allowed=allow_host, denies_private=deny_private, listens_anywhere=allow_listen
    )
    return Settings(
        durability=durability,
        max_loaded=max_loaded,
        memory_limit_bytes=bytes_from_mib(memory_limit_mib),
        time_limit_s=seconds_from_option(time_limit_s),
        network=network,
    )
