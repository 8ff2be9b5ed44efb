"""A retrying client session for aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import aiohttp

from .._block import Attempt, RetryContext
from .._core import Failure
from .._errors import stop
from .._policy import Policy
from .._readers import BODY, response_failure
from ._http import has_idempotency_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import TracebackType

    from yarl import URL

    from .._source import PolicySource

    T = TypeVar("T")


class RetryingSession:
    """An `aiohttp.ClientSession` whose requests are retried.

    Statuses and errors are retried as the policy says; a request that the server may have acted on only with an idempotent method or an
    `Idempotency-Key`. On giving up the last response is returned untouched, the last error raised as it came. Bodies that can be sent again
    are: bytes, text, json=, mappings, lists of pairs, and a function that makes the body anew (`data=lambda: FormData(...)`); a request
    with another body is sent once. `attempt_timeout` ends where the headers have come; `fetch` covers the body too.

    aiohttp itself sends an idempotent request a second time, once, when a connection breaks: that is one attempt here.

    With a `session` of yours it is used and left open; else one is made from the keyword arguments and closed with this one. A session
    of yours resends an idempotent request once by itself when a kept connection breaks; one that is made here does not.
    """

    def __init__(self, policy: Policy | PolicySource | None = None, session: aiohttp.ClientSession | None = None, **session_options: Any) -> None:
        if session is not None and session_options:
            raise TypeError("a session is given beside options for one, allowed one of the two; set the options on your session")
        self.policy: Policy | PolicySource = Policy() if policy is None else policy
        self._owns_session = session is None
        self.session = aiohttp.ClientSession(**session_options) if session is None else session
        # aiohttp sends an idempotent request once more by itself when a kept connection breaks: an attempt that nobody counts.
        if self._owns_session and hasattr(self.session, "_retry_connection"):
            self.session._retry_connection = False

    def request(self, method: str, url: str | URL, **options: Any) -> Request:
        """A request, as `ClientSession.request`: to be awaited, or for `async with`."""
        return Request(self, method, url, options)

    def get(self, url: str | URL, **options: Any) -> Request:
        """GET."""
        return self.request("GET", url, **options)

    def options(self, url: str | URL, **options: Any) -> Request:
        """OPTIONS."""
        return self.request("OPTIONS", url, **options)

    def head(self, url: str | URL, **options: Any) -> Request:
        """HEAD; redirects are not followed, as in aiohttp."""
        return self.request("HEAD", url, **{"allow_redirects": False, **options})

    def post(self, url: str | URL, **options: Any) -> Request:
        """POST: retried if the server cannot have acted, or with an `Idempotency-Key`."""
        return self.request("POST", url, **options)

    def put(self, url: str | URL, **options: Any) -> Request:
        """PUT."""
        return self.request("PUT", url, **options)

    def patch(self, url: str | URL, **options: Any) -> Request:
        """PATCH: as POST."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str | URL, **options: Any) -> Request:
        """DELETE."""
        return self.request("DELETE", url, **options)

    @overload
    async def fetch(self, url: str | URL, *, read: Literal["json"] = "json", method: str = "GET", **options: Any) -> Any: ...
    @overload
    async def fetch(self, url: str | URL, *, read: Literal["text"], method: str = "GET", **options: Any) -> str: ...
    @overload
    async def fetch(self, url: str | URL, *, read: Literal["bytes"], method: str = "GET", **options: Any) -> bytes: ...
    @overload
    async def fetch(
        self, url: str | URL, *, read: Callable[[aiohttp.ClientResponse], Awaitable[T]], method: str = "GET", **options: Any
    ) -> T: ...
    async def fetch(self, url: str | URL, *, read: Any = "json", method: str = "GET", **options: Any) -> Any:
        """The body of a response, read within the attempt, so that one which breaks off is a failure like any other.

        `read` is `json`, `text`, `bytes` or a coroutine function of the response. Raises `aiohttp.ClientResponseError` for a status of
        400 or more that is not retried, or not successfully.
        """
        reader = READERS.get(read, read)
        if not callable(reader):
            raise ValueError(f"read is {read!r}, allowed json, text, bytes or a coroutine function of the response; pass one of these")

        async def consume(response: aiohttp.ClientResponse) -> Any:
            async with response:
                return await reader(response)

        attempt, body = await self._send(method, url, options, consume)
        if attempt.result.status >= 400:
            async with attempt.result as response:
                try:
                    response.raise_for_status()
                except aiohttp.ClientResponseError as error:
                    attempt._run.leave_on(error)
                    raise
        return body

    async def close(self) -> None:
        """Closes the session if it was made here."""
        if self._owns_session:
            await self.session.close()

    async def __aenter__(self) -> RetryingSession:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        await self.close()

    async def _send(
        self,
        method: str,
        url: str | URL,
        options: dict[str, Any],
        consume: Callable[[aiohttp.ClientResponse], Awaitable[Any]] | None = None,
    ) -> tuple[Attempt, Any]:
        policy = self.policy.current()
        name = policy.name or f"{method} {host_of(url)}"
        key = has_idempotency_key(options.get("headers")) or has_idempotency_key(self.session.headers)
        once = why_once(options.get("data"))
        body: Any = None
        async for attempt in RetryContext(policy, name, method=method, idempotency_key=key):
            with attempt:
                try:
                    response = await self.session.request(method, url, **made_anew(options))
                    attempt.result = response
                    if response.status >= 400:
                        attempt._judge(await facts_of(response, policy, once))
                    elif consume is not None:
                        body = await consume(response)
                except Exception as error:
                    if once is not None:
                        stop(error)
                        error.add_note(once)
                    raise
            if isinstance(attempt.result, aiohttp.ClientResponse) and await attempt._lets_go():
                attempt.result.release()
        return attempt, body


class Request:
    """A request that is sent when awaited, or by `async with`, which releases the response at the end."""

    __slots__ = ("_client", "_method", "_options", "_response", "_url")

    def __init__(self, client: RetryingSession, method: str, url: str | URL, options: dict[str, Any]) -> None:
        self._client = client
        self._method = method
        self._url = url
        self._options = options
        self._response: aiohttp.ClientResponse | None = None

    def __await__(self) -> Generator[Any, Any, aiohttp.ClientResponse]:
        return self._sent().__await__()

    async def __aenter__(self) -> aiohttp.ClientResponse:
        self._response = await self._sent()
        return await self._response.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._response is not None:
            await self._response.__aexit__(kind, error, tb)

    async def _sent(self) -> aiohttp.ClientResponse:
        attempt, _ = await self._client._send(self._method, self._url, self._options)
        response: aiohttp.ClientResponse = attempt.result
        return response


async def facts_of(response: aiohttp.ClientResponse, policy: Policy, once: str | None) -> Failure:
    if once is not None:
        return Failure("user", once)
    piece = await peek(response) if policy._core.needs_body else None
    return response_failure(response.status, response.headers, piece)


async def peek(response: aiohttp.ClientResponse) -> bytes:
    """The first piece of the body, which stays there to be read."""
    pieces: list[bytes] = []
    size = 0
    try:
        while size < BODY and (piece := await response.content.read(BODY - size)):
            pieces.append(piece)
            size += len(piece)
    except aiohttp.ClientError:
        # A body that breaks off is what it is: the rules see what came of it, and so does whoever reads it.
        pass
    body = b"".join(pieces)
    if body:
        response.content = Unread(body, response.content)  # type: ignore[assignment]
    return body


class Unread:
    """A stream with a piece put back in front."""

    def __init__(self, piece: bytes, stream: aiohttp.StreamReader) -> None:
        self._piece = piece
        self._stream = stream

    async def read(self, n: int = -1) -> bytes:
        if n == 0:
            return b""
        if n < 0:
            piece, self._piece = self._piece, b""
            return piece + await self._stream.read()
        return self._taken(n) or await self._stream.read(n)

    async def readany(self) -> bytes:
        return self._taken(len(self._piece)) or await self._stream.readany()

    async def readexactly(self, n: int) -> bytes:
        piece = self._taken(n)
        return piece + (await self._stream.readexactly(n - len(piece)) if len(piece) < n else b"")

    async def readline(self) -> bytes:
        end = self._piece.find(b"\n") + 1
        return self._taken(end) if end else self._taken(len(self._piece)) + await self._stream.readline()

    async def readchunk(self) -> tuple[bytes, bool]:
        return (self._taken(len(self._piece)), False) if self._piece else await self._stream.readchunk()

    def at_eof(self) -> bool:
        return not self._piece and self._stream.at_eof()

    def _taken(self, n: int) -> bytes:
        taken, self._piece = self._piece[:n], self._piece[n:]
        return taken

    async def _lines(self, read: Callable[[], Awaitable[bytes]]) -> Any:
        while piece := await read():
            yield piece

    def __aiter__(self) -> Any:
        return self._lines(self.readline)

    def iter_any(self) -> Any:
        return self._lines(self.readany)

    def iter_chunked(self, n: int) -> Any:
        return self._lines(lambda: self.read(n))

    async def iter_chunks(self) -> Any:
        while (chunk := await self.readchunk()) != (b"", False):
            yield chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def why_once(data: Any) -> str | None:
    """Why a request can be sent only once, if it can. A FormData is callable, but is used up by being sent."""
    if not isinstance(data, aiohttp.FormData) and (callable(data) or is_plain(data)):
        return None
    kind = type(data).__name__
    return f"not retried: a body of type {kind} cannot be sent again; pass bytes, or a function that makes the body anew"


def is_plain(data: Any) -> bool:
    if data is None or isinstance(data, (bytes, bytearray, memoryview, str)):
        return True
    pairs = data.items() if isinstance(data, dict) else data
    if not isinstance(pairs, (list, tuple)) and pairs is data:
        return False
    return all(isinstance(pair, tuple) and isinstance(pair[-1], (str, bytes, int)) for pair in pairs)


def made_anew(options: dict[str, Any]) -> dict[str, Any]:
    data = options.get("data")
    return {**options, "data": data()} if callable(data) and not isinstance(data, aiohttp.FormData) else options


def host_of(url: str | URL) -> str:
    """The host alone: paths and queries may hold secrets."""
    from urllib.parse import urlsplit

    return urlsplit(str(url)).hostname or ""


READERS: dict[Any, Any] = {
    "json": lambda response: response.json(),
    "text": lambda response: response.text(),
    "bytes": lambda response: response.read(),
}
