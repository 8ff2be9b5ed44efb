"""What users may and may not write, by pyrefly and ty: errors exactly where bindings-python/tests/typing/api.py says `type: ignore`."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "bindings-python" / "tests" / "typing" / "api.py"
BIN = Path(sys.executable).parent
CHECKERS = {
    "pyrefly": ["check", "--output-format", "min-text", "api.py"],
    "ty": ["check", "--output-format", "concise", "--python", sys.executable, "api.py"],
}
SETTINGS = f'preset = "default"\npython-interpreter-path = "{sys.executable}"\nenabled-ignores = ["pyrefly"]\n'
#: Lines on which a checker is wrong, and why.
WRONG = {
    "ty": {
        'assert_type(generic("a"), str)': "it loses the type variable of a generic function that is decorated",
        "undaunted.retry(atempts=3)": "it does not look at keyword arguments that a TypedDict describes",
        "undaunted.Breaker(window_call=5)": "the same",
        "store, capacities=10)": "the same",
    },
}


def main() -> None:
    lines = dict(enumerate(FILE.read_text(encoding="utf-8").splitlines(), 1))
    wanted = {number for number, line in lines.items() if "# type: ignore" in line}
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "api.py").write_text("\n".join(lines.values()), encoding="utf-8")
        (Path(folder) / "pyrefly.toml").write_text(SETTINGS, encoding="utf-8")
        for checker, words in CHECKERS.items():
            said = subprocess.run([BIN / checker, *words], cwd=folder, capture_output=True, text=True).stdout
            found = {int(number) for line in said.splitlines() if "INFO" not in line for number in re.findall(r"\bapi\.py:(\d+)", line)}
            wrong = WRONG.get(checker, {})
            known = {number for number, line in lines.items() if any(text in line for text in wrong)}
            if len(known) != len(wrong):
                problems.append(f"{checker}: {len(wrong)} lines are named on which it is wrong, {len(known)} are there")
            problems += [f"{checker}: line {number} is {'no' if number in wanted else 'an'} error: {lines[number].strip()}"
                         for number in sorted((found ^ wanted) - known)]  # fmt: skip
            problems += [f"{checker} is right on line {number} now; take it off the list" for number in sorted(known - (found ^ wanted))]
            print(f"types: {checker} agrees on {len(wanted)} lines that are errors, {len(known)} known differences")
    if problems:
        sys.exit("\n".join(problems[:20]))


if __name__ == "__main__":
    main()
