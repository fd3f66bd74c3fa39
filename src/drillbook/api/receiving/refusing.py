"""Why a request is not taken: the status says it, and whether sending it again may help."""


class NotUnderstoodError(Exception):
    """The body is not what its kind must be; sending it again will not help."""


class TurnedAwayError(Exception):
    """The request is not taken; `wait_seconds` when it may be sent again, and after how long."""

    def __init__(self, status: int, says: str, *, wait_seconds: int | None = None) -> None:
        super().__init__(says)
        self.status = status
        self.wait_seconds = wait_seconds
