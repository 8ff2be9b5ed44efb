"""Every code block of the README runs by itself."""

import pathlib
import re

import pytest

README = (pathlib.Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_of_the_readme_runs(block):
    exec(compile(block, "README.md", "exec"), {"__name__": "__readme__"})


def test_the_readme_has_its_blocks():
    assert 3 == len(BLOCKS)
