"""Writes the stores of the host projects again, as ``startstore`` does; migrations stay.

``python -m tests.projects.regenerate``, from the checkout, after a change of a storetemplate.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.projects.made import CONVENIENCES, SELLING, SHIPPED, MadeProject

PROJECTS = Path(__file__).parent
#: Projects, whose stores are exactly what is written, and their features.
UNEDITED = {
    "full_store": SHIPPED,
    "entitlements_only": ("catalog", "entitlements"),
    "custom_user": SHIPPED,
    "existing_model": SELLING,
    "traps": SHIPPED,
    "conveniences": (*SELLING, *CONVENIENCES),
}
#: Apps of a host that are there before its store, and what it tells ``startstore`` about them.
BEFORE = {
    "existing_model": (
        "library",
        ("--product", "library.Ebook", "--base-template", "library/base.html"),
    ),
}


def write_store(project: str, folder: Path) -> Path:
    """Write the store of ``project`` into ``folder`` and return its path."""
    site = MadeProject(folder, *UNEDITED[project])
    options: tuple[str, ...] = ()
    if project in BEFORE:
        app, options = BEFORE[project]
        package = folder / "tests" / "projects" / project
        shutil.copytree(PROJECTS / project / app, package / app)
        for path in (package, package.parent, package.parent.parent):
            (path / "__init__.py").touch()
        site.add_settings(f'INSTALLED_APPS += ["tests.projects.{project}.{app}"]')
    site.must("startstore", f"tests.projects.{project}.shop", "shop", *options)
    return folder / "shop"


def main() -> None:
    for project in UNEDITED:
        target = PROJECTS / project / "shop"
        with tempfile.TemporaryDirectory() as scratch:
            written = write_store(project, Path(scratch))
            for path in target.iterdir() if target.exists() else ():
                if path.is_dir() and path.name != "migrations":
                    shutil.rmtree(path)
                elif path.is_file():
                    path.unlink()
            shutil.copytree(written, target, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
