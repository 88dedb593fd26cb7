"""`%golem_connect`: the event stream of a worker. A live pane, or text where nobody looks at widgets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from golem_nb.errors import GolemError, UsageError
from golem_nb.model import LogLevel, WorkerId
from golem_nb.notebook.magics.grammar import Option
from golem_nb.notebook.magics.verb import Request, Verb
from golem_nb.notebook.panes.joined import JoinedStream
from golem_nb.notebook.panes.lines import SEVERITY, Line, line_from_event, text_from_line, wanted_lines
from golem_nb.notebook.panes.stream import EventStream, Opened
from golem_nb.notebook.surroundings import Place
from golem_nb.notebook.views import harmless

USAGE = "%golem_connect component/worker"
MOST_WORKERS = 20  # each has a connection of its own, and a thread here


def run(request: Request) -> Any:
    level, pattern, is_with = request.option("level"), request.option("filter"), not request.option("no-invocations")
    is_wanted = wanted_lines(level, pattern, is_with)
    stream = open_streams(request)
    match request.surroundings.place:
        case Place.LIVE:
            _live(request, stream)
        case Place.HEADLESS:
            _static(request, stream, is_wanted)
        case Place.TERMINAL:
            _print(request, stream, is_wanted)
    if request.surroundings.place is not Place.TERMINAL:  # which has a prompt for the result, and would leave it empty
        stream.is_shown = True
        request.surroundings.after_cells(stream.forget_shown)
    return stream


def open_streams(request: Request) -> EventStream:
    """Connect to the worker that is named, or to all of them as one stream.

    Raises:
        UsageError: One is named twice, or there are too many.
        WorkerNotFound, InvocationError: The server refuses one; none is connected to then.
    """
    targets = [request.session.target(word) for word in request.words or (None,)]
    names = [str(target) for target in targets]
    if len(names) > MOST_WORKERS:
        raise UsageError(f"{len(names)} workers are too many for one pane: at most {MOST_WORKERS}")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UsageError(f"{twice[0]} is given twice")
    workers = [request.session.worker_id(target) for target in targets]
    streams: list[EventStream] = []
    try:
        for name, worker in zip(names, workers, strict=True):
            streams.append(open_stream(request, name, worker))
    except GolemError:
        for stream in streams:
            stream.close()
        raise
    if len(streams) == 1:
        return streams[0]
    together = JoinedStream(streams)
    request.session.streams.add(together)
    for stream in streams:
        request.surroundings.start_thread(partial(together.follow, stream), f"events of {stream.worker}, joined")
    return together


def open_stream(request: Request, name: str, worker: WorkerId) -> EventStream:
    """Connect, and read in the background.

    Raises:
        WorkerNotFound, InvocationError: The server refuses.
    """
    session = request.session

    def reopen() -> Opened:
        return session.client_if_running().events(worker)

    opened = session.client().events(worker)
    stream = EventStream(name, reopen)
    session.streams.add(stream)
    request.surroundings.start_thread(lambda: stream.run(opened), f"events of {name}")
    return stream


def _live(request: Request, stream: EventStream) -> None:
    from golem_nb.notebook.panes.pane import MOST_LINES, show_pane

    level, limit = request.option("level"), int(request.number("lines", MOST_LINES))
    if not 1 <= limit <= 10_000:
        raise UsageError("--lines must be between 1 and 10000")
    options = {
        "limit": limit,
        "level": SEVERITY[LogLevel(level.capitalize())] if level else 0,
        "filter": f"/{request.option('filter')}/" if request.option("filter") else "",
        "invocations": not request.option("no-invocations"),
    }
    show_pane(stream, request.surroundings, options)
    seconds = request.number("for", 0)
    if seconds:
        request.surroundings.start_thread(lambda: _close_after(stream, seconds), f"end of {stream.worker}")


def _close_after(stream: EventStream, seconds: float) -> None:
    if not stream.wait_for_end(seconds):
        stream.close()


def _static(request: Request, stream: EventStream, is_wanted: Callable[[Line], bool]) -> None:
    """Show plain HTML: after `--for` once, else at once and again after each later cell."""
    from golem_nb.notebook.panes.pane import StaticDisplay

    shown = StaticDisplay(stream, is_wanted)
    seconds = request.number("for", 0)
    if seconds:
        stream.wait(timeout_s=seconds)
        stream.close()
    shown.show()
    if not stream.is_closed:
        request.surroundings.after_cells(shown.renew)


def _print(request: Request, stream: EventStream, is_wanted: Callable[[Line], bool]) -> None:
    """Print lines until the stream or the time ends, or the user interrupts."""
    seconds = request.number("for", 0)
    deadline = time.monotonic() + seconds if seconds else None
    seen = 0
    try:
        while deadline is None or time.monotonic() < deadline:
            for seq, event in stream.since(seen):
                line, seen = line_from_event(seq, event), seq
                if is_wanted(line):
                    print(harmless(text_from_line(line)), flush=True)
            if stream.is_closed and seen == stream.last_seq:
                break
            stream.wait_for_change(seen, 0.2)
    except KeyboardInterrupt:
        names = stream.workers or (stream.worker,)
        go_on = "the workers go on" if len(names) > 1 else "the worker goes on"
        print(f"[STREAM  ] left; {go_on}: %golem_connect {' '.join(names)}")
    stream.close()


VERB = Verb(
    name="golem_connect",
    summary="Show the events of workers while they happen: output, logs, invocations. Goes on while later cells run.",
    forms=(f"{USAGE}... [--for S] [--level L] [--filter RE] [--lines N] [--no-invocations]",),
    options=(
        Option("for", "end after S seconds; without a reader at the screen the cell waits for that", "S"),
        Option("level", "only lines of this level and above", "L"),
        Option("filter", "only lines that the regular expression is found in", "RE"),
        Option("lines", "keep so many lines in the pane (500)", "N"),
        Option("no-invocations", "no lines for the beginnings and ends of invocations"),
    ),
    rules=(
        "Returns the stream: `.df` has its events, `.wait(pred)` waits for one, `.close()` ends it, and\n"
        "`async for event in stream` reads them while the pane goes on."
    ),
    examples=(
        "%golem_connect counter/c1",
        "%golem_connect counter/c1 counter/c2",
        "events = %golem_connect counter/c1 --level warn",
    ),
    run=run,
)
