"""Read stack traces of Python, JavaScript and Java: the exception, and the frames of the app."""

import re
from dataclasses import dataclass, replace

_PYTHON_HEAD = "Traceback (most recent call last):"
_PYTHON_FRAME = re.compile(r'^[ |+]*File "(?P<file>[^"]+)", line \d+(?:, in (?P<name>.+))?$')
_PYTHON_EXCEPTION = re.compile(r"^[ |+]*(?P<type>[A-Za-z_][\w.]*)(?:: (?P<says>.*))?$")
_AT_FRAME = re.compile(r"^\s*at (?:async )?(?P<frame>\S.*)$")
_JAVA_FRAME = re.compile(
    r"^(?:[\w.@-]+//?)*(?P<name>[\w$.]+\.[\w$<>]+)\((?P<file>[\w$.-]+)?[^)]*\)"
)
_JS_FRAME = re.compile(
    r"^(?:(?P<name>.+?) \()?(?P<file>(?:file://|webpack|node:|[A-Za-z]:\\|\.{0,2}/|<)?[^()]*?)"
    r"(?::\d+)?(?::\d+)?\)?(?: \{)?$"
)
_AT_EXCEPTION = re.compile(
    r"(?P<type>(?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Exception|Error|Throwable|Failure|Fault))"
    r"(?: \[[A-Z_0-9]+\])?(?:: (?P<says>.*))?$"
)
_CAUSE = re.compile(r"^\s*(?:Caused by|\[cause\]): (?P<rest>.*)$")
_FOREIGN_FILES = (
    "site-packages/", "dist-packages/", "/lib/python", "<frozen ", "<string>",
    "node_modules/", "node:", "internal/", "<anonymous>", "native",
)  # fmt: skip
_FOREIGN_PACKAGES = (
    "java.", "javax.", "jdk.", "sun.", "com.sun.", "jakarta.", "kotlin.", "kotlinx.", "scala.",
    "groovy.", "clojure.", "org.springframework.", "org.apache.", "org.hibernate.", "org.eclipse.",
    "org.jboss.", "org.junit.", "org.postgresql.", "org.slf4j.", "io.netty.", "io.micrometer.",
    "io.grpc.", "io.vertx.", "reactor.", "akka.", "rx.", "com.google.common.", "com.fasterxml.",
    "com.zaxxer.", "com.mysql.", "com.netflix.", "ch.qos.logback.", "okhttp3.", "redis.clients.",
    "android.", "androidx.", "com.android.", "dalvik.",
)  # fmt: skip
MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class Frame:
    """One call: the function, the file without its line, and whether it is the app's own code."""

    name: str
    file: str
    own: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """
    An exception and where it came from, the innermost frame first.

    `cause` is the type of the exception at the root of it, "" when it has no other; the frames
    are the root's, for there it went wrong.
    """

    exception: str
    message: str
    frames: tuple[Frame, ...]
    cause: str = ""

    @property
    def own(self) -> tuple[Frame, ...]:
        """The frames of the app itself; a call of itself in itself counts once."""
        found: list[Frame] = []
        for frame in self.frames:
            if frame.own and (not found or found[-1] != frame):
                found.append(frame)
        return tuple(found)


def read_stack(text: str) -> Stack | None:
    """Return the stack trace that a log entry of several lines holds, or None."""
    if "\n" not in text:
        return None
    lines = text.split("\n", MOST_LINES)[:MOST_LINES]
    if any(_PYTHON_HEAD in line for line in lines):
        return _python(lines)
    return _at_lines(lines)


def _python(lines: list[str]) -> Stack | None:
    """Read a Python traceback; of a chain the last is what was raised, the first its root."""
    stacks: list[Stack] = []
    frames: list[Frame] = []
    reading = False
    for line in lines:
        if _PYTHON_HEAD in line:
            frames, reading = [], True
        elif reading and (found := _PYTHON_FRAME.match(line)):
            file = found["file"]
            frames.append(Frame(found["name"] or "<module>", file, _is_own_file(file)))
        elif reading and line.strip(" |+-") and not line.lstrip("|+").startswith("  "):
            reading = False
            if exception := _PYTHON_EXCEPTION.match(line):
                inner_first = tuple(reversed(frames))
                stacks.append(Stack(exception["type"], exception["says"] or "", inner_first))
    if not stacks:
        return None
    root, raised = stacks[0], stacks[-1]
    if root is raised or root.exception == raised.exception:
        return raised
    return replace(raised, frames=root.frames or raised.frames, cause=root.exception)


def _at_lines(lines: list[str]) -> Stack | None:
    """Read a trace of lines `at …`, as JavaScript and Java write them."""
    raised = cause = None
    frames: list[Frame] = []
    for line in lines:
        if found := _AT_FRAME.match(line):
            if raised is not None:
                frames.append(_at_frame(found["frame"]))
        elif under := _CAUSE.match(line):
            found_cause = _AT_EXCEPTION.search(under["rest"])
            cause = found_cause["type"] if found_cause else cause
            frames = []
        elif raised is None and (head := _AT_EXCEPTION.search(line)):
            raised = head
    if raised is None or not frames:
        return None
    return Stack(raised["type"], raised["says"] or "", tuple(frames), cause or "")


def _at_frame(text: str) -> Frame:
    if java := _JAVA_FRAME.match(text):
        name = java["name"]
        file = java["file"] or ""
        if not file.endswith((".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx")):
            return Frame(name, file, not name.startswith(_FOREIGN_PACKAGES))
    found = _JS_FRAME.match(text)
    file = found["file"] if found else text
    name = (found["name"] if found else "") or "<anonymous>"
    return Frame(name, file, _is_own_file(file))


def _is_own_file(file: str) -> bool:
    slashed = file.replace("\\", "/")
    return bool(slashed) and not any(part in slashed for part in _FOREIGN_FILES)
