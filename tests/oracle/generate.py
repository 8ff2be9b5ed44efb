"""Write tests/vectors from the cases and the oracle; with --check, only compare.

Inputs, claims and sources are in cases/. A figure that is published is written there by hand, and the oracle must agree.
"""

import difflib
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import cases
from evaluate import evaluate

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def main(arguments):
    wanted = {f"{file['name']}.json": text(file) for file in files()}
    if arguments == ["--check"]:
        return check(wanted)
    if arguments:
        sys.exit("usage: generate.py [--check]")
    VECTORS.mkdir(exist_ok=True)
    for path in VECTORS.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (VECTORS / name).write_text(content, encoding="utf-8")
    print(f"wrote {sum(content.count(CASE) for content in wanted.values())} cases in {len(wanted)} files")
    return 0


def check(wanted):
    there = {path.name: path.read_text(encoding="utf-8") for path in VECTORS.glob("*.json")}
    differences = []
    for name in sorted(wanted.keys() | there.keys()):
        lines = difflib.unified_diff(there.get(name, "").splitlines(), wanted.get(name, "").splitlines(),
                                     f"vectors/{name}", f"oracle/{name}", "", "", 0, "")
        differences.extend(lines)
    if differences:
        print("\n".join(differences))
        print("the vectors are not what the oracle says; run tests/oracle/generate.py and read the diff")
        return 1
    print(f"{len(wanted)} files are what the oracle says")
    return 0


def files():
    for module in sorted(pkgutil.iter_modules(cases.__path__), key=lambda module: module.name):
        yield from importlib.import_module(f"cases.{module.name}").FILES


CASE = '\n{"name":'


def text(file):
    names = [case["name"] for case in file["cases"]]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise AssertionError(f"{file['name']}: two cases claim {sorted(repeated)}")
    head = ",\n".join(f'"{key}":{line(file[key])}' for key in ("description", "source", "kind"))
    body = ",\n".join(line(evaluate(file["kind"], case)) for case in file["cases"])
    return f'{{{head},\n"cases":[\n{body}\n]}}\n'


def line(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
