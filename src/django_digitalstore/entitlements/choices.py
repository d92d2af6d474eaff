"""Choices as callables: a reworded label never makes a migration in the host's app."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = [
    "DownloadOutcome",
    "EndedKind",
    "GrantEffect",
    "Refusal",
    "download_outcomes",
    "ended_kinds",
    "grant_effects",
]


class GrantEffect(models.TextChoices):
    """What a grant does while it stands."""

    ALLOW = "allow", _("Allows")
    DENY = "deny", _("Denies")


class EndedKind(models.TextChoices):
    """Why a grant ended."""

    WITHDRAWN = "withdrawn", _("Withdrawn by its source")
    REVOKED = "revoked", _("Revoked by a person")
    REPLACED = "replaced", _("Replaced by a newer grant")
    LIFTED = "lifted", _("Lifted by a person")
    REFUNDED = "refunded", _("Refunded")
    DISPUTED = "disputed", _("Suspended by a dispute")


class DownloadOutcome(models.TextChoices):
    """How a request for a file ended; ``RESET`` is a person's line: counting starts again."""

    SERVED = "served", _("Served")
    REFUSED = "refused", _("Refused")
    MISSING = "missing", _("File missing")
    PREVIEWED = "previewed", _("Looked at by its seller or staff")
    RESET = "reset", _("Limit reset")


class Refusal(models.TextChoices):
    """Why a file is not given to somebody whom it concerns: the code of the page and of the log."""

    REVOKED = "revoked", _("Access was withdrawn")
    REFUNDED = "refunded", _("The purchase was refunded")
    DISPUTED = "disputed", _("Suspended by a dispute")
    ENDED = "ended", _("The time of access is over")
    EXPIRED = "expired", _("The link was too old")
    LIMIT = "limit", _("The download limit was reached")
    UPDATES_ENDED = "updates_ended", _("Published after the end of updates")
    WITHDRAWN = "withdrawn", _("The release was withdrawn")
    PROCESSING = "processing", _("The file is not ready yet")
    MISSING = "missing", _("The storage does not have the file")


def grant_effects() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractGrant.effect``."""
    return GrantEffect.choices


def ended_kinds() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractGrant.ended_kind``."""
    return EndedKind.choices


def download_outcomes() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractDownload.outcome``."""
    return DownloadOutcome.choices
