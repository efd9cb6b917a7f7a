"""What the project's documents hold: fenced blocks, links, headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block; `language` is empty where none is named."""

    language: str
    text: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


@dataclass(frozen=True)
class Document:
    """A Markdown file of the project, by its path from the top."""

    name: str

    @property
    def path(self) -> Path:
        return PROJECT / self.name

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language: str | None = None) -> list[Block]:
        """In order; only those of a language, if one is named."""
        found = [Block(*match.groups()) for match in _BLOCK.finditer(self.text)]
        return [block for block in found if language in (None, block.language)]

    @property
    def prose(self) -> str:
        return _BLOCK.sub("", self.text)

    def links(self) -> list[str]:
        return [link for link in _LINK.findall(self.prose) if "://" not in link]

    def anchors(self) -> set[str]:
        """As GitHub makes them of headings."""
        headings = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(self.prose)]
        return {heading.replace(" ", "-") for heading in headings}


def documents() -> list[Document]:
    """All that a reader may open: those at the top, and those below docs/."""
    paths = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")]
    return [Document(str(path.relative_to(PROJECT))) for path in sorted(paths)]
