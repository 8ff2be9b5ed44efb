"""What the server asked for: SEMANTICS 6.2 and 6.3."""

import re
from dataclasses import dataclass

import dates

MILLISECOND, SECOND = 1_000, 1_000_000
MOST = 2**53 - 1
EPOCH_SECONDS = 10**8
EPOCH_MILLISECONDS = 10**11

_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?", re.ASCII)


@dataclass(frozen=True)
class Hint:
    delay: int | None = None
    should_retry: bool | None = None
    suspicious: bool = False


def read(headers, now_wall=None):
    found = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value.strip(" \t"))
    now = first(found.get("date", []), lambda text: dates.parse(text, now_wall))
    now = now_wall if now is None else now
    delay, suspicious = delay_of(found, now) or (None, False)
    return Hint(None if delay is None else min(MOST, delay), word_of(found), suspicious)


def delay_of(found, now):
    """(delay, suspicious) of the first header that gives one."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after"):
        asked = first(found.get(name, []), lambda text: number(text, MILLISECOND, EPOCH_MILLISECONDS, now))
        if asked:
            return asked
    asked = first(found.get("retry-after", []), lambda text: seconds_or_date(text, now))
    if asked:
        return asked
    waits = [t for text in found.get("ratelimit", []) for t in exhausted(text)]
    if waits:
        asked = number(str(max(waits)), SECOND, EPOCH_SECONDS, now)
        if asked:
            return asked
    if any(is_zero(text) for text in found.get("x-ratelimit-remaining", [])[:1]):
        asked = first(found.get("x-ratelimit-reset", []), lambda text: number(text, SECOND, EPOCH_SECONDS, now))
        if asked:
            return asked[0], False
    pushback = first(found.get("grpc-retry-pushback-ms", []), digits)
    return None if pushback is None else (pushback * MILLISECOND, False)


def word_of(found):
    """The server's word on whether to retry at all; no beats yes."""
    if any(digits(text) is None for text in found.get("grpc-retry-pushback-ms", [])):
        return False
    words = [text.lower() for name in ("x-should-retry", "stripe-should-retry") for text in found.get(name, [])]
    return False if "false" in words else True if "true" in words else None


def first(texts, parse):
    for text in texts:
        value = parse(text)
        if value is not None:
            return value
    return None


def number(text, unit, epoch_above, now):
    """Digits, with a fraction or not, rounded up to a microsecond; far too large ones are instants since 1970."""
    match = _DECIMAL.fullmatch(text)
    if not match:
        return None
    fraction = match[2] or ""
    scaled, scale = int(match[1] + fraction), 10 ** len(fraction)
    microseconds = -(-scaled * unit // scale)
    if scaled <= epoch_above * scale:
        return microseconds, False
    return None if now is None else (max(0, microseconds - now), True)


def seconds_or_date(text, now):
    asked = number(text, SECOND, EPOCH_SECONDS, now)
    if asked or now is None:
        return asked
    at = dates.parse(text, now)
    return None if at is None else (max(0, at - now), False)


def exhausted(text):
    """The t of every item with r=0, in seconds: `"name";r=0;t=30, "other";r=5;t=60`."""
    for item in split(text, ","):
        name, *parameters = split(item, ";")
        if not re.fullmatch(r'"(?:[^"\\]|\\.)*"|[^"\s]+', name.strip(" \t")):
            continue
        values = dict(p.strip(" \t").split("=", 1) for p in parameters if "=" in p)
        r, t = digits(values.get("r", "")), digits(values.get("t", ""))
        if r == 0 and t is not None:
            yield t


def split(text, separator):
    """Cut at separators outside quotes."""
    parts, part, quoted, escaped = [], "", False, False
    for c in text:
        if c == separator and not quoted:
            parts.append(part)
            part = ""
            continue
        part += c
        if escaped:
            escaped = False
        elif quoted and c == "\\":
            escaped = True
        elif c == '"':
            quoted = not quoted
    return parts + [part]


def digits(text):
    return int(text) if re.fullmatch(r"[0-9]+", text, re.ASCII) else None


def is_zero(text):
    return digits(text) == 0
