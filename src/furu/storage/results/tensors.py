"""torch tensors and state dicts, read without pickle's powers. torch is imported when one is loaded.

Tensors come back on the CPU: a result computed on an accelerator must load where there is none.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from furu.storage.results.directory import ResultDirectory, open_result, record_name

if TYPE_CHECKING:
    from pathlib import Path

    from furu.storage.results.codec import Json


class TorchTensor:
    """`torch.Tensor` and `torch.nn.Parameter`."""

    name = "torch.tensor"

    def handles(self, kind: type, /) -> bool:
        return kind in _tensor_types()

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        return _store(_compact(value), directory)

    def load(self, record: Json, directory: Path, /) -> object:
        loaded = _load(record, directory)
        if type(loaded) not in _tensor_types():
            msg = f"a {type(loaded).__qualname__} in the place of a tensor"
            raise TypeError(msg)
        return loaded


class StateDict:
    """A dict of nothing but tensors, as one file."""

    name = "torch.state-dict"

    def handles(self, _kind: type, /) -> bool:
        # Told by the values and not by the type: the encoder asks `fits`.
        return False

    def fits(self, value: dict[Any, Any]) -> bool:
        """Whether all keys are text and all values tensors, of which there is one at least."""
        tensors = _tensor_types()
        return bool(tensors and value) and all(
            type(key) is str and type(each) in tensors for key, each in value.items()
        )

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        compact = type(value)((key, _compact(each)) for key, each in value.items())
        if hasattr(value, "_metadata"):  # versions of modules, which load_state_dict() reads
            compact._metadata = value._metadata
        return _store(compact, directory)

    def load(self, record: Json, directory: Path, /) -> object:
        loaded = _load(record, directory)
        if type(loaded) not in (dict, OrderedDict):
            msg = f"a {type(loaded).__qualname__} in the place of a state dict"
            raise TypeError(msg)
        return loaded


def _tensor_types() -> tuple[type, ...]:
    torch = sys.modules.get("torch")
    return (torch.Tensor, torch.nn.Parameter) if torch is not None else ()


def _compact(tensor: Any) -> Any:
    """The tensor with no more memory than it shows: torch would write all of what a view looks into."""
    import torch

    if tensor.layout is not torch.strided:
        return tensor
    if tensor.untyped_storage().nbytes() <= tensor.numel() * tensor.element_size():
        return tensor
    needs_gradient = tensor.requires_grad
    copy = tensor.detach().clone().requires_grad_(needs_gradient)
    return copy if type(tensor) is torch.Tensor else torch.nn.Parameter(copy, requires_grad=needs_gradient)


def _store(value: Any, directory: ResultDirectory) -> Json:
    import torch

    with directory.create(".pt") as file:
        torch.save(value, file)
    return {"file": record_name(file)}


def _load(record: Json, directory: Path) -> Any:
    import torch

    with open_result(record["file"], directory) as file:
        return torch.load(file, map_location="cpu", weights_only=True)
