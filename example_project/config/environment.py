"""Reads settings from the environment, and says in one message all that is missing."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.core.exceptions import ImproperlyConfigured

__all__ = ["MissingVariables", "flag", "mail_settings", "text", "words"]

_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """Return a variable without the spaces around it."""
    return os.environ.get(name, default).strip()


def words(name: str, default: str = "") -> list[str]:
    """Return a list that is separated by commas or spaces."""
    return text(name, default).replace(",", " ").split()


def flag(name: str, default: bool) -> bool:
    """Return a yes or no. Raises ``ImproperlyConfigured`` for anything else."""
    if name not in os.environ:
        return default
    value = text(name).lower()
    if value in _YES or value in _NO:
        return value in _YES
    raise ImproperlyConfigured(
        f"The environment variable {name} is {value!r}, which is neither yes nor no. "
        f"Write {name}=1 or {name}=0."
    )


def number(name: str, default: int) -> int:
    """Return a whole number. Raises ``ImproperlyConfigured`` for anything else."""
    value = text(name) or str(default)
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(
            f"The environment variable {name} is {value!r}, which is no number. "
            f"Write {name}={default}."
        )
    return int(value)


def json_object(name: str) -> dict[str, Any]:
    """Return a JSON object, empty where there is none. Raises ``ImproperlyConfigured``."""
    value = text(name) or "{}"
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ImproperlyConfigured(
            f"The environment variable {name} is no JSON object. "
            f"""Write {name}='{{"API_KEY": "…"}}'."""
        )
    return found


def mail_settings(backend: str, options: dict[str, Any], classic: dict[str, Any]) -> dict[str, Any]:
    """Return how mail is sent: ``MAILERS`` where Django has it (6.1), else ``EMAIL_BACKEND``.

    ``options`` are the backend's own words, ``classic`` the settings that say the same.
    """
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    return {"EMAIL_BACKEND": backend, **classic}


def smtp_settings(url: str) -> dict[str, Any]:
    """Return how mail is sent by ``smtp://user:password@host:port/`` or ``smtps://…``.

    ``smtp`` uses STARTTLS; ``?tls=0`` doesn't, for a server on the same machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(
            "The environment variable EMAIL_URL is not understood. "
            "Write EMAIL_URL=smtp://user:password@mail.example.com:587/"
        )
    over_tls = parts.scheme == "smtps"
    starts_tls = not over_tls and parse_qs(parts.query).get("tls", ["1"])[0] not in _NO
    options = {
        "host": parts.hostname,
        "port": parts.port or (465 if over_tls else 587),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": starts_tls,
        "use_ssl": over_tls,
        "timeout": 10,
    }
    names = {"username": "EMAIL_HOST_USER", "password": "EMAIL_HOST_PASSWORD"}
    classic = {names.get(key, f"EMAIL_{key.upper()}"): value for key, value in options.items()}
    return mail_settings("django.core.mail.backends.smtp.EmailBackend", options, classic)


class MissingVariables:
    """Collects what is missing, so that one start names all of it."""

    def __init__(self, settings: str) -> None:
        self.settings = settings
        self.missing: dict[str, str] = {}

    def need(self, name: str, example: str) -> str:
        """Return a variable, or note that it is missing; ``example`` is what to write."""
        value = text(name)
        if not value:
            self.missing[name] = example
        return value

    def stop(self) -> None:
        """Raise ``ImproperlyConfigured`` with every missing variable and what to write."""
        if not self.missing:
            return
        lines = "\n".join(f"    {name}={example}" for name, example in self.missing.items())
        count = len(self.missing)
        what = "an environment variable is" if count == 1 else f"{count} environment variables are"
        raise ImproperlyConfigured(
            f"{self.settings} – {what} missing: {', '.join(self.missing)} – write, with your own "
            f"values:\n{lines}"
        )
