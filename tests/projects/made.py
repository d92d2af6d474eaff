"""Host projects that a test makes, in a folder of its own, and drives by ``manage.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("accounts", "catalog", "entitlements", "payments", "support")
#: What a shop needs; support comes on top of it. Hosts that stay without show that such a store is
#: whole.
SELLING = SHIPPED[:-1]
#: The apps of contrib with pages of their own, which a store has only where they are installed.
CONVENIENCES = ("contrib.analytics", "contrib.shorturls")


def run_python(
    *arguments: str,
    cwd: Path,
    path: tuple[Path, ...] = (),
    answers: str | None = None,
    python: Path = Path(sys.executable),
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run this Python, or another, in ``cwd`` with a database and settings of its own.

    ``answers`` are typed.
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "DATABASE_", "CACHE_", "PYTEST_", "PYTHONPATH"))
    }
    if "PYTHONPATH" in os.environ:  # how the suite itself is found, where it isn't installed
        folders = [str(ROOT / p) for p in os.environ["PYTHONPATH"].split(os.pathsep) if p != "."]
        path = (*path, *(Path(p) for p in folders if Path(p) != ROOT))
    env["PYTHONPATH"] = os.pathsep.join([str(cwd), *map(str, path)])
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        [str(python), *arguments],
        cwd=cwd,
        env={**env, **environment},
        input=answers,
        capture_output=True,
        text=True,
        timeout=300,
    )


def run_in_project(name: str, *arguments: str, database: Path) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py <arguments>`` of a project of ``tests/projects`` on a new database."""
    return run_python(
        "-m",
        "django",
        *arguments,
        cwd=database.parent,
        path=(ROOT,),
        DJANGO_SETTINGS_MODULE=f"tests.projects.{name}.settings",
        DATABASE_URL=f"sqlite:///{database}",
    )


class MadeProject:
    """A site from nothing: what `startproject` gives, with the suite's apps in it."""

    def __init__(self, folder: Path, *features: str, store: str | None = None) -> None:
        self.folder = folder
        self.settings = folder / "site_settings.py"
        self.urls = folder / "site_urls.py"
        apps = [f"django_digitalstore.{name}" for name in ("core", *features)]
        if store:
            apps.append(store)
        lines = "".join(f'    "{app}",\n' for app in apps)
        self.settings.write_text(
            f"""\
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "only-for-this-test"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
STATIC_URL = "static/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "site.sqlite3"}}
}}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
{lines}]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {{
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        }},
    }}
]
"""
        )
        self.urls.write_text(
            "from django.contrib import admin\n"
            "from django.urls import include, path\n\n"
            'urlpatterns = [\n    path("admin/", admin.site.urls),\n]\n'
        )

    def manage(
        self, *arguments: str, answers: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py <arguments>``, and answer its questions by the lines of ``answers``."""
        return run_python(
            "-m",
            "django",
            *arguments,
            cwd=self.folder,
            answers=answers,
            DJANGO_SETTINGS_MODULE="site_settings",
            NO_COLOR="1",
        )

    def must(self, *arguments: str, answers: str | None = None) -> str:
        """Run it, and fail with all that it said unless it succeeds."""
        done = self.manage(*arguments, answers=answers)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def add_settings(self, text: str) -> None:
        self.settings.write_text(self.settings.read_text() + text + "\n")

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def section(printed: str, title: str) -> list[str]:
    """Return the lines that are printed below ``title``, to be pasted."""
    after = printed.split(f"{title}", 1)[1].split("\n\n", 2)[1]
    return [line.removeprefix("    ") for line in after.splitlines()]


def paste(site: MadeProject, printed: str) -> None:
    """Do what the command says, and nothing else."""
    apps = "\n".join(section(printed, "Add to INSTALLED_APPS in your settings:"))
    site.add_settings(f"INSTALLED_APPS += [\n{apps}\n]")
    site.add_settings("\n".join(section(printed, "Add below, in the same file:")))
    urls = "\n".join(section(printed, "`from django.urls import include, path`):"))
    site.urls.write_text(f"{site.urls.read_text()}\nurlpatterns += [\n{urls}\n]\n")
