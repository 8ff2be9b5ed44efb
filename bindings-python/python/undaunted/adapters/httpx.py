"""Retrying transports for httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from .._block import AsyncAttempts, Attempts
from .._core import Failure
from .._errors import stop
from .._policy import Policy
from .._readers import BODY, response_failure
from .._run import Run
from ._http import has_idempotency_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType
    from typing import Self

    from .._block import Attempt
    from .._source import PolicySource


class RetryingTransport(httpx.BaseTransport):
    """`httpx.Client(transport=RetryingTransport(policy))`: the policy's decisions for every request of a client.

    Statuses and errors are retried as the policy says; a request that the server may have acted on only with an idempotent method or an
    `Idempotency-Key`. On giving up the last response is returned untouched, the last error raised as it came. Each redirect is a call of
    its own. `attempt_timeout`, and what is left of `timeout`, shorten httpx's own four timeouts, of which each counts from the last byte.

    Bodies that can be sent again are: bytes, text, json=, data=, files that can be wound back, and iterables that begin anew, so no
    iterators; a request with another body is sent once. An attempt ends where the headers have come. With `cover_body` it ends with the
    body of a response below 400, so that one which breaks off is a failure like any other; `client.stream` gets it in one piece then.

    With a `transport` of yours it is used, and closed with this one; else an `httpx.HTTPTransport` is made from the keyword arguments.
    """

    def __init__(
        self,
        policy: Policy | PolicySource | None = None,
        transport: httpx.BaseTransport | None = None,
        *,
        cover_body: bool = False,
        **transport_options: Any,
    ) -> None:
        refuse_both(transport, transport_options)
        self.policy: Policy | PolicySource = Policy() if policy is None else policy
        self.cover_body = cover_body
        self.transport = httpx.HTTPTransport(**transport_options) if transport is None else transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request with retries. Raises what the transport raises; BreakerOpen; GaveUp if a wait ends by `cancel` or too late."""
        with Sending(self.policy.current(), request) as sending:
            for attempt in Attempts(sending.run):
                response = None
                with attempt:
                    try:
                        sending.prepare(attempt)
                        attempt.result = response = self.transport.handle_request(request)
                        if response.status_code >= 400:
                            attempt._judge(sending.facts_of(response, peek(response) if sending.needs_body else None))
                        elif self.cover_body:
                            read_whole(response)
                    except Exception as error:
                        if response is not None:
                            response.close()
                        sending.failed(error)
                        raise
                if attempt.will_retry and response is not None:
                    response.close()
        return attempt.result  # type: ignore[no-any-return]

    def close(self) -> None:
        """Closes the transport."""
        self.transport.close()

    def __enter__(self) -> Self:
        self.transport.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None = None, error: BaseException | None = None, tb: TracebackType | None = None
    ) -> None:
        self.transport.__exit__(kind, error, tb)


class AsyncRetryingTransport(httpx.AsyncBaseTransport):
    """`httpx.AsyncClient(transport=AsyncRetryingTransport(policy))`: as RetryingTransport, under asyncio and trio.

    `attempt_timeout` cancels an attempt as well, whatever it waits for.
    """

    def __init__(
        self,
        policy: Policy | PolicySource | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        cover_body: bool = False,
        **transport_options: Any,
    ) -> None:
        refuse_both(transport, transport_options)
        self.policy: Policy | PolicySource = Policy() if policy is None else policy
        self.cover_body = cover_body
        self.transport = httpx.AsyncHTTPTransport(**transport_options) if transport is None else transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request with retries. Raises what the transport raises; TimeoutError, BreakerOpen; GaveUp if a wait ends too late."""
        with Sending(self.policy.current(), request) as sending:
            async for attempt in AsyncAttempts(sending.run):
                response = None
                with attempt:
                    try:
                        sending.prepare(attempt)
                        attempt.result = response = await self.transport.handle_async_request(request)
                        if response.status_code >= 400:
                            attempt._judge(sending.facts_of(response, await peek_async(response) if sending.needs_body else None))
                        elif self.cover_body:
                            await read_whole_async(response)
                    except Exception as error:
                        if response is not None:
                            await response.aclose()
                        sending.failed(error)
                        raise
                if response is not None and await attempt._lets_go():
                    await response.aclose()
        return attempt.result  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """Closes the transport."""
        await self.transport.aclose()

    async def __aenter__(self) -> Self:
        await self.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None = None, error: BaseException | None = None, tb: TracebackType | None = None
    ) -> None:
        await self.transport.__aexit__(kind, error, tb)


class Sending:
    """One call: its request, which is as it was at the end, and what both transports do alike."""

    def __init__(self, policy: Policy, request: httpx.Request) -> None:
        name = policy.name or f"{request.method} {request.url.host}"
        self.run = Run(policy, name, request.method, has_idempotency_key(request.headers))
        self.needs_body = policy._core.needs_body
        self._request = request
        self._extensions = request.extensions
        sources = sources_of(request.stream)
        self._once = next((reason for source in sources if (reason := why_once(source))), None)
        self._files = [] if self._once else [(source, source.tell()) for source in sources if is_file(source)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._request.extensions = self._extensions

    def prepare(self, attempt: Attempt) -> None:
        """Winds files back, and hands the limits of the attempt on to httpx."""
        if attempt.number > 1:
            for file, position in self._files:
                file.seek(position)
        bounds = [bound for bound in (attempt._limit, attempt.remaining) if bound is not None]
        if bounds:
            # Nothing would be a socket that does not wait at all.
            bound = max(min(bounds), 0.001)
            own = self._extensions.get("timeout") or {}
            timeout = {name: bound if own.get(name) is None else min(own[name], bound) for name in ("connect", "read", "write", "pool")}
            self._request.extensions = {**self._extensions, "timeout": timeout}

    def facts_of(self, response: httpx.Response, piece: bytes | None) -> Failure:
        if self._once is not None:
            return Failure("user", self._once)
        return response_failure(response.status_code, response.headers.multi_items(), None if piece is None else decoded(piece, response))

    def failed(self, error: Exception) -> None:
        if self._once is not None:
            stop(error)
            error.add_note(self._once)


def refuse_both(transport: object, transport_options: dict[str, Any]) -> None:
    if transport is not None and transport_options:
        raise TypeError("a transport is given beside options for one, allowed one of the two; set the options on your transport")


def sources_of(stream: Any) -> list[Any]:
    """What a body is made from when it is sent. httpx keeps it to itself; what is not found counts as the stream itself."""
    if isinstance(stream, httpx.ByteStream):
        return []
    if hasattr(stream, "fields"):  # multipart
        return [field.file for field in stream.fields if not isinstance(getattr(field, "file", b""), (bytes, str))]
    return [getattr(stream, "_stream", stream)]


def why_once(source: Any) -> str | None:
    """Why a request can be sent only once, if it can."""
    if is_file(source) or not any(hasattr(source, name) for name in ("read", "aread", "__next__", "__anext__")):
        return None
    kind = type(source).__name__
    allowed = "bytes, a file that can be wound back, or an iterable that begins anew"
    return f"not retried: a body of type {kind} cannot be sent again; pass {allowed}"


def is_file(source: Any) -> bool:
    """Whether it is a file that can be wound back, without awaiting."""
    return hasattr(source, "read") and not hasattr(source, "__aiter__") and hasattr(source, "seekable") and bool(source.seekable())


def read_whole(response: httpx.Response) -> None:
    stream: Any = response.stream
    body = b"".join(stream)
    stream.close()
    response.stream = httpx.ByteStream(body)


async def read_whole_async(response: httpx.Response) -> None:
    stream: Any = response.stream
    body = b"".join([piece async for piece in stream])
    await stream.aclose()
    response.stream = httpx.ByteStream(body)


def peek(response: httpx.Response) -> bytes:
    """The first piece of the body as it was sent; it stays there to be read."""
    stream: Any = response.stream
    response.stream = unread = Unread(stream, iter(stream))
    try:
        for piece in unread.rest:
            if unread.keeps(piece):
                break
    except httpx.TransportError as error:
        unread.error = error
    return b"".join(unread.pieces)


async def peek_async(response: httpx.Response) -> bytes:
    stream: Any = response.stream
    response.stream = unread = Unread(stream, aiter(stream))
    try:
        async for piece in unread.rest:
            if unread.keeps(piece):
                break
    except httpx.TransportError as error:
        unread.error = error
    return b"".join(unread.pieces)


class Unread(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream with its first pieces put back in front. One that broke off after them breaks off where it is read."""

    def __init__(self, stream: Any, rest: Any) -> None:
        self.stream = stream
        self.rest = rest
        self.pieces: list[bytes] = []
        self.error: Exception | None = None

    def keeps(self, piece: bytes) -> bool:
        """Whether that is enough."""
        self.pieces.append(piece)
        return sum(map(len, self.pieces)) >= BODY

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.error is not None:
            raise self.error
        yield from self.rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.error is not None:
            raise self.error
        async for piece in self.rest:
            yield piece

    def close(self) -> None:
        self.stream.close()

    async def aclose(self) -> None:
        await self.stream.aclose()


def decoded(piece: bytes, response: httpx.Response) -> bytes:
    """What a reader would see of a piece that may be compressed."""
    encoding = response.headers.get("content-encoding")
    if encoding is None:
        return piece[:BODY]
    pieces: list[bytes] = []
    try:
        # A piece may end in the middle: what came out before that counts.
        pieces += httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(piece)).iter_bytes()
    except httpx.DecodingError:
        pass
    return b"".join(pieces)[:BODY]
