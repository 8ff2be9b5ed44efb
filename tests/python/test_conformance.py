"""Runs every vector against the installed package. With pytest, or alone: `python tests/python/test_conformance.py`."""

import hashlib
import json
import pathlib
import sys

import hosts

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"


def wrong_cases():
    """(how many files, how many cases, what is wrong)."""
    cases, wrong = 0, []
    files = sorted(VECTORS.glob("*.json"))
    for file in files:
        text = file.read_text("utf-8")
        vectors, plain = hosts.read(text), json.loads(text)
        for case, plain_case in zip(vectors["cases"], plain["cases"], strict=True):
            cases += 1
            said = hosts.answer(vectors["kind"], case)
            expected = expectation(vectors["kind"], plain_case)
            agree = {"analysis": is_near, "ladder": is_near, "diff": is_same_difference}.get(vectors["kind"], agrees)
            if not agree(expected, said):
                wrong.append(f"{file.name}: {case['name']}\n  expected {expected}\n  python   {said}")
    return len(files), cases, wrong


def expectation(kind, case):
    if kind == "session":
        steps = [step["expect"] for step in case["steps"]]
        end = next((at for at, step in enumerate(steps) if "give_up" in step), len(steps))
        return steps[: end + 1]
    if kind == "shared":
        return [step["expect"] for step in case["steps"]]
    if kind == "draw":
        return {name: case[name] for name in ("word", "uniform") if name in case and not (name == "word" and "x" in case)} | (
            {"call_seed": case["call_seed"]} if case.get("seed") is not None and "call_seed" in case else {}
        )
    if "steps" in case:
        return [step["expect"] for step in case["steps"]]
    return case["expect"]


def agrees(expected, said):
    """Whether what was said is what was expected; a text that is not expected may be any."""
    if isinstance(expected, dict):
        return isinstance(said, dict) and all(agrees(value, said.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return isinstance(said, list) and len(expected) == len(said) and all(map(agrees, expected, said))
    return type(expected) is type(said) and expected == said


def is_same_difference(expected, said):
    """Figures within their errors and no others; everything else the same."""
    plain = ("options", "new", "gone", "lines")
    is_plain_same = isinstance(said, dict) and all(expected[name] == said[name] for name in plain)
    return is_plain_same and expected["figures"].keys() == said["figures"].keys() and is_near(expected["figures"], said["figures"])


def is_near(expected, said):
    """Whether a figure is the expected [value, error] within both errors; a number without an error must be the same."""
    if isinstance(expected, dict):
        return isinstance(said, dict) and all(is_near(value, said.get(name)) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(said, list):
        return len(expected) == len(said) and all(map(is_near, expected, said))
    if isinstance(expected, list):
        value, error = expected
        return isinstance(said, dict) and abs(said["value"] - value) <= said["error"] + error + 1e-12
    return expected == said


def test_every_vector_holds_in_python(capsys):
    files, cases, wrong = wrong_cases()
    with capsys.disabled():
        print(f"vectors: python ran {cases} cases in {files} files")
    assert not wrong, "\n".join(wrong[:20])
    assert cases > 0


if __name__ == "__main__":
    files, cases, wrong = wrong_cases()
    print("\n".join(wrong[:20]))
    print(f"vectors: python ran {cases} cases in {files} files")
    print(f"lab: python {len(hosts.LAB)} texts {hashlib.sha256(chr(10).join(hosts.LAB).encode()).hexdigest()}")
    sys.exit(1 if wrong or not cases else 0)
