"""A shelf of named texts: small real actions for the report's runs; also the worker of the tests.

Usage of the worker: shelf.py STORE_URL HOME FOLDER
A file `fail-TEXT` in the folder makes `put` of that text fail; `fail-once-TEXT` does it once.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.catalog import Domain, catalog
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, UndoImpossible
from drillbook.core.model import Frozen

domain = Domain("shelf")


@dataclass
class Shelf:
    folder: Path

    @property
    def text(self) -> str:
        path = self.folder / "text"
        return path.read_text(encoding="utf-8") if path.exists() else "nothing"

    def put(self, text: str, key: str) -> None:
        with (self.folder / "effects").open("a", encoding="utf-8") as log:
            log.write(f"{key}\n")
        (self.folder / "text").write_text(text, encoding="utf-8")

    def holds(self, key: str) -> bool:
        path = self.folder / "effects"
        return path.exists() and key in path.read_text(encoding="utf-8").splitlines()

    def fault(self, kind: str, text: str) -> bool:
        name = "".join(filter(str.isalnum, text))[:20]
        once = self.folder / f"{kind}-once-{name}"
        if once.exists():
            once.unlink()
            return True
        return (self.folder / f"{kind}-{name}").exists()


class Text(Frozen):
    text: str


class Seen(Frozen):
    text: str
    length: int
    parts: list[dict[str, str | int]]


@domain.read
def look(shelf: Shelf) -> Seen:
    """Look at the shelf."""
    if shelf.fault("blind", "shelf"):
        raise Failed("it is dark", hint="Switch the light on.")
    text = shelf.text
    parts: list[dict[str, str | int]] = [
        {"part": word, "letters": len(word)} for word in text.split("|")[:3]
    ]
    return Seen(text=text, length=len(text), parts=parts)


@domain.write
def put(shelf: Shelf, effect: Effect, *, text: str) -> Text:
    """Put a text on the shelf."""
    if shelf.fault("fail", text):
        raise Failed(f"the shelf is too small for {text[:200]}", hint="Take a larger one.")
    effect.keep("before.txt", shelf.text.encode(), "text/plain")
    shelf.put(text, effect.key)
    return Text(text=text)


@put.looking
def is_put(shelf: Shelf, effect: Effect, *, text: str) -> Text | None:
    return Text(text=text) if shelf.holds(effect.key) else None


def text_now(shelf: Shelf, effect: Effect, *, text: str) -> Text:
    return Text(text=shelf.text)


@put.undone_by(remembering=text_now)
def put_back(before: Text, shelf: Shelf, effect: Effect, *, text: str) -> Text:
    """Put the old text back."""
    if shelf.fault("stuck", text):
        raise Failed("the text does not come off")
    if shelf.fault("noundo", text):
        raise UndoImpossible("the old text is gone")
    if shelf.text != before.text:
        shelf.put(before.text, f"{effect.key}:undo")
    return before


CATALOG = catalog(domain)


@dataclass
class Bound:
    folder: Path

    def port(self, environment: str, port: type) -> object:
        assert port is Shelf
        place = self.folder / environment
        place.mkdir(exist_ok=True)
        return Shelf(place)

    def digest(self, environment: str) -> str:  # noqa: ARG002 - the same for all
        return "d" * 64


def main() -> None:
    from drillbook.engine.store import Store
    from drillbook.engine.worker import Worker

    url, home, folder = sys.argv[1:4]
    worker = Worker(Store(url, Path(home)), CATALOG, Bound(Path(folder)))
    worker.start()
    print("ready", flush=True)
    worker.wait(until_idle=False)
    worker.stop()


if __name__ == "__main__":
    main()
