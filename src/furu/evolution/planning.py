"""Planning a migration: which stored results stand for which configs of today, and what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from furu.errors import FuruError
from furu.evolution.aliases import Conflict, PlannedAlias, obstacle, reference_of, root_of
from furu.evolution.archive import Archive, store_roots
from furu.evolution.classes import KnownClasses, former_names
from furu.evolution.plan import MigrationPlan, Refused
from furu.evolution.translation import Translator
from furu.lifecycle.computable import artifact_paths, node_name
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from furu.evolution.translation import Reading
    from furu.lifecycle.computable import Computable
    from furu.storage.scan import ScannedArtifact


class _Offer(NamedTuple):
    """A stored result that could stand for a config of today.

    Attributes:
        source: reference of the artifact that the result lies in.
        root: of the store it lies in.
        has_value: furu stored the value; otherwise only a `_load()` can read it.
        reading: the config that the result belongs to.
    """

    source: str
    root: str
    has_value: bool
    reading: Reading


def plan_migrations(*scope: type[Computable] | str) -> MigrationPlan:
    """What today's classes can take over of what is stored; writes nothing.

    Reads every stored config, imports the classes that are concerned, and follows changes upwards: a config that
    holds a migrated one is migrated as well.

    Args:
        scope: classes, or namespaces, to begin with; everything that is stored if there are none.

    Raises:
        FuruConfigError: a class's `_migrations` are none.
    """
    roots = store_roots()
    archive = Archive(roots)
    scanned = archive.scan()
    wanted = _closure(archive, scanned, scope)
    classes = KnownClasses(archive.document(each) for each in wanted if _is_readable(archive, each))
    readings = Translator(archive, classes).read(wanted)
    offers: dict[str, list[_Offer]] = {}
    refused: list[Refused] = []
    current = 0
    for reference, reading in readings.items():
        offer = _offer(archive, scanned.get(reference), reading)
        if isinstance(offer, str):
            refused.append(Refused(reference, offer))
        elif offer is not None:
            current += reading.present is not None
            if reading.because and scanned[reference].is_published:
                refused.append(Refused(reference, reading.because))
            if reading.moved is not None:
                offers.setdefault(reference_of(reading.moved), []).append(offer)
    aliases: list[PlannedAlias] = []
    conflicts: list[Conflict] = []
    done = 0
    for own, choices in offers.items():
        chosen, outdated = _nearest(own, choices)
        refused += outdated
        answer = _judge(own, chosen, scanned.get(own))
        if answer is None:
            done += 1
        elif isinstance(answer, PlannedAlias):
            aliases.append(answer)
        elif isinstance(answer, Conflict):
            conflicts.append(answer)
        else:
            refused.append(answer)
    return MigrationPlan(tuple(aliases), tuple(conflicts), tuple(refused), current, done, tuple(roots))


def _closure(archive: Archive, stored: Mapping[str, object], scope: Iterable[type[Computable] | str]) -> list[str]:
    """References in scope and all that hold them."""
    names: set[str] = set()
    for each in scope:
        names |= {each} if isinstance(each, str) else {each.__furu_class__.namespace, *former_names(each)}
    if not names:
        return list(stored)
    holders: dict[str, list[str]] = {}
    for reference in stored:
        for needed in archive.needs(reference):
            holders.setdefault(needed, []).append(reference)
    waiting = [each for each in stored if any(each.startswith(f"{name}/") for name in names)]
    found = dict.fromkeys(waiting)
    while waiting:
        for holder in holders.get(waiting.pop(), ()):
            if holder not in found:
                found[holder] = None
                waiting.append(holder)
    return list(found)


def _is_readable(archive: Archive, reference: str) -> bool:
    try:
        archive.document(reference)
    except FuruError:
        return False
    return True


def _offer(archive: Archive, artifact: ScannedArtifact | None, reading: Reading) -> _Offer | str | None:
    """What an artifact has to offer: a result, the reason why nobody can use it, or nothing."""
    if artifact is None or not (artifact.is_published or artifact.is_alias):
        return None
    try:
        published = find_published(artifact.paths, THIS_PROCESS.disk)
    except FuruError as error:
        return error.message
    if published is None:
        return None
    if not reading.choices:
        # An alias of what is refused itself adds nothing to know.
        return reading.because if artifact.is_published else None
    root = next(root for root in archive.roots if published.source.base.startswith(f"{root}/data/"))
    source = published.source.base.removeprefix(f"{root}/data/")
    return _Offer(source, root, bool(published.success.result), reading)


def _nearest(own: str, offers: list[_Offer]) -> tuple[list[_Offer], list[Refused]]:
    """Those with the fewest migrations behind them: what the last shape of the config stood for is what its code used.

    And the others, refused.
    """
    fewest = min(len(offer.reading.passed) for offer in offers)
    chosen = [offer for offer in offers if len(offer.reading.passed) == fewest]
    sources = {offer.source for offer in chosen}
    because = f"it would be {own}, for which there is a newer result: {', '.join(sorted(sources))}"
    outdated = {offer.source for offer in offers} - sources
    return chosen, [Refused(source, because) for source in sorted(outdated)]


def _judge(
    own: str, offers: list[_Offer], artifact: ScannedArtifact | None
) -> PlannedAlias | Conflict | Refused | None:
    """What becomes of one config of today; None if it has the alias already."""
    sources = sorted({offer.source for offer in offers})
    config = offers[0].reading.moved
    assert config is not None  # noqa: S101 -- offers are of those that moved
    if len(sources) > 1:
        return Conflict(own, sources[0], f"several results stand for it: {', '.join(sources)}")
    source = sources[0]
    if source == own:
        return None
    because = obstacle(artifact_paths(config), source)
    if because is None and artifact is not None and artifact.holder is not None:
        because = "somebody is computing it"
    if because is not None:
        return Conflict(own, source, because) if because else None
    because = unusable(config, root=offers[0].root, has_value=offers[0].has_value)
    if because is not None:
        return Refused(source, because)
    steps = [step for migration in offers[0].reading.passed for step in migration.steps]
    return PlannedAlias(config, own, source, ", ".join(map(repr, steps)))


def unusable(config: Computable, *, root: str, has_value: bool) -> str | None:
    """Why a result can't stand for `config`, if so: it lies below another root, or nobody could load it."""
    if root_of(config) != root:
        return f"{node_name(config)} lies below {root_of(config)}, and an alias can't lead out of its root"
    if not has_value and not config.__furu_options__.has_load:
        return f"no value was stored with it, and {type(config).__qualname__} has no _load()"
    return None
