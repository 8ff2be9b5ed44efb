"""The core's own tests under Miri, which finds undefined behaviour in what it builds on: few cases each, since it is slow.

`python3 tests/miri.py [CASES]`; the counts at the cap, 140 000 calls, are left to ordinary tests.
"""

import os
import re
import subprocess
import sys

from setup import ROOT, TARGET, environment

CASES = 2


def main() -> None:
    cases = sys.argv[1] if len(sys.argv) > 1 else str(CASES)
    # Arbitrary cases begin with entropy of the host's, from which Miri shuts programs off.
    flags = {"MIRIFLAGS": "-Zmiri-disable-isolation", "PROPTEST_CASES": cases, "CARGO_TARGET_DIR": str(TARGET / "miri")}
    words = ["cargo", "+nightly", "miri", "test", "--locked", "-p", "undaunted", "--all-features", "--lib", "--test", "properties"]
    done = subprocess.run(words, cwd=ROOT, env={**environment(), **flags}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    passed = sum(int(count) for count in re.findall(r"test result: ok\. (\d+) passed", done.stdout))
    if done.returncode != 0 or passed == 0:
        sys.exit(f"{done.stdout}miri: ended with {done.returncode}, {passed} tests passed")
    print(f"miri: {passed} tests of the core with {cases} cases each, no undefined behaviour")


if __name__ == "__main__":
    main()
