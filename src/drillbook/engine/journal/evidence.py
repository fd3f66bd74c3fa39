"""Evidence files named by their SHA-256: written whole or not at all, checked at each reading."""

from hashlib import sha256
from pathlib import Path

from drillbook.core.errors import Damaged, NotFound, Refused, Unavailable
from drillbook.engine.journal import durable
from drillbook.engine.journal.entry import Scrub

LARGEST = 64 * 1024 * 1024


class EvidenceFolder:
    """A folder of files `ab/cdef…`, each named by the SHA-256 of its content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, digest: str, content: bytes) -> None:
        """Write a file so that it is there whole or not at all, also when the power fails."""
        path = self._path(digest)
        if self.get(digest) == content:
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable.put(path, content)
        except OSError as error:
            raise Unavailable(
                f"evidence cannot be kept in {self._folder}: {error.strerror}",
                hint="Free space there, or make the folder writable for this user.",
            ) from error

    def get(self, digest: str) -> bytes | None:
        """Return a file's content as it is on disk; None when it is not there."""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(
                f"evidence {digest[:12]} in {self._folder} cannot be read: {error.strerror}",
                hint="Make the folder readable for this user.",
            ) from error

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:]


def content_of(source: bytes | Path) -> bytes:
    """Read what is to be kept; Refused when it is too large for evidence."""
    if isinstance(source, bytes):
        content, size = source, len(source)
    else:
        try:
            size = source.stat().st_size
            content = source.read_bytes() if size <= LARGEST else b""
        except OSError as error:
            raise NotFound(
                f"the file {source} cannot be read as evidence: {error.strerror}",
                hint="Look whether it is there and readable.",
            ) from error
    if size > LARGEST:
        raise Refused(
            f"{size:,} bytes are more than evidence may have ({LARGEST:,})",
            hint="Keep the file elsewhere and record its SHA-256 and place.",
        )
    return content


def scrubbed(content: bytes, scrub: Scrub) -> bytes:
    """Scrub a file: as text, or byte for byte so that binary hides no secret."""
    try:
        return scrub(content.decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError:
        cleaned = scrub(content.decode("latin-1"))
        return cleaned.encode("latin-1", "replace")


def checked(digest: str, content: bytes | None) -> bytes:
    """Return the content when it is what its name says."""
    if content is None:
        raise NotFound(
            f"no evidence {digest} is in this journal", hint="Run `drillbook journal verify`."
        )
    found = sha256(content).hexdigest()
    if found != digest:
        raise Damaged(
            f"evidence {digest} is not what was recorded: its bytes have the SHA-256 {found}",
            hint="Put the file back from your backup; the journal's entry still says its hash.",
        )
    return content
