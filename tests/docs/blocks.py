"""The code blocks of a Markdown file, with their languages, lines and instructions.

An instruction is an HTML comment on the line before a block:
  <!-- run: skip because REASON -->   the block is shown, not run
  <!-- run: as FILE -->               the block is also a file that later blocks of the document may open
  <!-- run: after the previous -->    the block goes on where the previous one of its language ended
"""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Block:
    document: Path
    line: int
    language: str
    text: str
    skipped_because: str | None = None
    file_name: str | None = None
    goes_on: bool = False

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


class BadDocument(Exception):
    """A document whose blocks cannot be read."""


def blocks_of(document: Path) -> list[Block]:
    """All fenced blocks; `line` is that of the block's first line of code. Raises BadDocument."""
    lines = document.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if not opening:
            at += 1
            continue
        indent, fence, language = opening.groups()
        end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == fence), None)
        if end is None:
            raise BadDocument(f"{document}:{at + 1}: the block has no end")
        text = "".join(f"{line.removeprefix(indent)}\n" for line in lines[at + 1 : end])
        block = Block(document, at + 2, language.strip().lower(), text)
        obey(block, lines[at - 1].strip() if at else "")
        found.append(block)
        at = end + 1
    return found


def obey(block: Block, comment: str) -> None:
    """What the comment before a block asks for."""
    said = INSTRUCTION.fullmatch(comment)
    if not said:
        return
    if reason := re.fullmatch(r"skip because (\S.*)", said[1]):
        block.skipped_because = reason[1]
    elif name := re.fullmatch(r"as ([\w.-]+)", said[1]):
        block.file_name = name[1]
    elif said[1] == "after the previous":
        block.goes_on = True
    else:
        raise BadDocument(f"{block.document}:{block.line - 2}: {said[1]!r} is no instruction; {__doc__.split(':', 1)[1].strip()}")


FENCE = re.compile(r"^( *)(`{3,})(.*)$")
INSTRUCTION = re.compile(r"<!-- run: (.*?) -->")
