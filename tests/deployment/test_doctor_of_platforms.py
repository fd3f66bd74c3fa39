"""The doctor on platforms: what works is shown by using it, what does not is a sentence."""

from pathlib import Path
from time import sleep

import pytest
from benchmarks.rollbacks.site import Site

from drillbook.core.errors import DrillbookError
from drillbook.range.cloud import PROJECT_REF
from drillbook.range.twins.vercel.switching import ask_for_switch
from drillbook.stack import platform_proofs
from drillbook.stack.stack import Stack, load_stack

PROOFS = {
    "hosting": platform_proofs.hosting,
    "repository": platform_proofs.repository,
    "project": platform_proofs.project,
}
PROJECT = (
    'provider = "supabase"\nproject = "{ref}"\ntoken = "file:{token}.token"\napi = "{api}"\n'
    'url = "file:production.database-url"'
)


def changed(site: Site, before: str, after: str) -> Stack:
    """Return the site's stack with one setting changed, in a file of its own."""
    text = (site.cloud.range / "stack.toml").read_text()
    text = text.replace(
        'provider = "postgres"\nurl = "file:production.database-url"',
        PROJECT.format(ref=PROJECT_REF, token="cloud/supabase", api=site.cloud.url("supabase")),
    )
    path = Path(site.cloud.range) / "changed.toml"
    assert before in text
    path.write_text(text.replace(before, after))
    return load_stack(path)


def test_platforms_that_work_are_shown_by_using_them(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    ask_for_switch(site.hosting, "production", pair[1], "promote")
    site.gives_users(pair[1])
    # A promotion turns automatic assignment on as the last it does.
    while site.hosting.project()["lastAliasRequest"]["jobStatus"] != "succeeded":
        sleep(0.01)
    working = changed(site, "production", "production")

    hosting = platform_proofs.hosting(working, "production")
    site.hosting.change_project(autoAssignCustomDomains=False)
    dark = platform_proofs.hosting(working, "production")
    site.hosting.change_project(autoAssignCustomDomains=True)
    hub = platform_proofs.repository(working, "staging")

    assert f"{pair[1]} of " in hosting
    assert hosting.endswith("automatic assignment is on; 7 values are set")
    assert "automatic assignment is OFF (deployment.resume turns it on)" in dark
    assert "develop is at " in hub
    assert "whether it may merge is not tried" in hub


@pytest.mark.parametrize(
    ("proof", "before", "after", "says"),
    [
        ("hosting", "cloud/vercel.token", "wrong.token", "Vercel"),
        ("hosting", 'project = "booking"', 'project = "nothing"', "nothing"),
        ("hosting", "file:cloud/vercel.token", "env:NO_SUCH_TOKEN", "NO_SUCH_TOKEN"),
        ("repository", 'branch = "main"', 'branch = "trunk"', "has no branch trunk"),
        ("repository", "drillbook-range/booking", "drillbook-range/other", "other has no branch"),
        ("repository", "cloud/github.token", "wrong.token", "GitHub"),
        ("project", "cloud/supabase.token", "wrong.token", "Supabase"),
        ("project", PROJECT_REF, "nosuchprojectatallab", "nosuchprojectatallab"),
    ],
)
def test_each_wrong_setting_is_a_sentence_with_what_to_do(
    site: Site, stack: Stack, proof: str, before: str, after: str, says: str
) -> None:
    wrong = site.cloud.range / "wrong.token"
    wrong.write_text("canary-wrong-token")
    wrong.chmod(0o600)

    with pytest.raises(DrillbookError) as caught:
        PROOFS[proof](changed(site, before, after), "production")

    assert says in str(caught.value)
    assert caught.value.hint
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_an_app_that_is_not_the_projects_is_told(site: Site, stack: Stack, pair: object) -> None:
    staging = site.cloud.app_url("staging")
    mixed = changed(site, f'url = "{site.cloud.app_url("production")}"', f'url = "{staging}"')

    with pytest.raises(DrillbookError, match="of develop, which was not built for production"):
        platform_proofs.hosting(mixed, "production")
