"""Handing a call over: a token of what is left of one that was given up, and the call made again of it, under another policy."""

from __future__ import annotations

import time

from . import _core
from ._errors import MARK, GaveUpMark, PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._policy import Policy
    from ._run import Run


def resume_token(error: BaseException, *, key: str | bytes | None = None) -> str:
    """What is left of the call that gave up on this error, as a text that `policy.resume` takes in another process or language.

    It has attempts, seed, class, hint and times of the call, and nothing of arguments, messages or bodies: JSON, one line of some 400
    letters. With a `key` (text counts as its UTF-8) it is signed by HMAC-SHA256: `JSON.SIGNATURE`, the signature in base64url.

    Raises ValueError for an error on which no call gave up after an attempt, TypeError or ValueError for a key that is none.
    """
    mark = getattr(error, "__dict__", {}).get(MARK)
    token = mark.token if isinstance(mark, GaveUpMark) else None
    if token is None:
        raise ValueError(
            f"the error is a {type(error).__name__} on which no call gave up after an attempt, allowed one that a retried call has raised; "
            "start a call of its own instead"
        )
    return signed(token, key)


class Resumed:
    """A call that goes on where another was given up, one attempt at a time: `policy.resume` gives it.

    `attempt` is the number of the next attempt, from 1 and counted over all processes. `delay` is the wait before it in seconds, 0.0 if it
    is due, None if the policy gives up; then `reason` says why. `hint` is the wait in seconds that the server asked for when the call was
    given up.
    """

    __slots__ = ("_key", "_run", "attempt", "delay", "policy", "reason")

    def __init__(self, policy: Policy, run: Run, delay: float | None, key: str | bytes | None) -> None:
        self.policy = policy
        #: The number of the next attempt, from 1.
        self.attempt: int = run.call.number
        #: The wait before it in seconds; None if the policy gives up.
        self.delay: float | None = delay
        #: Why it gives up; None if it does not.
        self.reason: str | None = run.call.reason
        self._run = run
        self._key = key

    @property
    def hint(self) -> float | None:
        """The wait in seconds that the server asked for when the policy gave up."""
        return self._run.call.hint

    @property
    def elapsed(self) -> float:
        """Seconds since the first attempt, the time between processes included."""
        return self._run.now() - self._run.started

    @property
    def token(self) -> str:
        """What is left of the call now, signed with the key it was resumed with. Raises ValueError before the first failure."""
        token = self._run.call.token()
        if token is None:
            raise ValueError("the call has no token before its first failure; pass the work on without one")
        return signed(token, self._key)

    def failed(self, error: Exception) -> float | None:
        """Told of the attempt that was made: the wait in seconds before the next, or None if the policy gives up.

        Judges the error as a call of the policy does, tells the hooks, and leaves note and history on an error that is given up. A budget
        that a fleet shares is asked; in asyncio and trio code `failed_async` does not stop the event loop for it.
        """
        run = self._run
        run.is_async = False
        if run.shares is not None:
            run.shares.check(is_async=False)
        return self._goes_on(error, run.failed(error))

    async def failed_async(self, error: Exception) -> float | None:
        """As `failed`, where a store is awaited."""
        run = self._run
        run.is_async = True
        if run.shares is not None:
            run.shares.check(is_async=True)
        delay = run.failed(error)
        if delay is not None and not await run.ask_async():
            run._told_of_giving_up()
            run._let_go()
            delay = None
        return self._goes_on(error, delay)

    def _goes_on(self, error: Exception, delay: float | None) -> float | None:
        run = self._run
        if delay is not None:
            delay = run.rest(delay)
            run._scheduled(delay).close(error)
            run._let_go()
            self.attempt += 1
        self.delay, self.reason = delay, run.call.reason
        return delay

    def succeeded(self) -> None:
        """Told of the attempt that was made: a budget hears of it, and the hooks."""
        self._run.succeeded()

    def __repr__(self) -> str:
        wait = f"gave up: {self.reason}" if self.delay is None else f"after {self.delay:g} s"
        return f"<Resumed: attempt {self.attempt}, {wait}>"


def resume(policy: Policy, token: str | None, key: str | bytes | None, name: str | None = None) -> Resumed:
    run = _run_of(policy, token, key, name)
    return Resumed(policy, run, run.resumed(), key)


async def resume_async(policy: Policy, token: str | None, key: str | bytes | None, name: str | None = None) -> Resumed:
    run = _run_of(policy, token, key, name)
    return Resumed(policy, run, await run.resumed_async(), key)


def _run_of(policy: Policy, token: str | None, key: str | bytes | None, name: str | None) -> Run:
    from ._run import Run

    if token is None:
        _key(key)
        return Run(policy, name or policy.name, resumes=(None, 0.0))
    since_1970 = time.time()
    found, problems = _core.Token.read(_value(checked(token, key)), "json")
    if found is None:
        raise PolicyError(problems)
    return Run(policy, name or policy.name, resumes=(found, since_1970))


def _value(text: str) -> object:
    from ._policy import json_value

    if len(text) > LONGEST:
        raise PolicyError([("text_too_long", "", f"the token is {len(text)} letters long, allowed {LONGEST}; pass it as it was made")])
    return json_value(text, "the token is")


def signed(text: str, key: str | bytes | None) -> str:
    """A token's text, with its signature if there is a key."""
    secret = _key(key)
    return text if secret is None else f"{text}.{_signature(text, secret)}"


def checked(token: str, key: str | bytes | None) -> str:
    """A token without its signature, which is right. Raises PolicyError."""
    if not isinstance(token, str):
        raise TypeError(f"the token is a {type(token).__name__}, allowed text or None; pass what resume_token gave")
    secret = _key(key)
    text, _, signature = token.rpartition(".")
    is_signed = text.endswith("}")
    if secret is None:
        if is_signed:
            raise PolicyError([("unexpected_signature", "", "the token is signed and no key is given, allowed both or neither; pass its key")])
        return token
    if not is_signed:
        raise PolicyError([("missing_signature", "", "the token is not signed and a key is given, allowed both or neither; make it with the key")])
    import hmac

    # As bytes, since compare_digest takes text of ASCII only.
    if not hmac.compare_digest(_signature(text, secret).encode(), signature.encode("utf-8", "surrogatepass")):
        raise PolicyError([("wrong_signature", "", "the token's signature is not that of its text and the key, allowed no other; pass the token unchanged, and the key that it was made with")])  # fmt: skip
    return text


def _signature(text: str, secret: bytes) -> str:
    import hmac
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256")).rstrip(b"=").decode()


def _key(key: str | bytes | None) -> bytes | None:
    """Its bytes. What was given is never told."""
    if key is None:
        return None
    if not isinstance(key, (str, bytes)):
        raise TypeError(f"the key is a {type(key).__name__}, allowed text or bytes; pass one, or leave it out")
    secret = key.encode() if isinstance(key, str) else key
    if not secret:
        raise ValueError("the key is empty, allowed one byte or more; pass a secret of 32 random bytes, or leave it out")
    return secret


#: Some times what a token can be.
LONGEST = 4096
