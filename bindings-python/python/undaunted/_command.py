"""The command line `undaunted`: files and screens around what the core asks for and answers."""

from __future__ import annotations

import json
import os
import sys

from . import _core
from ._errors import PolicyError
from ._policy import compiled, json_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Report = tuple[str, str]
    Refused = tuple[Report | None, list[tuple[str, str, str]]]


class Failed(Exception):
    """Something could not be read: a line for each mistake."""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; answers its exit code: 0, 1 if it found what it was to find, 2 if something could not be read."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace", newline="\n")
    kind, said = _core.invoke(sys.argv[1:] if arguments is None else arguments)
    if kind != "run":
        print(said, end="", file=sys.stdout if kind == "say" else sys.stderr)
        return 0 if kind == "say" else 2
    try:
        # Numbers stay as they are written.
        return _run(**json.loads(said, parse_float=_core.Digits, parse_int=_core.Digits))
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has seen enough; what is buffered must not fail at the end, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(command: str, files: list[str], steps: list[Any], options: dict[str, Any]) -> int:
    if command == "preview":
        return _preview(files[0] if files else None, **options)
    as_json = options.pop("json", False)
    fail_on = options.pop("fail_on", "error")
    exit_code = options.pop("exit_code", False)
    text, json_text = _report(command, files, steps, options)
    print(json_text if as_json else text.removesuffix("\n"))
    if command == "export" and not as_json:
        for found in json.loads(json_text)["findings"]:
            print(f"{found['level']}: {found['text']} [{found['code']}]", file=sys.stderr)
    if command == "lint":
        return _code(json.loads(json_text), fail_on)
    if command == "convert":
        return _code(json.loads(json_text)["findings"], fail_on)
    return int(exit_code and bool(json.loads(json_text)["options"]))


def _report(command: str, files: list[str], steps: list[Any], options: dict[str, Any]) -> Report:
    if command == "convert":
        return _convert(files, options)
    if command == "simulate-loss":
        return _simulate(_core.simulate_loss(int(options.pop("seed", 1)), options, "json"))
    if command == "export" and "to" not in options:
        raise Failed("undaunted: --to is missing, allowed one of the targets; run undaunted export --help")
    policy = _policy(files[0])
    if command == "export":
        return _core.export_as(policy, options["to"])
    if command == "lint":
        return _core.lint(policy)
    if command == "schedule":
        return _right(_core.ladder(policy, options, "json"))
    if command == "analyse":
        return _right(_core.analyse(policy, options, "json"))
    if command == "explain":
        return _right(_core.explain(policy, {"failures": steps, **options}, "json"))
    if command == "diff":
        return _right(_core.diff(policy, _policy(files[1]), options, "json"))
    seed = int(options.pop("seed", 1))
    if command == "simulate-outage":
        return _simulate(_core.simulate_outage(policy, None, None, seed, options, "json"))
    simulation = _core.simulate_herd if command == "simulate" else _core.simulate_layers
    return _simulate(simulation(policy, None, seed, options, "json"))


def _simulate(begun: tuple[_core.Simulation | None, list[tuple[str, str, str]]]) -> Report:
    from ._simulate import SLICE

    simulation, problems = begun
    if simulation is None:
        raise Failed(_lines("undaunted", problems))
    shows = sys.stderr.isatty()
    ends = False
    while not ends:
        ends = simulation.step(SLICE)
        if shows:
            print("\r" + _core.progress(*simulation.progress()), end="", file=sys.stderr, flush=True)
    if shows:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return simulation.report()


def _convert(files: list[str], options: dict[str, Any]) -> Report:
    source = options.get("from")
    if source is None:
        raise Failed("undaunted: --from is missing, allowed one of the sources; run undaunted convert --help")
    if files:
        report, problems = _core.convert(source, _json(files[0], "the settings are"))
    elif source == "aws":
        report, problems = _core.convert(source, dict(os.environ))
    else:
        raise Failed("undaunted: SETTINGS is missing; run undaunted convert --help")
    if report is None:
        raise Failed(_lines(files[0] if files else "the environment", problems))
    return report


def _preview(name: str | None, port: str = "0", watch: bool = False, no_open: bool = False, json: bool = False) -> int:
    from json import dumps

    from . import _preview as preview

    is_preset = name is not None and name.startswith("preset:")
    is_file = name is not None and name != "-" and not is_preset
    if watch and not is_file:
        raise Failed("undaunted: --watch needs a policy file; run undaunted preview --help")
    policy: preview.GivenPolicy | preview.PolicyFile | None = None
    if name is not None and is_file:
        _read(name, needs_to_be=False)
        policy = preview.PolicyFile(name)
    elif name is not None and is_preset:
        _policy(name)
        policy = preview.GivenPolicy(name, f'{{"preset": "{name.removeprefix("preset:")}"}}\n'.encode())
    elif name is not None:
        policy = preview.GivenPolicy(name, _read(name))

    def told(address: str) -> None:
        print(dumps({"address": address}, separators=(",", ":")) if json else f"The preview is at {address}; Ctrl-C ends it.", flush=True)

    try:
        preview.serve(policy, int(port), watch, not no_open and os.environ.get("CI") != "true", told)
    except FileNotFoundError:
        raise Failed("undaunted: the page is missing; install the package anew") from None
    except OSError as error:
        raise Failed(f"undaunted: port {port}: {error.strerror}; choose another, or none for any that is free") from None
    return 0


def _policy(file: str) -> _core.Policy:
    name = file.removeprefix("preset:")
    options = {"preset": name} if name != file else _json(file, "the policy is")
    try:
        return compiled(options, "json")
    except PolicyError as error:
        raise Failed(_lines(file, error.problems)) from None


def _read(file: str, needs_to_be: bool = True) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read()
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not needs_to_be:
            return b""
        raise Failed(f"{file}: {error.strerror}; name a file that can be read") from None


def _json(file: str, what: str) -> object:
    text = _read(file)
    try:
        return json_value(text, what)
    except PolicyError as error:
        raise Failed(_lines(file, error.problems)) from None


def _right(answer: Refused) -> Report:
    report, problems = answer
    if report is None:
        raise Failed(_lines("undaunted", problems))
    return report


def _lines(place: str, problems: Any) -> str:
    return "\n".join(f"{place}: {text} [{code}]" for code, _, text in problems)


def _code(findings: list[dict[str, str]], fail_on: str) -> int:
    levels = ["info", "warning", "error"]
    failing = levels[levels.index(fail_on) :] if fail_on in levels else []
    return int(any(finding["level"] in failing for finding in findings))

