"""From a tree of JSON back to the value.

A record is not trusted: it can name data and classes of data, and nothing else.
"""

from __future__ import annotations

import base64
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruCodecError, FuruCorruptRecord, FuruError, add_context
from furu.storage.results import atoms, classes
from furu.storage.results.directory import below_data, read_bytes
from furu.storage.results.encoder import Step, path_of
from furu.storage.results.refusal import Unloadable
from furu.storage.results.register import codec_named, codec_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from furu.storage.results.codec import Json

_LEAVES: Final = frozenset({str, int, float, bool, type(None)})


class Decoder:
    """Decodes one result; good for one use."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._steps: list[object] = []
        self._classes: dict[tuple[str, str], type] = {}

    def decode_result(self, tree: Json) -> object:
        """The value of a whole tree.

        Raises:
            FuruCodecError: a codec or a class is not known here, or has changed.
            FuruCorruptRecord: the tree, or a file it names, is not what an `Encoder` writes.
        """
        try:
            return self.decode(tree)
        except Unloadable as error:
            msg = f"can't load {path_of(self._steps)}: {error.reason}"
            raise FuruCodecError(msg, value_type=error.name, hints=error.hints) from error.__cause__
        except FuruError as error:
            add_context(error, f"while loading {path_of(self._steps)}")
            raise
        except ImportError as error:
            msg = f"can't load {path_of(self._steps)}: {error}"
            hint = f"install {error.name or 'the library'} where results are loaded"
            raise FuruCodecError(msg, value_type=str(error.name), hints=[hint]) from error
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
            msg = f"the record of {path_of(self._steps)} is damaged: {type(error).__name__}: {error}"
            raise FuruCorruptRecord(msg, path=self.directory) from error
        except Exception as error:
            add_context(error, f"while loading {path_of(self._steps)}")
            raise

    def decode(self, tree: Json) -> Any:
        kind = type(tree)
        if kind in _LEAVES:
            return tree
        if kind is list:
            return self.items(tree)
        if kind is not dict:
            msg = f"{kind.__qualname__} is not JSON"
            raise TypeError(msg)
        tag = next(iter(tree), "")
        if tag[:1] != "$":
            return {key: self._part(key, item) for key, item in tree.items()}
        loader = _LOADERS.get(tag)
        if loader is None:
            reason = f"{tag!r} is not known here"
            raise Unloadable(reason, name=tag, hints=["the result may be of a newer furu"])
        return loader(self, tree)

    def _part(self, step: object, tree: Json) -> Any:
        # Not undone when it raises: the steps then tell where that was.
        self._steps.append(step)
        decoded = self.decode(tree)
        self._steps.pop()
        return decoded

    def items(self, trees: Json) -> list[Any]:
        if type(trees) is not list:
            msg = f"a {type(trees).__qualname__} in the place of a list"
            raise TypeError(msg)
        return [self._part(index, tree) for index, tree in enumerate(trees)]

    def pairs(self, trees: Json) -> Iterable[tuple[Any, Any]]:
        for key_tree, tree in trees:
            key = self._part(Step(".key"), key_tree)
            yield key, self._part(key, tree)

    def parts(self, trees: Json) -> dict[str, Any]:
        return {name: self._part(Step(f".{name}"), tree) for name, tree in trees.items()}

    def binary(self, tree: dict[str, Json], tag: str) -> bytes:
        inline = tree[tag]
        return read_bytes(tree["file"], self.directory) if inline is None else base64.b64decode(inline, validate=True)

    def path(self, tree: dict[str, Json]) -> Path:
        return below_data(self.decode(tree["$path"]), self.directory)

    def named_class(self, tree: dict[str, Json], tag: str) -> Any:
        """The class that a record names, if it is of the kind that its tag says."""
        path = tree[tag]
        found = self._classes.get((tag, path))
        if found is None:
            found = classes.find_class(path)
            if not classes.KINDS[tag](found):
                raise Unloadable(f"{path} is not what {tag} stands for", name=path)
            self._classes[tag, path] = found
        return found

    def model(self, tree: dict[str, Json]) -> object:
        parts: dict[str, dict[str, Any]] = {
            group: self.parts(tree[group]) for group in ("fields", "private") if group in tree
        }
        if "extra" in tree:
            parts["extra"] = dict(self.pairs(tree["extra"]))
        return classes.make_model(self.named_class(tree, "$model"), parts, set(self.items(tree["set"])))

    def by_codec(self, tree: dict[str, Json]) -> object:
        codec = codec_named(tree["$codec"])
        if codec is None:
            reason = f"codec {tree['$codec']!r} is not registered; known are: {', '.join(codec_names())}"
            hint = "import the module that calls furu.register_codec() for it"
            raise Unloadable(reason, name=str(tree["$codec"]), hints=[hint])
        return codec.load(self.decode(tree["record"]), self.directory)


def _atom(load: Callable[[dict[str, Json]], object]) -> Callable[[Decoder, dict[str, Json]], object]:
    return lambda _, tree: load(tree)


_LOADERS: Final[dict[str, Callable[[Decoder, dict[str, Json]], object]]] = {
    **{tag: _atom(load) for tag, load in atoms.LOADERS.items()},
    "$tuple": lambda decoder, tree: tuple(decoder.items(tree["$tuple"])),
    "$set": lambda decoder, tree: set(decoder.items(tree["$set"])),
    "$frozenset": lambda decoder, tree: frozenset(decoder.items(tree["$frozenset"])),
    "$dict": lambda decoder, tree: dict(decoder.pairs(tree["$dict"])),
    "$OrderedDict": lambda decoder, tree: OrderedDict(decoder.pairs(tree["$OrderedDict"])),
    "$Counter": lambda decoder, tree: Counter(dict(decoder.pairs(tree["$Counter"]))),
    "$bytes": lambda decoder, tree: decoder.binary(tree, "$bytes"),
    "$bytearray": lambda decoder, tree: bytearray(decoder.binary(tree, "$bytearray")),
    "$path": Decoder.path,
    "$enum": lambda decoder, tree: classes.load_member(decoder.named_class(tree, "$enum"), tree),
    "$namedtuple": lambda decoder, tree: classes.make_named_tuple(
        decoder.named_class(tree, "$namedtuple"), decoder.parts(tree["fields"])
    ),
    "$dataclass": lambda decoder, tree: classes.make_dataclass(
        decoder.named_class(tree, "$dataclass"), decoder.parts(tree["fields"])
    ),
    "$model": Decoder.model,
    "$codec": Decoder.by_codec,
}
