"""The sections of stack.toml as values: closed, so that a misspelt key stops the start."""

from typing import Literal, Self

from pydantic import Field, StrictBool, model_validator

from drillbook.core.model import Frozen, Risk
from drillbook.core.policy import Consent, Needs
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.secret import Secret
from drillbook.stack.address import Address
from drillbook.stack.fixing_sections import LimitsSection
from drillbook.stack.log_sections import LogsSection
from drillbook.stack.lookout_section import LookoutSection
from drillbook.stack.outside_sections import (
    DependencySection,
    MetricsSection,
    StatusPageSection,
)
from drillbook.stack.section_values import (
    Api,
    Branch,
    Bucket,
    Endpoint,
    HttpAddress,
    Level,
    LocalPath,
    Name,
    OwnerAndName,
    PostgresAddress,
    ProjectRef,
    Reference,
    Text,
    VariableName,
    refuse_beside,
)

PLACES = (
    'write folder = "backups", or bucket = "s3://name/prefix" with access_key = "env:NAME" and '
    'secret_key = "env:NAME" (and endpoint and region where it is not AWS)'
)


class DatabaseSection(Frozen):
    """A Postgres database, and the Supabase project it belongs to."""

    provider: Literal["postgres", "supabase"]
    url: PostgresAddress
    project: ProjectRef = ""
    token: Reference | None = None
    api: Api = Address(written="https://api.supabase.com")

    @model_validator(mode="after")
    def _supabase_only(self) -> Self:
        if self.provider == "postgres":
            refuse_beside(self, "postgres", {"project", "token", "api"}, "supabase")
        elif self.token is not None and not self.project:
            raise ValueError('names a token and no project; write project = "…", its 20 letters')
        return self

    @property
    def has_api(self) -> bool:
        """Whether the project's Management API is named, beside the database itself."""
        return bool(self.project) and self.token is not None


class AppSection(Frozen):
    """
    The app as its users reach it, and the hosting that builds and serves it.

    `values` refers to what values of the app are to hold, for those that may have to be restored.
    """

    provider: Literal["http", "vercel"] = "http"
    url: HttpAddress
    health: LocalPath = "/"
    release: LocalPath | None = None
    project: Text | None = None
    team: str = ""
    token: Reference | None = None
    api: Api = Address(written="https://api.vercel.com")
    target: Literal["production", "preview"] | None = None
    values: dict[VariableName, Reference] = {}

    @model_validator(mode="after")
    def _what_vercel_needs(self) -> Self:
        if self.provider == "http":
            beside = {"project", "team", "token", "api", "target", "values"}
            refuse_beside(self, "http", beside, "vercel")
        elif self.project is None or self.token is None:
            missing = "project" if self.project is None else "token"
            raise ValueError(
                f'names the provider vercel and no {missing}; write project = "…" (its name or '
                'prj_…) and token = "env:VERCEL_TOKEN", or provider = "http" to ask it by its URL'
            )
        return self


class RepositorySection(Frozen):
    """The repository the app is built from, and the branch that is deployed here."""

    provider: Literal["github"]
    repository: OwnerAndName
    branch: Branch
    token: Reference
    api: Api = Address(written="https://api.github.com")


class AuthSection(Frozen):
    """The login service of the app, the key its clients send along, and a test user of our own."""

    provider: Literal["supabase"]
    url: HttpAddress
    key: Reference | None = None
    user: Text | None = None
    password: Reference | None = None

    @model_validator(mode="after")
    def _whole_test_user(self) -> Self:
        if (self.user is None) is not (self.password is None):
            missing = "password" if self.password is None else "user"
            raise ValueError(
                f'names half a test user: {missing} is missing; write user = "…" and password = '
                '"env:NAME", for a login that proves the service'
            )
        return self


class BackupsSection(Frozen):
    """Where backups are kept, with which keys, and what is promised of them."""

    folder: Text | None = None
    bucket: Bucket | None = None
    endpoint: Endpoint | None = None
    region: Text = "us-east-1"
    access_key: Reference | None = None
    secret_key: Reference | None = None
    key: Reference | None = None
    keys: tuple[Reference, ...] = ()
    rpo: Duration | None = None
    replication: PostgresAddress | None = None
    wal_archive: Text | None = None
    scratch: Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.folder is None) is (self.bucket is None):
            named = "neither a folder nor" if self.folder is None else "both a folder and"
            raise ValueError(f"names {named} a bucket; {PLACES}")
        remote = self.model_fields_set & {"endpoint", "region", "access_key", "secret_key"}
        if self.folder is not None and remote:
            raise ValueError(f"names {', '.join(sorted(remote))} beside a folder; {PLACES}")
        if self.bucket is not None and (self.access_key is None or self.secret_key is None):
            raise ValueError(f"names a bucket without its access_key and secret_key; {PLACES}")
        return self

    @model_validator(mode="after")
    def _one_way_to_name_keys(self) -> Self:
        if self.key is not None and self.keys:
            raise ValueError(
                'names key and keys; write key = "file:backup.key", or '
                'keys = ["file:new.key", "file:old.key"], the one for new backups first'
            )
        return self

    @property
    def all_keys(self) -> tuple[Secret, ...]:
        """The keys' references; new backups are encrypted with the first."""
        return self.keys if self.key is None else (self.key,)


class EnvironmentSection(Frozen):
    """The systems of one environment."""

    database: DatabaseSection | None = None
    app: AppSection | None = None
    repository: RepositorySection | None = None
    auth: AuthSection | None = None
    backups: BackupsSection | None = None
    logs: LogsSection | None = None
    dependencies: dict[Name, DependencySection] | None = None
    status_pages: dict[Name, StatusPageSection] | None = None
    metrics: MetricsSection | None = None
    limits: LimitsSection | None = None


class CommandSection(Frozen):
    """A program of the team's own that a runbook may start by its name."""

    argv: tuple[Text, ...] = Field(min_length=1)
    idempotent: StrictBool = False
    timeout: Duration = parse_duration("10m")
    environment: dict[VariableName, Reference] = {}


class PolicySection(Frozen):
    """What a write and a destroy ask for in one environment."""

    write: Level | None = None
    destroy: Level | None = None

    @model_validator(mode="after")
    def _destroy_asks_no_less(self) -> Self:
        if self.write and self.destroy and _rank(self.destroy) < _rank(self.write):
            raise ValueError(
                f"asks less for destroy ({self.destroy.says()}) than for write "
                f"({self.write.says()}); destroy must ask for at least as much"
            )
        return self

    def levels(self, otherwise: Needs) -> dict[Risk, Needs]:
        """Return the level of each risk; what is not written never asks less than its milder."""
        write = self.write or otherwise
        return {Risk.WRITE: write, Risk.DESTROY: self.destroy or write.joined(otherwise)}


class StackFile(Frozen):
    """All of stack.toml."""

    environments: dict[Name, EnvironmentSection] = {}
    commands: dict[Name, CommandSection] = {}
    policy: dict[str, PolicySection] = {}
    roles: dict[Name, tuple[Text, ...]] = {}
    lookout: LookoutSection = LookoutSection()


def _rank(needs: Needs) -> tuple[int, int]:
    return list(Consent).index(needs.consent), needs.approvals
