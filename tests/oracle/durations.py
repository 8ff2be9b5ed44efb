"""Durations: text to whole microseconds and back."""

import re

MICROSECOND = 1
LONGEST = 87_600 * 3_600_000_000  # ten years
UNITS = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}

_TEXT = re.compile(r"([0-9]+)(?:\.([0-9]+))?(us|ms|s|m|h)", re.ASCII)


def parse(text):
    """Microseconds, or the refusal code as text."""
    match = _TEXT.fullmatch(text)
    if not match:
        return "bad_duration"
    whole, fraction, unit = match[1], match[2] or "", UNITS[match[3]]
    scaled = int(whole + fraction) * unit
    microseconds, rest = divmod(scaled, 10 ** len(fraction))
    return "too_fine" if rest else microseconds


def text(microseconds):
    """The largest unit that divides exactly."""
    if microseconds == 0:
        return "0s"
    for unit, size in UNITS.items():
        if microseconds % size == 0:
            return f"{microseconds // size}{unit}"
    raise AssertionError("a microsecond divides every whole number")
