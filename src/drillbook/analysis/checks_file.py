"""A file of checks: questions to the app and the database, and what must be so."""

import re
from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StrictBool, model_validator

from drillbook.analysis.expressions import ExpressionInvalid, compile_expression
from drillbook.analysis.toml_model import read_toml
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.secret import KINDS

READING_METHODS = ("GET", "HEAD", "OPTIONS")
SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key", "apikey"}
MOST_CHECKS = 500
TOKEN = "token"  # noqa: S105 - a name, not a value
# What is known without a check that saved it; the run and its task where checks may write.
ENVIRONMENT, ALWAYS, EXERCISED = "environment", {"environment"}, {"run", "task"}
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_SAVED_SECRET = re.compile(r"([\w-]+=)?\$\{[^}]*\}")

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


def _path(path: str) -> str:
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError("is not a path on the app: start it with one /")
    return path


def _condition(text: str) -> str:
    if text:
        try:
            compile_expression(text)
        except ExpressionInvalid as error:
            raise ValueError(f"is not a condition: {error}. {error.hint}") from None
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        secret = value.rpartition(" ")[2]
        if name.lower() in SECRET_HEADERS and not (
            secret.startswith(KINDS) or _SAVED_SECRET.fullmatch(secret)
        ):
            raise ValueError(
                f"hold a secret in {name}; write a reference (env:NAME or Bearer env:NAME) or what "
                "a check before it saved (Bearer ${token})"
            )
    return headers


def _save(save: dict[str, str]) -> dict[str, str]:
    for name in save:
        if not name.isidentifier() or name in ALWAYS | EXERCISED:
            raise ValueError(f"cannot save under the name {name!r}")
    return save


def _one_or_more(status: object) -> object:
    return [status] if isinstance(status, int) and not isinstance(status, bool) else status


Name = Annotated[str, Field(min_length=1, max_length=200)]
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...],
    BeforeValidator(_one_or_more),
    Field(min_length=1),
]
Seconds = Annotated[float, Field(gt=0, le=600)]
Condition = Annotated[str, AfterValidator(_condition)]


class HttpCheck(Frozen):
    """One request; `expect` sees status, seconds, text, json and what was saved before."""

    name: Name
    path: Annotated[str, AfterValidator(_path)]
    method: Method = "GET"
    status: Statuses = (200,)
    max_seconds: Seconds = 10.0
    contains: str = ""
    expect: Condition = ""
    body: JsonValue = None
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = {}
    save: Annotated[dict[str, str], AfterValidator(_save)] = {}

    @property
    def writes(self) -> bool:
        """Whether the method may change something."""
        return self.method not in READING_METHODS

    @property
    def needs(self) -> frozenset[str]:
        """The names of the values that are put into the request."""
        texts = [self.path, *self.headers.values(), *texts_in(self.body)]
        return frozenset(name for text in texts for name in _PLACEHOLDER.findall(text))

    @model_validator(mode="after")
    def _references_are_whole(self) -> Self:
        for text in (*self.headers.values(), *texts_in(self.body)):
            # What an app answered must never say which file or variable is revealed to it.
            reference = text.rpartition(" ")[2] if text in self.headers.values() else text
            if reference.startswith(KINDS) and set(_PLACEHOLDER.findall(reference)) - ALWAYS:
                raise ValueError("name a secret by a saved value; only ${environment} may be in it")
        return self


class Login(Frozen):
    """How a customer of the checks signs in; `token` says where in the answer hers is."""

    path: Annotated[str, AfterValidator(_path)]
    body: dict[str, JsonValue]
    name: Name = "log in"
    status: Statuses = (200,)
    max_seconds: Seconds = 10.0
    token: Annotated[Condition, Field(min_length=1)] = "json.token"  # noqa: S105 - where it is

    @property
    def check(self) -> HttpCheck:
        """The login as the check it is: its token is saved, for all that come after it."""
        return HttpCheck(
            name=self.name,
            path=self.path,
            method="POST",
            status=self.status,
            max_seconds=self.max_seconds,
            body=self.body,
            save={TOKEN: self.token},
        )


class SqlCheck(Frozen):
    """One query; `expect` sees value (the first cell), rows and count."""

    name: Name
    query: Annotated[str, Field(min_length=1)]
    expect: Annotated[Condition, Field(min_length=1)]
    max_seconds: Seconds = 10.0


class ChecksFile(Frozen):
    """All checks of a file; `repeatable` says that its writes may be carried out again."""

    repeatable: StrictBool = False
    login: Login | None = None
    http: Annotated[tuple[HttpCheck, ...], Field(max_length=MOST_CHECKS)] = ()
    sql: Annotated[tuple[SqlCheck, ...], Field(max_length=MOST_CHECKS)] = ()

    @property
    def asked(self) -> tuple[HttpCheck, ...]:
        """All requests in their order, the login first."""
        return (self.login.check, *self.http) if self.login else self.http

    @property
    def hidden(self) -> frozenset[str]:
        """The names of saved values that let one in: they are shown nowhere."""
        used = {
            name
            for check in self.http
            for header, value in check.headers.items()
            if header.lower() in SECRET_HEADERS
            for name in _PLACEHOLDER.findall(value)
        }
        return frozenset({TOKEN, *used} if self.login else used)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [check.name for check in self.asked] + [check.name for check in self.sql]
        if not names:
            raise ValueError("the file holds no check: write [[http]] or [[sql]]")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two checks are named {twice[0]!r}")
        return self

    @model_validator(mode="after")
    def _values_are_saved_before(self) -> Self:
        known = ALWAYS | EXERCISED
        for check in self.asked:
            for name in sorted(check.needs - known):
                raise ValueError(
                    f"the check {check.name!r} uses ${{{name}}}, and no check before it saves that"
                )
            known = known | set(check.save)
        return self


def read_checks(file: File) -> ChecksFile:
    """Read a file of checks; Refused says the line and what is allowed."""
    return read_toml(file.text, ChecksFile, name=file.name, error=Refused).value


def filled(text: str, known: dict[str, str]) -> str:
    """Put known values into `${name}`."""
    return _PLACEHOLDER.sub(lambda found: known[found[1]], text)


def filled_body(body: JsonValue, known: dict[str, str], reveal: Callable[[str], str]) -> JsonValue:
    """Put known values into every text of a JSON body; a text that is a reference is revealed."""
    if isinstance(body, str):
        # As it is written in the file: a value that looks like a reference is none.
        return reveal(filled(body, known)) if body.startswith(KINDS) else filled(body, known)
    if isinstance(body, list):
        return [filled_body(item, known, reveal) for item in body]
    if isinstance(body, dict):
        return {key: filled_body(item, known, reveal) for key, item in body.items()}
    return body


def texts_in(body: JsonValue) -> tuple[str, ...]:
    """Return every text of a JSON body."""
    if isinstance(body, str):
        return (body,)
    if isinstance(body, list):
        return tuple(text for item in body for text in texts_in(item))
    if isinstance(body, dict):
        return tuple(text for item in body.values() for text in texts_in(item))
    return ()
