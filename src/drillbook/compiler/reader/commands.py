"""Steps in tables, in numbered comments of fences, and in paragraphs followed by a fence."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from dataclasses import replace

from drillbook.compiler.document import Attachment, LineKind, Role, Span, Step, Task
from drillbook.compiler.reader.outline import Item, Section
from drillbook.compiler.reader.scan import Block, BlockKind
from drillbook.compiler.reader.synonyms import synonyms
from drillbook.compiler.reader.tasks import Page, attachment_of, span_of
from drillbook.compiler.reader.words import (
    Kind,
    declares,
    is_condition,
    is_instruction,
    is_optional,
    kind_of,
    names_attachment,
    numbered,
    plain,
    role_of,
    step_title,
)

_COMMENT_STEP = re.compile(
    r"[ \t]*(?:#+|//|--|;|REM|::)[ \t#=*-]*"
    r"(?P<title>(?:\d{1,2}[.):]|\[?[^\W\d]{2,8}[ \t]*\d{1,2}\b).*?)[ \t=#*-]*$"
)
_TEXT_STEP = re.compile(
    r"[ \t]*(?P<title>\d{1,2}[.)][ \t]+\S.*|(?:step|schritt|paso|шаг)[ \t]*\d{1,2}\b.*|步骤.*)$",
    re.IGNORECASE,
)
_FENCE_SURE = 0.5
_HEREDOC = re.compile(r"<<-?\s*['\"\\]?(\w+)")


def rows_of(block: Block) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return a table's head, and each row with its line (from 0)."""
    cells = [_cells(row) for row in block.body]
    rows = [(block.line + at, row) for at, row in enumerate(cells) if at > 1]
    return cells[0], rows


def _cells(row: str) -> list[str]:
    inner = row.strip().removeprefix("|").removesuffix("|")
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", inner)]


def table_steps(
    block: Block, page: Page, role: Role | None, confidence: float, *, acting: bool
) -> list[Step]:
    """Return the steps of a table with a column of step numbers or, where acting, of actions."""
    head, rows = rows_of(block)
    names = [plain(cell).casefold() for cell in head]
    columns = synonyms()
    counted = names[0] in columns.step_columns
    told = counted or (acting and names[0] in columns.action_columns)
    if names[0] in columns.count_columns and not columns.action_columns.intersection(names[1:]):
        told = sum(any(map(is_instruction, row[1:])) for _, row in rows) * 2 > len(rows)
    if len(names) < 2 or not rows or not told:  # noqa: PLR2004  # number and action
        return []
    action = 0
    if counted:
        action = next(
            (n for n, name in enumerate(names) if n and name in columns.action_columns), 1
        )
    steps: list[Step] = []
    for line, row in rows:
        if len(row) <= action or not row[action]:
            continue
        title = plain(row[action])
        others = [
            f"{plain(head[at])}: {plain(cell)}" if at < len(head) else plain(cell)
            for at, cell in enumerate(row)
            if at != action and cell
        ]
        where = Span(line + 1, 1, line + 1)
        task = Task(title, where, is_optional(title))
        steps.append(
            Step(
                len(steps) + 1,
                title,
                where,
                role or role_of(title),
                is_optional(title),
                "\n".join(others),
                (task,),
                confidence=confidence,
            )
        )
        page.ledger.take(line, line + 1, LineKind.STEP)
    if steps:
        page.ledger.take(block.line, block.line + 2, LineKind.MARKUP)
    return steps


def fence_steps(section: Section, page: Page, role: Role | None) -> list[Step]:
    """Return the steps that numbered comments or numbered lines in fences name."""
    steps: list[Step] = []
    for block in section.own(BlockKind.FENCE):
        starts = numbered_lines(block)
        if len(starts) < 2 and not (steps and starts):  # noqa: PLR2004  # one number is no sequence
            continue
        steps += _fence_parts(block, starts, page, role)
    return [replace(step, number=at) for at, step in enumerate(steps, 1)]


def numbered_lines(block: Block) -> list[tuple[int, str]]:
    """Return the lines of a fence (from 0 in its body) that number a step, with their titles."""
    language = block.text.split(" ")[0].casefold()
    if language in _DATA and language not in ("txt", "text"):
        return []
    prose = language in ("", "text", "txt", "plain", "plaintext", "md", "markdown")
    if _holds_values(block):
        return []
    found: list[tuple[int, str]] = []
    heredoc = ""
    for at, line in enumerate(block.body):
        if heredoc:
            heredoc = "" if line.strip() == heredoc else heredoc
            continue
        match = _COMMENT_STEP.match(line) or (_TEXT_STEP.match(line) if prose else None)
        step = numbered(match["title"]) if match else None
        if step and match and (step.worded or match["title"][0].isdigit()):
            found.append((at, step.title))
        elif opened := _HEREDOC.search(line):
            heredoc = opened[1]
    return found


_VALUE = re.compile(r"[ \t]*(?:export[ \t]+)?[A-Z][A-Z0-9_]*=")


def _holds_values(block: Block) -> bool:
    """Whether all lines of a fence but its comments set a variable: a configuration."""
    lines = [line for line in block.body if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and all(map(_VALUE.match, lines))


_DATA = frozenset(
    {
        "json",
        "yaml",
        "yml",
        "toml",
        "ini",
        "xml",
        "html",
        "css",
        "mermaid",
        "diff",
        "csv",
        "output",
        "log",
        "console-output",
    }
)


_COMMENT = re.compile(r"[ \t]*(?:#+|//|--)[ \t]+(?P<title>\S.*)$")
_SHELLS = frozenset({"bash", "sh", "shell", "console", "zsh", "powershell", "sql", "cmd"})


def command_steps(section: Section, page: Page, role: Role | None, confidence: float) -> list[Step]:
    """Return the steps of a section that is all commands: its comments, or its title."""
    fences = [f for f in section.own(BlockKind.FENCE) if f.text.split(" ")[0].lower() in _SHELLS]
    texts = section.own(BlockKind.PARAGRAPH)
    if not fences or section.items or len(texts) > 1 or names_attachment(section.title):
        return []
    steps: list[Step] = []
    for fence in fences:
        starts = [(at, title) for at, title in _comments(fence) if is_instruction(title)]
        if starts:
            steps += _fence_parts(fence, starts, page, role)
    if steps:
        return [replace(step, number=at, confidence=confidence) for at, step in enumerate(steps, 1)]
    title = step_title(section.title)
    where = span_of(section.heading) if section.heading else span_of(fences[0])
    page.ledger.take(section.line, section.end, LineKind.STEP)
    shown = tuple(attachment_of(fence, page) for fence in fences)
    task = Task(title, where, is_optional(title))
    step = Step(
        1,
        title,
        where,
        role or role_of(title),
        is_optional(title),
        tasks=(task,),
        attachments=shown,
        confidence=confidence,
    )
    return [step]


def _comments(fence: Block) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for at, line in enumerate(fence.body):
        match = _COMMENT.match(line)
        if match:
            found.append((at, match["title"]))
    return found


def shows_commands(fence: Block) -> bool:
    """Whether a fence shows what to run, and not a diagram, a log or a result."""
    language = fence.text.split(" ")[0].casefold()
    return language in ("json", "yaml", "yml", "toml") or language not in _DATA


def _fence_parts(
    block: Block, starts: list[tuple[int, str]], page: Page, role: Role | None
) -> list[Step]:
    page.take(block, LineKind.ATTACHMENT)
    ends = [at for at, _ in starts[1:]] + [len(block.body)]
    steps: list[Step] = []
    for (at, title), end in zip(starts, ends, strict=True):
        begin = 0 if not steps else at
        line = block.line + 1 + at
        where = Span(line + 1, 1, line + 1)
        page.ledger.kinds[line] = LineKind.STEP
        body = "\n".join(block.body[begin:end])
        part = Attachment(block.text, body, Span(block.line + begin + 2, 1, block.line + end + 1))
        task = Task(plain(title), where, is_optional(title))
        steps.append(
            Step(
                len(steps) + 1,
                plain(title),
                where,
                role or role_of(title),
                is_optional(title),
                tasks=(task,),
                attachments=(part,),
                confidence=_FENCE_SURE,
            )
        )
    return steps


def paired_steps(section: Section, page: Page, role: Role | None, confidence: float) -> list[Step]:
    """Return the steps that instructions followed by a fence are; without fences, instructions."""
    found = pairs(section)
    steps: list[Step] = []
    for text, fences in found:
        title = plain(text.text).rstrip(":：")
        page.take(text, LineKind.STEP)
        steps.append(
            Step(
                number=len(steps) + 1,
                title=title,
                span=span_of(text),
                role=role or role_of(title),
                optional=is_optional(title),
                tasks=(Task(title, span_of(text), is_optional(title)),),
                attachments=tuple(attachment_of(fence, page) for fence in fences),
                confidence=confidence,
            )
        )
    return steps


_TOLD = (Kind.ACTION, Kind.ROLLBACK, Kind.ESCALATION, Kind.POST_MORTEM, Kind.VERIFICATION)


def pairs(section: Section) -> list[tuple[Block, list[Block]]]:
    """Return the paragraphs that tell what to do, each with the fences that show how."""
    found: list[tuple[Block, list[Block]]] = []
    for part in section.content:
        if isinstance(part, Item):
            continue
        if part.kind is BlockKind.PARAGRAPH and not part.quoted:
            found.append((part, []))
        elif part.kind is BlockKind.FENCE and found:
            found[-1][1].append(part)
    fenced = any(fences for _, fences in found)
    if not fenced and section.kind not in _TOLD:
        return []
    return [(text, fences) for text, fences in found if _leads(text, fences, fenced=fenced)]


def _leads(text: Block, fences: list[Block], *, fenced: bool) -> bool:
    """Whether a paragraph tells to do what its fence shows."""
    words = text.text
    if words.startswith("![") or kind_of(words) in (Kind.EFFECTS, Kind.CAUSES):
        return False
    if fences:
        language = fences[0].text.split(" ")[0].lower()
        if language in _SHELLS:
            # What the commands are for may stand in their comments, below text that only tells.
            told = is_instruction(words) or not any(map(_comments_tell, fences))
            return told or not (
                is_condition(words.rpartition(". ")[2]) or words.rstrip()[-1:] == "."
            )
        return language not in _DATA and (
            words.rstrip().endswith((":", "：")) or is_instruction(words)
        )
    leads = words.rstrip().endswith((":", "："))
    return not (fenced or leads or declares(words)) and is_instruction(words)


def _comments_tell(fence: Block) -> bool:
    return any(is_instruction(title) for _, title in _comments(fence))
