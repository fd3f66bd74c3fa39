"""Who signed in: tokens made by the auth service, checked here without asking it."""

import time
from threading import Lock
from typing import Any

from booking.desk import Customer
from booking.outside import ask
from booking.problems import AwayError, UnauthorizedError, words_of
from booking.settings import MissingSettingError, Settings

AUDIENCE = "authenticated"
LEEWAY_SECONDS = 10
KEYS_SECONDS = 600.0
AGAIN_SECONDS = 30.0
AWAY_SECONDS = 2.0
READ_SECONDS = 2.0
ALGORITHMS = ["ES256", "RS256", "HS256"]


class Tokens:
    """Signs customers in at the auth service and knows them again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._keys: Any = None
        self._asked = -KEYS_SECONDS
        self._problem = ""

    def login(self, email: str, password: str) -> dict[str, Any]:
        """Return a token for an address and a password."""
        if not email or not password:
            raise ValueError("email and password are needed")
        url = f"{self._settings.need('AUTH_URL').rstrip('/')}/token?grant_type=password"
        status, said = ask("auth service", url, {"email": email, "password": password})
        if status != 200 or "access_token" not in said:
            told = said.get("msg") or said.get("error_description") or f"refused with {status}"
            raise UnauthorizedError(str(told))
        return {"token": said["access_token"], "expires_in": said.get("expires_in")}

    def customer(self, authorization: str) -> Customer:
        """Return whose token this is."""
        # A quarter of the app's start-up, which visitors who only look need not wait for.
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise UnauthorizedError("sign in first")
        needed = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            sub={"essential": True},
            exp={"essential": True},
            aud={"essential": True, "value": AUDIENCE},
        )
        for fresh in (False, True):
            try:
                found = jwt.decode(token, self._key(fresh=fresh), algorithms=ALGORITHMS)
                needed.validate(found.claims)
            except (JoseError, ValueError) as error:
                # The key may be newer than those we know; the second look is the last.
                if fresh or not self._may_read_again():
                    raise UnauthorizedError(f"the token is not good: {error}") from error
            else:
                claims = found.claims
                return Customer(email=str(claims.get("email", "")), id=str(claims["sub"]))
        raise UnauthorizedError("the token is not good")

    def _may_read_again(self) -> bool:
        if not self._settings.text("AUTH_JWKS_URL"):
            return False
        return time.monotonic() - self._asked > AGAIN_SECONDS

    def _key(self, *, fresh: bool) -> Any:
        from joserfc.errors import JoseError  # noqa: PLC0415 - as above
        from joserfc.jwk import KeySet, OctKey  # noqa: PLC0415

        secret = self._settings.text("AUTH_JWT_SECRET")
        url = self._settings.text("AUTH_JWKS_URL")
        if not secret and not url:
            raise MissingSettingError("neither AUTH_JWKS_URL nor AUTH_JWT_SECRET is set")
        if secret and not url:
            return OctKey.import_key(secret)
        with self._lock:
            now = time.monotonic()
            # While the service is away nobody waits for it again and again.
            if now - self._asked > (AWAY_SECONDS if self._keys is None or fresh else KEYS_SECONDS):
                self._asked = now
                try:
                    _, said = ask("auth service", url, seconds=READ_SECONDS)
                    self._keys = KeySet.import_key_set({"keys": said.get("keys") or []})
                except (AwayError, JoseError) as error:
                    self._problem = words_of(error)
            if self._keys is None:
                raise AwayError(f"no keys of the auth service: {self._problem}")
            return self._keys
