"""Ways in which a file may be damaged, as hypothesis draws them: torn, flipped, forged, swapped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

RAW: Final = (
    *'null true false 0 -1 1e308 1e999 -1e999 NaN Infinity [] {} [[]] [null] "" 1.5 99 "\\u0000" "\\ud800"'.split(),
    *'"../../x" "/etc/passwd" "a/b" {"a":{"b":[1]}} {"$config":"x/../y"} {"$config":[]} {"$config":null}'.split(),
    *'{"$tuple":1} {"$nothing":1} {"$dataclass":"os:system","fields":{}} {"$enum":"enum:Enum","member":"x"}'.split(),
    *'{"$dict":[[[],1]]} {"$set":[[],[]]} {"$model":"os:path","fields":[]} {"$datetime":7}'.split(),
    f'{{"$config":"data/{"0" * 32}"}}',
    "9" * 5000,
    "9" * 400,
    '"' + "x" * 70_000 + '"',
    "[" * 400 + "]" * 400,
    '{"a":' * 300 + "1" + "}" * 300,
)
"""What is put in the place of a value, as text: also what no JSON writer of ours would write."""

DEEP: Final = "[" * 100_000 + "]" * 100_000
WHOLE: Final = (
    *(b"", b"\0", b"[]", b"{}", b"null", b"\xff\xfe", b'"x"', b"\n\n", b"x" * 100_000, DEEP.encode()),
    *(b'{"v": 1}', b'{"v": 2}', b'{"v": true}', b'{"v": 1e999}', b'{"v":1,"v":2}'),
)
"""What a file may hold instead of a record."""

_INSERTED: Final = (b"\0", b"\xff", b"\xed\xa0\x80", b"\n", b'"', b"{", b"\\")
_MARK: Final = "@@mark@@"


def damaged(draw: Any, content: bytes, others: Sequence[bytes]) -> bytes:
    """Another content for a file that has `content`; `others` are those of other files of its kind and of the rest."""
    way = draw(st.sampled_from(["value", "value", "value", "bytes", "bytes", "whole", "swap"]))
    if way == "swap" and others:
        return draw(st.sampled_from(others))
    if way == "value" and content.strip()[:1] in (b"{", b"["):
        return _damaged_json(draw, content)
    if way == "whole":
        return draw(st.sampled_from([*WHOLE, bytes(len(content))]))
    return _damaged_bytes(draw, content)


def _damaged_bytes(draw: Any, content: bytes) -> bytes:
    if not content:
        return draw(st.binary(max_size=20))
    at = draw(st.integers(0, len(content) - 1))
    kind = draw(st.sampled_from(["cut", "flip", "insert", "zeros", "double", "drop"]))
    if kind == "cut":
        return content[:at]
    if kind == "flip":
        return content[:at] + bytes([content[at] ^ (1 << draw(st.integers(0, 7)))]) + content[at + 1 :]
    if kind == "insert":
        return (
            content[:at]
            + draw(st.sampled_from([b"\0", b"\xff", b"\xed\xa0\x80", b"\n", b'"', b"{", b"\\"]))
            + content[at:]
        )
    if kind == "zeros":
        return content[:at] + bytes(len(content) - at)
    if kind == "double":
        return content[:at] + content
    return content[:at] + content[at + draw(st.integers(1, 20)) :]


def _damaged_json(draw: Any, content: bytes) -> bytes:
    """One value of one line is another one, or is gone, or comes twice."""
    lines = content.decode().splitlines() if content.count(b"\n") > 1 and b'\n"' not in content else [content.decode()]
    number = draw(st.integers(0, len(lines) - 1))
    document = json.loads(lines[number])
    holder, key = draw(st.sampled_from(list(_places(document)) or [([document], 0)]))
    kind = draw(st.sampled_from(["replace", "replace", "replace", "remove", "double", "version"]))
    raw = draw(st.sampled_from(RAW))
    if kind == "remove":
        del holder[key]
    elif kind == "version" and isinstance(document, dict):
        document["v"] = _MARK
        raw = draw(st.sampled_from(["0", "2", "99", '"1"', "true", "null", "-1", "1.0", "[1]"]))
    elif kind == "double" and isinstance(holder, dict):
        holder[f"{_MARK}double"] = holder[key]
    else:
        holder[key] = _MARK
    text = json.dumps(document).replace(f'"{_MARK}double"', json.dumps(str(key))).replace(f'"{_MARK}"', raw)
    return "\n".join([*lines[:number], text, *lines[number + 1 :]]).encode() + (b"\n" if len(lines) > 1 else b"")


def _places(value: Any) -> Any:
    """Every place in a document, as what holds it and the key there."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        entries = current.items() if isinstance(current, dict) else enumerate(current)
        for key, item in entries:
            yield current, key
            if isinstance(item, dict | list):
                waiting.append(item)
