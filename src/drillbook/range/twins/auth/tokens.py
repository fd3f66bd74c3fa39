"""The tokens the auth service gives out and believes, by its own clock."""

from drillbook.range.twins.auth.asked import Asked, AuthError
from drillbook.range.twins.auth.sessions import SignedIn
from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase.project import Project
from drillbook.range.twins.supabase.signing import claims_of, sign

AUDIENCE = "authenticated"


def token_answer(project: Project, asked: Asked, signed_in: SignedIn, method: str) -> Document:
    """Return what is answered to who signed in or renewed a session."""
    seconds = project.auth_config()["jwt_exp"]
    expires_at = int(asked.now.timestamp()) + seconds
    claims = _claims(project, asked, signed_in, method) | {"exp": expires_at}
    return {
        "access_token": sign(project, claims),
        "token_type": "bearer",
        "expires_in": seconds,
        "expires_at": expires_at,
        "refresh_token": signed_in.refresh_token,
        "user": user_answer(signed_in.user),
        "weak_password": None,
    }


def believed(project: Project, asked: Asked) -> Document:
    """Return the claims of the request's token, when it is ours and has not ended."""
    claims = claims_of(project, asked.bearer)
    if claims is None:
        words = "token signature is invalid: signature is invalid"
        raise AuthError(
            403, "bad_jwt", f"invalid JWT: unable to parse or verify signature, {words}"
        )
    if not isinstance(claims.get("exp"), int) or claims["exp"] <= asked.now.timestamp():
        words = "token has invalid claims: token is expired"
        raise AuthError(
            403, "bad_jwt", f"invalid JWT: unable to parse or verify signature, {words}"
        )
    return claims


def user_answer(user: Document) -> Document:
    """Return a user as the service shows one."""
    shown = ("confirmed_at", "email_confirmed_at", "last_sign_in_at", "created_at", "updated_at")
    times = {name: user[name].isoformat() for name in shown if user.get(name) is not None}
    provider = {"provider": "email", "user_id": str(user["id"]), "id": str(user["id"])}
    return {
        "id": str(user["id"]),
        "aud": user["aud"],
        "role": user["role"],
        "email": user["email"],
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "identities": [provider | {"identity_data": {"email": user["email"]}}],
        "is_anonymous": user["is_anonymous"],
        **times,
    }


def _claims(project: Project, asked: Asked, signed_in: SignedIn, method: str) -> Document:
    user, now = signed_in.user, int(asked.now.timestamp())
    return {
        "iss": f"{project.cloud.url(f'auth-{project.environment}')}/auth/v1",
        "sub": str(user["id"]),
        "aud": AUDIENCE,
        "iat": now,
        "email": user["email"],
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "role": user["role"],
        "aal": "aal1",
        "amr": [{"method": method, "timestamp": now}],
        "session_id": str(signed_in.session),
        "is_anonymous": user["is_anonymous"],
    }
