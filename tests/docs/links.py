"""Links of a document that lead nowhere: files of the repository, and headings in them. Other sites are not asked."""

import re
from collections.abc import Iterator
from pathlib import Path

from setup import ROOT

# What the packages' READMEs say where a relative link would not lead on a registry's page.
REPOSITORY = "https://github.com/undaunted-retry/undaunted/blob/main/"


def broken_links(document: Path) -> Iterator[str]:
    for target in LINK.findall(without_code(document.read_text(encoding="utf-8"))):
        path, _, heading = target.partition("#")
        if path.startswith(REPOSITORY):
            file = ROOT / path.removeprefix(REPOSITORY)
        elif re.match(r"[a-z]+:", path):
            continue
        else:
            file = document.parent / path if path else document
        place = document.relative_to(ROOT)
        if not file.exists():
            yield f"{place}: the link {target} leads to no file"
        elif heading and heading not in headings(file):
            yield f"{place}: the link {target} leads to no heading"


def headings(file: Path) -> set[str]:
    """As GitHub names them."""
    titles = re.findall(r"^#+ +(.+?)\s*$", without_code(file.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def without_code(text: str) -> str:
    return CODE.sub("", text)


CODE = re.compile(r"^ *(`{3,})[^\n]*\n.*?^ *\1 *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
