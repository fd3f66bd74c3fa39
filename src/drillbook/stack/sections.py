"""The sections of stack.toml as values: closed, so that a misspelt key stops the start."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, model_validator

from drillbook.compiler.directive import Mistake
from drillbook.compiler.options import parse_needs
from drillbook.core.model import Frozen, Risk
from drillbook.core.policy import Consent, Needs
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.secret import Secret
from drillbook.stack.address import Address

POSTGRES_SCHEMES = ("postgresql", "postgres")
HTTP_SCHEMES = ("https", "http")
_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_.-]*[A-Za-z0-9_-])*/?")
_PROJECT_REF = re.compile(r"[a-z]{20}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_.-]{1,100}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+/?")

PLACES = (
    'write folder = "backups", or bucket = "s3://name/prefix" with access_key = "env:NAME" and '
    'secret_key = "env:NAME" (and endpoint and region where it is not AWS)'
)
LEVELS = 'write "auto", "confirm" or "2 approvals from dba, valid 30m"'

Name = Annotated[str, Field(pattern=_NAME)]
Text = Annotated[str, Field(min_length=1)]


def _postgres(address: Address) -> Address:
    return _with_scheme(address, POSTGRES_SCHEMES)


def _http(address: Address) -> Address:
    return _with_scheme(address, HTTP_SCHEMES)


def _with_scheme(address: Address, schemes: tuple[str, ...]) -> Address:
    starts = tuple(f"{scheme}://" for scheme in schemes)
    if not address.is_reference and not address.written.startswith(starts):
        raise ValueError(
            f"is neither a reference (env:NAME, file:PATH) nor a URL with {' or '.join(starts)}"
        )
    return address


def _bucket(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        raise ValueError(
            'is not a bucket; write "s3://name" or "s3://name/prefix": a name of 3 to 63 small '
            "letters, digits, . and -, and a prefix of letters, digits, . _ - and /"
        )
    return text


def _endpoint(text: str) -> str:
    if not _ENDPOINT.fullmatch(text):
        raise ValueError(
            'is not an endpoint; write "https://host" or "http://host:9000", without a path, '
            "and the keys as access_key and secret_key"
        )
    return text


def _local_path(path: str) -> str:
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError("is not a path on the app: start it with one /")
    return path


def _api(address: Address) -> Address:
    if address.is_reference:
        raise ValueError('is not a secret: write the address itself, such as "https://api.…"')
    return _with_scheme(address, HTTP_SCHEMES)


def _project_ref(text: str) -> str:
    if text and not _PROJECT_REF.fullmatch(text):
        raise ValueError(
            f"is {text!r}, and a Supabase project is named by 20 small letters: the part before "
            ".supabase.co in its URL"
        )
    return text


def _owner_and_name(text: str) -> str:
    if not _REPOSITORY.fullmatch(text):
        raise ValueError(f'is {text!r}; write "owner/name", as in the address of its page')
    return text


def _branch(text: str) -> str:
    if not _BRANCH.fullmatch(text) or text.endswith(("/", ".lock")) or ".." in text:
        raise ValueError(f"is {text!r}, which git does not take for a branch")
    return text


def _refuse_beside(section: Frozen, provider: str, keys: set[str], belongs_to: str) -> None:
    if beside := sorted(section.model_fields_set & keys):
        raise ValueError(
            f"names {', '.join(beside)} beside the provider {provider}; that belongs to "
            f'provider = "{belongs_to}"'
        )


def _reference(value: object) -> object:
    return {"ref": value} if isinstance(value, str) else value


def _level(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.strip() == Consent.AUTO:  # only the stack may say it: a file never lowers a need
        return Needs()
    try:
        return parse_needs(value)
    except Mistake as mistake:
        raise ValueError(f"is not a policy level: {mistake.message}; {LEVELS}") from None


Reference = Annotated[Secret, BeforeValidator(_reference)]
Level = Annotated[Needs, BeforeValidator(_level)]
VariableName = Annotated[str, Field(pattern=_VARIABLE)]
Api = Annotated[Address, AfterValidator(_api)]


class DatabaseSection(Frozen):
    """A Postgres database, and the Supabase project it belongs to."""

    provider: Literal["postgres", "supabase"]
    url: Annotated[Address, AfterValidator(_postgres)]
    project: Annotated[str, AfterValidator(_project_ref)] = ""
    token: Reference | None = None
    api: Api = Address(written="https://api.supabase.com")

    @model_validator(mode="after")
    def _supabase_only(self) -> Self:
        if self.provider == "postgres":
            _refuse_beside(self, "postgres", {"project", "token", "api"}, "supabase")
        elif self.token is not None and not self.project:
            raise ValueError('names a token and no project; write project = "…", its 20 letters')
        return self

    @property
    def has_api(self) -> bool:
        """Whether the project's Management API is named, beside the database itself."""
        return bool(self.project) and self.token is not None


class AppSection(Frozen):
    """The app as its users reach it, and the hosting that builds and serves it."""

    provider: Literal["http", "vercel"] = "http"
    url: Annotated[Address, AfterValidator(_http)]
    health: Annotated[str, AfterValidator(_local_path)] = "/"
    release: Annotated[str, AfterValidator(_local_path)] | None = None
    project: Text | None = None
    team: str = ""
    token: Reference | None = None
    api: Api = Address(written="https://api.vercel.com")
    target: Literal["production", "preview"] | None = None

    @model_validator(mode="after")
    def _what_vercel_needs(self) -> Self:
        if self.provider == "http":
            beside = {"project", "team", "token", "api", "target"}
            _refuse_beside(self, "http", beside, "vercel")
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
    repository: Annotated[str, AfterValidator(_owner_and_name)]
    branch: Annotated[str, AfterValidator(_branch)]
    token: Reference
    api: Api = Address(written="https://api.github.com")


class AuthSection(Frozen):
    """The login service of the app, and the key its clients send along."""

    provider: Literal["supabase"]
    url: Annotated[Address, AfterValidator(_http)]
    key: Reference | None = None


class BackupsSection(Frozen):
    """Where backups are kept, with which keys, and what is promised of them."""

    folder: Text | None = None
    bucket: Annotated[str, AfterValidator(_bucket)] | None = None
    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    region: Text = "us-east-1"
    access_key: Reference | None = None
    secret_key: Reference | None = None
    key: Reference | None = None
    keys: tuple[Reference, ...] = ()
    rpo: Duration | None = None
    replication: Annotated[Address, AfterValidator(_postgres)] | None = None
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


class LogsSection(Frozen):
    """Where the app writes its requests and errors."""

    provider: Literal["file"] = "file"
    path: Text


class EnvironmentSection(Frozen):
    """The systems of one environment."""

    database: DatabaseSection | None = None
    app: AppSection | None = None
    repository: RepositorySection | None = None
    auth: AuthSection | None = None
    backups: BackupsSection | None = None
    logs: LogsSection | None = None


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


def _rank(needs: Needs) -> tuple[int, int]:
    return list(Consent).index(needs.consent), needs.approvals
