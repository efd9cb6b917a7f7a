"""Reading a store imports nothing that it names."""

from __future__ import annotations

import sys

BAIT = "dashboard_bait"


def test_f46_dashboard_no_import(lab_client, shared_store, tmp_path, monkeypatch):
    """A stored config of a module that could be imported: all pages show it, and the module stays unknown."""
    (tmp_path / f"{BAIT}.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    reference = shared_store.add(f"{BAIT}/Bait", value=1)
    record = shared_store.root / "data" / reference / "config.json"
    record.write_text(record.read_text().replace("gone:Gone", f"{BAIT}:Bait"))
    assert f"{BAIT}:Bait" in record.read_text()
    for path in ("/", f"/a/{reference}", f"/api/artifacts/{reference}", f"/api/artifacts/{reference}/files"):
        answer = lab_client.get(path)
        assert answer.status_code == 200
    assert "Bait" in lab_client.get(f"/a/{reference}").text
    assert BAIT not in sys.modules
