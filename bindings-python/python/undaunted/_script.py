"""Scripts of failures, for `testing(script=...)`: each item becomes the exception that a client would raise."""

from __future__ import annotations

import os

from . import _core
from ._errors import HttpError, PolicyError
from ._policy import compiled, json_value, seconds
from ._steps import step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from ._options import Domain, Script

    #: What makes the failure, None where the code is to run; and the seconds that the attempt takes.
    Step = tuple[Callable[[], Exception] | None, float]


class ScriptedError(Exception):
    """A failure that the standard library has no exception for, as in `testing(script=["postgres 40001"])`; fakes may raise it, too.

    The built-in tables are asked about `domain` and `code`; `phase` is `connect` if nothing was sent yet, `hint` the wait in seconds that
    the server asked for, `should_retry` its own word, `body` what rules look at. Raises ValueError for a domain or a phase that is none.
    """

    def __init__(
        self,
        domain: Domain = "user",
        code: int | str | None = None,
        *,
        phase: Literal["unknown", "connect"] = "unknown",
        hint: float | None = None,
        should_retry: bool | None = None,
        body: str | None = None,
    ) -> None:
        super().__init__(domain, code)
        self.domain = domain
        self.code = code
        self.phase = phase
        self.hint = hint
        self.should_retry = should_retry
        self.body = body
        self._failure()

    def __str__(self) -> str:
        return self.domain if self.code is None else f"{self.domain} {self.code}"

    def _failure(self) -> _core.Failure:
        hint = None if self.hint is None else round(self.hint * 1e6)
        body = None if self.body is None else self.body.encode()
        return _core.Failure(self.domain, self.code, phase=self.phase, hint=hint, should_retry=self.should_retry, body=body)


class ScriptedResponse:
    """What an `HttpError` of a script has as its response: `status_code`, `text`, `content`, and no headers."""

    def __init__(self, status_code: int, text: str) -> None:
        self.status_code = status_code
        self.text = text
        self.content = text.encode()
        self.headers: dict[str, str] = {}


def steps(script: Script) -> list[Step]:
    """What a script says, in order. Raises PolicyError with every mistake at once; OSError for a file that cannot be read."""
    if not isinstance(script, (str, os.PathLike)):
        return _steps(script, "python")
    import json

    with open(script, "rb") as file:
        text = file.read()
    try:
        json_value(text, "the script is")  # says what is wrong with it
        return _steps(_under_fail(json.loads(text)), "json")
    except PolicyError as error:
        error.add_note(f"in {script}")
        raise


def raised(
    domain: Domain,
    code: int | str | None,
    phase: Literal["unknown", "connect"] = "unknown",
    hint: float | None = None,
    should_retry: bool | None = None,
    body: str | None = None,
) -> Exception:
    """The exception for these facts: the standard library's, or else a ScriptedError, which is of its class as well where it has one."""
    if domain == "http" and isinstance(code, int) and phase == "unknown":
        error = HttpError(code, response=None if body is None else ScriptedResponse(code, body))
        error.hint, error.should_retry = hint, should_retry
        return error
    number, text = _number(domain, code)
    if number is None:
        return ScriptedError(domain, code, phase=phase, hint=hint, should_retry=should_retry, body=body)
    plain = _os_error(domain, number, text)
    if phase == "unknown" and (hint, should_retry, body) == (None, None, None):
        return plain
    scripted: OSError = _also(type(plain))(domain, code, phase=phase, hint=hint, should_retry=should_retry, body=body)
    scripted.errno, scripted.strerror = number, text
    return scripted


def _steps(script: Any, notation: str) -> list[Step]:
    found, problems = [], []
    for place, item in enumerate(_under_fail(script) if hasattr(script, "keys") else script):
        try:
            found.append(_step(item, place, notation))
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(problems)
    return found


def _under_fail(script: Any) -> Any:
    if hasattr(script, "keys") and set(script.keys()) == {"fail"} and isinstance(script["fail"], (list, tuple)):
        return script["fail"]
    text = 'the script is no list under "fail", allowed nothing else; write {"fail": [503, "reset", "ok"]}'
    raise PolicyError([("wrong_kind", "", text)])


def _step(item: Any, place: int, notation: str) -> Step:
    if isinstance(item, Exception):
        return lambda: item, 0.0
    if isinstance(item, type) and issubclass(item, Exception):
        return item, 0.0
    told: dict[str, Any] | Literal["ok"] = "ok" if item is None else _told(item, place)
    if told == "ok":
        return None, 0.0
    facts = _checked(told, place, notation)
    duration = seconds(facts.pop("duration", 0.0))
    if "error" in facts:
        return lambda: facts["error"], duration
    domain: Any = next((name for name in facts if name not in FACTS), "user")
    code = facts.pop(domain, None)
    if "hint" in facts:
        facts["hint"] = seconds(facts["hint"])
    return lambda: raised(domain, code, **facts), duration


def _told(item: Any, place: int) -> Any:
    """An item as a mapping of facts, or `"ok"`."""
    if isinstance(item, (int, str)) and not isinstance(item, bool):
        try:
            return step(item)
        except PolicyError as error:
            raise _problems(place, [(code, "", f"script.{place}: {text}") for code, _, text in error.problems]) from None
    if hasattr(item, "keys"):
        return dict(item)
    allowed = "a status, words, a mapping, an exception or None; use one of these"
    raise _problems(place, [("wrong_kind", "", f"script.{place} is {item!r}, allowed {allowed}")])


def _checked(told: dict[str, Any], place: int, notation: str) -> dict[str, Any]:
    """The facts that are given. What is right, the core knows, but for what only a call itself can say."""
    facts = {name: value for name, value in told.items() if name not in NOT_A_FAILURE and name != "error"}
    _, wrong = _core.explain(ANY, {"failures": [facts]}, notation)
    problems = [
        (code, pointer.removeprefix("/failures/0"), text.replace("failures.0", f"script.{place}", 1)) for code, pointer, text in wrong
    ]
    for name in told:
        if name not in NOT_A_FAILURE:
            continue
        text = f"script.{place}.{name} is given, allowed what a failure itself says; {NOT_A_FAILURE[name]}"
        problems.append(("meaningless_option", f"/{name}", text))
    if "error" in told and (not isinstance(told["error"], Exception) or facts.keys() - {"duration"}):
        text = f"script.{place}.error is {told['error']!r}, allowed an exception with only duration beside it; remove what else is there"
        problems.append(("wrong_kind", "/error", text))
    if not problems and _is_no_errno(facts.get("os")):
        problems.append(("unknown_failure", "/os", f"script.{place}.os is {facts['os']}, which no system has; correct the name"))
    if problems:
        raise _problems(place, problems)
    return {name: value for name, value in told.items() if value is not None}


def _problems(place: int, problems: list[tuple[str, str, str]]) -> PolicyError:
    return PolicyError([(code, f"/fail/{place}{pointer}", text) for code, pointer, text in problems])


def _is_no_errno(name: object) -> bool:
    import errno

    return isinstance(name, str) and not hasattr(errno, name) and not _core.classify(_core.Failure("os", name), None)[3]


def _number(domain: str, code: int | str | None) -> tuple[int | None, str]:
    """The number of an errno or of a resolver's error in this system, and its text."""
    if domain == "os":
        import errno

        number = code if isinstance(code, int) else getattr(errno, code or "", None)
        return number, "" if number is None else os.strerror(number)
    if domain == "dns":
        import socket

        return code if isinstance(code, int) else getattr(socket, code or "", None), str(code)
    return None, ""


def _os_error(domain: str, number: int, text: str) -> OSError:
    if domain == "os":
        return OSError(number, text)
    import socket

    return socket.gaierror(number, text)


def _also(base: type[OSError]) -> Any:
    """The class of scripted errors that `except` takes for the base."""
    kind = _mixed.get(base)
    if kind is None:
        kind = _mixed[base] = type(f"Scripted{base.__name__}", (ScriptedError, base), {"__module__": __name__, "__reduce__": _reduce})
    return kind


def _reduce(error: Any) -> tuple[Any, ...]:
    return raised, (error.domain, error.code, error.phase, error.hint, error.should_retry, error.body), error.__dict__


FACTS = ("phase", "hint", "should_retry", "body")
OF_THE_CALL = "it belongs to the call that runs, remove it"
OF_ON = "mark an exception with undaunted.again or undaunted.stop in its place"
NOT_A_FAILURE = {
    "method": OF_THE_CALL,
    "idempotency_key": OF_THE_CALL,
    "cancelled": OF_THE_CALL,
    "nested": OF_THE_CALL,
    "verdict": OF_ON,
    "wait": OF_ON,
}
ANY = compiled({}, "python")
_mixed: dict[type[OSError], type[ScriptedError]] = {}
