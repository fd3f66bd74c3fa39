"""Following a commit: it ends when users are served by it, and at once where waiting is in vain."""

from datetime import timedelta

import pytest
from benchmarks.rollbacks.site import Site

from drillbook.actions import deployment
from drillbook.actions.deployment.following import Followed
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused
from drillbook.ports.deployments import Deployments
from drillbook.ports.probe import Probe
from drillbook.range.history.changes import change
from drillbook.range.twins.vercel.switching import ask_for_switch
from drillbook.range.twins.weather import FAIR, Mode, Weather, set_weather
from drillbook.stack.stack import Stack

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.

SHORT = timedelta(seconds=0.4)
NOBODYS = "0123456789abcdef0123456789abcdef01234567"


def follow(stack: Stack, commit: str, within: timedelta = SHORT) -> Followed:
    deployments = stack.port("production", Deployments)
    probe = stack.port("production", Probe)
    effect = Effect(key="follow", progress=lambda *_: None)
    return deployment.follow.do(deployments, probe, effect, commit=commit, within=within, probes=3)


def give(site: Site, build: str) -> None:
    ask_for_switch(site.hosting, "production", build, "promote")
    site.gives_users(build)


def commit_of(site: Site, build: str) -> str:
    return str((site.hosting.deployment(build) or {})["commit"])


def test_a_push_is_followed_until_the_app_itself_names_the_commit(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    commit = site.commit({}, "Followed", onto=commit_of(site, pair[1]))

    found = follow(stack, commit, timedelta(seconds=20))

    assert (found.commit, found.app_says, found.automatic) == (commit, (commit,) * 3, True)
    assert "serves after" in found.says


def test_a_build_that_fails_ends_it_at_once_with_the_end_of_its_log(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    wrong = change("release-does-not-build")
    tree = {path: site.read(path) + "\n" for path in wrong.paths if path in site.paths()}
    after = wrong.put_on(tree)
    files = {path: after[path] for path in wrong.paths}
    commit = site.commit(files, "Does not build", onto=commit_of(site, pair[1]))
    site.built(commit)

    with pytest.raises(Failed, match="ended as error") as caught:
        follow(stack, commit, timedelta(hours=1))

    assert "its log ends:\n" in str(caught.value)
    assert str(caught.value).endswith("exited with 2")
    assert not caught.value.again


def test_with_automatic_assignment_off_it_says_at_once_that_nothing_will_serve(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    give(site, pair[1])
    site.hosting.change_project(autoAssignCustomDomains=False)
    deployments = stack.port("production", Deployments)
    try:
        with pytest.raises(Failed, match="0123456 may be built and will not serve") as unbuilt:
            follow(stack, NOBODYS, timedelta(hours=1))
        with pytest.raises(Failed, match="is ready and will not serve"):
            follow(stack, commit_of(site, pair[0]), timedelta(hours=1))
        told = deployment.automatic.do(deployments)
        assert follow(stack, commit_of(site, pair[1])).automatic is False
    finally:
        site.hosting.change_project(autoAssignCustomDomains=True)

    assert "deployment.resume" in unbuilt.value.hint
    assert (told.is_on, told.serving) == (False, pair[1])
    assert "what is built now will not serve" in told.says


def test_a_newer_deployment_that_overtook_is_named(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    give(site, pair[1])

    with pytest.raises(Failed, match="a newer deployment has overtaken") as caught:
        follow(stack, commit_of(site, pair[0]), timedelta(hours=1))

    assert pair[1] in str(caught.value)


def test_what_never_serves_ends_with_what_was_seen(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    give(site, pair[1])
    set_weather(site.cloud.weather, "vercel", FAIR)

    with pytest.raises(Failed, match=r"after 400ms: the platform has no build of 0123456 yet"):
        follow(stack, NOBODYS)
    with pytest.raises(Refused, match="'0123456' is not the whole id of a commit"):
        follow(stack, NOBODYS[:7])
    with pytest.raises(Refused, match="'main' is not the whole id of a commit"):
        follow(stack, "main")

    site.hosting.documents.put("fault", "edge", {"why": "test"})
    try:
        give(site, pair[0])
        with pytest.raises(Failed, match="platform and app disagree: the platform says") as caught:
            follow(stack, commit_of(site, pair[0]))
    finally:
        site.hosting.documents.remove("fault", "edge")
    give(site, pair[1])

    assert f"the app says it is {commit_of(site, pair[1])[:7]} 3 of 3 times" in str(caught.value)


def test_a_platform_that_is_away_holds_nobody_longer_than_within(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    set_weather(site.cloud.weather, "vercel", Weather(mode=Mode.FAILING))
    try:
        with pytest.raises(Failed, match="the platform did not answer"):
            follow(stack, commit_of(site, pair[1]))
    finally:
        set_weather(site.cloud.weather, "vercel", FAIR)

    assert follow(stack, commit_of(site, pair[1]), timedelta(seconds=20)).id == pair[1]


def test_what_a_failed_build_printed_of_the_apps_secrets_is_not_told(
    site: Site, stack: Stack, pair: tuple[str, str]
) -> None:
    url = "postgresql://booking:hunter22@db.example/booking"
    says = f"echo cannot reach {url} with PAYMENTS_KEY=sk_canary_77; exit 1"
    good = commit_of(site, pair[1])
    files = {"vercel.json": f'{{"buildCommand": "{says}"}}'}
    commit = site.commit(files, "Print too much", onto=good)

    with pytest.raises(Failed, match="cannot reach") as caught:
        follow(stack, commit, timedelta(seconds=20))
    site.built(site.commit({}, "Build as ever", onto=good))

    assert "postgresql://booking:[hidden]@db.example/booking" in str(caught.value)
    assert "hunter22" not in str(caught.value)
    assert "canary" not in str(caught.value)
