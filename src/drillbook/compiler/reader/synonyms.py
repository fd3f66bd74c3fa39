"""The table of synonyms, read once: phrases that are found by their first word."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_WORD = re.compile(r"\w+")
_CJK = re.compile(r"[぀-鿿가-힯]")


class Phrases:
    """Finds known phrases in a text: as whole words, or anywhere in scripts without spaces."""

    def __init__(self, ranked: list[list[str]]) -> None:
        self._by_word: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        self._unspaced: dict[str, int] = {}
        for rank, phrases in enumerate(ranked):
            for phrase in phrases:
                self._put(phrase, rank)
        ordered = sorted(self._unspaced, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)) or r"(?!)")

    def _put(self, phrase: str, rank: int) -> None:
        if _CJK.search(phrase):
            self._unspaced.setdefault(phrase, rank)
            return
        words = tuple(_WORD.findall(phrase))
        self._by_word.setdefault(words[0], []).append((words, rank))

    def rank(self, text: str) -> int | None:
        """Return the lowest rank of the phrases in a casefolded text, or None."""
        ranks: list[int] = []
        words = _WORD.findall(text)
        for at, word in enumerate(words):
            for phrase, rank in self._by_word.get(word, ()):
                if len(phrase) == 1 or tuple(words[at : at + len(phrase)]) == phrase:
                    ranks.append(rank)
        if not text.isascii():
            ranks += [self._unspaced[found] for found in self._pattern.findall(text)]
        return min(ranks, default=None)

    def begin(self, text: str) -> bool:
        """Whether a casefolded text begins with one of the phrases."""
        words = _WORD.findall(text[:200])
        known = self._by_word.get(words[0], ()) if words else ()
        if any(tuple(words[: len(phrase)]) == phrase for phrase, _ in known):
            return True
        return not text.isascii() and self._pattern.match(text) is not None


@dataclass(frozen=True, slots=True)
class Synonyms:
    """What words mean, by use."""

    kinds: tuple[str, ...]
    kind_names: dict[str, int]
    kind_phrases: Phrases
    step: re.Pattern[str]
    numerals: dict[str, int]
    alternative: re.Pattern[str]
    alternative_parents: Phrases
    plural_titles: Phrases
    reports: Phrases
    timelines: Phrases
    references_begin: Phrases
    conditions: Phrases
    condition_endings: tuple[str, ...]
    runbook: re.Pattern[str]
    optional: Phrases
    attachment_titles: Phrases
    generic_titles: frozenset[str]
    phases: frozenset[str]
    openers: frozenset[str]
    rollback_titles: tuple[str, ...]
    post_mortem_titles: Phrases
    verbs: frozenset[str]
    not_instructions: Phrases
    automatic: Phrases
    declared_endings: tuple[str, ...]
    english_words: Phrases
    ticked: Phrases
    verb_word_endings: tuple[str, ...]
    verb_beginnings: tuple[str, ...]
    verb_endings: tuple[str, ...]
    step_columns: frozenset[str]
    count_columns: frozenset[str]
    action_columns: frozenset[str]


@cache
def synonyms() -> Synonyms:
    """Return the table."""
    data = json.loads(Path(__file__).with_name("synonyms.json").read_text(encoding="utf-8"))
    kinds = data["kinds"]
    names: dict[str, int] = {}
    for rank, words in enumerate(kinds.values()):
        for name in words["is"]:
            names.setdefault(name, rank)
    return Synonyms(
        kinds=tuple(kinds),
        kind_names=names,
        kind_phrases=Phrases([words["has"] for words in kinds.values()]),
        step=_step_pattern(data["step_words"], data["numerals"]),
        numerals=data["numerals"],
        alternative=_alternative_pattern(data["alternatives"], data["numerals"]),
        alternative_parents=Phrases([data["alternative_parents"]]),
        plural_titles=Phrases([data["plural_titles"]]),
        reports=Phrases([data["reports"]]),
        timelines=Phrases([data["timelines"]]),
        references_begin=Phrases([data["references_begin"]]),
        conditions=Phrases([data["conditions"]]),
        condition_endings=tuple(data["condition_endings"]),
        runbook=re.compile(
            rf"(?:{'|'.join(data['runbook_words'])})s?\s*(?:#?\d+\s*)?[:：\-–—|]+\s*(\S.*)$",
            re.IGNORECASE,
        ),
        optional=Phrases([data["optional"]]),
        attachment_titles=Phrases([data["attachment_titles"]]),
        generic_titles=frozenset(data["generic_titles"]),
        phases=frozenset(data["phases"]),
        openers=frozenset(data["openers"]),
        rollback_titles=tuple(data["rollback_titles"]),
        post_mortem_titles=Phrases([kinds["post_mortem"]["has"]]),
        verbs=frozenset(" ".join(data["verbs"].values()).split()),
        not_instructions=Phrases([data["not_instructions"]]),
        automatic=Phrases([data["automatic"]]),
        declared_endings=tuple(data["declared_endings"]),
        ticked=Phrases([data["ticked"]]),
        verb_word_endings=tuple(data["verb_word_endings"]),
        english_words=Phrases([data["english_words"]]),
        verb_beginnings=tuple(data["verb_beginnings"]),
        verb_endings=tuple(data["verb_endings"]),
        count_columns=frozenset(data["count_columns"]),
        step_columns=frozenset(data["step_columns"]),
        action_columns=frozenset(data["action_columns"]),
    )


def _step_pattern(words: list[str], numerals: dict[str, int]) -> re.Pattern[str]:
    count = rf"\d{{1,3}}(?:\.\d{{1,2}})*(?![A-Za-z\d]|\s*[~～–-]\s*\d)|{'|'.join(numerals)}"
    separator = r"[\s:.)、．：\-–—|]*"
    return re.compile(
        rf"(?:{'|'.join(map(re.escape, words))})"
        rf"(?:\s*[#№]?\s*({count})|[\s#]+([a-h](?!\w))){separator}(.*)$"
        rf"|(?:第)?({count})\s*(?:단계|步骤|步|ステップ|шаг|этап){separator}(.*)$",
        re.IGNORECASE | re.DOTALL,
    )


def _alternative_pattern(words: list[str], numerals: dict[str, int]) -> re.Pattern[str]:
    signs = "".join(sign for sign in numerals if len(sign) == 1)
    return re.compile(
        rf"(?:{'|'.join(words)})\s*[#№]?\s*(?:\d{{1,2}}|[a-h]|[ivx]{{1,4}}|[{signs}])(?!\w)",
        re.IGNORECASE,
    )
