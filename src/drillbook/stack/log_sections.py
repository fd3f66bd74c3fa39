"""Where an environment's log lines come from: one source, or several by their names."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.core.secret import Secret

OWN_NAME = "app"
SENDERS = {"token", "secret", "verify"}
TABLES = ("postgres_logs", "auth_logs")
Table = Literal["postgres_logs", "auth_logs", "edge_logs", "function_edge_logs", "function_logs"]
Provider = Literal["file", "vercel", "supabase", "received"]


def _reference(value: object) -> object:
    return {"ref": value} if isinstance(value, str) else value


Reference = Annotated[Secret, BeforeValidator(_reference)]


class LogSourceSection(Frozen):
    """
    One source: a file, a platform's log, or what senders send here (`drillbook receive`).

    Senders show a `token` (Authorization: Bearer); Vercel signs with the drain's `secret`, and
    wants to see `verify` in the answer, which is no secret.
    """

    provider: Provider = "file"
    path: Annotated[str, Field(min_length=1)] | None = None
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] | None = None
    keeps: Duration | None = None
    tables: tuple[Table, ...] | None = None
    token: Reference | None = None
    secret: Reference | None = None
    verify: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _what_it_needs(self) -> Self:
        if self.provider == "file" and self.path is None:
            raise ValidationError.from_exception_data(
                "logs", [{"type": "missing", "loc": ("path",), "input": None}]
            )
        if self.provider != "file" and self.path is not None:
            raise ValueError(
                f'names a path beside the provider {self.provider}; that belongs to "file"'
            )
        if self.tables is not None and self.provider != "supabase":
            raise ValueError('names tables; they belong to provider = "supabase"')
        senders = self.model_fields_set & SENDERS
        if senders and self.provider != "received":
            raise ValueError(
                f"names {', '.join(sorted(senders))}; they let senders in, and belong to "
                'provider = "received"'
            )
        if self.keeps is not None and self.provider not in {"vercel", "supabase"}:
            raise ValueError("names keeps; only a platform forgets its lines by itself")
        return self

    def keeps_at_least(self, otherwise: timedelta) -> timedelta:
        """Return how long the platform keeps its lines."""
        return self.keeps or otherwise


class LogsSection(Frozen):
    """The log of an environment: the one source that is written here, or tables of several."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, LogSourceSection] = Field(init=False)

    provider: Provider | None = None
    path: Annotated[str, Field(min_length=1)] | None = None
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] | None = None
    keeps: Duration | None = None
    tables: tuple[Table, ...] | None = None
    token: Reference | None = None
    secret: Reference | None = None
    verify: Annotated[str, Field(min_length=1)] | None = None
    pseudonyms: Reference | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _one_or_several(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict):
            return handler(value)
        several = {key for key, inner in value.items() if isinstance(inner, dict)}
        several -= {"pseudonyms"}
        unknown = [key for key in value if key not in cls.model_fields and key not in several]
        if unknown:
            raise ValidationError.from_exception_data(
                "logs",
                [
                    {"type": "extra_forbidden", "loc": (key,), "input": value[key]}
                    for key in unknown
                ],
            )
        own = {key: inner for key, inner in value.items() if key not in {"pseudonyms", *several}}
        if own or not several:
            LogSourceSection.model_validate(own)  # its mistakes are told where they stand
            return handler({"provider": "file", **value})
        return handler(value)

    @property
    def sources(self) -> dict[str, LogSourceSection]:
        """Every source by its name."""
        named = dict(self.__pydantic_extra__ or {})
        if self.provider is None:
            return named
        own = LogSourceSection(
            provider=self.provider,
            path=self.path,
            source=self.source,
            keeps=self.keeps,
            tables=self.tables,
            **{name: getattr(self, name) for name in self.model_fields_set & SENDERS},
        )
        return {OWN_NAME: own, **named}
