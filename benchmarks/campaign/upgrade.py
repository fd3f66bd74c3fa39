"""Another version of the package: sources changed and re-ordered, the step protocol the same."""

import ast
import shutil
from pathlib import Path

import drillbook

METADATA = "Metadata-Version: 2.4\nName: drillbook\nVersion: 99.0.0\n"


def make_upgraded_source(folder: Path) -> Path:
    """Copy the package's source, changed in every file, into a folder for PYTHONPATH."""
    source = Path(drillbook.__file__).parent
    copy = folder / "drillbook"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*.py"):
        path.write_text(f"{reordered(path.read_text('utf-8'))}\n# of version 99\n", "utf-8")
    info = folder / "drillbook-99.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    return folder


def reordered(text: str) -> str:
    """Return a module with the plain methods of its classes in reverse order."""
    lines = text.splitlines(keepends=True)
    for found in reversed(ast.parse(text).body):
        if not isinstance(found, ast.ClassDef):
            continue
        # What is decorated keeps its place: a property's setter must follow it.
        spans = [
            (node.lineno - 1, node.end_lineno)
            for node in found.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list
        ]
        texts = ["".join(lines[start:end]) for start, end in spans]
        for (start, end), moved in zip(reversed(spans), texts, strict=True):
            lines[start:end] = [moved]
    return "".join(lines)
