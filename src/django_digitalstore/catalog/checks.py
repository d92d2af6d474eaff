"""System checks of the catalog: storage and uploads of sold files. Settings only; no network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, Storage, storages

__all__ = ["check_private_storage", "check_uploads"]

_PRIVATE = "django_digitalstore.catalog.storage.PrivateFileSystemStorage"


@register()
def check_private_storage(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the alias of the private storage exists, and that no URL leads to its files."""
    alias = settings.DIGITALSTORE_STORAGE
    if alias not in settings.STORAGES:
        return [] if settings.DIGITALSTORE_TEST_MODE else [_missing(alias)]
    try:
        storage = storages[alias]
    except (ImportError, ImproperlyConfigured, TypeError) as error:
        why = str(error).rstrip(".")
        return [
            Error(
                f"STORAGES[{alias!r}], which holds what is sold, can't be loaded: {why}.",
                hint="Name a storage that is installed, with the OPTIONS that it takes.",
                id="digitalstore.E105",
            )
        ]
    messages = list(_check_is_private(alias, storage))
    # What only a storage knows of its own options, like those of contrib.s3, it says itself.
    check = getattr(storage, "check", None)
    return [*messages, *check()] if callable(check) else messages


@register()
def check_uploads(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the limits of uploads are what they must be. Looks at settings only."""
    return list(_wrong_limits())


def _wrong_limits() -> Iterator[CheckMessage]:
    allowed = settings.DIGITALSTORE_UPLOAD_EXTENSIONS
    is_list = isinstance(allowed, Collection) and not isinstance(allowed, str)
    if allowed is not None and not (
        is_list and allowed and all(isinstance(e, str) and e.strip(".") for e in allowed)
    ):
        yield Error(
            f"DIGITALSTORE_UPLOAD_EXTENSIONS is {allowed!r}, which is no list of extensions: no "
            "file could be uploaded.",
            hint='Write DIGITALSTORE_UPLOAD_EXTENSIONS = ("zip", "pdf"), or None to take all.',
            id="digitalstore.E106",
        )
    size = settings.DIGITALSTORE_UPLOAD_MAX_BYTES
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        yield Error(
            f"DIGITALSTORE_UPLOAD_MAX_BYTES is {size!r}, which is no number of bytes.",
            hint="Write a whole number of bytes, as in 2 * 1024**3.",
            id="digitalstore.E107",
        )
    age = settings.DIGITALSTORE_UPLOAD_AGE
    if not isinstance(age, timedelta) or age <= timedelta(0):
        yield Error(
            f"DIGITALSTORE_UPLOAD_AGE is {age!r}, which is no time that an upload could take.",
            hint="Write a timedelta, as in timedelta(hours=24).",
            id="digitalstore.E107",
        )


def _missing(alias: str) -> CheckMessage:
    return Error(
        f"DIGITALSTORE_STORAGE names {alias!r}, which STORAGES does not have.",
        hint=(
            f"Write STORAGES[{alias!r}] = {_private('/a/private/folder')}, or "
            f"DIGITALSTORE_TEST_MODE = DEBUG while you develop."
        ),
        id="digitalstore.E101",
    )


def _private(location: str) -> str:
    return f"{{'BACKEND': '{_PRIVATE}', 'OPTIONS': {{'location': '{location}'}}}}"


def _check_is_private(alias: str, storage: Storage) -> Iterator[CheckMessage]:
    why = _public_url(alias, storage)
    if why:
        name = "digitalstore" if alias in {"default", "staticfiles"} else alias
        yield Error(
            f"DIGITALSTORE_STORAGE names {alias!r}, which {why}: whoever has a URL has the file.",
            hint=(
                f"Write DIGITALSTORE_STORAGE = {name!r} and STORAGES[{name!r}] = "
                f"{_private('/a/private/folder')}."
            ),
            id="digitalstore.E102",
        )
    if isinstance(storage, FileSystemStorage):
        location = Path(storage.location).resolve()
        for name, root in _served_folders(alias):
            if location.is_relative_to(root.resolve()):
                yield Error(
                    f"STORAGES[{alias!r}] keeps what is sold in {storage.location}, which lies in "
                    f"{name}: the web server gives those files to everybody.",
                    hint="Write another OPTIONS['location'], outside of what is served.",
                    id="digitalstore.E103",
                )
    for said, write in _unsigned(storage):
        yield Error(
            f"STORAGES[{alias!r}] has {said}: its links open what is sold to everybody, for ever.",
            hint=f"Write {write} in its OPTIONS.",
            id="digitalstore.E104",
        )


def _public_url(alias: str, storage: Storage) -> str:
    """Say why the storage's files have URLs; nothing where they have none."""
    if alias in {"default", "staticfiles"}:
        return "is the site's storage of public files"
    if isinstance(storage, FileSystemStorage):
        try:
            url = storage.url("a-file")
        except (ValueError, NotImplementedError):
            return ""
        return f"gives its files URLs like {url!r}"
    return ""


def _served_folders(alias: str) -> Iterator[tuple[str, Path]]:
    """Return the folders that a web server gives out, or ``collectstatic`` copies into one."""
    for setting in ("MEDIA_ROOT", "STATIC_ROOT"):
        if root := getattr(settings, setting, None):
            yield setting, Path(root)
    for entry in getattr(settings, "STATICFILES_DIRS", ()):
        yield "STATICFILES_DIRS", Path(entry[1] if isinstance(entry, (list, tuple)) else entry)
    for other, entry in settings.STORAGES.items():
        # Without one of its own, a storage is at one of the settings above, or in no folder.
        if other == alias or not entry.get("OPTIONS", {}).get("location"):
            continue
        try:
            storage = storages[other]
        except (ImportError, ImproperlyConfigured, TypeError):
            continue  # not the one that matters here
        if isinstance(storage, FileSystemStorage) and _public_url(other, storage):
            yield f"the folder of STORAGES[{other!r}]", Path(storage.location)


def _unsigned(storage: Storage) -> Iterator[tuple[str, str]]:
    """Return what makes the links of an object storage public, and what to write.

    By the attributes that django-storages gives its storages, of whatever class.
    """
    if getattr(storage, "querystring_auth", None) is False:
        yield "querystring_auth=False", "'querystring_auth': True"
    domain = getattr(storage, "custom_domain", None)
    if domain and not getattr(storage, "cloudfront_signer", None):
        yield (
            f"custom_domain={domain!r} without a signer",
            "'cloudfront_key_id' and 'cloudfront_key', or no 'custom_domain',",
        )
    acl = getattr(storage, "default_acl", None)
    if isinstance(acl, str) and acl.lower().startswith("public"):
        yield f"default_acl={acl!r}", "'default_acl': 'private'"
