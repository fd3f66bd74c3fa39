"""What serves, which values it has, what users see, and what a way back is: asked of the twins."""

import psycopg
import pytest
from benchmarks.rollbacks.site import VALUES, Site

from drillbook.actions import deployment
from drillbook.actions.deployment.going_back import ReleaseBefore
from drillbook.actions.deployment.values import Values
from drillbook.core.errors import NotFound, Refused
from drillbook.ports.deployments import Deployments, EnvironmentValues
from drillbook.ports.migration_files import Ledgers
from drillbook.ports.probe import Probe
from drillbook.ports.repository import Repository
from drillbook.range.twins.vercel.switching import ask_for_switch, start_rollout
from drillbook.range.twins.vercel.values import set_values
from drillbook.stack.stack import Stack

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.


SUPABASES_LEDGER = """
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations
    (version text PRIMARY KEY, name text, statements text[]);
INSERT INTO supabase_migrations.schema_migrations
VALUES ('20991231120000', 'days', ARRAY['ALTER TABLE slots DROP COLUMN day']);
"""


def commit_of(site: Site, build: str) -> str:
    return str((site.hosting.deployment(build) or {})["commit"])


def values_of(stack: Stack, environment: str, **more: object) -> Values:
    ports = (
        stack.port(environment, EnvironmentValues),
        stack.port(environment, Deployments),
        stack.port(environment, Repository),
    )
    return deployment.env.do(*ports, **more)  # type: ignore[arg-type]  # the action's own keywords


def way_back(stack: Stack, **more: object) -> ReleaseBefore:
    ports = (
        stack.port("production", Deployments),
        stack.port("production", EnvironmentValues),
        stack.port("production", Repository),
        stack.port("production", Ledgers),
    )
    return deployment.way_back.do(*ports, **more)  # type: ignore[arg-type]  # as above


@pytest.fixture
def pair(site: Site, pair: tuple[str, str]) -> tuple[str, str]:
    """The two releases, of which the newer one serves."""
    ask_for_switch(site.hosting, "production", pair[1], "promote")
    site.gives_users(pair[1])
    site.hosting.change_project(lastAliasRequest=None, autoAssignCustomDomains=True)
    return pair


def test_names_of_values_are_compared_and_no_value_is_told(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    before = values_of(stack, "production")
    there = values_of(stack, "staging").names
    assert (before.ok, before.current, before.missing) == (True, True, ())

    documents = site.hosting.documents
    usual = documents.all("value")
    set_values(site.cloud, "production", {"VALKEY_URL": None, "PAYMENTS_KEY": "sk_canary_2"})
    set_values(site.cloud, "production", {"SUPPORT_EMAIL": "canary@booking.example"})
    try:
        found = values_of(stack, "production", against=there, other="staging", needed=("MAIL",))
    finally:
        # As if nobody had touched them: one set again would be one that was changed.
        for changed in documents.all("value"):
            documents.remove("value", changed["id"])
        for each in usual:
            documents.put("value", each["id"], each)

    assert (found.ok, found.current, found.build) == (False, False, pair[1])
    assert found.missing == ("VALKEY_URL", "MAIL")
    assert found.changed_since_build == ("PAYMENTS_KEY",)
    assert found.empty_since_build == ("SUPPORT_EMAIL",)
    assert found.gone_since_build == ("VALKEY_URL",)
    assert (found.only_here, found.only_there) == (("SUPPORT_EMAIL",), ("VALKEY_URL",))
    assert "the code needs VALKEY_URL, MAIL, which is not set" in found.says
    assert "canary" not in found.model_dump_json()
    told = found.model_dump_json()
    assert [value for value in VALUES.values() if len(value) > len("off") and value in told] == []


def test_code_without_an_example_needs_names_from_the_book(stack: Stack, pair: object) -> None:
    with pytest.raises(NotFound, match=r"the code has no nothing\.env"):
        values_of(stack, "production", example="nothing.env")

    found = values_of(stack, "production", example="nothing.env", needed=("LOGIN",))

    assert (found.needed, found.ok) == (("LOGIN",), True)


def test_what_serves_is_told_by_platform_and_app(stack: Stack, pair: tuple[str, str]) -> None:
    found = deployment.serving.do(
        stack.port("production", Deployments), stack.port("production", Probe)
    )
    staged = deployment.serving.do(stack.port("staging", Deployments), stack.port("staging", Probe))

    assert (found.id, found.agree, found.app_says) == (pair[1], True, (found.commit,) * 3)
    assert found.crons_of == pair[1]
    assert [cron.path for cron in found.crons] == ["/api/cron/reminders"]
    assert (staged.branch, staged.agree, staged.automatic) == ("develop", True, True)


def test_an_address_of_another_project_is_refused(site: Site, stack: Stack, pair: object) -> None:
    project = site.hosting.project()["id"]
    site.hosting.change_project(id="prj_another")
    try:
        with pytest.raises(Refused, match="belongs to another project of the team"):
            deployment.automatic.do(stack.port("production", Deployments))
    finally:
        site.hosting.change_project(id=project)


def test_the_apps_own_word_and_what_users_see_stand_side_by_side(
    stack: Stack, pair: object
) -> None:
    probe = stack.port("production", Probe)

    ill = deployment.probe.do(probe, paths=("/api/version",), times=2)
    worse = deployment.probe.do(probe, paths=("/api/nothing", "/api/version"), times=2)

    assert (ill.own_word_ok, ill.users_ok, ill.agree) == (False, True, False)
    assert "the app says it is not well, and users see nothing of it" in ill.says
    assert (worse.users_ok, worse.failed, worse.sent) == (False, 4, 6)
    assert worse.paths[0].problems == ("answered 404",)
    with pytest.raises(Refused, match="times is 0, and must be 1 to 200"):
        deployment.probe.do(probe, times=0)


def test_the_way_back_is_chosen_and_judged_on_the_real_parts(
    site: Site, pair: tuple[str, str], database_url: str
) -> None:
    stack = site.stack(database_url)
    older, newer = pair
    nothing = way_back(stack)
    site.migrate(stack, "0001_hotfix.sql", "CREATE TABLE slots (id int, day date)")
    unknown = way_back(stack)
    with psycopg.connect(database_url) as connection:
        connection.execute(SUPABASES_LEDGER)
    unsafe = way_back(stack)
    further = way_back(stack, avoid=(older,))
    gone = way_back(stack, to="dpl_nobody")
    itself = way_back(stack, to=commit_of(site, newer))

    assert (nothing.to, nothing.verdict, nothing.is_safe) == (older, "safe", True)
    # A migration that no commit has: what it did is not known, and that is not called safe.
    assert (unknown.to, unknown.verdict) == (older, "unknown")
    assert [one.name for one in unknown.unknown] == ["0001_hotfix.sql"]
    assert (unsafe.verdict, unsafe.is_safe) == ("unsafe", False)
    assert [one.says for one in unsafe.reasons] == ["line 1: the column day of slots is dropped"]
    assert further.to == site.first
    assert any("it is to be avoided" in one for one in further.passed_over)
    assert "the platform has this build no more" in gone.says
    assert "it serves now" in itself.says


def test_a_release_that_lost_its_users_before_is_no_way_back(
    site: Site, pair: tuple[str, str], database_url: str
) -> None:
    stack = site.stack(database_url)
    older, bad = pair
    ask_for_switch(site.hosting, "production", older, "rollback")
    site.gives_users(older)
    mended = site.built(site.commit({"NOTES.md": "mended\n"}, "The mended release"))
    ask_for_switch(site.hosting, "production", mended, "promote")
    site.gives_users(mended)

    found = way_back(stack)

    assert (found.to, found.serving, found.serving_commit) == (
        older, mended, commit_of(site, mended),
    )  # fmt: skip
    assert found.passed_over[0].startswith(f"{bad} of ")
    assert "served after it, right before what serves now" in found.passed_over[0]

    stages = [{"targetPercentage": share, "requireApproval": True} for share in (50, 100)]
    site.hosting.change_project(rollingRelease={"target": "production", "stages": stages})
    start_rollout(site.hosting, mended, bad)
    try:
        rolling = way_back(stack, to=mended)
    finally:
        site.hosting.change_project(rollingRelease=None, rollout=None)

    # While one is given users by and by, that is what there is to go back from.
    assert (rolling.to, rolling.serving, rolling.is_safe) == (mended, bad, True)


def test_before_the_first_release_there_is_no_way_back(
    site: Site, pair: tuple[str, str], database_url: str
) -> None:
    stack = site.stack(database_url)
    commits = [str(one["commit"]) for one in site.hosting.deployments()]

    with pytest.raises(NotFound, match="no release to go back to before"):
        way_back(stack, avoid=tuple(one for one in commits if one != commit_of(site, pair[1])))
