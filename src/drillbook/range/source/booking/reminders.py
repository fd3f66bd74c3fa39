"""Reminders: a cron puts them down once, a worker in the background sends them."""

from threading import Event, Thread

from booking.logs import Log
from booking.pool import Pool, Row
from booking.problems import words_of

AT_MOST = 200
LOOK_SECONDS = 60.0
TIDY_SECONDS = 5.0

# The key is the booking and its day, so a cron that runs twice puts nothing down twice.
_QUEUE = """
INSERT INTO internal.requests (key, answer)
SELECT 'reminder:' || reference || ':' || lower(during)::date,
       jsonb_build_object('state', 'queued', 'reference', reference, 'starts_at', lower(during))
  FROM bookings
 WHERE status = 'confirmed' AND during && tstzrange(now(), now() + interval '1 day')
   AND lower(during) > now()
 ORDER BY lower(during), id
 LIMIT %s
ON CONFLICT (key) DO NOTHING
"""
_SEND = """
UPDATE internal.requests
   SET answer = answer || '{"state": "sent"}'
 WHERE key IN (SELECT key FROM internal.requests
                WHERE key >= 'reminder:' AND key < 'reminder;' AND answer ->> 'state' = 'queued'
                ORDER BY key LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING answer ->> 'reference' AS reference, answer ->> 'starts_at' AS starts_at
"""


class Reminders:
    """What is to be said to customers the day before."""

    def __init__(self, pool: Pool, log: Log) -> None:
        self._pool = pool
        self._log = log
        self._wake = Event()

    def queue(self) -> Row:
        """Put down who is to be reminded; say how many are new."""
        with self._pool.transaction("service") as connection:
            queued = connection.execute(_QUEUE, (AT_MOST,)).rowcount
        self._wake.set()
        return {"queued": queued}

    def send(self) -> int:
        """Send what was put down; each goes out once, whoever sends."""
        with self._pool.transaction("service") as connection:
            rows = connection.execute(_SEND, (AT_MOST,)).fetchall()
        for row in rows:
            self._log.info("reminder sent", path="worker", **row)
        return len(rows)

    def work(self) -> None:
        """Begin to send in the background, and to close idle connections."""
        Thread(target=self._loop, daemon=True).start()

    def _loop(self) -> None:
        waited = 0.0
        while True:
            woken = self._wake.wait(TIDY_SECONDS)
            waited += TIDY_SECONDS
            self._pool.tidy()
            if woken or waited >= LOOK_SECONDS:
                waited = 0.0
                self._wake.clear()
                try:
                    self.send()
                except Exception as error:
                    self._log.write("error", f"no reminders: {words_of(error)}", path="worker")
