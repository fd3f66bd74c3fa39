"""The auth service: GoTrue's paths, answered by its own clock and on the real database."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import psycopg
from anyio import CapacityLimiter, fail_after, to_thread
from psycopg import errors
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drillbook.range.twins.auth.asked import Asked, AuthError, error_body
from drillbook.range.twins.auth.limits import Limiter
from drillbook.range.twins.auth.sessions import SignedIn, Tables, tables
from drillbook.range.twins.auth.tokens import believed, token_answer, user_answer
from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase.project import Project
from drillbook.range.twins.supabase.signing import key_set
from drillbook.range.twins.weather import Forecast, weather_file

VERSION = "v2.184.0"
DATABASE = "auth-database.url"
SCOPES = ("global", "local", "others")
Answer = tuple[int, Document | None]
Work = Callable[[Asked], Answer]
Done = TypeVar("Done")


class AuthService:
    """Answers at GoTrue's own paths; its clock is the machine's and what the weather adds."""

    def __init__(self, project: Project) -> None:
        self._project = project
        listener = f"auth-{project.environment}"
        self._forecast = Forecast(weather_file(project.cloud.weather, listener))
        self._limiter = Limiter()
        # As many threads as the service has connections: one that hangs holds up no other twin.
        self._threads: CapacityLimiter | None = None

    def app(self) -> Starlette:
        """Return the service as an application."""
        routes: tuple[tuple[str, str, Work], ...] = (
            ("GET", "/health", self._health),
            ("GET", "/settings", self._settings),
            ("GET", "/.well-known/jwks.json", self._keys),
            ("POST", "/token", self._token),
            ("POST", "/signup", self._sign_up),
            ("GET", "/user", self._user),
            ("POST", "/logout", self._sign_out),
        )
        return Starlette(
            routes=[
                Route(path, self._endpoint(work), methods=[method]) for method, path, work in routes
            ]
        )

    def now(self) -> datetime:
        """Return what the service takes the time to be."""
        offset = self._forecast.now().clock_offset_seconds
        return datetime.now(UTC) + timedelta(seconds=offset)

    def _endpoint(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            config = self._project.auth_config()
            if self._threads is None:
                self._threads = CapacityLimiter(config["db_max_pool_size"])
            body = await request.body()
            try:
                with fail_after(config["api_max_request_duration"]):
                    # Who waits for a database that does not answer at all is left waiting.
                    return await to_thread.run_sync(
                        self._answer,
                        work,
                        request,
                        body,
                        limiter=self._threads,
                        abandon_on_cancel=True,
                    )
            except TimeoutError:
                return self._refusal(request, _too_long())

        return answer

    def _answer(self, work: Work, request: Request, body: bytes) -> Response:
        begun = time.monotonic()
        try:
            status, content = work(self._asked(request, body))
        except AuthError as error:
            return self._refusal(request, error, begun)
        self._write_log(request, status, "", begun)
        return Response(status_code=status) if content is None else JSONResponse(content, status)

    def _refusal(self, request: Request, error: AuthError, begun: float | None = None) -> Response:
        self._write_log(request, error.status, error.message, begun)
        body = error_body(error, request.headers.get("x-supabase-api-version", ""))
        return JSONResponse(body, error.status, headers={"x-sb-error-code": error.code})

    def _asked(self, request: Request, body: bytes) -> Asked:
        try:
            values = json.loads(body or b"{}")
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise AuthError(400, "bad_json", "Could not parse request body as JSON")
        return Asked(
            method=request.method,
            path=request.url.path,
            query=request.query_params,
            headers=request.headers,
            values=values,
            address=_address(request),
            now=self.now(),
        )

    def _health(self, _: Asked) -> Answer:
        # A constant: it says nothing about the database.
        description = "GoTrue is a user registration and authentication API"
        return 200, {"version": VERSION, "name": "GoTrue", "description": description}

    def _settings(self, _: Asked) -> Answer:
        config = self._project.auth_config()
        external = {"email": config["external_email_enabled"], "phone": False}
        return 200, {
            "external": external | {"anonymous_users": config["external_anonymous_users_enabled"]},
            "disable_signup": config["disable_signup"],
            "mailer_autoconfirm": config["mailer_autoconfirm"],
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }

    def _keys(self, _: Asked) -> Answer:
        return 200, {"keys": key_set(self._project)}

    def _token(self, asked: Asked) -> Answer:
        self._see_rate(asked)
        match asked.query.get("grant_type"):
            case "password":
                email, password = asked.text("email"), asked.text("password")
                if not email:
                    raise AuthError(400, "validation_failed", "missing email or phone")
                made = self._in_tables(asked, lambda found: found.sign_in(email, password))
                method = "password"
            case "refresh_token":
                token = asked.text("refresh_token")
                if not token:
                    raise AuthError(400, "validation_failed", "refresh_token required")
                made = self._in_tables(asked, lambda found: found.refresh(token))
                method = "token_refresh"
            case _:
                raise AuthError(400, "invalid_credentials", "unsupported_grant_type")
        return 200, token_answer(self._project, asked, made, method)

    def _sign_up(self, asked: Asked) -> Answer:
        config = self._project.auth_config()
        if config["disable_signup"]:
            raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
        email, password, data = asked.text("email"), asked.text("password"), asked.values
        if "@" not in email:
            message = "Unable to validate email address: invalid format"
            raise AuthError(400, "validation_failed", message)
        shortest = config["password_min_length"]
        if len(password) < shortest:
            message = f"Password should be at least {shortest} characters."
            more = {"weak_password": {"reasons": ["length"]}}
            raise AuthError(422, "weak_password", message, more)
        self._see_rate(asked)
        known = data.get("data") if isinstance(data.get("data"), dict) else {}
        made = self._in_tables(asked, lambda found: found.sign_up(email, password, known or {}))
        if isinstance(made, SignedIn):
            return 200, token_answer(self._project, asked, made, "password")
        return 200, user_answer(made)

    def _user(self, asked: Asked) -> Answer:
        claims = believed(self._project, asked)
        return 200, user_answer(self._in_tables(asked, lambda found: found.user(claims)))

    def _sign_out(self, asked: Asked) -> Answer:
        scope = asked.query.get("scope", "global")
        if scope not in SCOPES:
            raise AuthError(400, "validation_failed", f'Unsupported logout scope "{scope}"')
        claims = believed(self._project, asked)
        self._in_tables(asked, lambda found: found.sign_out(claims, scope))
        return 204, None

    def _in_tables(self, asked: Asked, work: Callable[[Tables], Done]) -> Done:
        config = self._project.auth_config()
        try:
            with tables(self._project.url(DATABASE), asked, config) as found:
                return work(found)
        except errors.QueryCanceled as error:
            raise _too_long() from error
        except (psycopg.Error, OSError) as error:
            message = "Database error querying schema"
            raise AuthError(500, "unexpected_failure", message) from error

    def _see_rate(self, asked: Asked) -> None:
        in_window = self._project.auth_config()["rate_limit_token_refresh"]
        at = time.monotonic()
        if not self._limiter.allows(asked.address, in_window=in_window, at=at):
            raise AuthError(429, "over_request_rate_limit", "Request rate limit reached")

    def _write_log(self, request: Request, status: int, said: str, begun: float | None) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": "error" if status >= 500 else "info",  # noqa: PLR2004 - HTTP's server errors
            "msg": f"{status}: {said}" if said else "request completed",
            "component": "api",
            "method": request.method,
            "path": request.url.path,
            "status": status,
            "remote_addr": _address(request),
            "duration": 0 if begun is None else int((time.monotonic() - begun) * 1e9),
        }
        with self._project.auth_log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def _too_long() -> AuthError:
    message = "Processing this request timed out, please retry after a moment."
    return AuthError(504, "request_timeout", message)


def _address(request: Request) -> str:
    forwarded = request.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    return forwarded or (request.client.host if request.client else "127.0.0.1")
