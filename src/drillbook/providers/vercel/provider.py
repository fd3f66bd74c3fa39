"""The ports of deployments, fulfilled by Vercel's REST API."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from drillbook.core.errors import NotFound, Refused
from drillbook.ports.deployments import (
    Deployment,
    EnvironmentValue,
    Hosting,
    SwitchKind,
)
from drillbook.providers.vercel.answers import (
    EFFECT,
    OF,
    PRODUCTION,
    DeploymentSeen,
    EventSeen,
    ProjectSeen,
)
from drillbook.providers.vercel.speaking import (
    READ,
    Body,
    Speaking,
    parsed,
    parsed_list,
    speaking_of,
)

SWITCH = "promote and roll back deployments"
DEPLOY = "create deployments"
SETTINGS = "change the project's settings"
MOST_OF_COMMIT = 100
# What the platform sets itself, beside what the project gives.
THEIR_VALUES = ("VERCEL_", "NX_DAEMON", "TURBO_")
REFUSED_AS_ENDED = (400, 409)


@dataclass(frozen=True)
class Vercel:
    """
    One environment of one project; fulfils Deployments, Switches and EnvironmentValues.

    `team` is an id (team_…) or a slug; `target` production, or preview with the `branch` that
    belongs here; `url` reveals the users' address, whose host is the alias that tells what serves.
    """

    api: str
    token: Callable[[], str]
    project: str
    team: str
    target: str
    branch: str
    url: Callable[[], str]

    # Deployments

    def hosting(self) -> Hosting:
        """Return what serves now, by the alias of the users' address."""
        speaking = self._speaking
        project, production = speaking.read_project(), self.target == PRODUCTION
        serving = self._serving(speaking, project)
        last = project.last.said() if project.last and production else None
        rolled_back = last is not None and last.kind is SwitchKind.ROLLBACK
        crons = project.crons if production else None
        return Hosting(
            serving=serving.said() if serving else None,
            automatic=project.automatic if production else True,
            switching=last,
            crons=crons.said() if crons else (),
            crons_of=crons.deployment_id or "" if crons else "",
            rolled_back_from=(last.from_,) if last and rolled_back and last.from_ else (),
            rolling_to=speaking.read_canary() if production and project.rolling else "",
        )

    def recent(self, at_most: int) -> tuple[Deployment, ...]:
        """Return the latest builds for this environment, newest first."""
        found = self._speaking.pages(self._filter(), at_most)
        return tuple(each.said() for each in found)

    def find(self, deployment: str) -> Deployment:
        """Return a build by its id or URL."""
        return self._speaking.read_deployment(deployment).said()

    def of_commit(self, commit: str) -> tuple[Deployment, ...]:
        """Return the builds of exactly this commit for this environment, newest first."""
        asked = {**self._filter(), "sha": commit}
        found = [each.said() for each in self._speaking.pages(asked, MOST_OF_COMMIT)]
        return tuple(each for each in found if each.commit == commit)

    def build_log(self, deployment: str) -> tuple[str, ...]:
        """Return the lines of the build's log, oldest first."""
        speaking = self._speaking
        path = f"/v3/deployments/{speaking.read_deployment(deployment).key}/events"
        answer = speaking.api.get(
            path, {"builds": 1, "follow": 0, "direction": "forward", "limit": -1}, right=READ
        )
        events = parsed_list(EventSeen, answer, path)
        return tuple(event.text for event in events if event.text)

    # Switches

    def promote(self, deployment: str, effect: str) -> None:
        """
        Give a build the users, and with it the automatic assignment again.

        A build that was not made for production is built again for it, as the platform does.
        """
        speaking = self._speaking
        found = speaking.read_deployment(deployment)
        if self.target != PRODUCTION:
            self._assign(speaking, found)
        elif found.target != PRODUCTION:
            self._create(speaking, found, effect, {"action": "promote"})
        else:
            path = f"/v10/projects/{speaking.path}/promote/{found.key}"
            speaking.api.send("POST", path, {}, right=SWITCH)

    def roll_back(self, deployment: str, effect: str, because: str) -> None:  # noqa: ARG002 - Vercel marks builds only
        """Give an earlier build the users; in production automatic assignment is off then."""
        speaking = self._speaking
        found = speaking.read_deployment(deployment)
        if self.target != PRODUCTION:
            self._assign(speaking, found)
            return
        path = f"/v1/projects/{speaking.path}/rollback/{found.key}"
        query = {"description": because} if because else {}
        speaking.api.send("POST", path, {}, query, right=SWITCH)

    def set_automatic(self, on: bool, effect: str) -> None:  # noqa: ARG002 - as above
        """Turn automatic assignment on or off."""
        if self.target != PRODUCTION:
            if not on:
                raise Refused(
                    "Vercel gives a preview branch its newest build always",
                    hint="Only production can be told not to.",
                    again=False,
                )
            return
        speaking = self._speaking
        if speaking.read_project().automatic is not on:
            path = f"/v9/projects/{speaking.path}"
            speaking.api.send("PATCH", path, {"autoAssignCustomDomains": on}, right=SETTINGS)

    def redeploy(self, deployment: str, effect: str) -> Deployment:
        """Build the same commit again; one that carries this effect's mark already is returned."""
        speaking = self._speaking
        for each in speaking.pages({**self._filter(), f"meta-{EFFECT}": effect}, 1):
            if each.meta.get(EFFECT) == effect:
                return each.said()
        return self._create(speaking, speaking.read_deployment(deployment), effect, {}).said()

    def cancel(self, deployment: str) -> None:
        """Stop a build that has not ended; one that has ended is left as it is."""
        speaking = self._speaking
        found = speaking.read_deployment(deployment)
        if found.said().stage.ended:
            return
        path = f"/v12/deployments/{found.key}/cancel"
        reply = speaking.api.send("PATCH", path, accept=REFUSED_AS_ENDED, right=DEPLOY)
        # It may have ended between the look and the word.
        refused = reply.status in REFUSED_AS_ENDED
        if refused and not speaking.read_deployment(found.key).said().stage.ended:
            raise Refused(f"Vercel does not cancel {found.key}: {reply.words}")

    # EnvironmentValues

    def values(self) -> tuple[EnvironmentValue, ...]:
        """Return what a new build for this environment would be given; sorted by name."""
        mine: dict[str, EnvironmentValue] = {}
        # A value bound to this branch wins over one for all previews.
        for each in sorted(self._speaking.read_values(), key=lambda value: bool(value.branch)):
            fits = self._target() in each.targets and each.branch in {None, "", self.branch}
            if fits and not each.key.startswith(THEIR_VALUES):
                mine[each.key] = each.said()
        return tuple(mine[key] for key in sorted(mine))

    def of_build(self, deployment: str) -> tuple[str, ...]:
        """Return the names of the values that a build was given; sorted."""
        found = self._speaking.read_deployment(deployment)
        if found.env is None:
            raise Refused(
                f"Vercel does not tell this token which values {found.key} was given",
                hint="The token needs to read the whole deployment, not its public part.",
            )
        return tuple(sorted(key for key in found.env if not key.startswith(THEIR_VALUES)))

    @cached_property
    def _speaking(self) -> Speaking:
        return speaking_of(self.api, self.token, self.project, self.team)

    def _target(self) -> str:
        return PRODUCTION if self.target == PRODUCTION else "preview"

    def _filter(self) -> dict[str, str]:
        of_branch = {"branch": self.branch} if self.branch and self._target() == "preview" else {}
        return {"target": self._target(), **of_branch}

    def _host(self) -> str:
        return urlsplit(self.url()).netloc.rpartition("@")[2]

    def _serving(self, speaking: Speaking, project: ProjectSeen) -> DeploymentSeen | None:
        host = self._host()
        alias = speaking.read_alias(host)
        if alias and alias.project_id not in {None, project.id}:
            raise Refused(
                f"{host} belongs to another project of the team, and not to {project.name}: what "
                "is done to the one would not be seen at the other",
                hint="Correct `url` or `project` of the app in stack.toml.",
                again=False,
            )
        serving = alias.deployment_id if alias else None
        if alias is None and self.target == PRODUCTION:
            # The users come by another way, a proxy of the team's: then what production names.
            target = project.targets.get(PRODUCTION)
            serving = target.id if target else None
        elif alias is None:
            raise NotFound(
                f"Vercel's team has no alias {host}, so what serves there cannot be told",
                hint="`url` of the app in stack.toml must be the branch's own address.",
            )
        if not serving:
            return None
        try:
            return speaking.read_deployment(serving)
        except NotFound:
            return DeploymentSeen.model_validate({"id": serving, "readyState": "DELETED"})

    def _assign(self, speaking: Speaking, found: DeploymentSeen) -> None:
        """Point the branch's address at a build: previews are not promoted."""
        path, host = f"/v2/deployments/{found.key}/aliases", self._host()
        reply = speaking.api.send("POST", path, {"alias": host}, accept=(409,), right=SWITCH)
        if reply.status == 409:  # noqa: PLR2004 - it points there already, or may not
            alias = speaking.read_alias(host)
            if alias is None or alias.deployment_id != found.key:
                raise Refused(f"Vercel does not point {host} at {found.key}: {reply.words}")

    def _create(
        self, speaking: Speaking, found: DeploymentSeen, effect: str, meta: dict[str, str]
    ) -> DeploymentSeen:
        body: Body = {
            "name": found.name,
            "deploymentId": found.key,
            "meta": {**meta, EFFECT: effect, OF: found.key},
        }
        if self.target == PRODUCTION:
            body["target"] = PRODUCTION
        reply = speaking.api.send("POST", "/v13/deployments", body, {"forceNew": 1}, right=DEPLOY)
        return parsed(DeploymentSeen, reply.body, "/v13/deployments")
