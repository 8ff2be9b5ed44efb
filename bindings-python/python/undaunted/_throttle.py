"""`Throttle`: refuses some calls on this side, the more of them the fewer were accepted."""

from __future__ import annotations

from . import _core
from ._guard import Counting, Guard, check_name, check_seed, checked, now, outcome_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Unpack

    from ._options import Counted, ThrottleOptions, ThrottleSnapshot


class Throttled(Exception):
    """A throttle refused the call, on this side: nothing was sent."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        which = "the throttle" if self.name is None else f"the throttle {self.name}"
        return f"{which} refused the call, since too few of the last ones were accepted; nothing was sent"


class Throttle(Guard):
    """One client-side throttle for one backend; share it among threads and tasks.

    A call is refused with probability max(0, (requests - k * accepts) / (requests + 1)) over the last `window` (120 s), refused calls
    included; `k` (2) is how many calls are let through for each accepted one. Source: "Handling Overload", Site Reliability Engineering.

    `on` says which errors mean that the backend did not accept the call: exception types or a function of the error; by default all. Other
    errors, and cancellation, count as accepted. `seed` makes its chances repeatable. Raises PolicyError with every mistake at once.
    """

    __slots__ = ("__weakref__", "_core", "_on", "name")

    def __init__(
        self, *, on: Counted = Exception, name: str | None = None, seed: int | None = None, **options: Unpack[ThrottleOptions]
    ) -> None:
        self._on = Counting(on)
        self.name = check_name(name)
        self._core = checked(_core.Throttle.compile(options, "python", check_seed(seed)))

    def snapshot(self) -> ThrottleSnapshot:
        """`requests` in the window, refused ones included, and how many of them were `accepts`."""
        requests, accepts = self._core.look(now())
        return {"requests": requests, "accepts": accepts}

    def __repr__(self) -> str:
        return f"<Throttle {self.name}>" if self.name else "<Throttle>"

    def _before(self) -> None:
        if not self._core.ask(now()):
            raise Throttled(self.name)

    def _after(self, token: None, error: BaseException | None) -> None:
        if outcome_of(error, self._on) != "failed":
            self._core.accepted(now())
