"""How often an address may ask: a bucket each, filled evenly, as the auth service keeps them."""

from threading import Lock

WINDOW_SECONDS = 300.0
BURST = 30.0
MOST_ADDRESSES = 10_000


class Limiter:
    """Buckets in memory: a service that starts anew has forgotten them."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def allows(self, address: str, *, in_window: int, at: float) -> bool:
        """Take one from the address's bucket; False when it is empty."""
        rate = in_window / WINDOW_SECONDS
        # Nobody may come more often at once than in the whole window.
        size = min(BURST, float(in_window))
        with self._lock:
            left, before = self._buckets.pop(address, (size, at))
            left = min(size, left + max(0.0, at - before) * rate)
            allowed = left >= 1
            # Put back last, so that who has not come for longest stands first.
            self._buckets[address] = (left - 1 if allowed else left, at)
            if len(self._buckets) > MOST_ADDRESSES:
                self._buckets.pop(next(iter(self._buckets)))
        return allowed
