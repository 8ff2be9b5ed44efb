"""What leaves a call: our own errors, the note and the history on the user's, and the marks that users leave."""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Any, TypeVar

    E = TypeVar("E", bound=Exception)


class PolicyError(ValueError):
    """A policy that cannot be: every problem it has, one a line.

    `problems` is a list of (code, pointer, text): a stable code, a JSON pointer to the option (RFC 6901), and a sentence that says
    what was given, what is allowed and what to do.
    """

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        super().__init__(problems)
        self.problems = [(code, pointer, text) for code, pointer, text in problems]

    def __str__(self) -> str:
        return "\n".join(f"{text} [{code}]" for code, _, text in self.problems)


class GaveUp(Exception):
    """No result satisfied `retry_if_result` before the call was given up.

    `result` is the last one, `reason` one of `attempts`, `timeout`, `class_attempts`, `breaker_open`, `budget`, `cancelled`, `inactive`; `history(error)` has the
    attempts.
    """

    def __init__(self, result: object, reason: str) -> None:
        super().__init__(result, reason)
        self.result: Any = result
        self.reason = reason

    def __str__(self) -> str:
        return f"the last result did not satisfy retry_if_result, and the call was given up: {self.reason}"


class TimeoutError(builtins.TimeoutError):
    """An attempt took longer than `attempt_timeout`, or than what was left of `timeout`; class `timeout`.

    `limit` is how long it had, in seconds.
    """

    def __init__(self, limit: float) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the attempt took longer than {self.limit:g} s"


class HttpError(Exception):
    """An HTTP status of 400 or more, with what a retry needs to know about it.

    `hint` is the wait the server asked for in seconds, or None; `should_retry` its own word (`x-should-retry`). The response is kept in
    `response`, but does not survive pickling. `undaunted.ok` raises it.
    """

    def __init__(
        self,
        status: int,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        response: object = None,
    ) -> None:
        super().__init__(status, method)
        from ._readers import hint_of

        self.status = status
        self.method = method
        self.response: Any = response
        delay, self.should_retry = hint_of(headers)
        self.hint: float | None = None if delay is None else delay / 1e6

    def __str__(self) -> str:
        from http import HTTPStatus

        phrase = next((f" {known.phrase}" for known in HTTPStatus if known == self.status), "")
        return f"{self.status}{phrase}" + (f" for {self.method}" if self.method else "")

    def __reduce__(self) -> Any:
        fields = {name: value for name, value in self.__dict__.items() if name != "response"}
        return _bare_http_error, (type(self), self.args), {**fields, "response": None}


class NestedRetryWarning(RuntimeWarning):
    """A call retries an error on which a call inside it has already given up, so that the attempts multiply."""


class FailedAttempt:
    """One attempt that did not succeed.

    `attempt` is its number and counts from 1. `error` is what it raised, or None if it returned a `result` that was not accepted. `elapsed` is the time in
    seconds from the start of the call to the end of this attempt, `delay` the wait that followed, None after the last. `class_` and
    `sent` are the engine's view, `code` what it went by (`"http 503"`). An error that cannot be pickled is None after a pickle.
    """

    __slots__ = ("attempt", "class_", "code", "delay", "elapsed", "error", "result", "sent")

    def __init__(
        self,
        attempt: int,
        error: BaseException | None,
        result: object,
        elapsed: float,
        delay: float | None,
        class_: str,
        sent: str,
        code: str | None,
    ) -> None:
        self.attempt = attempt
        self.error = error
        self.result: Any = result
        self.elapsed = elapsed
        self.delay = delay
        self.class_ = class_
        self.sent = sent
        self.code = code

    def __repr__(self) -> str:
        wait = "" if self.delay is None else f", then {self.delay:g} s"
        return f"<attempt {self.attempt}: {self.error!r} ({self.class_}) at {self.elapsed:g} s{wait}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FailedAttempt) and self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        attempt, error, *rest = self._fields()
        return FailedAttempt, (attempt, picklable(error), *rest)

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in ("attempt", "error", "result", "elapsed", "delay", "class_", "sent", "code"))


class History(tuple[FailedAttempt, ...]):
    """The attempts of a call that was given up, in order, and why: `reason`, `elapsed` and `hint` in seconds, `call_seed`.

    Empty, with `reason` None, for an error that no call gave up. Of more than 1000 attempts the first and the last 500 are kept.
    """

    reason: str | None = None
    elapsed: float = 0.0
    hint: float | None = None
    call_seed: int | None = None


def history(error: BaseException) -> History:
    """Every attempt of the call that gave up on this error."""
    mark = getattr(error, "__dict__", {}).get(MARK)
    if not isinstance(mark, GaveUpMark):
        return History()
    attempts = History(
        FailedAttempt(
            number, error if cause is ... else cause, result, elapsed, delay, class_, sent, None if domain is None else f"{domain} {code}"
        )
        for number, cause, result, elapsed, delay, class_, sent, domain, code in mark.records
    )
    attempts.reason, attempts.elapsed = mark.reason, mark.elapsed
    attempts.hint, attempts.call_seed = mark.hint, mark.call_seed
    return attempts


def stop(error: E) -> E:
    """Marks an error to end the call at once, whatever `on` and the tables say; `raise undaunted.stop(error)`."""
    error.__dict__[VERDICT] = None
    return error


def again(error: E, after: float | timedelta | str | None = None) -> E:
    """Marks an error to be retried, whatever `on` and the tables say; limits still hold.

    `after` is the wait before the next attempt: exact, without jitter, within `timeout`. Seconds, a timedelta or text with a unit.
    """
    from ._policy import seconds

    error.__dict__[VERDICT] = -1.0 if after is None else seconds(after)
    return error


class GaveUpMark:
    """What an error carries that was given up: its history, and for outer calls that an inner one has tried."""

    __slots__ = ("call_seed", "elapsed", "exhausted", "hint", "left_at", "name", "reason", "records", "token")

    def __init__(
        self,
        records: list[tuple[Any, ...]],
        reason: str,
        elapsed: float,
        hint: float | None,
        name: str | None,
        left_at: int,
        call_seed: int | None,
        token: str | None = None,
    ) -> None:
        self.records = records
        self.reason = reason
        self.elapsed = elapsed
        self.hint = hint
        self.name = name
        self.left_at = left_at
        self.call_seed = call_seed
        self.token = token
        # A single attempt multiplies nothing.
        self.exhausted = len(records) > 1

    def __reduce__(self) -> Any:
        records = [
            (number, error if error is ... else picklable(error), picklable(result), *rest)
            for number, error, result, *rest in self.records
        ]
        return GaveUpMark, (records, self.reason, self.elapsed, self.hint, self.name, self.left_at, self.call_seed, self.token)


def leave(
    error: Exception,
    records: list[tuple[Any, ...]],
    reason: str,
    attempts: int | None,
    elapsed: float,
    hint: float | None,
    name: str | None,
    left_at: int,
    call_seed: int | None,
    token: str | None,
) -> None:
    """Leaves the note and the history on an error that is given up. Never raises: the user's error must get out."""
    # The error itself is left out of its own history: no reference cycle.
    kept = [(number, ... if cause is error else cause, *rest) for number, cause, *rest in records]
    count = records[-1][0] if records else 0
    of = f"{count} of {attempts}" if attempts is not None else f"{count}"
    plural = "attempt" if attempts == 1 or (attempts is None and count == 1) else "attempts"
    more = f" (the server asked for {hint:g} s)" if reason == "hint_too_long" and hint is not None else MORE.get(reason, "")
    text = f"{NOTE} after {of} {plural} in {elapsed:.1f} s: {reason}{more}"
    try:
        # Not setattr: classes may refuse it (a frozen dataclass does), and BaseException always has these fields.
        fields = error.__dict__
        fields[MARK] = GaveUpMark(kept, reason, elapsed, hint, name, left_at, call_seed, token)
        notes = fields.setdefault("__notes__", [])
        notes[:] = [note for note in notes if not (isinstance(note, str) and note.startswith(NOTE))]
        notes.append(text)
    except Exception:
        return


def warn_nested(inner: GaveUpMark, outer: str | None) -> None:
    """Warns once per pair of calls that the outer one repeats what the inner one gave up."""
    pair = (inner.name, outer)
    if pair in _warned_pairs:
        return
    _warned_pairs.add(pair)
    from ._warn import warn

    warn(
        f"{outer or 'a call'} retries an error on which {inner.name or 'a call'} inside it has given up after retries of its own, so "
        "that attempts multiply; retry in one place, or choose nested: once, share or allow",
        NestedRetryWarning,
    )


def picklable(value: Any) -> Any:
    """The value if it survives pickling, else None."""
    import pickle

    try:
        pickle.loads(pickle.dumps(value))
    except Exception:
        return None
    return value


def _bare_http_error(kind: type[HttpError], args: tuple[int, str | None]) -> HttpError:
    return kind(args[0], method=args[1])


NOTE = "undaunted: gave up"
MORE = {
    "budget": " (this client's own allowance of retries is used up; the server set no limit)",
    "breaker_open": " (this client's own breaker is open; nothing more was sent)",
}
MARK = "__undaunted__"
VERDICT = "__undaunted_mark__"
_warned_pairs: set[tuple[str | None, str | None]] = set()
