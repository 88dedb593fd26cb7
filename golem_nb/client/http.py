"""Requests to one server: its address and token, time-outs, and which requests are sent again.

How this works. A request is sent again when its connection failed, or the server answered that it is busy (502, 503,
504), but only where that is safe: a GET, or a request with an idempotency key. Pauses grow, vary by chance, and are
those that the server asks for (Retry-After) where they are not too long. Everything else fails at once.

The token is put on a request as it leaves. It is in no attribute, no representation, no log and no pickle.
"""

from __future__ import annotations

import json
import logging
import math
import random
import re
import ssl
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, NoReturn
from urllib.parse import urlsplit

import httpx

from golem_nb.errors import BadInput, ClientError, ServerError, ServerUnreachable, WaitTimeout
from golem_nb.wire.operations import KEY_HEADER

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0
_BUSY = frozenset({502, 503, 504})
_SHORTEST_SECRET = 6  # characters
# What httpx raises where a connection could not be made, or broke: most often a kept one that the server had closed.
_BROKEN = (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)

# websockets writes the headers of its handshake, and so the token, to its log at DEBUG.
SILENT = logging.Logger("golem_nb.silent")
SILENT.disabled = True


class Token:
    """A secret that nothing shows; None = there is none. `headers` is what a request with it has besides.

    Raises:
        BadInput: No header can have it: whoever sends it anyway shows it in the failure.
    """

    __slots__ = ("_headers", "_secret")

    def __init__(self, token: str | None) -> None:
        token = (token or "").strip()  # files end with a newline
        if not re.fullmatch(r"[\x21-\x7e]*", token):
            raise BadInput("the token has a character that no token can have, such as a blank; it is not shown here")
        self._headers = _Unseen({"Authorization": f"Bearer {token}"} if token else {})
        self._secret = token

    def headers(self) -> Mapping[str, str]:
        return self._headers

    def hidden_in(self, text: str) -> str:
        """Return a text without the token: what a server says of a request may repeat its headers.

        A token that is as short as a word is left, since it would be found in others.
        """
        return text.replace(self._secret, "…") if len(self._secret) >= _SHORTEST_SECRET else text

    def __repr__(self) -> str:
        return "Token(…)" if self._headers else "Token()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client of a server is not pickled: it holds a token; make another one from the URL")


class _Unseen(dict[str, str]):
    def __repr__(self) -> str:
        return "{…}" if self else "{}"


class _Bearer(httpx.Auth):
    def __init__(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update(self._token.headers())
        yield request


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is sent at most, and the pauses between."""

    attempts: int = 4
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0
    longest_wish_s: float = 30.0
    """The longest Retry-After that is waited for."""
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def pause_s(self, attempt: int) -> float:
        """Return the pause behind the attempt of that number, from 1: twice the one before, half of it by chance."""
        return min(self.first_pause_s * 2.0 ** (attempt - 1), self.longest_pause_s) * (0.5 + 0.5 * self.chance())


NEVER_AGAIN = Retries(attempts=1)


class Http:
    """The way to one server. Methods may be called from any thread; connections are kept and used again."""

    def __init__(self, url: str, token: str | None, http: httpx.Client | None, retries: Retries) -> None:
        """`http` may be given for tests, or for what httpx cannot be told by the environment; it is not closed.

        Raises:
            BadInput: The URL or the token is none.
            ClientError: Certificates or proxies of the environment cannot be used.
        """
        self.url, self.token, self._retries = _checked(url), Token(token), retries
        self.answer_timeout_s: float = ANSWER_TIMEOUT_S
        parts = urlsplit(self.url)
        self.is_loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
        # Without TLS there are no certificates to load: it takes 20 ms, and we look often whether the engine answers.
        # A proxy of the environment, which may have TLS, is not for a server on this machine; SSL_CERT_FILE is.
        is_plain = parts.scheme == "http"
        trusted = None if is_plain and self.is_loopback else _certificates()
        self.tls = None if is_plain else trusted
        self._owns_http = http is None
        self._http = http or _connections(trust_env=not self.is_loopback, verify=trusted or False)
        self._auth = _Bearer(self.token)

    def close(self) -> None:
        if self._owns_http:
            self._http.close()

    def send(
        self,
        id: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str | None, bytes, str]] | None = None,
        content: IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = ANSWER_TIMEOUT_S,
        retries: Retries | None = None,
    ) -> httpx.Response:
        """Make a request and return its answer, whatever its status; `id` names the operation in errors.

        Raises:
            BadInput: No request can say this: it is too long, no Unicode, or no JSON.
            ServerUnreachable: No connection, or it broke.
            WaitTimeout: `timeout_s` is over.
        """
        request = self._built(
            id,
            method,
            path,
            params=query,
            json=json,
            data=data,
            files=files,
            content=content,
            headers=headers,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
        )
        with self._reaching(id):
            return self._sent(request, retries or self._retries)

    @contextmanager
    def streamed(
        self,
        id: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        retries: Retries | None = None,
    ) -> Iterator[httpx.Response]:
        """Make a request whose answer is read while it comes, each part within `answer_timeout_s`; else as `send`.

        What a failure says is read whole.
        """
        timeout = httpx.Timeout(self.answer_timeout_s, connect=CONNECT_TIMEOUT_S)
        request = self._built(id, method, path, params=query, timeout=timeout)
        with self._reaching(id):
            answer = self._sent(request, retries or self._retries, is_stream=True)
            try:
                if not answer.is_success:
                    answer.read()
                yield answer
            finally:
                answer.close()

    def _built(self, id: str, method: str, path: str, **options: Any) -> httpx.Request:
        try:
            return self._http.build_request(method, self.url + path, **options)
        except (httpx.InvalidURL, ValueError, TypeError) as error:  # a UnicodeEncodeError is a ValueError
            raise BadInput(f"{id} cannot be asked for with this: {reason(error)}") from None

    def _sent(self, request: httpx.Request, retries: Retries, is_stream: bool = False) -> httpx.Response:
        """Send a request, again where that is safe; all of it together takes no longer than the request's time-out.

        The time-out of a stream is for each of its parts.
        """
        is_repeatable = request.method == "GET" or KEY_HEADER in request.headers
        timeout_s = request.extensions["timeout"]["read"]
        deadline = math.inf if timeout_s is None else retries.clock() + timeout_s
        for attempt in range(1, retries.attempts if is_repeatable else 1):
            try:
                answer = self._http.send(request, auth=self._auth, stream=is_stream)
            except _BROKEN:
                pause_s: float | None = retries.pause_s(attempt)
                if retries.clock() + (pause_s or 0.0) >= deadline:
                    raise
            else:
                pause_s = self._pause_before_next(answer, retries, attempt)
                if pause_s is None or retries.clock() + pause_s >= deadline:
                    return answer
                answer.close()
            retries.sleep(pause_s or 0.0)
            if timeout_s is not None and not is_stream:
                left = httpx.Timeout(max(deadline - retries.clock(), 0.001), connect=CONNECT_TIMEOUT_S)
                request.extensions = {**request.extensions, "timeout": left.as_dict()}
        return self._http.send(request, auth=self._auth, stream=is_stream)

    @staticmethod
    def _pause_before_next(answer: httpx.Response, retries: Retries, attempt: int) -> float | None:
        """Return how long to wait before the request is sent again; None where this answer is the one."""
        if answer.status_code not in _BUSY:
            return None
        wish_s = _retry_after_s(answer.headers.get("retry-after", ""))
        if wish_s is None:
            return retries.pause_s(attempt)
        return wish_s if wish_s <= retries.longest_wish_s else None

    @contextmanager
    def _reaching(self, id: str) -> Iterator[None]:
        """Turn httpx's failures into ours."""
        try:
            yield
        except httpx.ConnectTimeout:
            raise ServerUnreachable(f"nobody answers at {self.url} within {CONNECT_TIMEOUT_S:g} s") from None
        except httpx.TimeoutException:
            raise WaitTimeout(f"{id} was not answered in time; what the server has accepted goes on there") from None
        except httpx.LocalProtocolError:  # its text has the header, whichever it is
            raise BadInput(f"{id} cannot be asked for with this: a header would have a control character") from None
        except httpx.TransportError as error:
            hint = "; does it speak http:// without s?" if "WRONG_VERSION_NUMBER" in str(error) else ""
            raise ServerUnreachable(f"nobody answers at {self.url}: {reason(error)}{hint}") from None
        except httpx.RequestError as error:  # such as one that says that it is compressed, and is not
            raise ServerUnreachable(f"the answer of {self.url} to {id} cannot be read: {reason(error)}") from None

    def json_of(self, answer: httpx.Response) -> Any:
        """Return the JSON of an answer.

        Raises:
            ServerError: It has none; that is the server's fault.
        """
        try:
            return answer.json()
        except (ValueError, RecursionError):
            text = self.token.hidden_in(answer.text)[:80]
            raise ServerError(answer.status_code, f"no JSON: {text!r}; is {self.url} a Golem server?") from None

    def told(self, content: bytes) -> Any:
        """Return what a failure says: its JSON, or its text where it is none, without the token."""
        text = self.token.hidden_in(content.decode("utf-8", "replace"))
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text


def reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _retry_after_s(text: str) -> float | None:
    """Return the seconds that a Retry-After asks for, given as such or as a date; None where it asks for nothing."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _connections(trust_env: bool, verify: ssl.SSLContext | bool) -> httpx.Client:
    """Return what makes connections, by the proxies of the environment.

    Raises:
        ClientError: One of them cannot be used; its address, which may hold a password, is not told.
    """
    try:
        return httpx.Client(trust_env=trust_env, verify=verify)
    except (ImportError, ValueError, httpx.InvalidURL):
        raise ClientError("a proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is none that can be used") from None


def _certificates() -> ssl.SSLContext:
    """Return whom to trust, by httpx's own means: SSL_CERT_FILE, SSL_CERT_DIR, else the authorities that all know.

    Raises:
        ClientError: They cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # which an SSLError is
        raise ClientError(
            f"the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {reason(error)}"
        ) from None


def _checked(url: str) -> str:
    shown = "" if "@" in url else f": {url!r:.200}"  # before an @ is a password
    wrong = BadInput(f"not the address of a server{shown}; it looks like http://127.0.0.1:9881")
    try:
        parts = urlsplit(url)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise wrong from None
    if parts.username or parts.password:
        raise BadInput("the address of a server must not hold a password; give the token by itself")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
