"""A file of checks: questions to the app and the database, and what must be so."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StrictBool, model_validator

from drillbook.analysis.expressions import ExpressionInvalid, compile_expression
from drillbook.analysis.toml_model import read_toml
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.secret import KINDS

READING_METHODS = ("GET", "HEAD", "OPTIONS")
SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key", "apikey"}
MOST_CHECKS = 500
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")

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
        if name.lower() in SECRET_HEADERS and not value.rpartition(" ")[2].startswith(KINDS):
            raise ValueError(
                f"hold a secret in {name}; write a reference: env:NAME or Bearer env:NAME"
            )
    return headers


Name = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Condition = Annotated[str, AfterValidator(_condition)]


class HttpCheck(Frozen):
    """One request; `expect` sees status, seconds, text, json and what was saved before."""

    name: Name
    path: Annotated[str, AfterValidator(_path)]
    method: Method = "GET"
    status: Annotated[int, Field(ge=100, le=599)] = 200
    max_seconds: Seconds = 10.0
    contains: str = ""
    expect: Condition = ""
    body: JsonValue = None
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = {}
    save: dict[str, str] = {}

    @property
    def writes(self) -> bool:
        """Whether the method may change something."""
        return self.method not in READING_METHODS


class SqlCheck(Frozen):
    """One query; `expect` sees value (the first cell), rows and count."""

    name: Name
    query: Annotated[str, Field(min_length=1)]
    expect: Annotated[Condition, Field(min_length=1)]
    max_seconds: Seconds = 10.0


class ChecksFile(Frozen):
    """All checks of a file; `repeatable` says that its writes may be carried out again."""

    repeatable: StrictBool = False
    http: Annotated[tuple[HttpCheck, ...], Field(max_length=MOST_CHECKS)] = ()
    sql: Annotated[tuple[SqlCheck, ...], Field(max_length=MOST_CHECKS)] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [check.name for check in self.http] + [check.name for check in self.sql]
        if not names:
            raise ValueError("the file holds no check: write [[http]] or [[sql]]")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two checks are named {twice[0]!r}")
        return self


def read_checks(file: File) -> ChecksFile:
    """Read a file of checks; Refused says the line and what is allowed."""
    return read_toml(file.text, ChecksFile, name=file.name, error=Refused).value


def filled(text: str, known: dict[str, str]) -> str:
    """Put saved values into `${name}`; Refused when nothing of that name was saved."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise Refused(
                f"no check before this one saved a value as {match[1]!r}",
                hint=f"There are: {', '.join(known) or 'none'}.",
            )
        return known[match[1]]

    return _PLACEHOLDER.sub(value, text)


def filled_body(body: JsonValue, known: dict[str, str]) -> JsonValue:
    """Put saved values into every text of a JSON body."""
    if isinstance(body, str):
        return filled(body, known)
    if isinstance(body, list):
        return [filled_body(item, known) for item in body]
    if isinstance(body, dict):
        return {key: filled_body(item, known) for key, item in body.items()}
    return body
