"""Python's reference is made from the docstrings and signatures of the installed package: `reference.py` writes it, `reference.py --check` compares.

A public name without a docstring is an error.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import griffe

from setup import ROOT

FILE = ROOT / "bindings-python" / "docs" / "reference.md"
# The names of a module that are public: what is said here, else its `__all__`.
MODULES: dict[str, list[str]] = {
    "undaunted": [],
    "undaunted.lab": [],
    "undaunted.fleet": [],
    "undaunted.adapters.aiohttp": ["RetryingSession"],
    "undaunted.adapters.celery": ["RetryingTask"],
    "undaunted.adapters.httpx": ["RetryingTransport", "AsyncRetryingTransport"],
    "undaunted.adapters.requests": ["RetryingAdapter"],
    "undaunted.adapters.temporal": ["retry_policy", "policy_of", "resumed", "application_error", "application_error_async"],
    "undaunted.adapters.urllib3": ["Retry"],
    "undaunted.adapters.openfeature": ["policy_source"],
    "undaunted.instrumentation.logging": ["LoggingHook"],
    "undaunted.instrumentation.structlog": ["StructlogHook"],
    "undaunted.instrumentation.prometheus": ["PrometheusHook"],
    "undaunted.instrumentation.opentelemetry": ["OpenTelemetryHook"],
    "undaunted.compat.stamina": [],
    "undaunted.compat.stamina.instrumentation": [],
}
# Public, and in no `__all__` for a reason that is told there.
BESIDE = {"undaunted": ["TimeoutError"]}
# Classes of these modules are made by the package, but for some: the others' constructors are not shown.
MAKES_ITS_OWN = {"undaunted", "undaunted.fleet", "undaunted.lab"}
MADE_BY_USERS = {"Breaker", "Budget", "Bulkhead", "Hedge", "HttpError", "Policy", "PolicySource", "Store", "Throttle"}
PREFACE = """# Reference

What the package's docstrings say, in the order of the alphabet. It is written by `tests/docs/reference.py`; edit the docstrings instead.

`**options: Unpack[Options]` are the options of a policy, which [a table](../../core/README.md#the-policy) has with their values and defaults, and the settings
that `Policy` names. A `Duration` is a number of seconds, a `timedelta`, or text with a unit: `"250ms"`. Times that are answered are seconds.
"""
WIDTH = 110


def main() -> None:
    package = griffe.load("undaunted", docstring_parser=None)
    problems: list[str] = []
    text = PREFACE + "".join(module(package, name, problems) for name in MODULES)
    if problems:
        sys.exit("\n".join(f"reference: {problem} has no docstring; write one" for problem in problems))
    if "--check" not in sys.argv:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
        sys.exit(f"{FILE.relative_to(ROOT)} is not what the docstrings say; run: make reference")
    print(f"reference: {text.count(HEADING)} names of {len(MODULES)} modules, as their docstrings say")


def module(package: griffe.Module, name: str, problems: list[str]) -> str:
    found = package if name == package.path else package[name.removeprefix(f"{package.path}.")]
    text = f"\n## {name}\n\n{said(found, name, problems)}"
    members = {member.name: member for member in named(found)}
    for member_name in sorted(members, key=str.lower):
        target = members[member_name]
        whole = f"{name}.{member_name}" if name != package.path else member_name
        if target.is_class:
            is_made = name not in MAKES_ITS_OWN or member_name in MADE_BY_USERS
            text += class_(target, member_name, whole, is_made, problems)
        elif target.is_function:
            text += f"{HEADING}{whole}\n\n{function(target, member_name, whole, problems)}"
    return text


def named(found: griffe.Module) -> Iterator[griffe.Object]:
    """What is public in a module, where it is defined."""
    for name in [*(MODULES[found.path] or found.exports or []), *BESIDE.get(found.path, [])]:
        member = found[str(name)]
        yield member.final_target if member.is_alias else member


def class_(found: griffe.Class, name: str, whole: str, is_made: bool, problems: list[str]) -> str:
    maker = next((found.all_members[way] for way in ("__new__", "__init__") if is_made and way in found.all_members), None)
    signature = f"class {name}" if maker is None else signature_of(maker, f"class {name}").rpartition(" -> ")[0]
    text = f"{HEADING}{whole}\n\n{code([signature])}{said(found, whole, problems)}"
    for member_name, member in sorted(found.all_members.items()):
        target = member.final_target if member.is_alias else member
        is_shown = not member_name.startswith("_") or (member_name == "__call__" and target.has_docstring)
        if not is_shown or not target.path.startswith("undaunted."):
            continue
        if "property" in target.labels:
            answers = f": {target.annotation}" if target.annotation is not None else ""
            text += f"\n**`{name}.{member_name}{answers}`**\n\n{said(target, f'{whole}.{member_name}', problems)}"
        elif target.is_function:
            shown = name if member_name == "__call__" else f"{name}.{member_name}"
            text += "\n" + function(target, shown, f"{whole}.{member_name}", problems)
    return text


def function(found: griffe.Function, shown: str, whole: str, problems: list[str]) -> str:
    """Its signature, or those of its overloads, and what it says."""
    begin = f"async {shown}" if "async" in found.labels else shown
    signatures = [signature_of(form, begin) for form in found.overloads or [found]]
    return f"{code(signatures)}{said(found, whole, problems)}"


def signature_of(found: griffe.Function, name: str) -> str:
    """As it is called: without what methods are bound to, one parameter a line if it is long."""
    kept = [parameter for parameter in found.parameters if parameter.name not in ("self", "cls")]
    words: list[str] = []
    kinds = griffe.ParameterKind
    for at, parameter in enumerate(kept):
        before = kept[at - 1].kind if at else None
        if before is kinds.positional_only and parameter.kind is not kinds.positional_only:
            words.append("/")
        if parameter.kind is kinds.keyword_only and before not in (kinds.keyword_only, kinds.var_positional):
            words.append("*")
        words.append(parameter_of(parameter))
    if kept and kept[-1].kind is kinds.positional_only:
        words.append("/")
    answers = f" -> {found.returns}" if found.returns is not None else ""
    line = f"{name}({', '.join(words)}){answers}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){answers}"


def parameter_of(parameter: griffe.Parameter) -> str:
    kinds = griffe.ParameterKind
    is_many = parameter.kind in (kinds.var_positional, kinds.var_keyword)
    text = {kinds.var_positional: "*", kinds.var_keyword: "**"}.get(parameter.kind, "") + parameter.name
    if parameter.annotation is not None:
        text += f": {parameter.annotation}"
    if parameter.default is None or is_many:
        return text
    return f"{text}{'=' if parameter.annotation is None else ' = '}{parameter.default}"


def said(found: griffe.Object, whole: str, problems: list[str]) -> str:
    if not found.has_docstring:
        problems.append(whole)
        return ""
    return f"{found.docstring.value}\n"


def code(signatures: list[str]) -> str:
    return "```pyi\n" + "\n".join(signatures) + "\n```\n\n"


HEADING = "\n### "

if __name__ == "__main__":
    main()
