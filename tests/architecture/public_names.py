"""Which imports of a host reach past the names that the suite offers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "django_digitalstore"


def private_imports(source: str) -> Iterator[str]:
    """Yield the imports of the suite's names that are not in their module's ``__all__``."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or node.level:
            continue
        if not (node.module or "").startswith("django_digitalstore"):
            continue
        module = SOURCE.parent.joinpath(*node.module.split("."))
        file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
        for alias in node.names:
            is_module = module.is_dir() and (
                (module / alias.name).is_dir() or (module / f"{alias.name}.py").is_file()
            )
            private = any(part.startswith("_") for part in (*node.module.split("."), alias.name))
            if private or not (is_module or alias.name in _all_of(file)):
                yield f"from {node.module} import {alias.name}"


def _all_of(file: Path) -> set[str]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()
