"""A bucket of S3-compatible storage as a place for pieces."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from drillbook.core.effect import deadline
from drillbook.core.errors import DrillbookError, NotFound
from drillbook.core.secret import Secret
from drillbook.providers.postgres.storage.blobs import Blob
from drillbook.providers.postgres.storage.s3_sentences import sentence

if TYPE_CHECKING:
    from obstore.store import S3Credential

PART_BYTES = 8 << 20
MOST_PARTS = 9_000  # S3 takes 10,000
AT_ONCE = 4
CONNECT_SECONDS = 5.0
STALLED_SECONDS = 120.0
RETRY_SECONDS = 30.0
MOST_BACKOFF_SECONDS = 5.0
LONGEST_SECONDS = 24 * 3600.0
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Bucket:
    """Which bucket, and how it is entered."""

    name: str
    prefix: str
    region: str
    access_key: Secret
    secret_key: Secret
    endpoint: str = ""

    @property
    def where(self) -> str:
        """The bucket and its server, for sentences."""
        below = f"s3://{self.name}/{self.prefix}".rstrip("/")
        return f"{below} at {self.endpoint}" if self.endpoint else below


class S3Blobs:
    """Pieces as objects below a prefix of a bucket; the library tries again by itself."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    @property
    def where(self) -> str:
        """The bucket and its server."""
        return self.bucket.where

    def tops(self) -> tuple[str, ...]:
        """Return the first parts of all names that have a second."""
        with self._entered() as store:
            found = obstore.list_with_delimiter(store)
        return tuple(sorted(one.rstrip("/").rpartition("/")[2] for one in found["common_prefixes"]))

    def list(self, prefix: str) -> tuple[Blob, ...]:
        """Return all objects below a prefix, page after page."""
        with self._entered() as store:
            return tuple(
                Blob(name=one["path"], size_bytes=one["size"], at=one["last_modified"])
                for page in obstore.list(store, prefix=prefix or None)
                for one in page
            )

    def put(self, name: str, data: Iterable[bytes], size_bytes: int) -> None:
        """Write an object, in parts when it is large: it is there when all of it is."""
        with self._entered() as store:
            if size_bytes <= PART_BYTES:
                obstore.put(store, name, b"".join(data), use_multipart=False)
                return
            part = -(-max(PART_BYTES, size_bytes // MOST_PARTS) // (1 << 20)) * (1 << 20)
            obstore.put(
                store, name, iter(data),
                use_multipart=True, chunk_size=part, max_concurrency=AT_ONCE,
            )  # fmt: skip

    def create(self, name: str, data: bytes) -> bool:
        """
        Write an object unless there is one of that name.

        Storage that does not know the condition (`If-None-Match`) is asked before and after.
        """
        if self.read(name) is not None:
            return False
        with self._entered() as store:
            try:
                obstore.put(store, name, data, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                # One's own try, whose answer was lost, may be what is there.
                return self.read(name) == data
        return self.read(name) == data

    def read(self, name: str) -> bytes | None:
        """Return a small object, or None."""
        with self._entered() as store:
            try:
                return bytes(obstore.get(store, name).bytes())
            except FileNotFoundError as error:
                self._is_only_missing(error)
                return None

    def stream(self, name: str) -> Iterator[bytes]:
        """Yield an object from its beginning."""
        with self._entered() as store:
            try:
                found = obstore.get(store, name)
            except FileNotFoundError as error:
                self._is_only_missing(error)
                raise NotFound(f"there is no {name} in {self.where}", hint="Look there.") from error
            for piece in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(piece)

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects."""
        gone = list(names)
        if gone:
            with self._entered() as store:
                obstore.delete(store, gone)

    def honours_conditions(self, name: str) -> bool:
        """Return whether a second object of one name is refused, as `create` needs it."""
        with self._entered() as store:
            obstore.put(store, name, b"first", use_multipart=False)
            try:
                obstore.put(store, name, b"second", mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return True
            finally:
                obstore.delete(store, name)
        return False

    def _is_only_missing(self, error: FileNotFoundError) -> None:
        if "NoSuchBucket" in str(error):
            raise self._sentence(error) from error

    @contextmanager
    def _entered(self) -> Iterator[S3Store]:
        """Give the library's store with time-outs of the task at hand; errors become ours."""
        try:
            yield self._store()
        except DrillbookError:
            raise
        except (BaseError, FileNotFoundError) as error:
            raise self._sentence(error) from error

    def _sentence(self, error: BaseException) -> DrillbookError:
        return sentence(error, bucket=self.bucket.name, where=self.where)

    def _store(self) -> S3Store:
        left = deadline.get().left
        bucket = self.bucket
        plain = bucket.endpoint.startswith("http://")
        return S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            region=bucket.region,
            # Named in full, so that variables of the worker (AWS_…) change nothing.
            skip_signature=False,
            virtual_hosted_style_request=not bucket.endpoint and "." not in bucket.name,
            credential_provider=_credentials(bucket),
            client_options={
                "allow_http": plain,
                "connect_timeout": timedelta(seconds=left(at_most=CONNECT_SECONDS)),
                "read_timeout": timedelta(seconds=left(at_most=STALLED_SECONDS)),
                "timeout": timedelta(seconds=left(at_most=LONGEST_SECONDS)),
            },
            retry_config={
                "retry_timeout": timedelta(seconds=left(at_most=RETRY_SECONDS)),
                "backoff": {
                    "init_backoff": timedelta(seconds=0.1),
                    "max_backoff": timedelta(seconds=MOST_BACKOFF_SECONDS),
                    "base": 2,
                },
            },
            config={"endpoint": bucket.endpoint} if bucket.endpoint else None,
        )


def _credentials(bucket: Bucket) -> "Callable[[], S3Credential]":
    access_key, secret_key = bucket.access_key.reveal(), bucket.secret_key.reveal()
    return lambda: {
        "access_key_id": access_key,
        "secret_access_key": secret_key,
        "token": None,
        "expires_at": None,
    }
