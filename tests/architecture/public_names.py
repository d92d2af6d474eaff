"""Which imports of a host reach past the names that the suite offers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.surface import SOURCE, all_of


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
            if private or not (is_module or alias.name in all_of(file)):
                yield f"from {node.module} import {alias.name}"
