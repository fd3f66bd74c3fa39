"""Errors of S3-compatible storage as our sentences."""

import re

from drillbook.core.errors import DrillbookError, Failed, Refused, Unavailable

WRONG_KEYS = {"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken"}
FULL = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "ServiceQuotaExceeded"}
WRONG_REGION = {
    "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
    "TemporaryRedirect",
}  # fmt: skip
FULL_STATUS = "507"
SKEWED = "RequestTimeTooSkewed"
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,80})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")


def sentence(error: BaseException, *, bucket: str, where: str) -> DrillbookError:
    """Return what an error of the library means, and what to do; secrets are in none of it."""
    text = str(error)
    code = found[1] if (found := _CODE.search(text)) else ""
    status = found[1] if (found := _STATUS.search(text)) else ""
    said = code or (f"status {status}" if status else "")
    if code in FULL or status == FULL_STATUS:
        return Failed(
            f"{where} is full ({said})", hint="Free space or raise the quota there: backup.prune."
        )
    if code == "NoSuchBucket":
        return Refused(
            f"there is no bucket {bucket} at {where}",
            hint="Make it, or correct bucket and endpoint in the backups section.",
        )
    if code in WRONG_REGION or status == "301":
        return Refused(
            f"{where} says that the bucket {bucket} is of another region ({said})",
            hint="Correct region (and endpoint) in the backups section.",
        )
    if code in WRONG_KEYS or code == SKEWED or status in {"401", "403"}:
        return _not_let_in(code, said, where)
    return _unanswered(text, said, where)


def _not_let_in(code: str, said: str, where: str) -> DrillbookError:
    if code in WRONG_KEYS:
        return Refused(
            f"{where} does not accept access_key and secret_key ({said})",
            hint="Correct what the two references of the backups section hold.",
        )
    if code == SKEWED:
        return Refused(
            f"the clocks of this machine and of {where} differ too much ({said})",
            hint="Set the clock of this machine: timedatectl set-ntp true.",
        )
    return Refused(
        f"the keys may not do this at {where} ({said})",
        hint="They need to list, read, write and delete below the prefix of the bucket.",
    )


def _unanswered(text: str, said: str, where: str) -> DrillbookError:
    if said:
        return Unavailable(f"{where} answered {said}", hint="Try again; look at its state there.")
    head = text.partition("Debug source")[0]
    if "operation timed out" in text or "TimedOut" in text or "timed out" in head.lower():
        return Unavailable(
            f"{where} did not answer in time", hint="Look at the network, or raise the timeout."
        )
    if "kind: Connect" in text or "dns error" in text:
        return Unavailable(
            f"{where} cannot be reached", hint="Check endpoint in the backups section, and network."
        )
    return Unavailable(f"the connection to {where} broke", hint="Try again; look at the network.")
