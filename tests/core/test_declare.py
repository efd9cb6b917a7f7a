"""Class creation: options, subclasses, generics, abstract bases, and what is refused before anything runs."""

from __future__ import annotations

import dataclasses
from dataclasses import InitVar
from typing import Annotated, Any, Generic, TypeVar

import pydantic
import pytest

import furu
from furu.errors import FuruConfigError
from tests.support.documented import Data, Grid, IntGrid, Last, Later, Outer, SubData

T = TypeVar("T")


def test_s005_a_class_without_create_cannot_be_instantiated():
    class Nothing(furu.Furu[int]):
        x: int = 0

        def _load(self) -> int:
            return 0

    with pytest.raises(TypeError, match="abstract"):
        Nothing()
    with pytest.raises(TypeError, match="abstract"):
        furu.Furu()


def declare(module: str, qualname: str, **options: Any) -> type[furu.Furu[Any]]:
    """A class as if it stood in that module."""
    body = {"__module__": module, "__qualname__": qualname, "_create": lambda self: 0, "__annotations__": {"x": int}}
    return type(qualname.rpartition(".")[2], (furu.Furu,), body, **options)


class TestRefusedClasses:
    def test_an_annotation_that_names_nothing(self):
        """Most often a name that is only imported for the type checker."""

        class Bad(furu.Furu[int]):
            data: Nowhere  # type: ignore[name-defined]  # noqa: F821

            def _create(self) -> int:
                return 0

        with pytest.raises(FuruConfigError, match="you should define `Nowhere`") as caught:
            Bad(data=1)
        assert "TYPE_CHECKING" in caught.value.hints[0]

    def test_an_annotation_that_pydantic_refuses(self):
        with pytest.raises(FuruConfigError, match="can't be a config"):

            class Bad(furu.Furu[int]):
                kind: Annotated[int, pydantic.Field(discriminator="a")]

    def test_a_value_of_the_class_as_it_was_before_a_reload(self):
        old = declare("m.reloaded", "Part")(x=1)
        new = declare("m.reloaded", "Part")

        class Whole(furu.Furu[int]):
            part: new

            def _create(self) -> int:
                return 0

        with pytest.raises(FuruConfigError, match="before it was defined again"):
            Whole(part=old)

    @pytest.mark.parametrize(
        "name", ["get", "exists", "log", "delete", "furu_dir", "furu_hash", "to_dict", "_create", "_furu_hash", "_load"]
    )
    def test_a_field_that_hides_a_name_of_ours(self, name):
        with pytest.raises(FuruConfigError, match=rf"{name}: hides Furu\.{name}"):
            type("Bad", (furu.Furu,), {"__annotations__": {name: int}, "__module__": __name__})

    def test_all_bad_fields_are_named(self):
        with pytest.raises(FuruConfigError) as caught:

            class Bad(furu.Furu[int]):
                get: int
                log: str = ""
                rate: float = pydantic.Field(default=0, alias="learning-rate")
                given: InitVar[int] = 0

        assert ["get", "log", "rate", "given"] == [path for path, _ in caught.value.issues]

    def test_a_mutable_default(self):
        with pytest.raises(FuruConfigError, match=r"mutable default .* use default_factory") as caught:

            class Bad(furu.Furu[int]):
                items: list[int] = []  # noqa: RUF012

        assert "furu.field(default_factory=list)" in caught.value.hints[0]

    def test_a_field_without_annotation(self):
        with pytest.raises(FuruConfigError, match="'lr' is a field but has no type annotation"):

            class Bad(furu.Furu[int]):
                lr = furu.field(default=0.1)

    @pytest.mark.parametrize("name", ["", "/etc", "../up", "a//b", "a b", "a/", ".hidden", 3], ids=str)
    def test_a_name_that_is_no_plain_path(self, name):
        with pytest.raises(FuruConfigError, match="is not a plain path such as"):

            class Bad(furu.Furu[int], name=name):
                pass

    def test_a_version_that_is_no_text(self):
        with pytest.raises(FuruConfigError, match="version must be a str, not 2"):

            class Bad(furu.Furu[int], version=2):  # type: ignore[arg-type]
                pass

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"resumable": "yes"}, "resumable: must be True or False, not 'yes'"),
            ({"version_controlled": 1}, "version_controlled: must be True or False, not 1"),
            ({"max_wait_sec": "60"}, "max_wait_sec: must be a number of seconds, 0 or more, not '60'"),
            ({"max_wait_sec": -1}, "max_wait_sec: must be a number of seconds, 0 or more, not -1"),
            ({"max_wait_sec": True}, "max_wait_sec: must be a number"),
            ({"codec": dict}, "codec: must be the name of a codec"),
        ],
    )
    def test_an_option_of_the_wrong_type(self, options, complaint):
        with pytest.raises(FuruConfigError, match=complaint):
            type(furu.Furu)("Bad", (furu.Furu,), {"__module__": __name__, "__qualname__": "Bad"}, **options)

    def test_a_create_that_calling_does_not_run(self):
        with pytest.raises(FuruConfigError, match=r"Awaited\._create\(\) is async"):

            class Awaited(furu.Furu[int]):
                async def _create(self) -> int:  # type: ignore[override]
                    return 1

        with pytest.raises(FuruConfigError, match=r"Yielding\._create\(\) is a generator"):

            class Yielding(furu.Furu[Any]):
                def _create(self) -> Any:
                    yield 1

    def test_what_a_check_of_the_whole_says_stands_alone(self):
        class Unlucky(furu.Furu[int]):
            def __post_init__(self) -> None:
                raise ValueError("thirteen")

            def _create(self) -> int:
                return 1

        with pytest.raises(FuruConfigError, match=r"can't be built:\n  Value error, thirteen$"):
            Unlucky()

    def test_s026_two_classes_in_one_directory(self):
        """By the same `name`, or as `a.b.C` beside `C` in `a.b`."""
        for body in ({}, {"__annotations__": {"x": int}}):
            with pytest.raises(FuruConfigError, match="would share the directory 'tests/support/values/Leaf' with"):
                type("Thief", (furu.Furu,), {**body, "__module__": __name__}, name="tests/support/values/Leaf")

    def test_an_option_that_does_not_exist(self):
        with pytest.raises(TypeError, match="unknown class options resumeable; options are: codec, max_wait_sec"):

            class Bad(furu.Furu[int], resumeable=True):  # type: ignore[call-arg]
                pass


S = TypeVar("S")


class Boxed(furu.Furu[T], Generic[T]):
    content: T
    more: list[T] = furu.field(default_factory=list)
    spare: T | None = furu.field(default=None, identity="unless-default")
    workers: int = furu.field(default=1, identity=False)

    def _create(self) -> T:
        return self.content


class Floats(Boxed[float]):
    last: int = 0


class Labelled(Boxed[T], Generic[T, S]):
    label: S


class Names(Labelled[str, int]):
    workers: int = 3


class TestGenerics:
    """S004 and S025 also where the type of a field is a parameter."""

    def test_a_field_has_the_type_that_the_subclass_says(self):
        assert Floats(content=1, more=[2], spare="3") == Floats(content=1.0, more=[2.0], spare=3.0)  # type: ignore[arg-type]
        assert isinstance(Floats(content=1).get(), float)
        for bad in ({"content": "x"}, {"content": 1, "more": ["x"]}, {"content": 1, "spare": "x"}):
            with pytest.raises(FuruConfigError, match="should be a valid number"):
                Floats(**bad)  # type: ignore[arg-type]

    def test_also_two_levels_up(self):
        assert "a" == Names(content="a", label=2).content
        with pytest.raises(FuruConfigError) as caught:
            Names(content=1, label="x")  # type: ignore[arg-type]
        assert ["content", "label"] == sorted(path for path, _ in caught.value.issues)

    def test_what_else_the_base_says_of_a_field_stays(self):
        assert Floats(content=1.0, workers=8) == Floats(content=1.0)
        assert Floats(content=1.0, more=[]).more is not Floats(content=1.0).more
        assert 3 == Names(content="a", label=2).workers
        names = [field.name for field in dataclasses.fields(Floats(content=1.0))]  # type: ignore[arg-type]
        assert ["content", "more", "spare", "workers", "last"] == names

    def test_a_parameter_nobody_says_takes_anything(self):
        assert [1, "a"] == [Boxed(content=1).content, Boxed(content="a").content]


class TestNameAndVersion:
    def test_s008_module_and_qualified_name_take_part(self):
        classes = [declare("m.one", "A"), declare("m.two", "A"), declare("m.one", "B"), declare("m.one", "C.A")]
        assert 4 == len({cls(x=1).furu_hash for cls in classes})

    def test_a_named_class_can_be_moved_and_renamed(self, monkeypatch):
        before = declare("m.old", "Train", name="acme/train")
        # As in the process that starts after the move.
        monkeypatch.setattr("furu.core.declare._CLAIMED", {})
        after = declare("m.new", "Trainer", name="acme/train")
        assert before(x=1).furu_hash == after(x=1).furu_hash
        assert before(x=1)._base_furu_dir() == after(x=1)._base_furu_dir()
        assert ("acme", "train") == after(x=1)._base_furu_dir().parts[-3:-1]

    def test_a_class_may_be_defined_again(self):
        assert declare("m.again", "A")(x=1).furu_hash == declare("m.again", "A")(x=1).furu_hash
        assert declare("m.again", "A")(x=1) != declare("m.again", "A")(x=1), "by type: the code may be another"

    def test_a_version_is_identity_and_inherited(self):
        plain, first, second = (declare("m.v", "A", version=version) for version in (None, "1", "2"))
        assert 3 == len({cls(x=1).furu_hash for cls in (plain, first, second)})
        heirs = []
        for base in (first, second):
            heirs.append(type("Heir", (base,), {"__module__": "m.v", "__qualname__": "Heir"}))
        assert 2 == len({heir(x=1).furu_hash for heir in heirs}), "it runs the base's code"

    def test_a_name_is_not_inherited(self):
        base = declare("m.w", "A", name="acme/base")
        heir = type("Heir", (base,), {"__module__": "m.w", "__qualname__": "Heir"})
        assert "m/w/Heir" == heir.__furu_class__.namespace


class TestS025Subclasses:
    def test_s025_fields_are_inherited_added_and_keyword_only(self):
        assert ["name", "path", "more"] == [field.name for field in dataclasses.fields(SubData)]
        with pytest.raises(TypeError):
            SubData("a")

    def test_s025_the_identity_is_another(self):
        class Same(Data):
            pass

        assert Data().furu_hash != Same().furu_hash
        assert Data() != Same()

    def test_abstract_bases_and_generics(self):
        with pytest.raises(TypeError, match="abstract"):
            Grid(cell=1)
        assert 3 == IntGrid(cell=3).get()

    def test_a_generic_config_is_a_field_of_another(self):
        class Holder(furu.Furu[int], Generic[T]):
            grid: Grid[int]
            item: T

            def _create(self) -> int:
                return 0

        grid = IntGrid(cell=1)
        assert grid is Holder(grid=grid, item="a").grid
        assert grid is Holder[str](grid=grid, item="a").grid

    def test_forward_references_and_nested_classes(self):
        assert 5 == Later(after=Last(number=5)).get()
        assert 1 == Outer().get()

    def test_a_class_with_a_forward_reference_checks_like_any_other(self):
        """Also after pydantic has resolved it, which it does at the first instance."""
        for _ in range(2):
            with pytest.raises(FuruConfigError, match="instance of Last"):
                Later(after=3)
            with pytest.raises(FuruConfigError, match="keyword arguments only; its fields are: after"):
                Later(Last())
            assert Later(after=Last()).furu_hash
