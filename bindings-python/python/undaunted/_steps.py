"""Failures in a few words, as scripts have them: `503`, `reset`, `429 + hint 2s`, `postgres 40001`."""

from __future__ import annotations

import json

from . import _core
from ._errors import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def step(words: str | int) -> Any:
    """The failure that they stand for, as `Policy.explain` takes it; `"ok"` for a success. Raises PolicyError for words that are none."""
    is_right, said = _core.step(str(words))
    if not is_right:
        raise PolicyError([("unknown_failure", "", said)])
    return json.loads(said)
