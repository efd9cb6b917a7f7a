"""Records that are damaged, or written by a newer furu: named, and nothing breaks."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v":99}', b'{"v":1,"fields":3}', b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("name", ["config.json", "SUCCESS.json", "alias.json"])
def test_a_damaged_record_is_named_and_nothing_breaks(lab_client, shared_store, name, content):
    reference = shared_store.add("lab/Damaged", case=f"{name} {content[:9]!r}")
    (shared_store.root / "data" / reference / name).write_bytes(content)
    for path in (f"/a/{reference}", f"/api/artifacts/{reference}"):
        answer = lab_client.get(path)
        assert 200 == answer.status_code
        assert (name if content else "Damaged") in answer.text
    for path in (f"/api/artifacts/{reference}/files", f"/api/artifacts/{reference}/logs"):
        assert lab_client.get(path).status_code in (200, 404, 422)
