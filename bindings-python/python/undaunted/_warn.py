"""Warnings that name the user's line, not ours."""

from __future__ import annotations

import sys


def warn(text: str, category: type[Warning]) -> None:
    """Warns at the innermost frame that is not part of this package."""
    import warnings

    level = 1
    frame = sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "undaunted":
        frame = frame.f_back
        level += 1
    warnings.warn(text, category, stacklevel=level)
