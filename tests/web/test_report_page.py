"""The page: whole, accessible, self-contained, and unmoved by hostile values."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from drillbook.web.report import to_html
from web.conftest import Told
from web.stories import HOSTILE, STORIES

VOID = {"meta", "link", "br", "input", "img", "hr"}
LOADING = {"img", "iframe", "object", "embed", "video", "audio", "source", "base", "form"}
CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class Page(HTMLParser):
    """A page as a browser reads it; a tag left open or closed twice is an error."""

    html: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    scripts: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()
        assert self.stack == [], f"left open: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}: {names}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"{tag} closed, and nothing is open"
        assert self.stack.pop() == tag, f"{tag} closed out of order"

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.stack[-1:] != ["style"]:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module", params=[*STORIES, "undo"])
def page(told: dict[str, Told], request: pytest.FixtureRequest) -> Page:
    return Page(to_html(told[request.param].report()))


def test_a_page_is_well_formed(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]

    assert len(ids) == len(set(ids))
    assert not any(" " in one for one in ids)
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_a_page_refers_to_nothing_outside_itself(page: Page) -> None:
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}

    assert not {tag for tag, _ in page.tags} & LOADING
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name == "src" for name in attributes), tag
        href = attributes.get("href", "data:,")
        assert href == "data:," or href[1:] in ids, f"{tag} leads to {href}"
    style = (files("drillbook.web.report") / "page.css").read_text()
    assert set(re.findall(r"url\(([^)]*)\)", style)) == {"#waiting"}
    assert "@import" not in style


def test_a_page_runs_only_its_own_script(page: Page) -> None:
    own = (files("drillbook.web.report") / "page.js").read_text()
    policy = next(
        meta["content"] for meta in page.all("meta") if meta.get("http-equiv", "").startswith("Con")
    )

    assert page.scripts == [own]
    digest = base64.b64encode(sha256(own.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_a_page_can_be_read_without_eyes_or_mouse(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert all(head.get("scope") == "col" for head in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    for svg in page.all("svg"):
        assert svg.get("aria-hidden") == "true" or svg.get("aria-label") or "ticks" in str(svg)
    labels = {label.get("for") for label in page.all("label")}
    assert all(box["id"] in labels for box in page.all("input"))


def test_hostile_values_stay_text(told: dict[str, Told]) -> None:
    page = Page(to_html(told["hostile"].report()))

    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert "alert('x')" in page.text
    assert "[U+202E]txt.exe" in page.text
    assert "\u202e" not in page.html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", page.html)
    assert len(page.html) < 300_000


def test_the_chart_shows_each_span_once_and_inside_its_frame(told: dict[str, Told]) -> None:
    report = told["everything"].report()
    page = Page(to_html(report))

    bars = [rect for rect in page.all("rect") if "bar" in rect["class"] and "x" in rect]

    assert len(bars) == sum(len(task.spans) for task in report.tasks)
    for bar in bars:
        left, width = float(bar["x"].rstrip("%")), float(bar["width"].rstrip("%"))
        assert left >= 0
        assert width > 0
        assert left + width <= 100.001


def test_text_stands_out_from_its_ground_in_both_themes() -> None:
    style = (files("drillbook.web.report") / "page.css").read_text()
    for theme in themes(style):
        for ink, grounds in {
            "ink": ("paper", "card", "quiet", "good-wash", "bad-wash", "warn-wash", "quiet-wash"),
            "soft": ("paper", "card", "quiet", "warn-wash", "good-wash", "bad-wash"),
            "accent": ("paper", "card"), "bad": ("card", "bad-wash"), "good": ("card", "good-wash"),
            "warn": ("card", "warn-wash"),
        }.items():  # fmt: skip
            for ground in grounds:
                ratio = contrast(theme[ink], theme[ground])
                assert ratio >= 4.5, f"{ink} {theme[ink]} on {ground} {theme[ground]}: {ratio:.2f}"


def themes(style: str) -> Iterator[dict[str, str]]:
    blocks = re.findall(r":root \{([^}]*)\}", style)
    assert len(blocks) == 3
    for block in blocks:
        yield {
            name: value if len(value) == 7 else "#" + "".join(2 * digit for digit in value[1:])
            for name, value in re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)
        }


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2.2."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PROBE = """<!DOCTYPE html><title>probe</title><iframe id=f width=360 height=700 srcdoc="{page}">
</iframe><script>
document.getElementById("f").addEventListener("load", (event) => {{
  const page = event.target.contentDocument, out = document.createElement("p");
  out.id = "out";
  const root = page.documentElement;
  out.textContent = [
    page.querySelectorAll("details.task").length, page.scripts.length, page.images.length,
    root.scrollWidth <= root.clientWidth, page.querySelector(".filter").hidden,
    getComputedStyle(page.querySelector(".outcome")).borderRadius,
  ].join(" ");
  document.body.append(out);
}});
</script>"""


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")
@pytest.mark.parametrize("story", ["taken-back", "hostile"])
def test_a_real_browser_renders_the_page_on_a_phone(
    told: dict[str, Told], tmp_path: Path, story: str
) -> None:
    report = told[story].report()
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(page=escape(to_html(report), quote=True)), encoding="utf-8")
    profile = tmp_path / "profile"

    argv = [CHROMIUM, *QUIET, f"--user-data-dir={profile}", "--virtual-time-budget=5000",
            "--dump-dom", probe.as_uri()]  # fmt: skip
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    shutil.rmtree(profile, ignore_errors=True)

    found = re.search(r'<p id="out">([^<]*)</p>', ended.stdout)
    assert found is not None, ended.stdout[-2000:]
    assert found[1] == f"{len(report.tasks)} 1 0 true false 12px"


def test_the_hostile_text_is_hostile() -> None:
    assert "<script>" in HOSTILE
    assert "\u202e" in HOSTILE
    assert "|" in HOSTILE
