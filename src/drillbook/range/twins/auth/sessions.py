"""What the auth service does in its tables: sign in, refresh, look up, sign out, sign up."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Json, Jsonb

from drillbook.range.twins.auth.asked import Asked, AuthError
from drillbook.range.twins.auth.database import BCRYPT_COST
from drillbook.range.twins.documents import Document

REFRESH_TOKEN_LENGTH = 12
_ALPHABET = string.ascii_lowercase + string.digits
_STATEMENTS = {
    name.strip(): statement.strip().encode()
    for name, _, statement in (
        part.partition("\n")
        for part in Path(__file__)
        .with_name("statements.sql")
        .read_text(encoding="utf-8")
        .split("-- name:")[1:]
    )
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with a session, and the token that renews it."""

    user: DictRow
    session: UUID
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables within one request: one connection, one transaction."""

    connection: psycopg.Connection[DictRow]
    asked: Asked
    config: Document

    def sign_in(self, email: str, password: str) -> SignedIn:
        """Begin a session for who knows the password."""
        user = self._one("user_by_email", email=email.strip().lower(), password=password)
        if user is None or not user["fits"]:
            raise AuthError(400, "invalid_credentials", "Invalid login credentials")
        self._see_not_banned(user)
        if user["email_confirmed_at"] is None:
            raise AuthError(400, "email_not_confirmed", "Email not confirmed")
        self._do("signed_in", user=user["id"])
        self._write_audit("login", user, {"provider": "email"})
        return self._begin(user | {"last_sign_in_at": self.asked.now})

    def sign_up(self, email: str, password: str, data: Document) -> SignedIn | DictRow:
        """Make a user; a session too, where addresses need no confirmation."""
        confirmed = self.asked.now if self.config["mailer_autoconfirm"] else None
        user = self._one(
            "add_user",
            user=uuid4(),
            email=email.strip().lower(),
            password=password,
            cost=BCRYPT_COST,
            confirmed=confirmed,
            data=Jsonb(data),
        )
        if user is None:
            raise AuthError(422, "user_already_exists", "User already registered")
        self._write_audit("user_signedup", user, {"provider": "email"}, kind="team")
        return self._begin(user) if confirmed else user

    def refresh(self, token: str) -> SignedIn:
        """Exchange a session's refresh token; one of before is believed for a while."""
        found = self._one("refresh_token", token=token)
        session = found and self._one("session", session=found["session_id"])
        if not found or not session:
            raise AuthError(
                400,
                "refresh_token_not_found",
                "Invalid Refresh Token: Refresh Token Not Found",
            )
        # Whoever waited for the session's lock may find that somebody exchanged the token.
        found = self._one("refresh_token", token=token) or found
        user = self._user(session["user_id"])
        self._see_not_banned(user)
        self._see_valid(session)
        issued = self._issued_before(found) if found["revoked"] else ""
        if not issued and not self.config["refresh_token_rotation_enabled"]:
            issued = found["token"]
        if not issued:
            self._do("revoke_refresh_token", token=found["token"])
            self._write_audit("token_revoked", user, {}, kind="token")
            issued = self._add_token(user, session["id"], parent=found["token"])
        self._write_audit("token_refreshed", user, {}, kind="token")
        self._do("refreshed", session=session["id"])
        return SignedIn(user, session["id"], issued)

    def user(self, claims: Document) -> DictRow:
        """Return whose token it is, as long as its session has not been ended."""
        user = self._user(claims.get("sub"))
        session = claims.get("session_id")
        if session and self._one("session_is_there", session=session) is None:
            raise AuthError(
                403,
                "session_not_found",
                "Session from session_id claim in JWT does not exist",
            )
        return user

    def sign_out(self, claims: Document, scope: str) -> None:
        """End this session, the others or all; access tokens live on to their end."""
        user = self.user(claims)
        endings = {"global": "end_sessions", "local": "end_session", "others": "end_other_sessions"}
        self._do(endings[scope], user=user["id"], session=claims.get("session_id"))
        self._write_audit("logout", user, {})

    def _begin(self, user: DictRow) -> SignedIn:
        session = uuid4()
        if self.config["sessions_single_per_user"]:
            self._do("end_sessions", user=user["id"])
        agent = self.asked.headers.get("user-agent", "")
        self._do("add_session", session=session, user=user["id"], agent=agent)
        return SignedIn(user, session, self._add_token(user, session, parent=None))

    def _issued_before(self, found: DictRow) -> str:
        active = self._one("active_refresh_token", session=found["session_id"])
        # The answer with the active one was lost on its way: who lost it gets it again.
        if active is not None and active["parent"] == found["token"]:
            return str(active["token"])
        interval = timedelta(seconds=self.config["security_refresh_token_reuse_interval"])
        if self.asked.now <= found["updated_at"] + interval:
            return ""
        if self.config["refresh_token_rotation_enabled"]:
            self._do("revoke_family", session=found["session_id"])
            self.connection.commit()  # the refusal must not take it back
        raise AuthError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")

    def _add_token(self, user: DictRow, session: UUID, *, parent: str | None) -> str:
        token = "".join(secrets.choice(_ALPHABET) for _ in range(REFRESH_TOKEN_LENGTH))
        user_id = str(user["id"])
        self._do("add_refresh_token", token=token, user=user_id, parent=parent, session=session)
        return token

    def _see_not_banned(self, user: DictRow) -> None:
        if user["banned_until"] is not None and user["banned_until"] > self.asked.now:
            raise AuthError(400, "user_banned", "User is banned")

    def _see_valid(self, session: DictRow) -> None:
        now = self.asked.now
        timebox = timedelta(hours=self.config["sessions_timebox"] or 0)
        idle = timedelta(hours=self.config["sessions_inactivity_timeout"] or 0)
        over = session["not_after"] is not None and session["not_after"] < now
        if over or (timebox and session["created_at"] + timebox < now):
            raise AuthError(400, "session_expired", "Invalid Refresh Token: Session Expired")
        if idle and session["updated_at"] + idle < now:
            message = "Invalid Refresh Token: Session Expired (Inactivity)"
            raise AuthError(400, "session_expired", message)

    def _user(self, user_id: object) -> DictRow:
        user = self._one("user_by_id", user=user_id) if user_id else None
        if user is None:
            raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
        return user

    def _write_audit(
        self, action: str, user: DictRow, traits: Document, *, kind: str = "account"
    ) -> None:
        payload = {
            "action": action,
            "actor_id": str(user["id"]),
            "actor_username": user["email"],
            "actor_via_sso": False,
            "log_type": kind,
        }
        payload |= {"traits": traits} if traits else {}
        self._do("write_audit", id=uuid4(), payload=Json(payload))

    def _one(self, name: str, **values: object) -> DictRow | None:
        return self._do(name, **values).fetchone()

    def _do(self, name: str, **values: object) -> psycopg.Cursor[DictRow]:
        known = {"now": self.asked.now, "address": self.asked.address, **values}
        return self.connection.execute(_STATEMENTS[name], known)


@contextmanager
def tables(url: str, asked: Asked, config: Document) -> Iterator[Tables]:
    """Open the tables for one request; an error takes back what it did."""
    seconds = config["api_max_request_duration"] or 10
    with psycopg.connect(
        url,
        row_factory=dict_row,
        connect_timeout=seconds,
        application_name="supabase_auth",
        options=f"-c statement_timeout={seconds}s",
    ) as connection:
        yield Tables(connection, asked, config)
