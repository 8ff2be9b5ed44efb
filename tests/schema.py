"""The JSON Schema of policies is what the core's option rows make it: `schema.py` writes it, `schema.py --check` compares."""

import subprocess
import sys

from setup import ROOT, environment

FILE = ROOT / "core" / "policy.schema.json"


def main() -> None:
    words = ["cargo", "run", "--locked", "--quiet", "-p", "undaunted-tests", "--bin", "schema"]
    made = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True).stdout
    if "--check" not in sys.argv:
        FILE.write_text(made, encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != made:
        sys.exit(f"{FILE.relative_to(ROOT)} is not what bounds.rs makes it; run: python3 tests/schema.py")
    print(f"schema: {len(made)} bytes, as bounds.rs makes it")


if __name__ == "__main__":
    main()
