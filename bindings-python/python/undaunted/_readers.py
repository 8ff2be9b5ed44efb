"""Error readers: from an exception to the neutral facts that the engine decides on.

A reader gathers facts and decides nothing. Classes are recognised by name, so nothing is imported that the user has not imported; what
is found for a class is remembered. What no reader knows is `user` with the class's name.
"""

from __future__ import annotations

import errno
import sys
import time

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Reader = Callable[[Any, bool], _core.Failure]


def read(error: BaseException, needs_body: bool) -> _core.Failure:
    """The facts of an error. Never raises: an error with odd attributes is still the user's error."""
    kind = type(error)
    reader = _chosen.get(kind)
    if reader is None:
        reader = _choose(kind)
    try:
        return reader(error, needs_body)
    except Exception:
        return read_user(error, needs_body)


def response_failure(status: int, headers: object, body: bytes | None = None) -> _core.Failure:
    """The facts of an HTTP response."""
    try:
        hint, should_retry = hint_of(headers)
    except Exception:  # odd headers are no hint; the status counts all the same
        hint = should_retry = None
    return _core.Failure("http", status, hint=hint, should_retry=should_retry, body=body)


def hint_of(headers: object) -> tuple[int | None, bool | None]:
    """The wait the server asks for in microseconds, and its word on retrying; from a mapping or from pairs."""
    if not headers:
        return None, None
    items: Iterable[tuple[Any, Any]] = headers.items() if hasattr(headers, "items") else headers  # type: ignore[assignment]
    pairs = [(_text(name), _text(value)) for name, value in items]
    told = [(name, value) for name, value in pairs if name.lower() in HEADERS]
    if not told:
        return None, None
    hint, should_retry, _ = _core.read_hint(told, int(time.time() * 1e6))
    return hint, should_retry


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _choose(kind: type[BaseException]) -> Reader:
    from ._drivers import DRIVERS

    if len(_chosen) >= CLASSES_REMEMBERED:
        _chosen.clear()
        BARE.clear()
    reader = next(
        (known for name in names_of(kind) if (known := READERS.get(name) or DRIVERS.get(name))),
        _read_other,
    )
    if reader is _read_other and not has_shape(kind):
        BARE[kind] = _core.Failure("user", kind.__name__)
    _chosen[kind] = reader
    return reader


def names_of(kind: type[BaseException]) -> list[str]:
    """A class and those it is made from, with their modules."""
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]


def has_shape(kind: type[BaseException]) -> bool:
    """Whether instances without attributes of their own may look like an HTTP error."""
    if kind.__getattribute__ is not BaseException.__getattribute__ or hasattr(kind, "__getattr__"):
        return True
    return any(hasattr(kind, name) for name in ("response", "status_code", "status"))


def read_user(error: BaseException, needs_body: bool) -> _core.Failure:
    return BARE.get(type(error)) or _core.Failure("user", type(error).__name__)


def _read_other(error: Any, needs_body: bool) -> _core.Failure:
    """An HTTP error by its shape: `.response.status_code`, `.response.status`, `.status_code` or `.status`."""
    response = getattr(error, "response", None)
    for holder in (error,) if response is None else (response, error):
        for name in ("status_code", "status"):
            status = getattr(holder, name, None)
            if isinstance(status, int) and 100 <= status <= 599:
                headers = getattr(holder, "headers", None) or getattr(error, "headers", None)
                return response_failure(status, headers, _body(holder) if needs_body else None)
    return read_user(error, needs_body)


def _body(holder: Any) -> bytes | None:
    for name in ("body", "content"):
        try:
            body = getattr(holder, name, None)
        except Exception:  # a response that was not read yet
            continue
        if isinstance(body, str):
            body = body.encode()
        if isinstance(body, bytes):
            return body[:BODY]
    return None


def _read_http_error(error: Any, needs_body: bool) -> _core.Failure:
    hint = None if error.hint is None else round(error.hint * 1e6)
    body = _body(error.response) if needs_body else None
    return _core.Failure("http", error.status, hint=hint, should_retry=error.should_retry, body=body)


def _read_breaker_open(error: Any, needs_body: bool) -> _core.Failure:
    """Nothing was sent; it may be tried again once the breaker lets calls through, if there is so much time."""
    return _core.Failure("user", "BreakerOpen", hint=max(0, round(error.retry_in * 1e6)))


def _read_scripted(error: Any, needs_body: bool) -> _core.Failure:
    return error._failure()  # type: ignore[no-any-return]


def _read_os(error: Any, needs_body: bool) -> _core.Failure:
    code = error.errno
    if code is None:
        return _read_nameless(error, needs_body)
    # Of Windows' own numbers those from 10000 on are sockets'; the others mean something else than the same errno.
    windows = getattr(error, "winerror", None) or 0
    if windows >= 10_000:
        return _core.Failure("os", windows)
    facts = _os.get(code)
    if facts is None:
        facts = _os[code] = _core.Failure("os", errno.errorcode.get(code, code))
    return facts


def _read_nameless(error: OSError, needs_body: bool) -> _core.Failure:
    kind = type(error)
    name = next((NAMELESS[base.__name__] for base in kind.__mro__ if base.__name__ in NAMELESS), None)
    if name is None:
        return read_user(error, needs_body)
    facts = fact("os", name)
    if _chosen.get(kind) is _read_os:
        BARE[kind] = facts
    return facts


def _read_os_or_cause(error: Any, needs_body: bool) -> _core.Failure:
    return _read_os(error, needs_body) if error.errno is not None else _read_cause(error, needs_body)


def _read_gai(error: Any, needs_body: bool) -> _core.Failure:
    socket = sys.modules["socket"]
    names = {number: name for name, number in vars(socket).items() if name.startswith("EAI_")}
    return _core.Failure("dns", names.get(error.errno, error.errno), phase="connect")


def _read_herror(error: Any, needs_body: bool) -> _core.Failure:
    names = {1: "EAI_NONAME", 2: "EAI_AGAIN", 3: "EAI_FAIL", 4: "EAI_NODATA"}
    return _core.Failure("dns", names.get(error.errno, error.errno), phase="connect")


def _read_ssl(error: Any, needs_body: bool) -> _core.Failure:
    return _core.Failure("tls", getattr(error, "reason", None) or "SSL")


def os_reader(name: str, phase: str = "unknown") -> Reader:
    def reader(error: BaseException, needs_body: bool) -> _core.Failure:
        return fact("os", name, phase)

    return reader


def _tls_reader(error: BaseException, needs_body: bool) -> _core.Failure:
    return fact("tls", type(error).__name__)


def inner_reader(find: Callable[[Any], object], otherwise: str, phase: str = "unknown") -> Reader:
    """Reads the error inside: with the outer one's phase, and as an errno if there is none inside or nothing is known about it."""

    def reader(error: BaseException, needs_body: bool) -> _core.Failure:
        inner = find(error)
        facts = read(inner, needs_body) if isinstance(inner, Exception) and inner is not error else None
        if facts is None or facts.domain == "user":
            return fact("os", otherwise, phase)
        if phase == "connect" and facts.phase != phase and facts.domain != "http":
            return _core.Failure(facts.domain, facts.code, phase=phase)
        return facts

    return reader


def _first_error(error: Any) -> object:
    return next((part for part in error.args if isinstance(part, Exception)), error.__cause__)


def _read_dns_inside(error: Any, needs_body: bool) -> _core.Failure:
    """A resolver of its own raises a plain OSError without a number: the name was not found."""
    inner = getattr(error, "os_error", None) or error.__cause__
    facts = read(inner, needs_body) if isinstance(inner, Exception) else None
    return facts if facts is not None and facts.domain == "dns" else fact("dns", "ENOTFOUND", "connect")


def _read_url_error(error: Any, needs_body: bool) -> _core.Failure:
    return read(error.reason, needs_body) if isinstance(error.reason, Exception) else read_user(error, needs_body)


def _read_urllib_http(error: Any, needs_body: bool) -> _core.Failure:
    return response_failure(error.code, error.headers)


def _read_reason(error: Any, needs_body: bool) -> _core.Failure:
    reason = getattr(error, "reason", None) or _first_error(error)
    return read(reason, needs_body) if isinstance(reason, Exception) else read_user(error, needs_body)


def _innermost(error: Any) -> object:
    """httpx wraps httpcore's errors, which hold those of sockets, TLS and event loops; several addresses that failed come as a group."""
    while True:
        inner = error.exceptions[0] if isinstance(error, ExceptionGroup) else _first_error(error)
        if not isinstance(inner, Exception):
            return error
        error = inner


def _read_proxy(error: Any, needs_body: bool) -> _core.Failure:
    """A proxy that refused, with its status: nothing has been sent to the server behind it."""
    status = str(error)[:3]
    return fact("http", int(status)) if status.isdecimal() and status < "500" else fact("os", "ECONNREFUSED", "connect")


def fact(domain: str, code: str | int, phase: str = "unknown") -> _core.Failure:
    key = (domain, code, phase)
    facts = _facts.get(key)
    if facts is None:
        facts = _facts[key] = _core.Failure(domain, code, phase=phase)
    return facts


_read_cause = inner_reader(lambda error: error.__cause__, "ECONNRESET")

# OSErrors that were raised without a number.
NAMELESS = {
    "ConnectionRefusedError": "ECONNREFUSED",
    "ConnectionResetError": "ECONNRESET",
    "ConnectionAbortedError": "ECONNABORTED",
    "BrokenPipeError": "EPIPE",
    "ConnectionError": "ECONNRESET",
    "TimeoutError": "ETIMEDOUT",
    "BlockingIOError": "EAGAIN",
    "InterruptedError": "EINTR",
    "FileNotFoundError": "ENOENT",
    "PermissionError": "EACCES",
}

READERS: dict[str, Reader] = {
    "undaunted._errors.HttpError": _read_http_error,
    "undaunted._breaker.BreakerOpen": _read_breaker_open,
    "undaunted._script.ScriptedError": _read_scripted,
    "builtins.OSError": _read_os,
    "socket.gaierror": _read_gai,
    "socket.herror": _read_herror,
    "ssl.SSLCertVerificationError": _tls_reader,
    "ssl.SSLEOFError": os_reader("EOF"),
    "ssl.SSLZeroReturnError": os_reader("EOF"),
    "ssl.SSLSyscallError": os_reader("EOF"),
    "ssl.SSLWantReadError": os_reader("EAGAIN"),
    "ssl.SSLWantWriteError": os_reader("EAGAIN"),
    "ssl.SSLError": _read_ssl,
    "asyncio.exceptions.IncompleteReadError": os_reader("UNEXPECTED_EOF"),
    "http.client.IncompleteRead": os_reader("UNEXPECTED_EOF"),
    "urllib.error.HTTPError": _read_urllib_http,
    "urllib.error.URLError": _read_url_error,
    "trio.TooSlowError": os_reader("ETIMEDOUT"),
    "trio.BrokenResourceError": inner_reader(lambda error: error.__cause__, "EPIPE"),
    "aiohttp.client_exceptions.ClientConnectorDNSError": _read_dns_inside,
    "aiohttp.client_exceptions.ClientConnectorCertificateError": _tls_reader,
    "aiohttp.client_exceptions.ClientConnectorError": inner_reader(lambda error: error.os_error, "ECONNREFUSED", "connect"),
    "aiohttp.client_exceptions.ConnectionTimeoutError": os_reader("ETIMEDOUT", "connect"),
    "aiohttp.client_exceptions.ServerTimeoutError": os_reader("ETIMEDOUT"),
    "aiohttp.client_exceptions.ServerDisconnectedError": os_reader("EOF"),
    "aiohttp.client_exceptions.ServerFingerprintMismatch": _tls_reader,
    "aiohttp.client_exceptions.ClientPayloadError": os_reader("UNEXPECTED_EOF"),
    "aiohttp.client_exceptions.ClientOSError": _read_os_or_cause,
    "urllib3.exceptions.NameResolutionError": _read_dns_inside,
    "urllib3.exceptions.NewConnectionError": inner_reader(lambda error: error.__cause__, "ECONNREFUSED", "connect"),
    "urllib3.exceptions.ConnectTimeoutError": os_reader("ETIMEDOUT", "connect"),
    "urllib3.exceptions.TimeoutError": os_reader("ETIMEDOUT"),
    "urllib3.exceptions.ProtocolError": inner_reader(_first_error, "UNEXPECTED_EOF"),
    "urllib3.exceptions.ProxyError": inner_reader(lambda error: error.original_error, "ECONNREFUSED", "connect"),
    "urllib3.exceptions.MaxRetryError": _read_reason,
    "urllib3.exceptions.SSLError": _read_reason,
    "requests.exceptions.HTTPError": _read_other,
    "requests.exceptions.ConnectTimeout": os_reader("ETIMEDOUT", "connect"),
    "requests.exceptions.Timeout": os_reader("ETIMEDOUT"),
    "requests.exceptions.SSLError": _read_reason,
    "requests.exceptions.ConnectionError": inner_reader(_first_error, "ECONNRESET"),
    "requests.exceptions.ChunkedEncodingError": inner_reader(_first_error, "UNEXPECTED_EOF"),
    "requests.exceptions.RequestException": read_user,
    "anyio.BrokenResourceError": inner_reader(lambda error: error.__cause__, "EPIPE"),
    "httpx.ConnectTimeout": os_reader("ETIMEDOUT", "connect"),
    "httpx.PoolTimeout": os_reader("ETIMEDOUT", "connect"),
    "httpx.TimeoutException": os_reader("ETIMEDOUT"),
    "httpx.ConnectError": inner_reader(_innermost, "ECONNREFUSED", "connect"),
    "httpx.NetworkError": inner_reader(_innermost, "ECONNRESET"),
    "httpx.RemoteProtocolError": inner_reader(_innermost, "UNEXPECTED_EOF"),
    "httpx.ProxyError": _read_proxy,
    "httpx.RequestError": read_user,
}

HEADERS = frozenset(_core.HINT_HEADERS)
BODY = 4096
CLASSES_REMEMBERED = 1000
#: Facts of classes whose instances without attributes, and without errno, are all alike; the engine's glue looks here first.
BARE: dict[type[BaseException], _core.Failure] = {}
_chosen: dict[type[BaseException], Reader] = {}
_os: dict[int, _core.Failure] = {}
_facts: dict[tuple[str, str | int, str], _core.Failure] = {}
