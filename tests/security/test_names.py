"""Names that would lead elsewhere: of classes, hashes, runs, spec keys, in records and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import furu
from furu.errors import FuruConfigError, FuruError, FuruStoreError
from furu.execution import attach_slurm_dag
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.published import alias_target
from furu.storage.atomic import DISK
from furu.storage.layout import RootPaths
from furu.storage.pool_layout import PoolPaths
from furu.storage.submitit_layout import SubmititPaths
from furu.testing import FakeSlurm
from tests.security import trials
from tests.security.trials import Value

WAYS_OUT = ["..", "../x", "/etc", "a/../../b", "a\0b", "", ".", "./a", "a/", "a//b", ".hidden", "a\n", "~root", "a/./b"]


@pytest.mark.parametrize("name", WAYS_OUT, ids=repr)
def test_f44_no_class_gets_such_a_name(name: str) -> None:
    with pytest.raises(FuruConfigError, match="is not a plain path"):
        type("Named", (Value,), {"__module__": __name__}, name=name)  # type: ignore[call-overload]


@pytest.mark.parametrize("furu_hash", [*WAYS_OUT, "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32 + "\n"], ids=repr)
def test_f44_no_artifact_has_such_a_hash(furu_hash: str) -> None:
    with pytest.raises(FuruStoreError, match="is not a furu hash"):
        RootPaths("/store").artifact("a/B", furu_hash)


@pytest.mark.parametrize("run_id", WAYS_OUT, ids=repr)
def test_no_run_has_such_an_id(run_id: str) -> None:
    with pytest.raises(FuruStoreError, match="is not the id of a run"):
        attach_slurm_dag(run_id, slurm=FakeSlurm())


@given(st.text(min_size=1))
def test_a_spec_key_is_one_directory(spec_key: str) -> None:
    paths = [SubmititPaths("/s").nodes(spec_key, "r"), SubmititPaths("/s").workers(spec_key, "r")]
    for path in (*paths, PoolPaths("/s").todo_of(spec_key) + "/r"):
        empty, top, _, key, run_id = path.split("/")
        assert ("", "s", "r") == (empty, top, run_id)
        assert key not in {"", ".", ".."}
        assert "\0" not in key


def _forge(path: str, **fields: Any) -> None:
    record = json.loads(Path(path).read_text()) | fields
    record.pop("crc", None)
    Path(path).write_text(json.dumps(record))


@pytest.mark.parametrize("data", [*WAYS_OUT, "01700000000000000000-0123456789ab"], ids=repr)
def test_f45_the_directory_of_a_result_is_the_attempts_own(data: str) -> None:
    Value(key=1).get()
    _forge(artifact_paths(Value(key=1)).success, data=data)
    for verb in (Value(key=1).get, Value(key=1).exists, lambda: Value(key=1).furu_dir, Value(key=1).get_metadata):
        with pytest.raises(FuruStoreError):
            verb()


@pytest.mark.parametrize("target", [*WAYS_OUT, f"../../x/{'0' * 32}", f"/x/{'0' * 32}", f"a/../b/{'0' * 32}"], ids=repr)
def test_an_alias_stays_below_the_root(target: str) -> None:
    Value(key=1).get()
    furu.migrate(Value(key=1), Value(key=2))
    paths = artifact_paths(Value(key=2))
    _forge(paths.alias, target=target)
    with pytest.raises(FuruStoreError):
        alias_target(paths, DISK)
    with pytest.raises(FuruStoreError):
        Value(key=2).get()


@pytest.mark.parametrize("directory", ["/etc", "../x", "{root}/data/../x/" + "0" * 32, "{root}/runs/" + "0" * 32, 7])
def test_a_submissions_record_names_artifacts_of_the_store_only(directory: Any, own_store: Path) -> None:
    """What is learnt of a job is written into the directory that the record names."""
    run = own_store / "runs" / "r"
    run.mkdir(parents=True)
    named = directory.format(root=own_store) if isinstance(directory, str) else directory
    line = {"v": 1, "hash": "0" * 32, "node": "n", "spec_key": "k", "job_id": "1", "directory": named, "deps": []}
    (run / "jobs.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(FuruStoreError, match="damaged"):
        attach_slurm_dag("r", slurm=FakeSlurm())


PATHS = [
    "os:system",
    "os:path.join",
    "builtins:eval",
    "os:sys.modules",
    "tests.security.trials:Bait",
    "tests.security.trials:Value.__init__",
    "tests.security.trials:RAN",
    "tests.security.trials:__dict__",
    "tests.security.trials:Value.__class__",
    "__main__:Value",
    "..trials:Value",
    ".os:system",
    "os;system:x",
    "os",
    "",
    ":Value",
    "os:",
    7,
    None,
    ["os", "system"],
]


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_a_document_names_config_classes_only(path: Any) -> None:
    document = Value(key=1).to_dict() | {"class": path}
    with pytest.raises(FuruConfigError):
        furu.Furu.from_dict(document)
    assert [] == trials.RAN


@pytest.mark.parametrize("path", PATHS, ids=repr)
@pytest.mark.parametrize("tag", ["$dataclass", "$model", "$namedtuple", "$enum"])
def test_a_value_names_classes_of_data_only(tag: str, path: Any) -> None:
    document = Value(key=1).to_dict()
    document["fields"]["key"] = {tag: path, "fields": {}, "member": "x"}
    with pytest.raises(FuruConfigError):
        furu.Furu.from_dict(document)
    assert [] == trials.RAN


def test_a_dataclass_gets_no_attribute_that_is_no_field() -> None:
    document = Value(key=1).to_dict()
    document["fields"]["key"] = {"$dataclass": "tests.fuzz.study:Range", "fields": {"low": 0.0, "__class__": 1}}
    with pytest.raises(FuruConfigError, match="has no field"):
        furu.Furu.from_dict(document)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def _ladder(steps: int) -> dict[str, Any]:
    """Each config holds the one before twice: 2 ** steps values, if one were to write them out."""
    document = Value(key=1).to_dict()
    configs: dict[str, Any] = {}
    reference = None
    for number in range(steps):
        entry = {**document, "fields": {"key": number if reference is None else [reference, reference]}}
        configs[f"x/{number:032x}"] = entry
        reference = {"$config": f"x/{number:032x}"}
    return {**document, "fields": {"key": reference}, "configs": configs}


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["fields"].update(key=_nested(5000)),
        lambda document: document["fields"].update(key={"$tuple": _nested(100_000)}),
        lambda document: document.update(_ladder(400)),
        lambda document: document.update(configs=[]),
        lambda document: document.update(configs={"a": 1}),
        lambda document: document.update(configs={"a": {"fields": {}}}),
        lambda document: document.update(fields=[]),
        lambda document: document["fields"].update(key={"$config": ["x"]}),
        lambda document: document["fields"].update(key={"$dict": [[[], 1]]}),
        lambda document: document["fields"].update(key=10**5000),
    ],
    ids="deep,deep in a tuple,ladder,list of configs,number,no class,list of fields,reference,key,long".split(","),
)
def test_bombs_are_refused(change: Any) -> None:
    document = Value(key=1).to_dict()
    change(document)
    with pytest.raises(FuruError):
        furu.Furu.from_dict(document)
