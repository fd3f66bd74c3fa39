"""When each client's next request is due, while the traffic's flow may change under way."""

import time
from dataclasses import dataclass, field
from random import Random
from threading import Condition

from drillbook.range.traffic.shape import Flow, Shape

# A flow that changes by itself (a day, a spike) is looked at this often.
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Pace:
    """The clients' common clock: who waits on it is woken when the flow changes or all ends."""

    flow: Flow
    ended: bool = False
    _changed: Condition = field(default_factory=Condition)
    _last: dict[int, float] = field(default_factory=dict)
    _chances: dict[int, Random] = field(default_factory=dict)

    def change(self, flow: Flow) -> None:
        """Let the clients come like this from now on."""
        with self._changed:
            self.flow = flow
            self._changed.notify_all()

    def end(self) -> None:
        """Let the clients go."""
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def wait(self, number: int) -> bool:
        """Wait for a client's next turn (missed ones are not made up for); False: all end."""
        with self._changed:
            share = self._share(number)
            while not self.ended:
                now = time.monotonic()
                flow, wall = self.flow, time.time()
                left = LOOK_SECONDS
                if number < flow.active(wall):
                    pause = flow.even_seconds(wall) * share
                    last = self._last.setdefault(number, now - pause + self._offset(number, pause))
                    left = last + pause - now
                    if left <= 0:
                        self._last[number] = max(last + pause, now - pause)
                        return True
                self._changed.wait(min(left, LOOK_SECONDS))
        return False

    def reads(self, number: int) -> bool:
        """Tell whether a client only reads."""
        return number % self.flow.clients < self.flow.readers

    def _share(self, number: int) -> float:
        # Few people do not come evenly: their pauses are those of chance.
        if self.flow.shape is not Shape.LOW:
            return 1.0
        fresh = Random(f"{self.flow.seed}/pace/{number}")  # noqa: S311 - the same each time
        chance = self._chances.setdefault(number, fresh)
        return chance.expovariate(1)

    def _offset(self, number: int, pause: float) -> float:
        # All come at different moments of the first pause, and the first one at once.
        return pause * (number % self.flow.clients) / self.flow.clients
