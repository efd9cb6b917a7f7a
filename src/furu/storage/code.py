"""What code a class's `_create()` runs inside the user's project, read from the source and hashed piece by piece.

Static, by the syntax tree: comments, docstrings and the place of a line don't count. Followed are names that a
function uses: functions, classes and constants of its module, what it or the module imports from modules of the
project, and methods through `self`. Not followed: libraries, names that `import *` brings, attributes of values whose
class isn't known, and what is looked up at run time. So a fingerprint that changed is a reason to look, and one that
didn't is no proof.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu.storage.atomic import DISK

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOOKS: Final = ("_create",)
_DIGEST_BYTES: Final = 8

Pieces = dict[str, str]
"""Digest of each function, method or constant, by `module:qualname`."""

_Imports = dict[str, tuple[str, str | None]]  # local name -> (module, name in it)


@cache
def fingerprint(cls: Any) -> Pieces:
    """The pieces of code that computing an artifact of `cls` runs; empty where the source can't be read."""
    collector = _Collector(cls)
    for hook in _HOOKS:
        collector.follow_method(hook)
    return dict(sorted(collector.pieces.items()))


def changed_pieces(then: Pieces, now: Pieces) -> list[str]:
    """Which pieces differ, each with how."""
    changes = [f"{name} changed" for name in then if name in now and then[name] != now[name]]
    changes += [f"{name} is gone" for name in then if name not in now]
    return changes + [f"{name} is new" for name in now if name not in then]


class _Module:
    """A module of the project: its definitions and what its names stand for."""

    def __init__(self, name: str, tree: ast.Module, *, is_package: bool) -> None:
        self.name = name
        self.package = name if is_package else name.rpartition(".")[0]
        self.definitions: dict[str, ast.AST] = {}
        self.imports: _Imports = {}
        self._collect(tree.body, "")

    def _collect(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.definitions[prefix + node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.definitions[prefix + node.name] = node
                self._collect(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for name in _assigned(node):
                    self.definitions[prefix + name] = node
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.imports.update(_imported(node, self.package))
            elif isinstance(node, ast.If | ast.Try):
                for part in (node.body, node.orelse):
                    self._collect(part, prefix)


class _Collector:
    """Follows names from definition to definition, each once; methods along the bases of the class."""

    def __init__(self, cls: type) -> None:
        self.pieces: Pieces = {}
        lineage = [(_module_of(base.__module__), base.__qualname__) for base in cls.__mro__]
        self._lineage = [(module, qualname) for module, qualname in lineage if module is not None]

    def follow_method(self, name: str, after: str = "") -> None:
        """The method as the class has it, or as a base has it that comes after the class `after`."""
        names = [qualname for _, qualname in self._lineage]
        start = names.index(after) + 1 if after in names else 0
        for module, qualname in self._lineage[start:]:
            if f"{qualname}.{name}" in module.definitions:
                self.follow(module, f"{qualname}.{name}")
                return

    def follow(self, module: _Module, qualname: str) -> None:
        key = f"{module.name}:{qualname}"
        node = module.definitions.get(qualname)
        if node is None or key in self.pieces:
            return
        self.pieces[key] = _digest(node)
        owner, _, own_name = qualname.rpartition(".")
        own_imports = _imports_in(node, module.package)
        for name in _names_in(node):
            if name == "super":
                self.follow_method(own_name, after=owner)
            else:
                self._resolve(module, owner, name, own_imports)

    def _resolve(self, module: _Module, owner: str, name: str, own_imports: _Imports) -> None:
        first, _, rest = name.partition(".")
        if first in own_imports:
            source, inner = own_imports[first]
            self._follow_import(source, ".".join(filter(None, [inner, rest])))
        elif first == "self" and rest and owner:
            method = rest.partition(".")[0]
            if (module, owner) in self._lineage:
                self.follow_method(method)
            else:
                self.follow(module, f"{owner}.{method}")
        elif name in module.definitions or first in module.definitions:
            self._follow_definition(module, name if name in module.definitions else first)
        elif first in module.imports:
            source, inner = module.imports[first]
            target = ".".join(filter(None, [inner, rest]))
            self._follow_import(source, target)

    def _follow_import(self, source: str, target: str) -> None:
        first, _, rest = target.partition(".")
        submodule = _module_of(f"{source}.{first}") if first else None
        if submodule is not None:
            self._follow_definition(submodule, rest.partition(".")[0])
            return
        module = _module_of(source)
        if module is None or not target:
            return
        if first in module.definitions:
            self._follow_definition(module, target if target in module.definitions else first)
        elif first in module.imports:  # a package that passes a name on
            self._follow_import(module.imports[first][0], ".".join(filter(None, [module.imports[first][1], rest])))

    def _follow_definition(self, module: _Module, qualname: str) -> None:
        node = module.definitions.get(qualname)
        if isinstance(node, ast.ClassDef) and not _is_config_class(module.name, qualname):
            for name in module.definitions:
                if name.startswith(f"{qualname}."):
                    self.follow(module, name)
        elif not isinstance(node, ast.ClassDef):
            self.follow(module, qualname)


def _is_config_class(module: str, qualname: str) -> bool:
    """Another config's code is that config's own concern: its artifact has a fingerprint itself."""
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return hasattr(found, "__furu_class__")


def _names_in(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute):
            dotted = _dotted(each)
            if dotted:
                yield dotted
        elif isinstance(each, ast.Name):
            yield each.id


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        for each in ast.walk(target):
            if isinstance(each, ast.Name):
                yield each.id


def _imports_in(node: ast.AST, package: str) -> _Imports:
    """What a function imports for itself."""
    found = (each for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom))
    return {name: target for each in found for name, target in _imported(each, package)}


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, tuple[str, str | None]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or name, (name, None)
        return
    above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
    source = ".".join([*above, *filter(None, [node.module])])
    for alias in node.names:
        yield alias.asname or alias.name, (source, alias.name)


def _digest(node: ast.AST) -> str:
    text = ast.dump(_without_docstrings(node), annotate_fields=False)
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _without_docstrings(node: ast.AST) -> ast.AST:
    for each in ast.walk(node):
        body = getattr(each, "body", None)
        is_definition = isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if is_definition and isinstance(body, list) and ast.get_docstring(each, clean=False) is not None:  # type: ignore[arg-type]
            each.body = body[1:]  # type: ignore[attr-defined]
    return node


@cache
def _module_of(name: str) -> _Module | None:
    """A module of the user's project; None for libraries, and where there is no source."""
    path = _source_of(name)
    if path is None or not _is_of_project(path):
        return None
    content = DISK.read(path)
    try:
        is_package = Path(path).name == "__init__.py"
        return _Module(name, ast.parse(content), is_package=is_package) if content is not None else None
    except (SyntaxError, ValueError):
        return None


def _source_of(name: str) -> str | None:
    loaded = sys.modules.get(name)
    if loaded is not None:
        try:
            return inspect.getsourcefile(loaded)
        except TypeError:
            return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    return spec.origin if spec is not None else None


def _is_of_project(path: str) -> bool:
    if not path.endswith(".py"):
        return False
    resolved = Path(path).resolve()
    if "site-packages" in resolved.parts or "dist-packages" in resolved.parts:
        return False
    return not any(resolved.is_relative_to(library) for library in _library_directories())


@cache
def _library_directories() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib")
    own = Path(__file__).resolve().parents[1]
    return (own, *(Path(sysconfig.get_path(name)).resolve() for name in names))


def code_digest(pieces: Pieces) -> str:
    """The name that a fingerprint is stored under."""
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(pieces.items()))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()


def forget_sources() -> None:
    """Read sources again, in a process whose modules were edited and reloaded."""
    fingerprint.cache_clear()
    _module_of.cache_clear()
