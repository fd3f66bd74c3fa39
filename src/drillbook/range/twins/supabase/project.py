"""A project: what one environment keeps at the platform, shared by its API and its auth service."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from drillbook.range.cloud import PROJECT_REFS, Cloud
from drillbook.range.twins.documents import Document, Documents

AUTH_CONFIG = "auth config"
# What the platform gives a new project, as far as anything here reads it; the rest is null. The
# limit is wider than the platform's 150: the app logs all its users in from one address.
AUTH_DEFAULTS: Document = {
    "api_max_request_duration": 10,
    "db_max_pool_size": 10,
    "db_max_pool_size_unit": "connections",
    "disable_signup": False,
    "external_anonymous_users_enabled": False,
    "external_email_enabled": True,
    "jwt_exp": 3600,
    "mailer_autoconfirm": True,
    "mailer_otp_exp": 3600,
    "mfa_max_enrolled_factors": 10,
    "password_hibp_enabled": False,
    "password_min_length": 6,
    "password_required_characters": "",
    "rate_limit_anonymous_users": 30,
    "rate_limit_email_sent": 30,
    "rate_limit_otp": 30,
    "rate_limit_sms_sent": 30,
    "rate_limit_token_refresh": 18_000,
    "rate_limit_verify": 30,
    "rate_limit_web3": 30,
    "refresh_token_rotation_enabled": True,
    "security_captcha_enabled": False,
    "security_captcha_provider": "hcaptcha",
    "security_manual_linking_enabled": False,
    "security_refresh_token_reuse_interval": 10,
    "security_update_password_require_reauthentication": False,
    "sessions_inactivity_timeout": 0,
    "sessions_single_per_user": False,
    "sessions_timebox": 0,
    "site_url": "http://localhost:3000",
    "uri_allow_list": "",
}


@dataclass(frozen=True)
class Project:
    """One environment's project; its documents are read on each use, so a change counts at once."""

    cloud: Cloud
    environment: str

    @property
    def ref(self) -> str:
        """The name the platform gives it: 20 lower-case letters."""
        return PROJECT_REFS[self.environment]

    @property
    def folder(self) -> Path:
        """The environment's folder."""
        return self.cloud.environment(self.environment)

    @cached_property
    def documents(self) -> Documents:
        """What the platform keeps of all projects; the kinds of this one are named by `kind`."""
        return self.cloud.documents("supabase")

    @property
    def auth_log(self) -> Path:
        """What the auth service writes about its requests."""
        return self.folder / "auth.log"

    def kind(self, name: str) -> str:
        """Return the kind of this project's documents of one sort."""
        return f"{self.ref} {name}"

    def url(self, file: str) -> str:
        """Return a database address from a file of the environment, for the moment of use."""
        return (self.folder / file).read_text(encoding="utf-8").strip()

    def auth_config(self) -> Document:
        """Return how the auth service is set."""
        return AUTH_DEFAULTS | (self.documents.get(AUTH_CONFIG, self.ref) or {})

    def change_auth_config(self, changes: Document) -> Document:
        """Set the auth service anew, from its next request on."""
        documents = self.documents
        with documents.locked():
            changed = (documents.get(AUTH_CONFIG, self.ref) or {}) | changes
            documents.put(AUTH_CONFIG, self.ref, changed)
        return AUTH_DEFAULTS | changed
