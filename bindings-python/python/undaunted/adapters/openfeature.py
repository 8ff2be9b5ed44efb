"""Policies from feature flags, through OpenFeature's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openfeature.exception import ErrorCode

from .._source import PolicySource, Versioned

if TYPE_CHECKING:
    from collections.abc import Callable

    from openfeature.client import OpenFeatureClient
    from openfeature.evaluation_context import EvaluationContext

    from .._policy import Policy


def policy_source(
    client: OpenFeatureClient,
    flag_key: str,
    *,
    context: EvaluationContext | None = None,
    fallback: Policy | None = None,
    on_error: Callable[[Exception], object] | None = None,
) -> PolicySource:
    """The policy that a flag holds, as an object or as JSON text; evaluated at the start of each call.

    `fallback`, `on_error`: as for `PolicySource`. A flag that is missing, or of another type, is told as an error like a wrong policy.
    The flag's variant is `Policy.version`, if it has one.
    """

    def evaluate() -> Any:
        found: Any = client.get_object_details(flag_key, {}, context)
        if found.error_code is ErrorCode.TYPE_MISMATCH:
            found = client.get_string_details(flag_key, "", context)
        if found.error_code is not None:
            raise LookupError(f"flag {flag_key}: {found.error_code.value}, {found.error_message or 'no more is known'}")
        return Versioned(found.value, found.variant or None)

    return PolicySource(evaluate, fallback=fallback, on_error=on_error)
