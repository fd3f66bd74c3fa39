"""What Vercel answers, as far as it is read here."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from drillbook.ports.deployments import (
    Cron,
    Deployment,
    EnvironmentValue,
    Stage,
    Switching,
    SwitchKind,
    SwitchStage,
)

# The marks of ours in a deployment's meta.
EFFECT, OF = "drillbookEffect", "drillbookOf"
THEIRS_OF = "originalDeploymentId"
PRODUCTION = "production"
_STAGES = {
    "QUEUED": Stage.QUEUED,
    "INITIALIZING": Stage.BUILDING,
    "BUILDING": Stage.BUILDING,
    "READY": Stage.READY,
    "ERROR": Stage.ERROR,
    "BLOCKED": Stage.ERROR,
    "CANCELED": Stage.CANCELED,
    "DELETED": Stage.GONE,
}
_SERVED = {"PROMOTED": True, "ROLLING": True, "STAGED": False}


class Seen(BaseModel):
    """A part of an answer; what is not read here is let pass."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(Seen):
    """Why something did not come about."""

    code: str = ""
    message: str = ""


class Creator(Seen):
    """Who made a deployment."""

    uid: str = ""
    username: str | None = None
    email: str | None = None


class CronSeen(Seen):
    """A path and its schedule."""

    path: str
    schedule: str

    def said(self) -> Cron:
        """Return it in the words of the port."""
        return Cron(path=self.path, schedule=self.schedule)


class DeploymentSeen(Seen):
    """A deployment, in lists (`uid`, `created`) as by itself (`id`, `createdAt`)."""

    uid: str = ""
    id: str = ""
    url: str = ""
    name: str = ""
    created: int = 0
    created_at: int = Field(0, alias="createdAt")
    ready_state: str = Field(alias="readyState")
    substate: str | None = Field(None, alias="readySubstate")
    target: str | None = None
    meta: dict[str, str] = Field(default_factory=dict[str, str])
    creator: Creator = Creator()
    alias_assigned: int | None = Field(None, alias="aliasAssigned")  # a time, or true and false
    alias_assigned_at: int | None = Field(None, alias="aliasAssignedAt")  # only by itself
    alias_error: Problem | None = Field(None, alias="aliasError")
    error_message: str | None = Field(None, alias="errorMessage")
    env: tuple[str, ...] | None = None
    crons: tuple[CronSeen, ...] | None = None

    @property
    def key(self) -> str:
        """The id."""
        return self.id or self.uid

    @property
    def _has_served(self) -> bool | None:
        if self.target == PRODUCTION:
            return _SERVED.get(self.substate or "")
        return True if self.alias_assigned else None  # previews have no substate

    @property
    def _assigned(self) -> datetime | None:
        times = [at for at in (self.alias_assigned_at, self.alias_assigned) if at and at > 1]
        return moment(times[0]) if times else None

    def said(self) -> Deployment:
        """Return it in the words of the port."""
        stage = _STAGES.get(self.ready_state, Stage.BUILDING)
        problem = self.alias_error.message or self.alias_error.code if self.alias_error else ""
        return Deployment(
            id=self.key,
            url=self.url,
            commit=self.meta.get("githubCommitSha", ""),
            branch=self.meta.get("githubCommitRef", ""),
            message=self.meta.get("githubCommitMessage", ""),
            created=moment(self.created_at or self.created),
            stage=stage,
            error=self.error_message or problem,
            by=self.creator.username or self.creator.email or self.creator.uid,
            effect=self.meta.get(EFFECT, ""),
            of=self.meta.get(OF) or self.meta.get(THEIRS_OF, ""),
            has_served=self._has_served,
            crons=None if self.crons is None else tuple(each.said() for each in self.crons),
            assigned=self._assigned,
        )


class Pagination(Seen):
    """Where the next page begins: what was made before this moment."""

    next: int | None = None


class DeploymentsSeen(Seen):
    """A page of deployments."""

    deployments: tuple[DeploymentSeen, ...]
    pagination: Pagination


class CronsSeen(Seen):
    """The schedule in force, and whose it is."""

    deployment_id: str | None = Field(None, alias="deploymentId")
    definitions: tuple[CronSeen, ...] = ()
    disabled_at: int | None = Field(None, alias="disabledAt")

    def said(self) -> tuple[Cron, ...]:
        """Return what the platform calls now."""
        return () if self.disabled_at else tuple(each.said() for each in self.definitions)


class AliasRequest(Seen):
    """The latest promote or rollback."""

    from_id: str = Field("", alias="fromDeploymentId")
    to_id: str = Field(alias="toDeploymentId")
    status: str = Field(alias="jobStatus")
    requested_at: int = Field(alias="requestedAt")
    type: str

    def said(self) -> Switching:
        """Return it in the words of the port."""
        return Switching(
            kind=SwitchKind(self.type),
            to=self.to_id,
            from_=self.from_id,
            stage=SwitchStage(self.status.replace("-", " ")),
            at=moment(self.requested_at),
        )


class TargetSeen(Seen):
    """What the project says is in a target."""

    id: str


class Rollout(Seen):
    """Users that are given a new build by and by; the state is ACTIVE while it lasts."""

    state: str
    canary: DeploymentSeen | None = Field(None, alias="canaryDeployment")


class RolloutSeen(Seen):
    """The latest rolling release, if there was one."""

    rollout: Rollout | None = Field(None, alias="rollingRelease")

    @property
    def canary(self) -> str:
        """The build that has a share of the users; empty while none is given them."""
        found = self.rollout
        return found.canary.key if found and found.canary and found.state == "ACTIVE" else ""


class SecuritySeen(Seen):
    """Whether the project is in attack mode, since when and until when."""

    on: bool = Field(default=False, alias="attackModeEnabled")
    until: int | None = Field(None, alias="attackModeActiveUntil")
    changed: int | None = Field(None, alias="attackModeUpdatedAt")


class IpSeen(Seen):
    """One entry of the firewall's IP blocking."""

    id: str
    ip: str
    hostname: str
    action: str
    notes: str = ""


class FirewallSeen(Seen):
    """The configuration of the firewall that is in force."""

    ips: tuple[IpSeen, ...] = ()


class ProjectSeen(Seen):
    """The project."""

    id: str
    name: str
    # Projects from before the setting have no such field, and are given new builds.
    automatic: bool = Field(default=True, alias="autoAssignCustomDomains")
    last: AliasRequest | None = Field(None, alias="lastAliasRequest")
    targets: dict[str, TargetSeen | None] = Field(default_factory=dict[str, TargetSeen | None])
    crons: CronsSeen | None = None
    rolling: dict[str, object] | None = Field(None, alias="rollingRelease")
    security: SecuritySeen | None = None


class AliasSeen(Seen):
    """What a host of the users points at."""

    alias: str
    deployment_id: str | None = Field(None, alias="deploymentId")
    project_id: str | None = Field(None, alias="projectId")


class ValueSeen(Seen):
    """An environment value's record; its value is never read."""

    id: str = ""
    key: str
    type: str
    comment: str | None = None
    target: tuple[str, ...] | str = ()
    branch: str | None = Field(None, alias="gitBranch")
    created_at: int = Field(0, alias="createdAt")
    updated_at: int = Field(0, alias="updatedAt")

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets it is for."""
        return (self.target,) if isinstance(self.target, str) else self.target

    def said(self) -> EnvironmentValue:
        """Return it in the words of the port."""
        return EnvironmentValue(
            key=self.key,
            kind=self.type,
            targets=self.targets,
            created=moment(self.created_at),
            changed=moment(self.updated_at or self.created_at),
        )


class HeldSeen(Seen):
    """What one environment value holds, where the platform reveals it."""

    value: str | None = None
    decrypted: bool | None = None


class ValuesSeen(Seen):
    """A page of environment values."""

    envs: tuple[ValueSeen, ...]
    pagination: Pagination = Pagination()


class EventSeen(Seen):
    """A line of a build's log."""

    text: str = ""


def moment(milliseconds: int) -> datetime:
    """Return a time as the platform writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
