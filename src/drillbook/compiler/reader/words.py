"""What the words of headings and bullets mean, from a table that is data."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, wraps
from typing import TypeVar

from drillbook.compiler.document import Role
from drillbook.compiler.reader.scan import MOST_HEADINGS
from drillbook.compiler.reader.synonyms import synonyms

_T = TypeVar("_T")


class Kind(StrEnum):
    """What a section of a runbook is for; the order in the table decides between two."""

    CONTENTS = "contents"
    CRITERIA = "criteria"
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
    LATER = "later"
    REFERENCES = "references"
    FACTS = "facts"
    ABOUT = "about"
    INPUTS = "inputs"
    VERIFICATION = "verification"
    ACTION = "action"
    UNKNOWN = "unknown"


NOT_STEPS = {
    Kind.CRITERIA: "criteria to decide by, not steps",
    Kind.CONTENTS: "a table of contents, not steps",
    Kind.NOT_TO_DO: "what not to do, not steps",
    Kind.TEMPLATE: "a message template, not steps",
    Kind.CAUSES: "causes, not steps",
    Kind.EFFECTS: "what will happen, not steps",
    Kind.LATER: "for later, not steps",
    Kind.REFERENCES: "references, not steps",
    Kind.FACTS: "facts to know, not steps",
    Kind.ABOUT: "about the runbook, not steps",
}
PARTS = frozenset({*NOT_STEPS, *Kind} - {Kind.UNKNOWN, Kind.ACTION})


_LONGEST_TITLE = 200
_LONGEST_TEXT = 2000
_KNOWN = 2 * MOST_HEADINGS  # fewer would forget a title before it is asked for again
_URL = re.compile(r"<?https?://\S+")
_SPOKEN_WORD = re.compile(r"[^\W\d_]{2,}")
_LINK = re.compile(r"!?\[([^\[\]]+)\]\([^()]*\)")
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


def _remembered(function: Callable[[str], _T]) -> Callable[[str], _T]:
    """Answer from memory for texts seen before; of a long text only the beginning counts."""
    known = lru_cache(maxsize=_KNOWN)(function)

    @wraps(function)
    def answer(text: str) -> _T:
        return known(text[:_LONGEST_TITLE])

    return answer


def title_of(text: str) -> str:
    """Return a heading's words: no emphasis, no sign before, no colon behind."""
    return _title_of(text) if len(text) <= _LONGEST_TITLE else plain(text)


@lru_cache(maxsize=_KNOWN)
def _title_of(text: str) -> str:
    return _AT_END.sub("", _LEAD.sub("", plain(text).strip())) or plain(text).strip()


@_remembered
def is_named(title: str) -> bool:
    """Whether a title is exactly one of the known names, such as `Mitigation`."""
    words = title_of(title).casefold()
    bare = _NUMBER.sub("", _AT_END.sub("", _PARENS.sub(" ", words)).strip(), count=1)
    return bare in synonyms().kind_names


@_remembered
def kind_of(title: str) -> Kind:
    """Return what a section of that title is for."""
    table = synonyms()
    words = title_of(title).casefold().strip("<>\"'「」『』【】")
    bare = _AT_END.sub("", _PARENS.sub(" ", words)).strip() or words
    numberless = _NUMBER.sub("", bare, count=1)
    rank = table.kind_names.get(bare, table.kind_names.get(numberless))
    if rank is None:
        rank = table.kind_phrases.rank(numberless)
    return Kind.UNKNOWN if rank is None else Kind(table.kinds[rank])


@dataclass(frozen=True, slots=True)
class Numbered:
    """A title that begins with a number: `Step 2: Drain` is 2, `Drain`, worded."""

    number: int
    title: str
    worded: bool
    deep: bool


_SPOKEN = re.compile(r"[^\W\d_]{2}|[^\W\d_].*[^\W_]|[\u3040-\u9fff\uac00-\ud7af]")
_PLAIN_NUMBER = re.compile(
    r"(\d{1,3}(?:\.\d{1,3})*)(?:[.)、:：．]\s*|\s+[-–—]\s+|\s+)(\S.*)$|([①-⑳])\s*(\S.*)$", re.DOTALL
)


def numbered(title: str) -> Numbered | None:
    """Return the number a title begins with, or None."""
    return _numbered(title) if len(title) <= _LONGEST_TITLE else None


@lru_cache(maxsize=_KNOWN)
def _numbered(title: str) -> Numbered | None:
    words = title_of(title)
    if match := synonyms().step.match(words):
        count = match[1] or match[2] or match[4]
        rest = match[5] if match[4] else match[3]
        shown = rest.strip() if _SPOKEN.search(rest) else words
        return Numbered(_count(count), shown, worded=True, deep="." in count)
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
    return synonyms().numerals.get(last) or ord(last[0]) - ord("a") + 1


@_remembered
def is_alternative(title: str) -> bool:
    """Whether a title names one way of several: `Option A`, `If the disk is full`."""
    table = synonyms()
    words = title_of(title).casefold()
    if table.alternative.match(words) or table.conditions.begin(words):
        return True
    return words.endswith(table.condition_endings)


def is_condition(text: str) -> bool:
    """Whether a sentence begins with a condition: `If the replica lags`."""
    return synonyms().conditions.begin(plain(text[:_LONGEST_TITLE]).casefold())


@_remembered
def holds_alternatives(title: str) -> bool:
    """Whether what stands under a title are ways or cases, one of which applies."""
    words = title_of(title).casefold()
    return synonyms().alternative_parents.rank(words) is not None


def names_several(title: str) -> bool:
    """Whether a title speaks of several runbooks."""
    words = title_of(title).casefold()
    return synonyms().plural_titles.rank(words) is not None


def names_report(title: str) -> bool:
    """Whether a title speaks of what happened: an incident report."""
    return synonyms().reports.rank(title_of(title).casefold()) is not None


def names_timeline(title: str) -> bool:
    """Whether a title announces what happened when."""
    return synonyms().timelines.rank(title_of(title).casefold()) is not None


def runbook_title(title: str) -> str | None:
    """Return X of `Runbook: X` or `Runbook — X`, or None."""
    match = synonyms().runbook.match(title_of(title)) if len(title) <= _LONGEST_TITLE else None
    return match[1].strip() if match else None


def procedure_title(title: str) -> str:
    """Return a heading's words as the title of a procedure."""
    return runbook_title(title) or step_title(title)


def is_optional(text: str) -> bool:
    """Whether a text says that it may not be needed."""
    if len(text) <= _LONGEST_TITLE:
        return _is_optional(text)
    return synonyms().optional.rank(text[:_LONGEST_TEXT].casefold()) is not None


@_remembered
def _is_optional(text: str) -> bool:
    return synonyms().optional.rank(text.casefold()) is not None


@_remembered
def role_of(title: str) -> Role:
    """Return the part of a run that a step of that title belongs to."""
    words = title_of(title).casefold()
    if words.startswith(synonyms().rollback_titles):
        return Role.ROLLBACK
    named = is_named(title) and kind_of(title) is Kind.POST_MORTEM
    after = named or synonyms().post_mortem_titles.begin(words)
    return Role.POST_MORTEM if after else Role.FORWARD


def bold_title(text: str) -> str | None:
    """Return the bold words a text begins with, or None."""
    match = _BOLD.match(text)
    return match[1].strip() if match else None


_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def _is_field(text: str, end: int) -> bool:
    """Whether a first word that may be a verb names a value: `Type: runbook`."""
    return text[end : end + 1] in (":", "：", "=")


_CODE_FIRST = re.compile(r"\s*`[^`\s]+\s[^`]+`|\s*\$ ")
_CJK_FIELD = re.compile(r"[^\s:：]{1,8}[:：]")


@_remembered
def is_instruction(text: str) -> bool:
    """Whether a bullet or sentence tells someone to do something."""
    first = _opened(plain(text).casefold())
    word = _WORD.match(first)
    if word and _is_verb(word[0]):
        return not (_is_field(first, word.end()) or synonyms().not_instructions.begin(first))
    if first.startswith(synonyms().verb_beginnings):
        return not _CJK_FIELD.match(first)
    line = first.split("\n", 1)[0].rstrip("。.!:： ")
    return line.endswith(synonyms().verb_endings) or bool(_CODE_FIRST.match(text))


def _is_verb(word: str) -> bool:
    table = synonyms()
    long = len(word) > 5  # noqa: PLR2004  # `Tiere` is none
    return word in table.verbs or (long and word.endswith(table.verb_word_endings))


def _opened(text: str) -> str:
    """Return a sentence from its main verb on: `If it is full, delete`, `Gracefully stop`."""
    text = text.lstrip("*_ →-")
    if "," in text and synonyms().conditions.begin(text):
        text = text.partition(",")[2].lstrip()
    word = _WORD.match(text)
    if word and (word[0] in synonyms().openers or word[0].endswith("ly")):
        return text[word.end() :].lstrip(" ,")
    return text


def is_opened(text: str) -> bool:
    """Whether a text begins with a word such as `first` or `then`."""
    word = _WORD.match(text.casefold())
    return word is not None and word[0] in synonyms().openers


@_remembered
def tells_what_happens(text: str) -> bool:
    """Whether a bullet says what something does by itself: `Restarts the service`."""
    word = _WORD.match(plain(text).casefold())
    if word is None or word[0] in synonyms().verbs or not word[0].endswith("s"):
        return False
    stem = word[0][:-1]
    stems = {stem, stem.removesuffix("e"), stem.removesuffix("ie") + "y"}
    return not stems.isdisjoint(synonyms().verbs)


def names_automatic(title: str) -> bool:
    """Whether a title announces what happens by itself: `Automatic failover`."""
    return synonyms().automatic.rank(title_of(title).casefold()) is not None


def asks_to_tick(text: str) -> bool:
    """Whether a text asks to mark what is so: `Check all that apply`."""
    return synonyms().ticked.rank(text[:_LONGEST_TEXT].casefold()) is not None


def declares(text: str) -> bool:
    """Whether a sentence may as well say what is so: a plain verb at its end, as in Japanese."""
    return text.rstrip(" 。.\n").endswith(synonyms().declared_endings)


def is_english(text: str) -> bool:
    """Whether a text holds the small words of English, whose verbs are known best."""
    return text.isascii() and synonyms().english_words.rank(text.casefold()) is not None


def tells_after_label(text: str) -> bool:
    """Whether the words behind a bold label tell what to do: `**Leak**: Rotate the key`."""
    label = _LABELLED.match(text)
    return label is not None and is_instruction(label[1])


_LABELLED = re.compile(
    r"\s*(?:\*\*|__)[^*_]+(?:[:：](?:\*\*|__)|(?:\*\*|__)\s*[:：—–-])\s*(\S.*)", re.DOTALL
)
_EXPLAINED = re.compile(r"\s*`[^`]+`\s*(?:[—–:：]|-\s|\(|→)\s*\S")


def explains_command(text: str) -> bool:
    """Whether a bullet says what a command is for: `` `ctl list` — every job``."""
    return _EXPLAINED.match(text) is not None


def is_reference(text: str) -> bool:
    """Whether a bullet only points to something to read: `See [the guide](guide.md)`."""
    if "](" not in text and "http" not in text:
        return False
    rest = _URL.sub("", _LINK.sub("", text[:_LONGEST_TEXT]))
    pointing = synonyms().references_begin.begin(plain(text).casefold())
    return len(_SPOKEN_WORD.findall(rest)) <= (4 if pointing else 1)


def names_attachment(title: str) -> bool:
    """Whether a title announces something to show: a script, a query, an example."""
    words = title_of(title).casefold()
    return synonyms().attachment_titles.rank(words) is not None


def is_generic(title: str) -> bool:
    """Whether a title only says that steps follow: `Steps`, `Solution`."""
    return title_of(title).casefold() in synonyms().generic_titles


def is_phase(title: str) -> bool:
    """Whether a title names a phase of an incident, such as detection."""
    words = step_title(title).casefold()
    return words in synonyms().phases
