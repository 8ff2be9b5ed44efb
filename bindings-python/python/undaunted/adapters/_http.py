"""What the HTTP adapters share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def has_idempotency_key(headers: Any) -> bool:
    """Whether a request carries an `Idempotency-Key`, the same on every attempt as its headers are."""
    if not headers:
        return False
    names = headers.keys() if hasattr(headers, "keys") else (name for name, _ in headers)
    return any(text(name).lower() == "idempotency-key" for name in names)


def text(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)
