"""HTML and SVG that can't be broken out of: what is not `Markup` is escaped where it is put in."""

from __future__ import annotations

import re
from html import escape
from typing import Final

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """`text` as markup: as it is if it is some, else with nothing in it that means anything to a browser."""
    return text if isinstance(text, Markup) else Markup(escape(_NO_XML.sub("\ufffd", text)))


def element(name: str, *parts: str, css: str = "") -> Markup:
    """An element around parts, which are escaped where they are no markup.

    Args:
        name: of the element.
        parts: what is in it.
        css: its classes.
    """
    attribute = f' class="{escaped(css)}"' if css else ""
    return Markup(f"<{name}{attribute}>{''.join(map(escaped, parts))}</{name}>")
