"""Error readers: the facts that are gathered from exceptions, seen through what the engine makes of them."""

import asyncio
import errno
import http.client
import socket
import ssl
import urllib.error
from email.message import Message

import aiohttp
import anyio
import pytest
import requests
import trio
import urllib3

import undaunted
from undaunted import retry
from undaunted._readers import read

KEY = aiohttp.client_reqrep.ConnectionKey("h", 80, False, True, None, None, None)


def caused(error, cause):
    error.__cause__ = cause
    return error


def facts(error):
    found = read(error, False)
    return found.domain, found.code, found.phase


def with_status(kind, status, **attributes):
    error = kind("x")
    error.response = type("Response", (), {"status_code": status, "headers": {"Retry-After": "3"}, **attributes})()
    return error


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
NO_NAME = socket.gaierror(socket.EAI_NONAME, "no such name")
BUSY_DNS = socket.gaierror(socket.EAI_AGAIN, "again")
CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed")
RESET = ConnectionResetError(errno.ECONNRESET, "reset")

CASES = [
    (OSError(errno.EPIPE, "x"), ("os", "EPIPE", "unknown")),
    (OSError("no number"), ("user", "OSError", "unknown")),
    (ConnectionResetError("x"), ("os", "ECONNRESET", "unknown")),
    (ConnectionError("x"), ("os", "ECONNRESET", "unknown")),
    (BrokenPipeError(), ("os", "EPIPE", "unknown")),
    (TimeoutError(), ("os", "ETIMEDOUT", "unknown")),
    (undaunted.TimeoutError(3.0), ("os", "ETIMEDOUT", "unknown")),
    (FileNotFoundError(errno.ENOENT, "x"), ("os", "ENOENT", "unknown")),
    (PermissionError(), ("os", "EACCES", "unknown")),
    (NO_NAME, ("dns", "EAI_NONAME", "connect")),
    (BUSY_DNS, ("dns", "EAI_AGAIN", "connect")),
    (socket.herror(2, "x"), ("dns", "EAI_AGAIN", "connect")),
    (CERTIFICATE, ("tls", "SSLCertVerificationError", "unknown")),
    (ssl.SSLEOFError(8, "x"), ("os", "EOF", "unknown")),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] x"), ("tls", "SSL", "unknown")),
    (asyncio.IncompleteReadError(b"", 5), ("os", "UNEXPECTED_EOF", "unknown")),
    (http.client.RemoteDisconnected("x"), ("os", "ECONNRESET", "unknown")),
    (http.client.IncompleteRead(b""), ("os", "UNEXPECTED_EOF", "unknown")),
    (urllib.error.HTTPError("u", 503, "m", Message(), None), ("http", 503, "unknown")),
    (urllib.error.URLError(REFUSED), ("os", "ECONNREFUSED", "unknown")),
    (urllib.error.URLError("bad"), ("user", "URLError", "unknown")),
    (trio.TooSlowError(), ("os", "ETIMEDOUT", "unknown")),
    (caused(trio.BrokenResourceError(), RESET), ("os", "ECONNRESET", "unknown")),
    (trio.BrokenResourceError(), ("os", "EPIPE", "unknown")),
    (caused(anyio.BrokenResourceError(), RESET), ("os", "ECONNRESET", "unknown")),
    (undaunted.HttpError(429), ("http", 429, "unknown")),
    (with_status(ValueError, 502), ("http", 502, "unknown")),
    (with_status(ValueError, "502"), ("user", "ValueError", "unknown")),
    (ValueError("x"), ("user", "ValueError", "unknown")),
    (aiohttp.ClientConnectorError(KEY, REFUSED), ("os", "ECONNREFUSED", "connect")),
    (aiohttp.ClientConnectorDNSError(KEY, NO_NAME), ("dns", "EAI_NONAME", "connect")),
    (aiohttp.ClientConnectorDNSError(KEY, OSError(None, "x")), ("dns", "ENOTFOUND", "connect")),
    (aiohttp.ClientConnectorCertificateError(KEY, CERTIFICATE), ("tls", "ClientConnectorCertificateError", "unknown")),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLEOFError(8, "x")), ("os", "EOF", "connect")),
    (aiohttp.ConnectionTimeoutError("x"), ("os", "ETIMEDOUT", "connect")),
    (aiohttp.ServerTimeoutError("x"), ("os", "ETIMEDOUT", "unknown")),
    (aiohttp.SocketTimeoutError("x"), ("os", "ETIMEDOUT", "unknown")),
    (aiohttp.ServerDisconnectedError(), ("os", "EOF", "unknown")),
    (aiohttp.ClientOSError(errno.EPIPE, "x"), ("os", "EPIPE", "unknown")),
    (aiohttp.ClientOSError(), ("os", "ECONNRESET", "unknown")),
    (aiohttp.ClientPayloadError("x"), ("os", "UNEXPECTED_EOF", "unknown")),
    (aiohttp.ClientResponseError(None, (), status=503), ("http", 503, "unknown")),
    (aiohttp.ClientResponseError(None, ()), ("user", "ClientResponseError", "unknown")),
    (aiohttp.InvalidURL("x"), ("user", "InvalidURL", "unknown")),
    (caused(urllib3.exceptions.NewConnectionError(None, "x"), REFUSED), ("os", "ECONNREFUSED", "connect")),
    (caused(urllib3.exceptions.NameResolutionError("h", None, NO_NAME), NO_NAME), ("dns", "EAI_NONAME", "connect")),
    (urllib3.exceptions.ConnectTimeoutError(None, "x"), ("os", "ETIMEDOUT", "connect")),
    (urllib3.exceptions.ReadTimeoutError(None, "u", "x"), ("os", "ETIMEDOUT", "unknown")),
    (urllib3.exceptions.ProtocolError("Connection aborted.", RESET), ("os", "ECONNRESET", "unknown")),
    (urllib3.exceptions.ProtocolError("x"), ("os", "UNEXPECTED_EOF", "unknown")),
    (urllib3.exceptions.SSLError(CERTIFICATE), ("tls", "SSLCertVerificationError", "unknown")),
    (urllib3.exceptions.ProxyError("x", REFUSED), ("os", "ECONNREFUSED", "connect")),
    (urllib3.exceptions.MaxRetryError(None, "u", urllib3.exceptions.ReadTimeoutError(None, "u", "x")), ("os", "ETIMEDOUT", "unknown")),
    (urllib3.exceptions.MaxRetryError(None, "u", urllib3.exceptions.ResponseError("too many")), ("user", "ResponseError", "unknown")),
    (urllib3.exceptions.LocationParseError("x"), ("user", "LocationParseError", "unknown")),
    (requests.ConnectTimeout(), ("os", "ETIMEDOUT", "connect")),
    (requests.ReadTimeout(), ("os", "ETIMEDOUT", "unknown")),
    (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", RESET)), ("os", "ECONNRESET", "unknown")),
    (requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "u", urllib3.exceptions.SSLError(CERTIFICATE))), ("tls", "SSLCertVerificationError", "unknown")),
    (requests.exceptions.ChunkedEncodingError(urllib3.exceptions.ProtocolError("x")), ("os", "UNEXPECTED_EOF", "unknown")),
    (with_status(requests.HTTPError, 504), ("http", 504, "unknown")),
    (requests.exceptions.InvalidURL("x"), ("user", "InvalidURL", "unknown")),
]


@pytest.mark.parametrize(("error", "expected"), CASES, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "")
def test_the_facts_of(error, expected):
    assert expected == facts(error)
    assert expected == facts(error), "what was remembered of the class is the same"


@pytest.mark.parametrize(("name", "number"), [(name, number) for number, name in errno.errorcode.items()][:200])
def test_every_errno_goes_by_its_name_so_that_it_works_on_any_system(name, number):
    assert ("os", name, "unknown") == facts(OSError(number, "x"))


def test_an_error_with_a_number_is_not_taken_for_one_without(flaky):
    for error, calls in [(ConnectionResetError(), 2), (ConnectionResetError(errno.EACCES, "x"), 1), (ConnectionResetError(), 2)]:
        fn = flaky(1, error)
        try:
            retry(fn)()
        except OSError:
            pass
        assert calls == fn.calls


def test_numbers_of_windows_count_only_where_they_are_sockets():
    class Windows(OSError):
        winerror = None

    error = Windows(errno.ECONNRESET, "x")
    error.winerror = 10054
    assert ("os", 10054, "unknown") == facts(error)
    error = Windows(errno.EINVAL, "x")
    error.winerror = 11
    assert ("os", "EINVAL", "unknown") == facts(error)


def test_instances_of_one_class_may_differ():
    class Api(Exception):
        pass

    plain, with_code = Api(), Api()
    with_code.status_code = 503
    assert [("user", "Api"), ("http", 503), ("user", "Api")] == [facts(error)[:2] for error in (plain, with_code, plain)]


def test_a_hint_on_a_response_is_read(flaky, waits):
    retry(jitter="none")(flaky(1, with_status(ValueError, 429)))()
    assert [3.0] == waits


@pytest.mark.parametrize("headers", [5, [1, 2], object(), {"retry-after": object()}, {b"Retry-After": b"x"}])
def test_odd_headers_are_no_hint(headers, flaky, waits):
    error = with_status(ValueError, 503)
    error.response.headers = headers
    retry(jitter="none")(flaky(1, error))()
    assert [1.0] == waits


def test_classes_made_on_the_fly_are_not_remembered_for_ever():
    from undaunted import _readers

    for n in range(2500):
        facts(type(f"E{n}", (Exception,), {})())
        facts(type(f"R{n}", (ConnectionResetError,), {})())
    assert all(len(memory) <= _readers.CLASSES_REMEMBERED for memory in (_readers._chosen, _readers.BARE))
