"""Files of results: what may be had, how, and that no name leads anywhere else."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from urllib.parse import quote

import pytest

from furu.storage.layout import ArtifactPaths
from furu.storage.records import SuccessRecord, render
from tests.support.stored import Stored, token

SECRET = b"nobody's business"


def png() -> bytes:
    """An image of one pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def with_files(stored: Stored, title: str, namespace: str = "lab/Report") -> tuple[str, str]:
    """An artifact whose result has files; its reference and their directory."""
    reference = stored.add(namespace, title=title)
    paths = ArtifactPaths(f"{stored.root}/data/{reference}")
    success = SuccessRecord(token(1), token(1), 1.0, [{"codec": "json", "value": 3}])
    (stored.root / "data" / reference / "SUCCESS.json").write_bytes(render(success))
    os.makedirs(paths.files_of(token(1)))
    return reference, paths.files_of(token(1))


@pytest.fixture(scope="module")
def artifact(shared_store):
    return with_files(shared_store, "for all tests here")


def write(directory: str, name: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(f"{directory}/{name}"), exist_ok=True)
    with open(f"{directory}/{name}", "wb") as file:
        file.write(content)


@pytest.mark.parametrize(
    ("name", "content", "answered"),
    [
        ("plot.png", png(), ("image/png", "inline")),
        ("plot.dat", png(), ("image/png", "inline")),
        ("page.html", b"<script>alert(1)</script>", ("application/octet-stream", "attachment")),
        ("fake.png", b"<script>alert(1)</script>", ("application/octet-stream", "attachment")),
        ("plot.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", ("image/svg+xml", "attachment")),
        ("code.js", b"alert(1)", ("application/octet-stream", "attachment")),
        ("doc.pdf", b"%PDF-1.4", ("application/octet-stream", "attachment")),
        ("deep/er/notes.txt", b"hello", ("application/octet-stream", "attachment")),
    ],
)
def test_a_file_comes_so_that_nothing_in_it_runs(lab_client, artifact, name, content, answered):
    (reference, directory), (kind, place) = artifact, answered
    write(directory, name, content)
    answer = lab_client.get(f"/file/{reference}/{name}")
    assert (200, content, kind) == (answer.status_code, answer.content, answer.headers["Content-Type"])
    assert answer.headers["Content-Disposition"].startswith(f"{place};")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "nosniff" == answer.headers["X-Content-Type-Options"]


def test_a_name_can_put_nothing_into_the_headers(lab_client, artifact):
    reference, directory = artifact
    name = 'a"; filename=b.html; é\u2028\t.txt'
    write(directory, name, b"hello")
    answer = lab_client.get(f"/file/{reference}/" + quote(name, safe=""))
    assert 200 == answer.status_code
    expected = "attachment; filename*=UTF-8''a%22%3B%20filename%3Db.html%3B%20%C3%A9%E2%80%A8%09.txt"
    assert expected == answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "x/../../secret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "link.txt",
        "linked/secret.txt",
        "linked",
        "pipe",
        "",
        ".",
        "there%00.txt",
        "a" * 5000,
        "%ff%fe",
        "..\\secret.txt",
        "../../SUCCESS.json",
        "../../config.json",
    ],
)
def test_no_path_leads_out_of_the_result(lab_dashboard, artifact, tmp_path, path):
    reference, directory = artifact
    (tmp_path / "secret.txt").write_bytes(SECRET)
    write(os.path.dirname(directory), "secret.txt", SECRET)
    write(directory, "there.txt", b"hello")
    for name in ("link.txt", "linked", "pipe"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{directory}/{name}")
    os.symlink(tmp_path / "secret.txt", f"{directory}/link.txt")
    os.symlink(tmp_path, f"{directory}/linked")
    os.mkfifo(f"{directory}/pipe")
    status, body = lab_dashboard.raw(f"/file/{reference}/{path}")
    assert 404 == status
    assert SECRET not in body


@pytest.mark.parametrize("linked", ["files", "token", "hash", "class"])
def test_no_link_on_the_way_to_an_artifacts_files_is_followed(lab_dashboard, shared_store, tmp_path, linked):
    stored = shared_store
    reference, directory = with_files(stored, linked, f"linked/{linked}")
    write(directory, "secret.txt", SECRET)
    base = str(stored.root / "data" / reference)
    place = {
        "token": directory,
        "files": os.path.dirname(directory),
        "hash": base,
        "class": os.path.dirname(base),
    }[linked]
    os.rename(place, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", place)
    for path in (
        f"/file/{reference}/secret.txt",
        f"/api/artifacts/{reference}/files",
        f"/a/{reference}?file=secret.txt",
    ):
        status, body = lab_dashboard.raw(path)
        assert SECRET not in body
        assert status in (200, 404)
        assert b"secret.txt" not in body.replace(path.encode(), b"") or status == 404


@pytest.mark.parametrize(
    "place",
    ["a/{0}", "a/../{0}", "a/%2e%2e/{0}", "a/lab%2f..%2f{0}", "a//{0}", "a/lab/{1}", "a/.hidden/{0}", "a/%00/{0}"],
)
def test_no_name_of_an_artifact_leads_anywhere_else(lab_dashboard, artifact, place):
    furu_hash = artifact[0].rpartition("/")[2]
    status, _ = lab_dashboard.raw("/" + place.format(furu_hash, furu_hash.upper()))
    assert 404 == status


def test_links_are_listed_and_not_followed(lab_client, shared_store, tmp_path):
    reference, directory = with_files(shared_store, "links")
    write(directory, "b.txt", b"hello")
    write(directory, "inner/c.txt", b"hello!")
    os.symlink(tmp_path, f"{directory}/a")
    answer = lab_client.get(f"/api/artifacts/{reference}/files").json()
    assert [("a", None), ("b.txt", 5), ("inner/c.txt", 6)] == [(each["path"], each["size"]) for each in answer["files"]]
    assert "link, not followed" in lab_client.get(f"/a/{reference}").text


def test_an_image_is_shown_in_its_place(lab_client, artifact):
    reference, directory = artifact
    write(directory, "plots/one.png", png())
    text = lab_client.get(f"/a/{reference}?file=plots/one.png").text
    assert f'<img class="look" src="/file/{reference}/plots/one.png"' in text


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("notes.md", b"# <b>bold</b>", "# &lt;b&gt;bold&lt;/b&gt;"),
        ("page.html", b"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("data.json", b'{"a":[1,"<i>"]}', "&#34;&lt;i&gt;&#34;"),
        ("bad.json", b"{not json", "{not json"),
        ("table.csv", b'name,n\n"a, <b>",1\n', "<td>a, &lt;b&gt;</td>"),
        ("table.tsv", b"name\tn\nx\t1\n", "<td>x</td>"),
        ("weights.bin", b"\0\1\2", "There is no view of such a file."),
        ("latin.txt", "é".encode("latin-1"), "There is no view of such a file."),
        ("long.txt", b"x" * 100_000, "This is its beginning."),
        ("noext", b"plain words", "plain words"),
    ],
)
def test_the_beginning_of_a_file_is_shown_as_text(lab_client, artifact, name, content, shown):
    reference, directory = artifact
    write(directory, name, content)
    answer = lab_client.get(f"/a/{reference}", params={"file": name})
    assert 200 == answer.status_code
    assert shown in answer.text
    assert "<script>alert" not in answer.text


def test_a_very_large_directory_is_listed_in_part(lab_client, shared_store):
    reference, directory = with_files(shared_store, "large")
    for number in range(510):
        write(directory, f"{number:03}.txt", b"")
    answer = lab_client.get(f"/api/artifacts/{reference}/files").json()
    assert (500, False) == (len(answer["files"]), answer["is_whole"])


def test_a_failed_attempts_files_are_there_for_who_looks_for_the_reason(lab_client, shared_store):
    reference = shared_store.add("lab/Report", "failed", title="half")
    (attempt,) = os.listdir(f"{shared_store.root}/data/{reference}/attempts")
    write(f"{shared_store.root}/data/{reference}/files/{attempt.partition('.')[0]}", "half.txt", b"half")
    assert b"half" == lab_client.get(f"/file/{reference}/half.txt").content


def test_of_a_table_that_a_codec_wrote_the_record_is_shown(lab_client, shared_store):
    reference, directory = with_files(shared_store, "table")
    write(directory, ".result/result.parquet", b"PAR1\0")
    write(directory, ".result/result-1.parquet", b"PAR1\0")
    record = {"file": "result.parquet", "rows": 54, "columns": {"labels": ["family", "<b>"]}}
    tree = {"codec": "tree", "value": {"scores": [{"$codec": "pandas.frame", "record": record}]}}
    path = shared_store.root / "data" / reference / "SUCCESS.json"
    path.write_bytes(render(SuccessRecord(token(1), token(1), 1.0, [tree])))
    text = lab_client.get(f"/a/{reference}", params={"file": ".result/result.parquet"}).text
    looked_at = text.partition('id="look"')[2]
    assert "&#34;rows&#34;: 54" in looked_at
    assert "&lt;b&gt;" in looked_at
    other = lab_client.get(f"/a/{reference}", params={"file": ".result/result-1.parquet"}).text
    assert "There is no view of such a file." in other
