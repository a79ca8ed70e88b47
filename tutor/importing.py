"""Brings a public collection into the index, whole: what it no longer holds goes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from range.authoring.images import tags_of
from range.catalog.reader import read_scenario
from range.runtime.image_layers import LayerFile, files_of
from range.runtime.images import BASE_IMAGE, base_tag
from tutor.chunking import Article
from tutor.importers import attack, cwe, folder, manual, sigma, tldr
from tutor.importers.reading import About, Entry, ImportRefused, article_of, shortened, slug_of
from tutor.ingest import Tally, finished
from tutor.models import Source
from tutor.providers.embedding import EmbeddingModel
from tutor.storing import Place, hold_exactly

MANUAL = "man"
READERS: Mapping[str, Callable[[Path], Iterator[Entry]]] = {
    "attack": attack.entries,
    "cwe": cwe.entries,
    "markdown": folder.entries,
    "sigma": sigma.entries,
    "tldr": tldr.entries,
}
COLLECTION_LIMIT = 64
NAME_LIMIT = 24


@dataclass(frozen=True, kw_only=True)
class Scope:
    """For whom a collection is; empty and None for everybody.

    Args:
        name: What the operator calls it, as it was given.
    """

    name: str
    scenario: str = ""
    organisation_id: UUID | None = None

    @property
    def collection(self) -> str:
        """Return what tells this collection from every other, for whom it is included."""
        whom = f"-{str(self.organisation_id)[:8]}" if self.organisation_id else ""
        where = f"-for-{self.scenario}" if self.scenario else ""
        whole = f"{slug_of(self.name, limit=NAME_LIMIT)}{whom}{where}"
        if len(whole) <= COLLECTION_LIMIT:
            return whole
        return shortened(whole, whole, limit=COLLECTION_LIMIT)


def read(kind: str, path: Path, about: About) -> list[Article]:
    """Return the articles of a collection's official files; nothing is written.

    Raises:
        ImportRefused: They are not what this kind of collection consists of.
    """
    return _articles(READERS[kind](path), about)


def read_manual(scenarios: Path, about: About, *, scenario: str = "") -> list[Article]:
    """Return the manual pages of a scenario's images beyond the base image's, or of that one.

    Raises:
        ImportRefused: There is no such scenario.
        EngineDown: The engine does not answer.
    """
    tags = _tags(scenarios, scenario) if scenario else [BASE_IMAGE]
    found: dict[str, Entry] = {}
    for tag in tags:
        files = files_of(tag, base=BASE_IMAGE if scenario else None)
        version = (base_tag() if tag == BASE_IMAGE else tag).rpartition(":")[2]
        for entry in manual.entries(_pages(files), version=version):
            found.setdefault(entry.name, entry)
    return _articles(found.values(), about)


def bring(articles: Iterable[Article], scope: Scope, *, model: EmbeddingModel | None) -> Tally:
    """Make a collection hold exactly these articles, then embed what waits."""
    placed = [
        (
            Place(
                key=f"{scope.collection}/{article.front.slug}",
                origin=Source.Origin.IMPORT,
                collection=scope.collection,
                scenario=scope.scenario,
                organisation_id=scope.organisation_id,
            ),
            article,
        )
        for article in articles
    ]
    changed, removed = hold_exactly(scope.collection, placed)
    return finished(len(placed), changed=changed, removed=removed, problems=(), model=model)


def remove(collection: str) -> int:
    """Take an imported collection out of the index; return how many sources went."""
    gone = Source.objects.filter(origin=Source.Origin.IMPORT, collection=collection)
    number = gone.count()
    gone.delete()
    return number


def _articles(entries: Iterable[Entry], about: About) -> list[Article]:
    found: dict[str, Article] = {}
    for entry in entries:
        if article := article_of(entry, about):
            found.setdefault(article.front.slug, article)
    return list(found.values())


def _pages(files: Iterable[LayerFile]) -> Iterator[LayerFile]:
    return (file for file in files if "/share/man/" in file.path)


def _tags(scenarios: Path, scenario: str) -> list[str]:
    place = scenarios / slug_of(scenario)
    if not (place / "scenario.yaml").is_file():
        raise ImportRefused(f"There is no scenario {scenario} below {scenarios}.")
    tags = set(tags_of(read_scenario(place).spec, place).values())
    return sorted(tags - {BASE_IMAGE})
