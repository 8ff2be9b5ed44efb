"""JavaScript's reference is made from the comments and types of ts/: `js_reference.py` writes it, `js_reference.py --check` compares.

js_reference.mjs makes the text. A public name without a comment is an error.
"""

import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from setup import DOCS_PACKAGES, JS, ROOT

FILE = JS / "docs" / "reference.md"


def main() -> None:
    words = ["node", Path(__file__).with_suffix(".mjs"), DOCS_PACKAGES]
    made = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
    if made.returncode:
        sys.exit(made.stdout + made.stderr)
    if "--check" not in sys.argv:
        FILE.write_text(made.stdout, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != made.stdout:
        sys.exit(f"{FILE.relative_to(ROOT)} is not what the comments say; run: make reference")
    names, entries = (made.stdout.count(f"\n{heading} ") for heading in ("###", "##"))
    print(f"reference: {names} names of {entries} entries, as their comments say")


if __name__ == "__main__":
    main()
