"""The bytes of an artifact's file as an answer under which a browser runs nothing of it.

Raster images, proven by their first bytes, are shown in their place; drawings may be put into an `<img>`, where they
can't run either; all else is downloaded. Every one is sandboxed, so that even a document opened by hand has no origin.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.responses import StreamingResponse

from furu.dashboard.files import MAX_IMAGE_BYTES, image_type
from furu.dashboard.security import FILE_POLICY
from furu.dashboard.store import NotFound, opened_file
from furu.storage.layout import HASH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

_BLOCK_BYTES: Final = 1 << 18
_HEAD_BYTES: Final = 16


def split_address(address: str) -> tuple[str, str, str]:
    """Namespace, hash and the file's path of `<namespace>/<hash>/<path>`; the first step that is a hash is the one.

    Raises:
        NotFound: it has no such form.
    """
    steps = address.split("/")
    at = next((number for number, step in enumerate(steps) if HASH.fullmatch(step)), None)
    if at is None or at + 1 == len(steps):
        msg = f"{address} names no file of an artifact"
        raise NotFound(msg)
    return "/".join(steps[:at]), steps[at], "/".join(steps[at + 1 :])


def file_response(root: str, relative: str) -> StreamingResponse:
    """The file that `relative` names below a root.

    Raises:
        NotFound: there is none, or a link is on the way to it.
    """
    with opened_file(root, relative) as (descriptor, size):
        head = os.pread(descriptor, _HEAD_BYTES, 0)
        ours = os.fdopen(os.dup(descriptor), "rb", buffering=0)
    name = quote(relative.rpartition("/")[2])
    image = image_type(head) if size <= MAX_IMAGE_BYTES else None
    is_drawing = relative.lower().endswith(".svg") and size <= MAX_IMAGE_BYTES
    kind = image or ("image/svg+xml" if is_drawing else "application/octet-stream")
    headers = {
        "Content-Security-Policy": FILE_POLICY,
        "Content-Disposition": f"{'inline' if image else 'attachment'}; filename*=UTF-8''{name}",
        "Content-Length": str(size),
    }
    return StreamingResponse(_blocks(ours, size), media_type=kind, headers=headers)


def _blocks(file: FileIO, size: int) -> Iterator[bytes]:
    """So many bytes as were promised; a file that became shorter meanwhile ends the answer."""
    with file:
        file.seek(0)
        while size and (block := file.read(min(_BLOCK_BYTES, size))):
            size -= len(block)
            yield block
