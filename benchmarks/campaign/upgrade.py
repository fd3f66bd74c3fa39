"""Another version of the package: sources changed and re-ordered, the step protocol the same."""

import ast
import shutil
from pathlib import Path

import drillbook

REORDERED = {
    "engine/steps.py": "Steps",
    "engine/interpreter.py": "Path",
    "engine/journal/journal.py": "Journal",
    "providers/postgres/migrations.py": "PostgresMigrations",
}
METADATA = "Metadata-Version: 2.4\nName: drillbook\nVersion: 99.0.0\n"


def make_upgraded_source(folder: Path) -> Path:
    """Copy the package's source, changed in every file, into a folder for PYTHONPATH."""
    source = Path(drillbook.__file__).parent
    copy = folder / "drillbook"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*.py"):
        path.write_text(f"{path.read_text('utf-8')}\n# of version 99\n", "utf-8")
    for name, of_class in REORDERED.items():
        path = copy / name
        path.write_text(reordered(path.read_text("utf-8"), of_class), "utf-8")
    info = folder / "drillbook-99.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    return folder


def reordered(text: str, of_class: str) -> str:
    """Return a module with the methods of a class in reverse order."""
    lines = text.splitlines(keepends=True)
    tree = ast.parse(text)
    found = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == of_class
    )
    methods = [
        node for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    spans = [
        (min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1, node.end_lineno)
        for node in methods
    ]
    if any(isinstance(node, ast.FunctionDef) and node.decorator_list for node in methods):
        # A property's setter must follow it; such a class keeps its order.
        spans = [span for span, node in zip(spans, methods, strict=True) if not node.decorator_list]
    texts = ["".join(lines[start:end]) for start, end in spans]
    for (start, end), text_of in zip(reversed(spans), texts, strict=True):
        lines[start:end] = [text_of]
    return "".join(lines)
