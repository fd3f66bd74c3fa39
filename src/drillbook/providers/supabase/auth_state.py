"""Look at a Supabase project's login service (GoTrue) by logging in: its health is a constant."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from drillbook.core.secret import scrub
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.auth_state import SKEW_SECONDS, AuthSeen, LoginKind
from drillbook.remote.asking import Asking, Heard, ask, shown_address
from drillbook.remote.several import (
    SERVER_ERROR,
    TIMES,
    TOO_MANY,
    Round,
    ask_several,
    ask_surely,
    problem_of,
)

LOGIN_SECONDS = 6.0
KEYS_SECONDS = 5.0
USER_AGENT = "drillbook-probe"
SIGNED_IN, REFUSED, UNPROCESSABLE = 200, 400, 422
CAPTCHA = "captcha_failed"
WRONG_PASSWORD = "invalid_credentials"  # noqa: S105 - a code of GoTrue's
# RFC 2606: nobody can have an address there, so no user's login is refused by us.
NOBODY = "drillbook-probe@nobody.invalid"
TELLING_CLOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SupabaseAuth:
    """Fulfils AuthState; what is secret is revealed at the moment of use."""

    address: Callable[[], str]
    key: Callable[[], str] | None = None
    user: str = ""
    password: Callable[[], str] | None = None

    def look(self) -> AuthSeen:
        """Sign in as the test user (else as nobody), and ask for the keys of the tokens."""
        url = self.address().rstrip("/")
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json"}
        if self.key is not None:
            headers["apikey"] = self.key()
        signs_in = bool(self.user) and self.password is not None
        password = self.password() if self.password is not None and signs_in else uuid4().hex
        wanted = {"email": self.user if signs_in else NOBODY, "password": password}
        login = Asking(
            f"{url}/token?grant_type=password",
            method="POST",
            body=json.dumps(wanted).encode(),
            headers=headers,
            timeout_seconds=LOGIN_SECONDS,
        )
        keys = Asking(f"{url}/.well-known/jwks.json", headers=headers, timeout_seconds=KEYS_SECONDS)
        ended = side_by_side(
            {
                "login": lambda: ask_surely(login, _fails),
                "keys": lambda: ask_several(keys, times=1),
            },
            at_most_seconds=2 * LOGIN_SECONDS + 2.0,
        )
        for one in ended.values():
            if isinstance(one, Exception):
                raise one
        rounds = [one for one in ended.values() if isinstance(one, Round)]
        _sign_out(url, headers, rounds[0])
        return _seen(url, signs_in=signs_in, login=rounds[0], keys=rounds[1].heard[0])


def _seen(url: str, *, signs_in: bool, login: Round, keys: Heard) -> AuthSeen:
    failed = login.failed(_fails)
    limited = login.failed(lambda heard: heard.status == TOO_MANY)
    lost = login.failed(_is_elsewhere)
    broken = tuple(one for one in failed if one not in lost)
    known = any(_works(one) for one in login.heard)
    count, keys_problem = _keys(keys)
    offset = _token_clock(login)
    problem = scrub(problem_of(broken or lost))
    entered = any(one.status == SIGNED_IN for one in login.heard)
    code = next((_code(one) for one in login.heard if _works(one)), "") if signs_in else ""
    seen = AuthSeen(
        address=shown_address(url),
        kind=LoginKind.SIGNED_IN if signs_in and entered else LoginKind.REFUSED,
        alive=False if _is_broken(broken, login) else (True if known else None),
        asked=len(login.heard),
        failed=len(failed),
        limited=len(limited),
        statuses=login.statuses,
        seconds=login.seconds,
        median_seconds=login.median_seconds,
        problem=problem,
        keys=count,
        keys_problem=keys_problem,
        token_clock_seconds=offset,
        date_clock_seconds=login.clock_seconds,
        skewed=offset is not None and abs(offset) > SKEW_SECONDS,
        says="",
    )
    return seen.model_copy(update={"says": _told(seen, code=code, signs_in=signs_in)})


def _fails(heard: Heard) -> bool:
    return not _works(heard) and heard.status != TOO_MANY


def _is_broken(broken: tuple[Heard, ...], login: Round) -> bool:
    """Whether logins fail, and not one of many by chance."""
    return len(broken) > 1 or (bool(broken) and len(login.heard) <= TIMES)


def _works(heard: Heard) -> bool:
    """Whether a login was carried out, or refused by who had looked the user up."""
    # Who asks for a captcha first has looked up nobody yet.
    return heard.status in (SIGNED_IN, REFUSED, UNPROCESSABLE) and _code(heard) != CAPTCHA


def _is_elsewhere(heard: Heard) -> bool:
    """Whether a gateway or another service answered: nothing is known of logins then."""
    return 0 < heard.status < SERVER_ERROR and not _works(heard) and heard.status != TOO_MANY


def _told(seen: AuthSeen, *, code: str, signs_in: bool) -> str:
    took = f"median {seen.median_seconds:.2f} s"
    if seen.alive is None:
        why = "it has had too many requests" if seen.limited and not seen.failed else seen.problem
        return f"logins are not known: {why} ({took})"
    if not seen.alive:
        said = f"{seen.failed} of {seen.asked} logins failed: {seen.problem} ({took})"
    elif seen.kind is LoginKind.SIGNED_IN:
        said = f"the test user can sign in ({took})"
    elif signs_in:
        why = "password is refused" if code == WRONG_PASSWORD else f"login is refused ({code})"
        said = f"logins are carried out ({took}), and the test user's {why}"
    else:
        said = f"a login of a user nobody is, is refused as it must be ({took})"
    said += f"; {seen.keys_problem}" if seen.keys_problem else ""
    offset = seen.token_clock_seconds
    if offset is not None and abs(offset) > TELLING_CLOCK_SECONDS:
        said += (
            f"; its tokens are made {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'}"
        )
        said += " our clock"
    return said


def _keys(heard: Heard) -> tuple[int | None, str]:
    if heard.status != SIGNED_IN:
        said = heard.problem or f"answered {heard.status}"
        return None, f"its public keys cannot be read: {scrub(said)}"
    try:
        keys = json.loads(heard.text)["keys"]
        return len(keys), ""
    except (ValueError, KeyError, TypeError):
        return None, "its public keys cannot be read: the answer is no key set"


def _token_clock(login: Round) -> float | None:
    """Return the service's clock minus ours, by the token of the quickest login."""
    said = [
        (heard.seconds, issued + 0.5 - middle.timestamp())  # `iat` is cut to seconds
        for heard, middle in zip(login.heard, login.middles, strict=True)
        if (issued := _issued_at(heard)) is not None
    ]
    return round(min(said)[1], 1) if said else None


def _issued_at(heard: Heard) -> float | None:
    token = _said(heard).get("access_token")
    try:
        body = str(token).split(".")[1]
        issued = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["iat"]
        return float(datetime.fromtimestamp(float(issued), UTC).timestamp())
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def _code(heard: Heard) -> str:
    said = _said(heard)
    return str(said.get("error_code") or said.get("code") or "")


def _said(heard: Heard) -> Mapping[str, object]:
    try:
        said = json.loads(heard.text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _sign_out(url: str, headers: Mapping[str, str], login: Round) -> None:
    """End the sessions we began; where that fails they end by themselves, as the project says."""
    tokens = [said for heard in login.heard if (said := _said(heard).get("access_token"))]
    looks = {
        str(number): partial(
            ask,
            Asking(
                f"{url}/logout?scope=local",
                method="POST",
                headers={**headers, "Authorization": f"Bearer {token}"},
                timeout_seconds=KEYS_SECONDS,
            ),
        )
        for number, token in enumerate(tokens)
    }
    side_by_side(looks, at_most_seconds=KEYS_SECONDS)
