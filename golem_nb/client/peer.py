"""The server that a client faces: which dialect it speaks, which environment is used, and what it is asked for.

Which dialect it speaks is found out by the first request that needs it, from the version that the server tells; a
choice at the making wins. What the dialect's table has no operation for is `NotSupported`, and nothing is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import httpx

from golem_nb.client.http import Http
from golem_nb.errors import BadInput, GolemError, NotFound, NotSupported, ServerError
from golem_nb.model import LOCAL_ENVIRONMENT
from golem_nb.wire import translate
from golem_nb.wire.dialects import (
    BY_CONTAINER,
    CONTRACT,
    DIALECTS,
    Dialect,
    dialect_of_version,
    is_number,
    is_unknown,
    who_has,
)
from golem_nb.wire.failures import failure_from_answer
from golem_nb.wire.operations import EXTENSIONS, Op, by_id
from golem_nb.wire.translate import Place, version_from_json

T = TypeVar("T")

_EXTENSIONS = by_id(EXTENSIONS)


class Peer:
    """The other side. Methods may be called from any thread."""

    def __init__(self, http: Http, dialect: Dialect | None, environment_id: UUID | None) -> None:
        """None = to be found out."""
        self._http, self._dialect = http, dialect
        self._place = None if environment_id is None else Place(environment_id)
        self._version = ""
        self._lock = threading.Lock()
        self._heard: list[tuple[str, Any]] | None = None

    # Which server it is.

    def speaks(self) -> str:
        """Say what the server is, which is asked once, and whether that is a guess."""
        dialect = self.dialect()
        version = f" ({self._version})" if self._version else ""
        guess = f"; taken for {dialect.title}, the newest that golem_nb knows" if is_unknown(self._version) else ""
        return f"{dialect.title}{version}{guess}"

    def place(self) -> Place:
        """Return the environment or project in use. The server is asked where none was chosen.

        Raises:
            BadInput: There are several, or none.
        """
        if self._place is None:
            self._place = self._only(self._places())
        return self._place

    def named_place(self) -> Place:
        """Return the environment in use with its names, which a method of an agent is invoked by.

        Raises:
            BadInput: There is none such as was chosen.
        """
        place = self.place()
        if not place.name:
            known = self._places()
            self._place = place = next((other for other in known if other.id == place.id), None) or self._one(
                place, known
            )
        return place

    def _one(self, place: Place, known: Sequence[Place]) -> Place:
        """Ask for an environment that is not among those that are listed: an administrator may use it all the same."""
        container = self.dialect().container
        if container is None or container.one is None or container.app is None:
            return place
        try:
            environment = self.asked(container.one, {"environment_id": place.id})
            app = self.asked(container.app, {"application_id": self.told(translate.application_of, environment)})
        except NotFound:
            raise BadInput(f"there is no environment {place.id}; there are: {_told_places(known)}") from None
        return Place(place.id, self.told(translate.name_from, app), self.told(translate.name_from, environment))

    def _places(self) -> list[Place]:
        dialect = self.dialect()
        container = dialect.container
        if container is None:
            return [Place(LOCAL_ENVIRONMENT)]
        return self.told(lambda json: translate.places_from(dialect, container, json), self.asked(container.op))

    def _only(self, places: Sequence[Place]) -> Place:
        if len(places) == 1:
            return places[0]
        if not places:
            raise BadInput(f"the token may see no environment at {self._http.url}; make one with Golem's command line")
        raise BadInput(f"which environment at {self._http.url}? Choose one by its UUID: {_told_places(places)}")

    def dialect(self) -> Dialect:
        with self._lock:
            if self._dialect is None:
                self._dialect = self._recognised()
            return self._dialect

    def _recognised(self) -> Dialect:
        """Ask the server what it is.

        Raises:
            ServerError: It is no Golem server.
            NotSupported: It is an older one than we know.
        """
        op = CONTRACT.operations["version"]
        answer = self._http.send(op.id, op.method, op.url(), timeout_s=self._http.answer_timeout_s)
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED):
            return CONTRACT  # which has no such operation
        if not answer.is_success:
            raise self._failure(answer, self._http.told(answer.content))
        self._version = version = self.told(version_from_json, answer)[:40]
        dialect = dialect_of_version(version) or (None if is_number(version) else self._by_container())
        if dialect is None:
            raise NotSupported(
                f"{self._http.url} is Golem {version}; known are 1.3 to 1.5, and a dialect can be chosen: "
                f"{', '.join(DIALECTS)}"
            )
        return dialect

    def _by_container(self) -> Dialect | None:
        """Find the dialect of a server whose version is no number, by what components live in there."""
        for dialect in BY_CONTAINER:
            if dialect.container is not None:
                op = dialect.container.op
                answer = self._http.send(op.id, op.method, op.url(), timeout_s=self._http.answer_timeout_s)
                status = answer.status_code
                if status < 500 and status not in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
                    return dialect
        return None

    # How requests are made.

    def operation(self, id: str) -> tuple[Dialect, Op]:
        """Return the server's dialect, and what the operation is there.

        Raises:
            NotSupported: It has none.
        """
        dialect = self.dialect()
        op = dialect.operations.get(id)
        if op is None:
            others = " and ".join("golem_nb's own engine" if d is CONTRACT else d.title for d in who_has(id))
            instead = dialect.instead.get(id) or f"{others or 'nobody'} can"
            version = f" ({self._version})" if self._version else ""
            raise NotSupported(f"{dialect.title}{version} at {self._http.url} has no {id}: {instead}")
        return dialect, op

    def call(
        self,
        id: str,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, str | int] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Make the request of an operation and return its answer; `options` are those of `Http.send`.

        Raises:
            GolemError: What the server says of the failure, or that it cannot be reached.
        """
        _, op = self.operation(id)
        answer = self.asked(op, path, query, **options)
        if self._heard is not None and answer.headers.get("content-type", "").startswith("application/json"):
            self.hear(id, self._http.json_of(answer))
        return answer

    @contextmanager
    def heard(self) -> Iterator[list[tuple[str, Any]]]:
        """Collect what the server answers meanwhile: the operation, and the JSON as it was sent."""
        before, self._heard = self._heard, []
        try:
            yield self._heard
        finally:
            self._heard = before

    def hear(self, id: str, body: Any) -> None:
        if self._heard is not None:
            self._heard.append((id, body))

    def asked(
        self,
        op: Op,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, str | int] | None = None,
        **options: Any,
    ) -> httpx.Response:
        options = {"timeout_s": self._http.answer_timeout_s, **options}
        return self._good(op, self._http.send(op.id, op.method, _url(op, path or {}), query=query, **options))

    @contextmanager
    def streamed(
        self, id: str, path: Mapping[str, object], query: Mapping[str, str | int] | None = None, **options: Any
    ) -> Iterator[httpx.Response]:
        """Make the request of an operation whose answer is read while it comes; as `call`."""
        _, op = self.operation(id)
        with self._http.streamed(op.id, op.method, _url(op, path), query=query, **options) as answer:
            yield self._good(op, answer)

    def _good(self, op: Op, answer: httpx.Response) -> httpx.Response:
        """Return the answer of a success; what the server says of a failure is raised."""
        if answer.is_success:
            return answer
        body = self._http.told(answer.content)
        failure = self._failure(answer, body)
        # An exact NotFound, without a thing that was not found, is a path that the server does not know. Golem says of
        # a thing what it is, in `error`, and of a path nothing.
        names_a_thing = self._dialect is not CONTRACT and isinstance(body, Mapping) and "error" in body
        is_unknown_path = type(failure) is NotFound and not names_a_thing
        if op.id in _EXTENSIONS and (is_unknown_path or answer.status_code == httpx.codes.METHOD_NOT_ALLOWED):
            raise NotSupported(f"the server at {self._http.url} does not know {op.id}; golem_nb's own engine does")
        raise failure

    def read(self, read: Callable[[Dialect, Any], T], answer: httpx.Response) -> T:
        """Apply a function of `translate` to an answer."""
        dialect = self.dialect()
        return self.told(lambda json: read(dialect, json), answer)

    def told(self, read: Callable[[Any], T], answer: httpx.Response) -> T:
        """Apply a function to an answer; what cannot be read is the server's fault, not the caller's."""
        try:
            return read(self._http.json_of(answer))
        except BadInput as error:
            raise ServerError(answer.status_code, f"{error}; is {self._http.url} a Golem server?") from None

    def _failure(self, answer: httpx.Response, body: Any) -> GolemError:
        if answer.has_redirect_location:  # which is not followed: the token is for this server
            place = self._http.token.hidden_in(answer.headers["location"])
            return ServerError(answer.status_code, f"it is at {place:.200}; connect to that")
        return failure_from_answer(answer.status_code, body)


def _url(op: Op, path: Mapping[str, object]) -> str:
    try:
        return op.url(**path)
    except UnicodeEncodeError:
        raise BadInput(f"{op.id} cannot be asked for with a name that is no Unicode") from None


def _told_places(places: Sequence[Place]) -> str:
    return ", ".join(map(str, places)) or "none"
