from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from drillbook.core.effect import deadline
from drillbook.core.errors import NotFound, OutcomeUnknown, Refused, Unavailable
from drillbook.ports.deployments import Hosting, Stage, SwitchKind, SwitchStage
from drillbook.providers.vercel import Vercel
from drillbook.range.cloud import TEAM, TEAM_SLUG
from drillbook.range.twins.vercel import make_app
from twins import contract, standin
from twins.vercel_cloud import VercelCloud, vercel_cloud


@dataclass
class Gateway:
    """Stands before the twin and loses answers or answers for it: (method, kind) by kind of fault.

    `lose`: the request is carried out and its answer lost; `say`: this status instead of it.
    """

    lose: set[str] = field(default_factory=set[str])
    say: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    passed: list[str] = field(default_factory=list[str])

    def before(self, app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def serve(scope: Any, receive: Any, send: Any) -> None:
            method = scope.get("method", "")
            if scope["type"] == "http" and self.say.get(method):
                status = self.say[method].pop(0)
                await send({"type": "http.response.start", "status": status, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            if scope["type"] == "http":
                self.passed.append(f"{method} {scope['path']}")
            if scope["type"] == "http" and method in self.lose:

                async def nothing(message: Any) -> None:
                    if message["type"] == "http.response.body":
                        raise ConnectionAbortedError

                await app(scope, receive, nothing)
                return
            await app(scope, receive, send)

        return serve


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VercelCloud]:
    with vercel_cloud(tmp_path_factory.mktemp("vercel")) as running:
        yield running
        violations = running.contract.violations
        assert not violations, "\n".join(sorted(set(violations)))


@pytest.fixture(scope="module")
def production(twin: VercelCloud) -> Vercel:
    return _vercel(twin, twin.url, "production")


@pytest.fixture(scope="module")
def staging(twin: VercelCloud) -> Vercel:
    return _vercel(twin, twin.url, "staging")


@pytest.fixture(scope="module")
def gateway(twin: VercelCloud) -> Iterator[tuple[Gateway, str]]:
    made = Gateway()
    # A second door to the same hosting; only the first one's threads build and switch.
    app = make_app(twin.cloud, tied=False)

    async def without_threads(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await app(scope, receive, send)

    with contract.serve(made.before(without_threads)) as url:
        yield made, url


def _vercel(twin: VercelCloud, url: str, environment: str) -> Vercel:
    target = "production" if environment == "production" else "preview"
    return Vercel(
        api=url,
        token=lambda: twin.cloud.token("vercel"),
        project="booking",
        team=TEAM_SLUG,
        target=target,
        branch="main" if environment == "production" else "develop",
        url=lambda: twin.cloud.app_url(environment),
    )


def _settled(twin: VercelCloud, vercel: Vercel) -> Hosting:
    """What is so when the switch has ended."""

    def ended() -> Hosting | None:
        hosting = vercel.hosting()
        return hosting if hosting.switching is None or hosting.switching.stage.ended else None

    settled: Hosting = twin.until(ended)
    return settled


def test_what_serves_is_what_the_users_address_points_at(
    twin: VercelCloud, production: Vercel, staging: Vercel
) -> None:
    hosting = production.hosting()

    assert hosting.serving is not None
    assert hosting.serving.commit == twin.commits["2.0"]
    assert hosting.serving.has_served is True
    assert hosting.serving.message == "Release 2.0"
    assert hosting.automatic
    assert hosting.switching is None
    assert [cron.path for cron in hosting.crons] == ["/api/cron/reminders"]
    assert hosting.crons_of == hosting.serving.id
    below = staging.hosting()
    assert below.serving is not None
    assert below.serving.commit == twin.commits["staging"]
    assert below.crons == ()
    assert below.serving.has_served is True
    elsewhere = replace(production, url=lambda: "https://shop.example.com/")
    seen = elsewhere.hosting().serving
    assert seen is not None
    assert seen.id == hosting.serving.id
    with pytest.raises(NotFound, match=r"no alias shop\.example\.com"):
        replace(staging, url=lambda: "https://shop.example.com/").hosting()


def test_builds_are_found_by_commit_and_only_this_environments(
    twin: VercelCloud, production: Vercel, staging: Vercel
) -> None:
    recent = production.recent(10)

    assert [each.commit for each in recent] == [twin.commits["2.0"], twin.commits["1.0"]]
    assert recent == production.of_commit(twin.commits["2.0"]) + production.recent(2)[1:]
    assert production.recent(1) == recent[:1]
    assert [each.commit for each in staging.recent(10)] == [twin.commits["staging"]]
    assert production.of_commit(twin.commits["staging"]) == ()
    found = production.find(f"https://{recent[0].url}")
    assert found.id == recent[0].id
    assert found.crons == production.hosting().crons
    assert production.build_log(recent[0].id)[-1] == "Build completed"
    with pytest.raises(NotFound):
        production.find("dpl_nothing")


def test_a_rollback_and_a_promotion_are_asked_for_once_and_seen_to_their_end(
    twin: VercelCloud, production: Vercel
) -> None:
    new, old = production.recent(2)

    production.roll_back(old.id, "effect-1", "it throws")
    hosting = _settled(twin, production)

    assert hosting.serving is not None
    assert hosting.serving.id == old.id
    assert not hosting.automatic
    assert hosting.rolled_back_from == (new.id,)
    assert hosting.switching is not None
    assert hosting.switching.kind is SwitchKind.ROLLBACK
    assert hosting.switching.stage is SwitchStage.SUCCEEDED
    with pytest.raises(Refused, match="current one already"):
        production.roll_back(old.id, "effect-1", "")
    production.promote(new.id, "effect-2")
    hosting = _settled(twin, production)
    assert hosting.serving is not None
    assert hosting.serving.id == new.id
    assert hosting.automatic
    assert hosting.rolled_back_from == ()


def test_automatic_assignment_is_set_and_a_preview_has_no_such_thing(
    production: Vercel, staging: Vercel
) -> None:
    production.set_automatic(on=False, effect="effect-3")
    assert not production.hosting().automatic
    production.set_automatic(on=True, effect="effect-3")
    assert production.hosting().automatic
    staging.set_automatic(on=True, effect="effect-3")
    with pytest.raises(Refused):
        staging.set_automatic(on=False, effect="effect-3")


def test_a_redeploy_carries_its_mark_and_is_made_once(
    twin: VercelCloud, production: Vercel
) -> None:
    serving = production.recent(1)[0]

    first = production.redeploy(serving.id, "effect-4")
    second = production.redeploy(serving.id, "effect-4")
    twin.until(lambda: production.find(first.id).stage is Stage.READY)

    assert first.id == second.id
    assert first.commit == serving.commit
    assert (first.effect, first.of) == ("effect-4", serving.id)
    twin.until(lambda: twin.users()["VERCEL_DEPLOYMENT_ID"] == first.id)
    production.cancel(first.id)
    assert production.find(first.id).stage is Stage.READY


def test_staging_is_given_another_build_by_its_address_and_production_builds_it_again(
    twin: VercelCloud, production: Vercel, staging: Vercel
) -> None:
    old = staging.recent(1)[0]
    commit = standin.commit(twin.cloud.repository, "develop", "2.2")
    twin.until(lambda: twin.users("staging")["release"] == "2.2")

    staging.roll_back(old.id, "effect-5", "")
    staging.roll_back(old.id, "effect-5", "")

    serving = staging.hosting().serving
    assert serving is not None
    assert serving.id == old.id
    assert twin.users("staging")["release"] == "2.1"
    new = staging.of_commit(commit)[0]
    production.promote(new.id, "effect-6")
    made = twin.until(lambda: production.of_commit(commit))[0]
    assert (made.of, made.effect) == (new.id, "effect-6")
    twin.until(lambda: twin.users()["release"] == "2.2")


def test_values_are_told_by_name_and_never_with_their_value(
    twin: VercelCloud, production: Vercel, staging: Vercel
) -> None:
    serving = production.hosting().serving
    assert serving is not None
    wish = {"key": "LATER", "value": "hush-hush", "type": "encrypted", "target": ["production"]}
    twin.ask("POST", "/v10/projects/booking/env", wish)

    values = production.values()

    assert [each.key for each in values] == ["GREETING", "LATER", "ONLY_HERE"]
    assert [each.key for each in staging.values()] == ["GREETING"]
    assert "hush-hush" not in repr(values)
    assert production.of_build(serving.id) == ("GREETING", "ONLY_HERE")
    later = next(each for each in values if each.key == "LATER")
    assert later.changed > serving.created


def test_answers_lost_refused_or_late_are_told_apart_and_nothing_is_asked_twice(
    twin: VercelCloud, production: Vercel, gateway: tuple[Gateway, str]
) -> None:
    faults, url = gateway
    behind = replace(production, api=url)
    old, serving = production.of_commit(twin.commits["1.0"])[0], production.hosting().serving
    assert serving is not None
    faults.say["GET"] = [500, 503, 429]
    assert behind.hosting() == production.hosting()

    faults.lose = {"POST"}
    with pytest.raises(OutcomeUnknown, match="whether it was carried out is open"):
        behind.roll_back(old.id, "effect-7", "")
    faults.lose = set()
    assert [each for each in faults.passed if "/rollback/" in each] == [
        f"POST /v1/projects/booking/rollback/{old.id}"
    ]
    hosting = _settled(twin, production)
    assert hosting.serving is not None
    assert hosting.serving.id == old.id

    faults.say["POST"] = [429]
    with pytest.raises(Unavailable):
        behind.promote(serving.id, "effect-8")
    faults.say["POST"] = [502]
    with pytest.raises(OutcomeUnknown):
        behind.promote(serving.id, "effect-8")
    faults.say["POST"] = [409]
    with pytest.raises(Refused):
        behind.promote(serving.id, "effect-8")
    assert _settled(twin, production).serving == hosting.serving
    behind.promote(serving.id, "effect-8")
    assert _settled(twin, production).serving != hosting.serving


def test_a_token_that_is_not_let_in_is_told_apart_from_what_is_missing(
    twin: VercelCloud, production: Vercel
) -> None:
    assert deadline.get().at is None

    with pytest.raises(Refused, match="403: Not authorized") as raised:
        replace(production, token=lambda: "nobody's token").hosting()
    with pytest.raises(Refused, match="under scope 'team_other'"):
        replace(production, team="team_other").hosting()
    with pytest.raises(NotFound):
        replace(production, team="").hosting()

    assert "nobody's token" not in str(raised.value)
    assert replace(production, team=TEAM).hosting().serving == production.hosting().serving
