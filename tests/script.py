"""Programs for tests/components/script.wat, a worker that does what it is told, in versions that tests need."""

import re
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID, uuid5

from golem_nb.authoring.wat import component_from_text
from golem_nb.demo import SOURCE
from golem_nb.oplog.entries import BeginRemoteWrite, ExportedFunctionInvoked

TEXT = (Path(__file__).parent / "components" / "script.wat").read_text()

# In the order of the component's table.
(
    ADD,
    PRINT,
    TELL,
    SLEEP_MS,
    DRAW,
    COMMIT,
    BEGIN,
    END,
    INDEX,
    JUMP_IF,
    LEVEL,
    IDEMPOTENCE,
    POLICY,
    PROMISE,
    AWAIT,
    COMPLETE,
    TRAP,
    TRAP_UNLESS,
    EXIT,
    KEY,
    SPIN,
    ASK,
    HEAR,
) = range(23)
NOTHING, REMOTE, SMART = range(3)  # arguments of LEVEL

_SAVE = '(export "golem:api/save-snapshot@1.1.7" (instance $save-snapshot))'
_LOAD = '(export "golem:api/load-snapshot@{}" (instance $load-snapshot))'


def script(version=0, *, factor=1, first="", start="", saves=True, loads="1.1.7", saved=8):
    """Return the component.

    `factor` is what its additions are multiplied by, `first` code that each run begins with, `start` code that each
    instance begins with, `saves` whether it gives
    snapshots, `loads` the version of the interface by which it takes them (None: it does not), `saved` the only length
    of a snapshot that it accepts.
    """
    imports = re.search(r'\(import "wasi:io/error.*?(?=\n  ;; Memory)', SOURCE.read_text(), re.DOTALL).group()
    exports = (_SAVE if saves else "") + (_LOAD.format(loads) if loads else "")
    words = {
        "IMPORTS": imports,
        "VERSION": version,
        "FACTOR": factor,
        "FIRST": first,
        "START": f"(func $at-start {start}) (start $at-start)" if start else "",
        "SAVED": saved,
        "EXPORTS": exports,
    }
    return component_from_text(re.sub("@([A-Z]+)@", lambda found: str(words[found[1]]), TEXT))


ANOTHER_PATH = "(drop (call $draw))"  # as `first`: a version that takes another path through its history


def steps(*program):
    """Return the parameter for a program: pairs, or bare steps, whose argument is 0."""
    return [list(step) if isinstance(step, tuple) else [step, 0] for step in program]


KEY_NAMESPACE = UUID("9c19b15a-c83d-46f7-9bc3-ead7923733f4")  # Source: SEMANTICS 2.2


def writes(oplog):
    """Return the idempotency key of each write in an oplog, by the index of its beginning."""
    found, key = {}, ""
    for index, entry in enumerate(oplog, start=1):
        if isinstance(entry, ExportedFunctionInvoked):
            key = entry.idempotency_key
        elif isinstance(entry, BeginRemoteWrite):
            found[index] = str(uuid5(uuid5(KEY_NAMESPACE, key), f"oplog-index-{index}"))
    return found


class Outside:
    """A server that counts what it is told, and answers as it is told to: a status, or `BREAK` for no answer at all."""

    BREAK = 0

    def __init__(self):
        self.told = []
        """Pairs: step, idempotency key."""
        self.traces = []
        """The header `traceparent` of each request, in its parts."""
        self.step_of = {}
        """For an idempotency key: the step that it came with."""
        self.answers = {}
        """For a step: what to answer, one after the other; 200 when they are used up."""
        self.held = {}
        """For a step: an event that its answers wait for."""
        outside = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                step = int(self.path.rpartition("/")[2])
                outside.told.append((step, self.headers["idempotency-key"]))
                outside.traces.append(self.headers["traceparent"].split("-"))
                outside.step_of[self.headers["idempotency-key"]] = step
                if step in outside.held:
                    outside.held[step].wait(60)
                planned = outside.answers.get(step)
                status = planned.pop(0) if planned else 200
                if status == Outside.BREAK:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                with suppress(OSError):  # whoever asked has gone
                    self.send_response(status)
                    self.send_header("content-length", "0")
                    self.end_headers()

            def log_message(self, format, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def steps(self):
        return [step for step, _ in self.told]

    def keys(self, step):
        """Return the different idempotency keys that a step came with."""
        return {key for told, key in self.told if told == step}

    def close(self):
        self._server.shutdown()
        self._server.server_close()
