"""A retrying transport adapter for requests."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError, ContentDecodingError
from urllib3.exceptions import DecodeError, ProtocolError

from .._errors import MARK, NOTE
from ._http import has_idempotency_key
from .urllib3 import Retry

if TYPE_CHECKING:
    from .._policy import Policy
    from .._source import PolicySource


class RetryingAdapter(HTTPAdapter):
    """`session.mount("https://", RetryingAdapter(policy))`: the policy's decisions for every request of a session.

    A status that is given up comes back as the last response, unchanged; errors are those of requests, and `undaunted.history` knows their
    attempts. `timeout` counts from the start of a request, and a request without a timeout of its own gets `attempt_timeout` as connect and
    read timeout. An attempt ends with the body, so that one which breaks off is a failure like any other; with `stream=True` it ends where
    the headers have come.
    """

    def __init__(self, policy: Policy | PolicySource | None = None, **adapter_options: Any) -> None:
        super().__init__(max_retries=Retry(policy), **adapter_options)

    @property
    def max_retries(self) -> Any:
        """The state of the request that is being sent, else the template."""
        return _current.get() or self._template

    @max_retries.setter
    def max_retries(self, retry: Any) -> None:
        self._template = retry

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As `HTTPAdapter.init_poolmanager`."""
        super().init_poolmanager(*args, **options)
        cover_bodies(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """As `HTTPAdapter.proxy_manager_for`."""
        manager = super().proxy_manager_for(*args, **options)
        cover_bodies(manager)
        return manager

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, *args: Any, **options: Any
    ) -> requests.Response:
        """Sends a request with retries. Raises as `HTTPAdapter.send` and, for what happens in a body, as `Response.iter_content`."""
        template: Retry = self._template
        host = urlsplit(request.url or "").hostname or ""
        state = template.started(request.method, str(host), has_idempotency_key(request.headers))
        run: Any = state._run
        tokens = _current.set(state), _covers_body.set(not stream)
        try:
            response = super().send(request, stream, state.attempt_timeout if timeout is None else timeout, *args, **options)
        except BaseException as error:
            run.abandoned(error)
            raised = as_of_a_body(error, request)
            if isinstance(raised, requests.RequestException):
                adopt(raised)
            if raised is error:
                raise
            raise raised from error
        finally:
            _current.reset(tokens[0])
            _covers_body.reset(tokens[1])
        if run.call.reason is None:
            run.succeeded()
        else:
            run.abandoned(None)
        return response

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """As `HTTPAdapter.build_response`; a body that was read within the attempt is there."""
        response = super().build_response(req, resp)
        body = getattr(resp, "_body", None)
        if isinstance(body, bytes):
            response._content = body
            response._content_consumed = True  # type: ignore[attr-defined]
        return response


class CoveringPool:
    """A pool of connections that reads the body within the attempt, unless it is to be streamed."""

    def urlopen(self, *args: Any, **options: Any) -> Any:
        if _covers_body.get():
            options.update(preload_content=True, decode_content=True)
        return super().urlopen(*args, **options)  # type: ignore[misc]


def cover_bodies(manager: Any) -> None:
    manager.pool_classes_by_scheme = {
        scheme: kind if issubclass(kind, CoveringPool) else type(kind.__name__, (CoveringPool, kind), {})
        for scheme, kind in manager.pool_classes_by_scheme.items()
    }


def as_of_a_body(error: BaseException, request: requests.PreparedRequest) -> BaseException:
    """requests has errors of its own for what happens in a body, since it reads it itself."""
    if isinstance(error, DecodeError):
        return ContentDecodingError(error, request=request)
    inner = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    cause = getattr(inner, "reason", inner)
    if isinstance(cause, ProtocolError) and str(cause.args[0]).startswith("Connection broken"):
        return ChunkedEncodingError(inner, request=request)
    return error


def adopt(error: requests.RequestException) -> None:
    """Takes over note and history from the error of urllib3 that this one stands for."""
    inner = next((part for part in (*error.args, error.__context__) if isinstance(part, Exception)), None)
    mark = None if inner is None else inner.__dict__.get(MARK)
    if inner is not None and mark is not None:
        error.__dict__[MARK] = mark
        for note in inner.__dict__.get("__notes__", ()):
            if note.startswith(NOTE):
                error.add_note(note)


_current: ContextVar[Retry | None] = ContextVar("undaunted_requests", default=None)
_covers_body: ContextVar[bool] = ContextVar("undaunted_requests_body", default=False)
