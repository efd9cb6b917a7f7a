"""The house rules on modules, as functions from source text to violations.

`check(modules)` applies every rule, with the tables of `package_map`; `test_architecture.py` runs it on `src/furu` and
proves each rule on bad source.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from tests.package_map import (
    IMPURE,
    IMPURE_CALLS,
    LAYERS,
    LAZY,
    MAX_FILE_LINES,
    MAX_FUNCTION_LINES,
    PURE,
    PURE_MAY_IMPORT,
    VAGUE,
    WAITS,
    WRITES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Scope(Enum):
    """When an import is carried out."""

    MODULE = "when the module is imported"
    FUNCTION = "when a function is called"
    TYPING = "by type checkers only"


@dataclass(frozen=True)
class Import:
    """One imported name, dotted and absolute: `furu.storage.atomic.write_json`, and the module it is asked of."""

    target: str
    origin: str
    line: int
    scope: Scope


@dataclass(frozen=True)
class Module:
    """A module's dotted name and its text."""

    name: str
    source: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.name)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self, self.tree, Scope.MODULE))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, ast.Call))


@dataclass(frozen=True)
class Violation:
    """Where a rule is broken, and how."""

    rule: str
    module: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.text} [{self.rule}]"


def is_below(name: str, prefixes: Iterable[str]) -> bool:
    """True if `name` is one of `prefixes` or lies inside one."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def layer_of(name: str) -> int | None:
    """The number of the layer that `name` lies on, 0 the lowest; None if the map doesn't know it."""
    fits = [
        (len(prefix), number)
        for number, (_, prefixes) in enumerate(LAYERS)
        for prefix in prefixes
        # "furu" is the package's own `__init__` and no home for unknown modules.
        if name == prefix or (prefix != "furu" and is_below(name, (prefix,)))
    ]
    return max(fits)[1] if fits else None


def module_of(imported: Import, names: frozenset[str]) -> str:
    """The module that is imported: the name itself if it is one, else the one it is asked of."""
    return imported.target if imported.target in names else imported.origin


def _imports(module: Module, node: ast.AST, scope: Scope) -> Iterator[Import]:
    match node:
        case ast.Import(names=aliases, lineno=line):
            yield from (Import(alias.name, alias.name, line, scope) for alias in aliases)
        case ast.ImportFrom(names=aliases, lineno=line):
            origin = _origin(module, node)
            yield from (Import(f"{origin}.{alias.name}", origin, line, scope) for alias in aliases)
        case ast.Call(args=[ast.Constant(value=str(name)), *_], lineno=line) if _called(node) == "import_module":
            yield Import(name, name, line, scope)
        case ast.If(test=test, body=body, orelse=orelse) if _last_name(test) == "TYPE_CHECKING":
            for statement in body:
                yield from _imports(module, statement, Scope.TYPING)
            for statement in orelse:
                yield from _imports(module, statement, scope)
        case _:
            inner = Scope.FUNCTION if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) else scope
            for child in ast.iter_child_nodes(node):
                yield from _imports(module, child, inner)


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    climbed = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*climbed, node.module] if node.module else climbed)


def _last_name(node: ast.AST) -> str:
    """`c` of `a.b.c`, `a` of `a`, else nothing."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _called(call: ast.Call) -> str:
    return _last_name(call.func)


def _receiver(call: ast.Call) -> str:
    return _last_name(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _ours(module: Module, names: frozenset[str]) -> list[tuple[str, Import]]:
    """The package's own modules that `module` imports, each once for the statement that does it."""
    ours = (imported for imported in module.imports if is_below(imported.target, ("furu",)))
    once = {(module_of(imported, names), imported.line): imported for imported in ours}
    return [(target, imported) for (target, _), imported in once.items()]


def layers(modules: list[Module]) -> Iterator[Violation]:
    """Every module is on the map and imports only from its own layer or lower ones, also for types."""
    names = _names(modules)
    for module in modules:
        own = layer_of(module.name)
        if own is None:
            yield Violation("layers", module.name, 1, "is not on the map: add it to LAYERS")
            continue
        for target, imported in _ours(module, names):
            layer = layer_of(target)
            if layer is None or layer > own:
                where = "no layer" if layer is None else f"layer {LAYERS[layer][0]!r}"
                text = f"imports {target} of {where} from layer {LAYERS[own][0]!r}"
                yield Violation("layers", module.name, imported.line, text)


def purity(modules: list[Module]) -> Iterator[Violation]:
    """Pure modules know no files, clock, threads, randomness or environment."""
    names = _names(modules)
    for module in modules:
        if not is_below(module.name, PURE):
            continue
        for target, imported in _ours(module, names):
            if imported.scope is not Scope.TYPING and not is_below(target, PURE_MAY_IMPORT):
                yield Violation("purity", module.name, imported.line, f"a pure module imports {target}")
        for imported in module.imports:
            if imported.scope is not Scope.TYPING and is_below(imported.target, IMPURE):
                yield Violation("purity", module.name, imported.line, f"a pure module imports {imported.target}")
        for call in module.calls:
            if _called(call) in IMPURE_CALLS:
                yield Violation("purity", module.name, call.lineno, f"a pure module calls {ast.unparse(call.func)}()")


def clock(modules: list[Module]) -> Iterator[Violation]:
    """Only `furu.clock` reads a clock or sleeps; few wait for an event with a timeout."""
    for module in modules:
        if module.name == "furu.clock":
            continue
        for imported in module.imports:
            if is_below(imported.target, ("time", "asyncio.sleep")):
                yield Violation("clock", module.name, imported.line, f"imports {imported.target}; use furu.clock")
        for call in module.calls:
            if _reads_clock(call) or (_called(call) == "sleep" and _receiver(call) in {"asyncio", "time"}):
                text = f"calls {ast.unparse(call.func)}(); use furu.clock"
                yield Violation("clock", module.name, call.lineno, text)
            elif _waits_for_a_time(call) and not is_below(module.name, WAITS):
                text = f"calls {ast.unparse(call)}; only modules in WAITS let time pass"
                yield Violation("clock", module.name, call.lineno, text)


def _reads_clock(call: ast.Call) -> bool:
    return _called(call) in {"now", "today", "utcnow"} and _receiver(call) in {"date", "datetime"}


def _waits_for_a_time(call: ast.Call) -> bool:
    has_timeout = bool(call.args) or any(keyword.arg == "timeout" for keyword in call.keywords)
    return isinstance(call.func, ast.Attribute) and call.func.attr == "wait" and has_timeout


def lazy_imports(modules: list[Module]) -> Iterator[Violation]:
    """Our own modules are imported at the top, except the pairs in LAZY."""
    names = _names(modules)
    for module in modules:
        for target, imported in _ours(module, names):
            if imported.scope is Scope.FUNCTION and (module.name, target) not in LAZY:
                yield Violation("lazy_imports", module.name, imported.line, f"imports {target} inside a function")


def sizes(modules: list[Module]) -> Iterator[Violation]:
    """Files and functions are short; a long one wants splitting by noun."""
    for module in modules:
        lines = len(module.source.splitlines())
        if lines > MAX_FILE_LINES:
            yield Violation("sizes", module.name, 1, f"has {lines} lines, more than {MAX_FILE_LINES}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    text = f"{node.name}() has {length} lines, more than {MAX_FUNCTION_LINES}"
                    yield Violation("sizes", module.name, node.lineno, text)


def vague_names(modules: list[Module]) -> Iterator[Violation]:
    """A module's name says what is in it."""
    for module in modules:
        if VAGUE & {word for part in module.name.split(".") for word in part.strip("_").split("_")}:
            yield Violation("vague_names", module.name, 1, "has a name that says nothing of what is in it")


def writers(modules: list[Module]) -> Iterator[Violation]:
    """Files are written by `storage.atomic` and the few in WRITES, so that nothing torn is ever seen."""
    for module in modules:
        if is_below(module.name, WRITES):
            continue
        for imported in module.imports:
            if is_below(imported.target, ("tempfile",)):
                yield Violation("writers", module.name, imported.line, "imports tempfile")
        for call in module.calls:
            if _opens_for_writing(call):
                yield Violation("writers", module.name, call.lineno, f"writes a file: {ast.unparse(call)}")


def _opens_for_writing(call: ast.Call) -> bool:
    match _receiver(call), _called(call):
        case _, "write_text" | "write_bytes" | "touch":
            return True
        case "os", "open":
            return any(flag in ast.unparse(call) for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC"))
        case "webbrowser", "open":
            return False
        case ("io" | "os" | "gzip" | "bz2" | "lzma" | "tarfile", "open" | "fdopen"):
            return _is_mode_for_writing(call, position=1)
        case _, "open":
            return _is_mode_for_writing(call, position=0 if isinstance(call.func, ast.Attribute) else 1)
    return False


def _is_mode_for_writing(call: ast.Call, *, position: int) -> bool:
    modes = [*call.args[position : position + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    # A mode that isn't written out could be any.
    return any(not isinstance(mode, ast.Constant) or bool(set("wax+") & set(str(mode.value))) for mode in modes)


def cycles(modules: list[Module]) -> Iterator[Violation]:
    """No module needs itself to be imported."""
    names = _names(modules)
    graph = {
        module.name: {
            target
            for target, imported in _ours(module, names)
            if imported.scope is Scope.MODULE and target != module.name
        }
        for module in modules
    }
    for ring in _rings(graph):
        yield Violation("cycles", ring[0], 1, "import cycle: " + " -> ".join([*ring, ring[0]]))


def _rings(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """One ring for each node that ends a path already walked, found depth first."""
    done: set[str] = set()
    path: list[str] = []

    def walk(name: str) -> Iterator[list[str]]:
        if name in path:
            yield path[path.index(name) :]
        elif name not in done:
            path.append(name)
            for target in sorted(graph.get(name, ())):
                yield from walk(target)
            done.add(path.pop())

    for name in sorted(graph):
        yield from walk(name)


def _names(modules: Iterable[Module]) -> frozenset[str]:
    on_the_map = (prefix for _, prefixes in LAYERS for prefix in prefixes)
    return frozenset([*(module.name for module in modules), *on_the_map])


RULES: Final = (layers, purity, clock, lazy_imports, sizes, vague_names, writers, cycles)


def check(modules: list[Module]) -> list[Violation]:
    """All violations of all rules."""
    return [violation for rule in RULES for violation in rule(modules)]
