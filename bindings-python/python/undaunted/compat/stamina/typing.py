"""Types for hooks."""

from __future__ import annotations

from .instrumentation import RetryDetails, RetryHook

__all__ = ["RetryDetails", "RetryHook"]
