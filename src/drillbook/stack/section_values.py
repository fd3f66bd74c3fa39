"""The values of a stack file's sections: addresses, references, names, each checked when read."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from drillbook.compiler.directive import Mistake
from drillbook.compiler.options import parse_needs
from drillbook.core.model import Frozen
from drillbook.core.policy import Consent, Needs
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


def refuse_beside(section: Frozen, provider: str, keys: set[str], belongs_to: str) -> None:
    """Refuse keys of a section that belong to another provider."""
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
PostgresAddress = Annotated[Address, AfterValidator(_postgres)]
HttpAddress = Annotated[Address, AfterValidator(_http)]
Bucket = Annotated[str, AfterValidator(_bucket)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
LocalPath = Annotated[str, AfterValidator(_local_path)]
ProjectRef = Annotated[str, AfterValidator(_project_ref)]
OwnerAndName = Annotated[str, AfterValidator(_owner_and_name)]
Branch = Annotated[str, AfterValidator(_branch)]
