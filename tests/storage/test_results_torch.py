"""Results of torch: with a stand-in everywhere, and with the library itself where it is installed."""

from __future__ import annotations

import json
import pickle
import sys
from collections import OrderedDict
from types import ModuleType, SimpleNamespace

import pytest

from furu.errors import FuruCorruptRecord
from furu.storage.results import RESULT_FOLDER, ResultDirectory, load_result, store_result


def round_trip(value, data_dir):
    record = store_result(value, ResultDirectory(lambda: data_dir))
    return load_result(json.loads(json.dumps(record, allow_nan=False)), data_dir)


def files(data_dir):
    return sorted(path.name for path in (data_dir / RESULT_FOLDER).iterdir())


class FakeTensor:
    """As much of `torch.Tensor` as storing one needs."""

    layout = "strided"
    is_leaf = True

    def __init__(self, values, requires_grad=False, stored=None):
        self.values, self.requires_grad = values, requires_grad
        self.stored = len(values) if stored is None else stored

    def __eq__(self, other):
        return (type(self), self.values, self.requires_grad) == (type(other), other.values, other.requires_grad)

    __hash__ = None

    def untyped_storage(self):
        return SimpleNamespace(nbytes=lambda: 4 * self.stored)

    def numel(self):
        return len(self.values)

    def element_size(self):
        return 4

    def detach(self):
        return FakeTensor(self.values, stored=self.stored)

    def clone(self):
        return FakeTensor(self.values, self.requires_grad)

    def requires_grad_(self, needed):
        self.requires_grad = needed
        return self


class FakeParameter(FakeTensor):
    def __init__(self, data, requires_grad=True, stored=None):
        super().__init__(getattr(data, "values", data), requires_grad, stored)


@pytest.fixture
def torch(monkeypatch):
    """A small torch that remembers how files were written and read."""
    fake = ModuleType("torch")
    fake.Tensor, fake.strided, fake.calls = FakeTensor, "strided", []
    fake.nn = SimpleNamespace(Parameter=FakeParameter)

    def load(file, *, map_location, weights_only):
        fake.calls.append((map_location, weights_only))
        return pickle.load(file)

    fake.save, fake.load = pickle.dump, load
    monkeypatch.setitem(sys.modules, "torch", fake)
    return fake


class TestTorchWiring:
    """With a stand-in for torch: what is called, and how."""

    def test_tensor_is_read_on_the_cpu_and_as_weights_only(self, torch, tmp_path):
        value = [FakeTensor([1, 2]), FakeParameter([3])]
        assert round_trip(value, tmp_path) == value
        assert files(tmp_path) == ["result-1.pt", "result.pt"]
        assert torch.calls == [("cpu", True)] * 2

    @pytest.mark.parametrize("kind", [dict, OrderedDict])
    def test_state_dict_is_one_file(self, torch, tmp_path, kind):
        value = {"net": kind(a=FakeTensor([1]), b=FakeParameter([2]))}
        loaded = round_trip(value, tmp_path)
        assert loaded == value
        assert type(loaded["net"]) is kind
        assert files(tmp_path) == ["result.pt"]

    def test_versions_of_modules_stay_with_a_state_dict(self, torch, tmp_path):
        value = OrderedDict(a=FakeTensor([1]))
        value._metadata = {"": {"version": 2}}
        assert round_trip(value, tmp_path)._metadata == {"": {"version": 2}}

    @pytest.mark.parametrize("kind", [FakeTensor, FakeParameter])
    def test_view_is_stored_without_what_it_looks_into(self, torch, tmp_path, kind):
        value = kind([1, 2], requires_grad=True, stored=10**6)
        loaded = round_trip(value, tmp_path)
        assert (loaded, loaded.stored) == (value, 2)

    def test_dict_of_more_than_tensors_is_stored_by_part(self, torch, tmp_path):
        value = {"net": FakeTensor([1]), "epoch": 3}
        assert round_trip(value, tmp_path) == value

    @pytest.mark.parametrize(
        ("value", "place"),
        [(FakeTensor([1]), "a tensor"), ({"a": FakeTensor([1])}, "a state dict")],
        ids=["one", "dict"],
    )
    def test_file_of_something_else_is_refused(self, torch, tmp_path, value, place):
        record = store_result(value, ResultDirectory(lambda: tmp_path))
        (tmp_path / RESULT_FOLDER / "result.pt").write_bytes(pickle.dumps([1]))
        with pytest.raises(FuruCorruptRecord, match=f"in the place of {place}"):
            load_result(record, tmp_path)

    def test_tensor_without_strides_is_stored_whole(self, torch, tmp_path):
        value = FakeTensor([1], stored=10)
        value.layout = "sparse"
        assert round_trip(value, tmp_path).stored == 10


def test_torch_itself(tmp_path):
    """The same with the real library, where it is installed."""
    torch = pytest.importorskip("torch", reason="torch is not installed: its codec is tested with a stand-in only")
    layer = torch.nn.Linear(2, 3)
    view = torch.arange(10**6)[:2]
    loaded = round_trip({"state": layer.state_dict(), "view": view, "weight": layer.weight}, tmp_path)
    layer.load_state_dict(loaded["state"])
    assert torch.equal(loaded["view"], view)
    assert torch.equal(loaded["weight"], layer.weight)
    assert type(loaded["weight"]) is torch.nn.Parameter
    assert sum(path.stat().st_size for path in (tmp_path / RESULT_FOLDER).iterdir()) < 100_000
