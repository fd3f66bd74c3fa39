"""Texts to try the reader on: any characters, Markdown-like lines, changed corpus files."""

import json
from pathlib import Path

from hypothesis import strategies as st

from drillbook.compiler import reader

SYNONYMS = Path(reader.__file__).with_name("synonyms.json")
STEP_WORDS: list[str] = json.loads(SYNONYMS.read_text(encoding="utf-8"))["step_words"]
CORPUS = Path(__file__).parent / "corpus"

_BITS = [
    "# ", "## ", "### ", "- ", "* ", "1. ", "2) ", "10. ", "  - ", "    ", "\t", "> ", ">> ",
    "- [ ] ", "- [x] ", "```", "```bash", "```AA", "~~~", "    ```", "<!--", "-->",
    "<!-- x -->", "---", "===", "|a|b|", "|-|-|", "| 1 | do |", "**Steps**:", "**Step 1**",
    "Step 2: go", "Response:", "Runbook: X",
    "Prerequisites", "Symptoms:", "Rollback", "步骤 1", "手順 2",
    "Шаг 3", "Étape 1", "If it fails:", "Option A", "This will:", "Possible causes:",
    "<details>", "`code`", "``", "`", "@a", "`@angular/core`", "*", "_", "[link](x)", "word",
    "check it", "。",
    "\u2028", "\x0b", "\x85", "\ufeff", "é", "🚨", "①", "title: x", "steps:", "...", "(if needed)",
]  # fmt: skip

lines = st.lists(st.sampled_from(_BITS), max_size=4).map("".join)
ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", "\r"])
markdown = st.lists(st.tuples(lines, ends).map("".join), max_size=30).map("".join)
anything = st.text(max_size=300)


def corpus_files() -> list[Path]:
    return sorted(CORPUS.glob("*.md"))


@st.composite
def changed_corpus(draw: st.DrawFn, *, bound: bool = True) -> str:
    files = [path for path in corpus_files() if bound or path.stem != "en-bound"]
    path = draw(st.sampled_from(files))
    kept = path.read_text(encoding="utf-8").split("\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(kept) - 1))
        how = draw(st.sampled_from(["drop", "double", "insert", "cut", "indent"]))
        if how == "drop" and len(kept) > 1:
            del kept[at]
        elif how == "double":
            kept.insert(at, kept[at])
        elif how == "insert":
            kept.insert(at, draw(lines))
        elif how == "cut":
            kept[at] = kept[at][: draw(st.integers(0, 20))]
        else:
            kept[at] = "  " + kept[at]
    return draw(st.sampled_from(["\n", "\r\n"])).join(kept)


texts = st.one_of(anything, markdown, changed_corpus())
plain_texts = st.one_of(anything, markdown, changed_corpus(bound=False))
