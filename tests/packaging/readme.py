"""Blocks of code out of the packages' READMEs, read as the documentation's test reads them."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "docs")]

from blocks import Block, blocks_of


def first_block(document: Path, language: str) -> Block:
    """The first block of a language that is not skipped. Ends the program if there is none."""
    for block in blocks_of(document):
        if block.language == language and not block.skipped_because:
            return block
    sys.exit(f"{document} has no {language} block; the package needs an example that runs")
