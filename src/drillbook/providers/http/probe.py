"""Ask an app over HTTP, with every call bounded in time and size."""

from collections.abc import Callable
from dataclasses import dataclass

from drillbook.core.errors import Refused
from drillbook.ports.probe import Answer, Question
from drillbook.remote.asking import Asking, ask, shown_address

USER_AGENT = "drillbook-probe"


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """The `Probe` port on an app behind a URL; `address` reveals it at the moment of use."""

    address: Callable[[], str]
    health_path: str = "/"
    release_path: str = ""

    @property
    def target(self) -> str:
        """The app's address without user, password and query."""
        return shown_address(self.address())

    def ask(self, question: Question) -> Answer:
        """Send one request; no answer is an answer with status 0."""
        if not question.path.startswith("/") or question.path.startswith("//"):
            raise Refused(
                f"{question.path!r} is not a path on the app", hint="Start it with one slash."
            )
        heard = ask(
            Asking(
                self.address().rstrip("/") + question.path,
                method=question.method,
                body=question.body,
                headers={"User-Agent": USER_AGENT, **question.headers},
                timeout_seconds=question.timeout_seconds,
            )
        )
        return Answer(
            status=heard.status,
            seconds=heard.seconds,
            text=heard.text,
            media_type=heard.media_type,
            problem=heard.problem,
            cut=heard.cut,
        )
