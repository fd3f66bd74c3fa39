"""What the words of headings and bullets mean, from a table that is data."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

from drillbook.compiler.document import Role


class Kind(StrEnum):
    """What a section of a runbook is for; the order in the table decides between two."""

    CONTENTS = "contents"
    ROLLBACK = "rollback"
    POST_MORTEM = "post_mortem"
    NOT_TO_DO = "not_to_do"
    TEMPLATE = "template"
    PREREQUISITES = "prerequisites"
    SYMPTOMS = "symptoms"
    CONTACTS = "contacts"
    ESCALATION = "escalation"
    CAUSES = "causes"
    EFFECTS = "effects"
    REFERENCES = "references"
    FACTS = "facts"
    ABOUT = "about"
    INPUTS = "inputs"
    VERIFICATION = "verification"
    ACTION = "action"
    UNKNOWN = "unknown"


NOT_STEPS = {
    Kind.CONTENTS: "a table of contents, not steps",
    Kind.NOT_TO_DO: "what not to do, not steps",
    Kind.TEMPLATE: "a message template, not steps",
    Kind.CAUSES: "causes, not steps",
    Kind.EFFECTS: "what will happen, not steps",
    Kind.REFERENCES: "references, not steps",
    Kind.FACTS: "facts to know, not steps",
    Kind.ABOUT: "about the runbook, not steps",
}
PARTS = frozenset({*NOT_STEPS, *Kind} - {Kind.UNKNOWN, Kind.ACTION})


@dataclass(frozen=True, slots=True)
class _Table:
    kinds: tuple[tuple[Kind, frozenset[str], re.Pattern[str]], ...]
    step: re.Pattern[str]
    numerals: dict[str, int]
    alternative: re.Pattern[str]
    alternative_parents: re.Pattern[str]
    plural_titles: re.Pattern[str]
    condition: re.Pattern[str]
    runbook: re.Pattern[str]
    optional: re.Pattern[str]
    rollback_titles: tuple[str, ...]
    verbs: frozenset[str]
    verb_beginnings: tuple[str, ...]
    verb_endings: tuple[str, ...]
    step_columns: frozenset[str]
    action_columns: frozenset[str]


def _either(phrases: list[str]) -> str:
    """Return a pattern for any of the phrases, as whole words where the script has words."""
    ordered = sorted(phrases, key=len, reverse=True)
    return "|".join(_phrase(phrase) for phrase in ordered)


def _phrase(phrase: str) -> str:
    spaced = re.escape(phrase)
    return spaced if _is_cjk(phrase) else rf"(?<!\w){spaced}(?!\w)"


def _is_cjk(text: str) -> bool:
    return any("぀" <= c <= "鿿" or "가" <= c <= "힯" for c in text)


@cache
def table() -> _Table:
    """Return the table of synonyms, read once."""
    data = json.loads(Path(__file__).with_name("synonyms.json").read_text(encoding="utf-8"))
    numerals: dict[str, int] = data["numerals"]
    count = rf"\d{{1,3}}(?:\.\d{{1,2}})*|{'|'.join(numerals)}|[a-h](?!\w)"
    steps = "|".join(re.escape(w) for w in data["step_words"])
    separator = r"[\s:.)、．：\-–—|]*"
    before, after = data["conditions"], data["condition_endings"]
    return _Table(
        kinds=tuple(
            (Kind(name), frozenset(words["is"]), re.compile(_either(words["has"])))
            for name, words in data["kinds"].items()
        ),
        step=re.compile(
            rf"(?:{steps})\s*[#№]?\s*({count}){separator}(.*)$"
            rf"|(?:第)?({count})\s*(?:단계|步骤|步|ステップ|шаг|этап){separator}(.*)$",
            re.IGNORECASE | re.DOTALL,
        ),
        numerals=numerals,
        alternative=re.compile(
            rf"(?:{'|'.join(data['alternatives'])})\s*[#№]?\s*"
            rf"(?:\d{{1,2}}|[a-h]|[ivx]{{1,4}}|[{''.join(n for n in numerals if len(n) == 1)}])"
            rf"(?!\w)",
            re.IGNORECASE,
        ),
        alternative_parents=re.compile(_either(data["alternative_parents"])),
        plural_titles=re.compile(_either(data["plural_titles"])),
        condition=re.compile(
            rf"(?:{_either(before)})|.*(?:{'|'.join(after)})$", re.IGNORECASE | re.DOTALL
        ),
        runbook=re.compile(
            rf"(?:{'|'.join(data['runbook_words'])})s?\s*(?:#?\d+\s*)?[:：\-–—|]+\s*(\S.*)$",
            re.IGNORECASE,
        ),
        optional=re.compile(_either(data["optional"]), re.IGNORECASE),
        rollback_titles=tuple(data["rollback_titles"]),
        verbs=frozenset(" ".join(data["verbs"].values()).split()),
        verb_beginnings=tuple(data["verb_beginnings"]),
        verb_endings=tuple(data["verb_endings"]),
        step_columns=frozenset(data["step_columns"]),
        action_columns=frozenset(data["action_columns"]),
    )


_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_EMPHASIS = re.compile(r"\*\*|__|(?<!\w)[*_]|[*_](?!\w)|~~|`")
_LEAD = re.compile(r"^[^\w\[(<{/$.#@\"'「『【一-鿿]+")
_NUMBER = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3})*[.)、:：．]?|[一二三四五六七八九十]{1,2}[、.．])[\s]*(?=\D)"
)
_AT_END = re.compile(r"[\s:：.。\-–—]+$")
_PARENS = re.compile(r"\s*[(（\[【][^()（）\[\]【】]*[)）\]】]\s*")
_BOLD = re.compile(r"\s*(?:\*\*|__)(.+?)(?:\*\*|__)")


def plain(text: str) -> str:
    """Return a title or bullet without emphasis, links and leading signs."""
    if "[" in text:
        text = _LINK.sub(r"\1", text)
    if "*" in text or "_" in text or "~~" in text:
        text = _EMPHASIS.sub("", text) if "`" not in text else re.sub(r"\*\*|__(?=\w)|~~", "", text)
    return " ".join(text.split())


def title_of(text: str) -> str:
    """Return a heading's words: no emphasis, no sign before, no colon behind."""
    return _AT_END.sub("", _LEAD.sub("", plain(text).strip())) or plain(text).strip()


@lru_cache(maxsize=4096)
def kind_of(title: str) -> Kind:
    """Return what a section of that title is for."""
    words = title_of(title).casefold().strip("<>\"'「」『』【】")
    bare = _AT_END.sub("", _PARENS.sub(" ", words)).strip() or words
    numberless = _NUMBER.sub("", bare, count=1) if _NUMBER.match(bare) else bare
    for name in (bare, numberless):
        for kind, names, _ in table().kinds:
            if name in names:
                return kind
    for kind, _, phrases in table().kinds:
        if phrases.search(numberless):
            return kind
    return Kind.UNKNOWN


@dataclass(frozen=True, slots=True)
class Numbered:
    """A title that begins with a number: `Step 2: Drain` is 2, `Drain`, worded."""

    number: int
    title: str
    worded: bool
    deep: bool


_PLAIN_NUMBER = re.compile(
    r"(\d{1,3}(?:\.\d{1,3})*)(?:[.)、:：．]\s*|\s+[-–—]\s+|\s+)(\S.*)$|([①-⑳])\s*(\S.*)$", re.DOTALL
)


@lru_cache(maxsize=4096)
def numbered(title: str) -> Numbered | None:
    """Return the number a title begins with, or None."""
    words = title_of(title)
    if match := table().step.match(words):
        count, rest = (match[1], match[2]) if match[1] else (match[3], match[4])
        return Numbered(_count(count), rest.strip() or words, worded=True, deep="." in count)
    if match := _PLAIN_NUMBER.match(words):
        if match[3]:
            return Numbered(ord(match[3]) - ord("①") + 1, match[4], worded=False, deep=False)
        count = match[1]
        return Numbered(_count(count), match[2].strip(), worded=False, deep="." in count)
    return None


def step_title(title: str) -> str:
    """Return a heading's title without its number."""
    step = numbered(title)
    return title_of(step.title) if step else title_of(title)


def _count(text: str) -> int:
    last = text.rpartition(".")[2].casefold()
    if last.isdecimal():
        return int(last)
    return table().numerals.get(last) or ord(last[0]) - ord("a") + 1


def is_alternative(title: str) -> bool:
    """Whether a title names one way of several: `Option A`, `If the disk is full`."""
    words = title_of(title)
    return bool(table().alternative.match(words) or table().condition.match(words))


def holds_alternatives(title: str) -> bool:
    """Whether what stands under a title are ways or cases, one of which applies."""
    return table().alternative_parents.search(title_of(title).casefold()) is not None


def names_several(title: str) -> bool:
    """Whether a title speaks of several runbooks."""
    return table().plural_titles.search(title_of(title).casefold()) is not None


def runbook_title(title: str) -> str | None:
    """Return X of `Runbook: X` or `Runbook — X`, or None."""
    match = table().runbook.match(title_of(title))
    return match[1].strip() if match else None


def is_optional(text: str) -> bool:
    """Whether a text says that it may not be needed."""
    return table().optional.search(text) is not None


@lru_cache(maxsize=4096)
def role_of(title: str) -> Role:
    """Return the part of a run that a step of that title belongs to."""
    words = title_of(title).casefold()
    if words.startswith(table().rollback_titles):
        return Role.ROLLBACK
    return Role.POST_MORTEM if kind_of(title) is Kind.POST_MORTEM else Role.FORWARD


def bold_title(text: str) -> str | None:
    """Return the bold words a text begins with, or None."""
    match = _BOLD.match(text)
    return match[1].strip() if match else None


_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CODE_FIRST = re.compile(r"\s*`[^`]+`|\s*\$ ")


def is_instruction(text: str) -> bool:
    """Whether a bullet or sentence tells someone to do something."""
    first = plain(text).casefold()
    word = _WORD.match(first)
    if word and word[0] in table().verbs:
        return True
    if first.startswith(table().verb_beginnings):
        return True
    line = first.split("\n", 1)[0].rstrip("。.!:： ")
    return line.endswith(table().verb_endings) or bool(_CODE_FIRST.match(text))
