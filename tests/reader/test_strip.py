"""Directives: which code spans are, which are not, and a file without them."""

import pytest

from drillbook.compiler.reader import read_book
from drillbook.compiler.strip import directives_in_comments, stray_directives, strip

BOUND = """\
## Runbook: Move\r
\r
### Steps\r
1. **Look** \r
\t- Count sessions `@database.connections on=production as seen`\r
\t  - expect: `seen.used > 1`\r
\t  - timeout: 10m\r
\t- Ask\r
2. Restart `@deployment.redeploy on=production`\r
   - needs: 1 approval from dba"""

PLAIN = """\
## Runbook: Move\r
\r
### Steps\r
1. **Look** \r
\t- Count sessions\r
\t- Ask\r
2. Restart\r
"""


def test_directives_go_with_the_space_before_and_their_sub_bullets() -> None:
    assert strip(BOUND) == PLAIN


@pytest.mark.parametrize(
    "line",
    [
        "- Update `@angular/core` first",
        "- Decorated with `@property` and `@dataclass`",
        "- Mail from `@example.com`",
        "- The fixture `@pytest.fixture` is slow",
        "- Write `` `@backup.create on=production` `` behind it",
        "Text with `@backup.create` in a paragraph",
        "- [ ] done\n  - needs: water",
        "    - needs: 1 approval from dba",
        "```\n- a `@backup.create on=production`\n```",
        "| `@backup.create` | x |",
    ],
)
def test_text_that_looks_like_a_directive_stays(line: str) -> None:
    text = f"# X\n\n- one\n{line}\n"

    assert strip(text) == text


@pytest.mark.parametrize("sign", ["-", "*", "+", "1.", "2)", "> -", "- [ ]"])
def test_every_kind_of_bullet_can_be_bound(sign: str) -> None:
    assert strip(f"{sign} Look `@checks.health on=production`  \n") == f"{sign} Look  \n"


def test_a_directive_on_a_continuation_line_binds_its_bullet() -> None:
    text = "1. Look at the page\n   for a while `@checks.health`\n   - timeout: 5m\n"

    task = read_book(text, name="x.md").runbooks[0].procedures[0].steps[0].tasks[0]

    assert task.directive is not None
    assert (task.directive.text, task.directive.span.line) == ("@checks.health", 2)
    assert task.directive.span.column == text.split("\n")[1].index("`@") + 1
    assert [option.key for option in task.options] == ["timeout"]
    assert strip(text) == "1. Look at the page\n   for a while\n"


def test_options_of_a_choice_belong_to_the_nearest_bound_bullet() -> None:
    text = (
        "1. **Resolve**\n"
        "   - Choose `@choose`\n"
        '     - Ship `@runbook name="Deploy"`\n'
        "       - needs: 1 approval from dba\n"
        "     - Wait\n"
        "     - timeout: 5m\n"
    )

    choice = read_book(text, name="x.md").runbooks[0].procedures[0].steps[0].tasks[0]

    assert [option.key for option in choice.options] == ["timeout"]
    assert [child.text for child in choice.children] == ["Ship", "Wait"]
    assert [option.key for option in choice.children[0].options] == ["needs"]
    assert strip(text) == "1. **Resolve**\n   - Choose\n     - Ship\n     - Wait\n"


def test_a_directive_in_a_comment_is_found_and_kept() -> None:
    text = "# X\n\n- one <!-- `@backup.create on=x` -->\n\n<!--\n- two `@backup.list on=y`\n-->\n"

    found = directives_in_comments(text)

    assert [(d.text, d.span.line) for d in found] == [
        ("@backup.create on=x", 3),
        ("@backup.list on=y", 6),
    ]
    assert strip(text) == text


def test_directives_that_bind_nothing_are_told_apart() -> None:
    text = (
        "Paragraph `@backup.create on=x`\n\n"
        "- two `@backup.list on=x` `@checks.health on=x`\n"
        "- three `@backup.create on=production\n"
    )

    reasons = [(stray.span.line, stray.reason) for stray in stray_directives(text)]

    assert reasons == [
        (1, "outside a bullet"),
        (3, "second on its bullet"),
        (4, "not closed by a backtick"),
    ]
