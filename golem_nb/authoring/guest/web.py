"""`http.client` and `urllib.request` over wasi:http: requests go through the engine, which records and repeats them."""

import http.client
import io
import urllib.request

from componentize_py_types import Err
from wit_world.imports import outgoing_handler
from wit_world.imports.streams import StreamError_Closed

try:
    from wit_world.imports import wasi_http_types as wasi
except ImportError:  # its name where a world has no other interface `types`
    from wit_world.imports import types as wasi

CHUNK_BYTES = 4096  # a stream takes no more at once
# What the engine sets by itself.
OWN_HEADERS = {"connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}


class _Body(io.RawIOBase):
    def __init__(self, response):
        self._incoming = response.consume()
        self._stream = self._incoming.stream()

    def readable(self):
        return True

    def readinto(self, buffer):
        if self._stream is None:
            return 0
        try:
            data = self._stream.blocking_read(len(buffer))
        except Err as failure:
            self._release()
            if isinstance(failure.value, StreamError_Closed):
                return 0
            raise ConnectionError("the answer broke off") from None
        buffer[: len(data)] = data
        return len(data)

    def close(self):
        self._release()
        super().close()

    def _release(self):
        if self._stream is not None:
            self._stream.__exit__(None, None, None)
            self._incoming.__exit__(None, None, None)
            self._stream = None


class Response(io.BufferedReader):
    """What `HTTPConnection.getresponse` gives."""

    version, will_close = 11, True

    def __init__(self, response, method):
        super().__init__(_Body(response))
        self.status = self.code = response.status()
        self.reason = http.client.responses.get(self.status, "")
        self.headers = self.msg = http.client.HTTPMessage()
        for name, value in response.headers().entries():
            self.headers.add_header(name, value.decode("latin-1"))
        length = self.headers.get("content-length")
        self.length = int(length) if length and length.isdigit() and method != "HEAD" else None
        self.url = ""

    def info(self):
        return self.headers

    def geturl(self):
        return self.url

    def getcode(self):
        return self.status

    def getheader(self, name, default=None):
        found = self.headers.get_all(name)
        return ", ".join(found) if found else default

    def getheaders(self):
        return list(self.headers.items())

    def isclosed(self):
        return self.closed


class Connection(http.client.HTTPConnection):
    """A connection only by name: each request is one of its own."""

    _scheme = wasi.Scheme_Http()

    def connect(self):
        pass

    def close(self):
        self._request = self._response = None

    def request(self, method, url, body=None, headers=(), *, encode_chunked=False):
        self.putrequest(method, url)
        for name, value in dict(headers).items():
            self.putheader(name, value)
        self.endheaders(body)

    def putrequest(self, method, url, skip_host=False, skip_accept_encoding=False):
        self._line, self._fields, self._response = (method.upper(), url), [], None

    def putheader(self, name, *values):
        name = (name if isinstance(name, str) else name.decode("latin-1")).lower()
        if name not in OWN_HEADERS:
            for value in values:
                self._fields.append((name, value if isinstance(value, bytes) else str(value).encode("latin-1")))

    def endheaders(self, message_body=None, *, encode_chunked=False):
        method, path = self._line
        try:
            fields = wasi.Fields.from_list(self._fields)
        except Err as failure:
            raise ValueError(f"not a header that can be sent: {failure.value}") from None
        request = wasi.OutgoingRequest(fields)
        request.set_method(
            getattr(wasi, f"Method_{method.title()}")() if method in METHODS else wasi.Method_Other(method)
        )
        request.set_scheme(self._scheme)
        port = "" if self.port in (None, self.default_port) else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        request.set_authority(f"{host}{port}")
        request.set_path_with_query(path)
        outgoing = request.body()
        try:
            future = outgoing_handler.handle(request, self._options())
            self._write(outgoing, message_body)
        except Err as failure:
            raise _failure(failure.value) from None
        self._response = Response(self._answer(future), method)

    def send(self, data):
        raise io.UnsupportedOperation("give the body to request() as a whole")

    def getresponse(self):
        if self._response is None:
            raise http.client.ResponseNotReady("Idle")
        return self._response

    def _options(self):
        if not isinstance(self.timeout, int | float):
            return None
        options, timeout_ns = wasi.RequestOptions(), int(self.timeout * 1e9)
        for set_timeout in (options.set_connect_timeout, options.set_first_byte_timeout):
            set_timeout(timeout_ns)
        options.set_between_bytes_timeout(timeout_ns)
        return options

    @staticmethod
    def _write(outgoing, body):
        if body:
            with outgoing.write() as stream:
                for part in _parts(body):
                    for begin in range(0, len(part), CHUNK_BYTES):
                        stream.blocking_write_and_flush(part[begin : begin + CHUNK_BYTES])
        wasi.OutgoingBody.finish(outgoing, None)

    @staticmethod
    def _answer(future):
        with future:
            with future.subscribe() as pollable:
                pollable.block()
            found = future.get().value
        if isinstance(found, Err):
            raise _failure(found.value)
        return found.value


class SecureConnection(Connection):
    _scheme = wasi.Scheme_Https()
    default_port = http.client.HTTPS_PORT

    def __init__(self, host, port=None, *, context=None, **options):
        super().__init__(host, port, **options)


class _Handler(urllib.request.AbstractHTTPHandler):
    def http_open(self, request):
        return self.do_open(Connection, request)

    def https_open(self, request):
        return self.do_open(SecureConnection, request)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


def _parts(body):
    if isinstance(body, str):
        return [body.encode("latin-1")]
    if isinstance(body, bytes | bytearray | memoryview):
        return [bytes(body)]
    if hasattr(body, "read"):
        return iter(lambda: body.read(1 << 16), b"")
    return body


def _failure(code):
    name = type(code).__name__.partition("_")[2]
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    if "Timeout" in name:
        return TimeoutError(words)
    return ConnectionRefusedError(words) if name == "ConnectionRefused" else ConnectionError(words or repr(code))


def install():
    """Have `http.client` and `urllib.request` use these."""
    http.client.HTTPConnection, http.client.HTTPSConnection = Connection, SecureConnection
    urllib.request.HTTPHandler = urllib.request.HTTPSHandler = _Handler
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.UnknownHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.DataHandler,
        _Handler,
    ):
        opener.add_handler(handler())
    urllib.request.install_opener(opener)
