"""`%golem_debug`: the traceback behind the last error, which shows one line only."""

from __future__ import annotations

import traceback

from golem_nb.notebook.magics.verb import Request, Verb
from golem_nb.notebook.views import Text


def run(request: Request) -> Text:
    request.only_words(0, "%golem_debug")
    error = request.session.last_error
    return Text("no magic has failed" if error is None else "\n".join(full_lines(error)))


def full_lines(error: BaseException) -> list[str]:
    return "".join(traceback.format_exception(error)).rstrip().splitlines()


VERB = Verb(
    name="golem_debug",
    summary="Show the whole traceback of the last error of a magic.",
    forms=("%golem_debug",),
    rules="`%config GolemMagics.short_errors = False` has each error shown so.",
    examples=("%golem_debug", "%golem_debug --out text"),
    run=run,
)
