"""Payments, made by another company."""

from typing import Any

from booking.outside import ask
from booking.problems import AwayError, DeclinedError
from booking.settings import Settings

CHARGED = (200, 201)
DECLINED = 402


def charge(settings: Settings, reference: str, due: dict[str, Any]) -> str:
    """Charge what is due for a booking; return the charge's id. Asked twice, it charges once."""
    url = f"{settings.need('PAYMENTS_URL').rstrip('/')}/v1/charges"
    headers = {
        "Authorization": f"Bearer {settings.need('PAYMENTS_KEY')}",
        # With its time: after a restore another payment may get the same number.
        "Idempotency-Key": f"payment-{due['id']}-{due['created_at'].timestamp():.6f}",
    }
    body = {
        "reference": reference,
        "amount_cents": due["amount_cents"],
        "currency": due["currency"],
    }
    status, said = ask("payment service", url, body, headers)
    if status == DECLINED:
        raise DeclinedError(str(said.get("error") or "the payment was declined"))
    if status not in CHARGED or not said.get("id"):
        raise AwayError(f"the payment service answers {status}")
    return str(said["id"])
