"""Releases: saved as drafts, published now or later, withdrawn and brought back.

Nothing here touches access: a release is for whoever owns its product, when they ask.
"""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import router, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_asset_model, get_product_model
from django_digitalstore.catalog.abstract_models import AbstractRelease
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.core.flow import flow

from .rules import check_actor, clean, notes_problem

__all__ = [
    "delete_release",
    "publish_release",
    "save_release",
    "unschedule_release",
    "unyank_release",
    "yank_release",
]

R = TypeVar("R", bound=AbstractRelease)

#: Columns that the other flows decide; saving an edited release never writes them.
DECIDED = frozenset({"product", "published_at", "yanked_at", "yanked_reason", "notified_at"})

#: Further ahead it is a slip of the pen, and near the year 9999 time zones can't be reckoned.
MOST_AHEAD = timedelta(days=3653)


@flow
def save_release(release: R, *, actor: Any = None) -> R:
    """Save a new release as a draft, or what was edited in an existing one.

    Product, dates and the reason of a withdrawal stay as the database has them. Raises
    ``ProductNotReady`` with the fields that are wrong, and ``NotYourProduct``.
    """
    _lock_product(release)
    row = None if release._state.adding else _lock(release, actor)
    if row is None:
        check_actor(release, release.product, actor)
        if any(getattr(release, name) for name in DECIDED - {"product"}):
            raise ProductNotReady(
                {"published_at": _("A new release is a draft. Save it, then publish_release().")}
            )
    else:
        _take_decided(release, row)
    release.version = release.version.strip()
    _check(release)
    if row is not None:
        columns = [f.name for f in release._meta.concrete_fields if not f.primary_key]
        release.save(update_fields=[name for name in columns if name not in DECIDED])
        return release
    try:
        release.save()
    except Exception:
        # The row is rolled back: the object must not take itself for a saved one.
        release.pk, release._state.adding = None, True
        raise
    return release


@flow
def publish_release(release: R, *, at: datetime | None = None, actor: Any = None) -> R:
    """Publish a draft, now or ``at`` an aware time; owners have its files from then on.

    Again, nothing changes. A scheduled one can be published now or moved; one that owners see
    already stays. A time that has passed is for versions from before this shop. Raises
    ``ProductNotReady`` where a field is wrong, it is withdrawn, or the time is not aware or more
    than ten years ahead; and ``NotYourProduct``.
    """
    if at is not None and settings.USE_TZ and timezone.is_naive(at):
        raise ProductNotReady(
            {"published_at": _("The time has no time zone. Give publish_release() an aware one.")}
        )
    if at is not None and at > timezone.now() + MOST_AHEAD:
        raise ProductNotReady(
            {"published_at": _("That is more than ten years ahead. Choose an earlier date.")}
        )
    row = _lock(release, actor)
    # Not before the lock: whoever waited for it would take a date of a moment ago for one to come.
    now = timezone.now()
    if row.yanked_at is not None:
        raise ProductNotReady(
            {"published_at": _("It is withdrawn. Bring it back instead of publishing it.")}
        )
    if row.published_at is None or row.published_at > now:
        _check(row)
        row.published_at = now if at is None else at
        row.save(update_fields=["published_at"])
    elif at is not None and at != row.published_at:
        raise ProductNotReady(
            {"published_at": _("Owners see it already. Withdraw it to hide it from them.")}
        )
    return _take_decided(release, row)


@flow
def unschedule_release(release: R, *, actor: Any = None) -> R:
    """Make a scheduled release a draft again; nothing changes for a draft.

    Raises ``ProductNotReady`` for one that is published, and ``NotYourProduct``.
    """
    row = _lock(release, actor)
    if row.published_at is not None:
        if row.published_at <= timezone.now():
            raise ProductNotReady(
                {"published_at": _("Owners see it already. Withdraw it to hide it from them.")}
            )
        row.published_at = None
        row.save(update_fields=["published_at"])
    return _take_decided(release, row)


@flow
def yank_release(release: R, *, reason: str, actor: Any = None) -> R:
    """Withdraw a published release: it is hidden, access stays. Owners may read the ``reason``.

    Its owners can be told of it again once it is back: who was told before is not told twice.
    Again, the first date and reason stay. Raises ``ProductNotReady`` without a reason, with one of
    more than 300 characters, or where nothing is published yet; and ``NotYourProduct``.
    """
    row = _lock(release, actor)
    if row.yanked_at is None:
        if row.published_at is None or row.published_at > timezone.now():
            raise ProductNotReady(
                {"published_at": _("Owners do not see it yet, so there is nothing to withdraw.")}
            )
        row.yanked_reason = reason.strip()
        if not row.yanked_reason:
            raise ProductNotReady({"yanked_reason": _("Say why: owners may ask.")})
        clean(row)
        row.yanked_at, row.notified_at = timezone.now(), None
        row.save(update_fields=["yanked_at", "yanked_reason", "notified_at"])
    return _take_decided(release, row)


@flow
def unyank_release(release: R, *, actor: Any = None) -> R:
    """Bring a withdrawn release back, with its date; nothing changes for another.

    Raises ``NotYourProduct``.
    """
    row = _lock(release, actor)
    if row.yanked_at is not None:
        row.yanked_at, row.yanked_reason = None, ""
        row.save(update_fields=["yanked_at", "yanked_reason"])
    return _take_decided(release, row)


@flow
def delete_release(release: AbstractRelease, *, actor: Any = None) -> None:
    """Delete a draft; its files leave the storage after commit.

    Raises ``ProductNotReady`` for one that is published or scheduled, ``NotYourProduct``, and
    Django's ``ProtectedError`` where a host's key protects it.
    """
    row = _lock(release, actor)
    if row.published_at is not None:
        raise ProductNotReady(
            {"published_at": _("Only a draft is deleted. Withdraw it to hide it from its owners.")}
        )
    using = router.db_for_write(type(row), instance=row)
    for asset in get_asset_model()._base_manager.using(using).filter(release_id=row.pk):
        if asset.file:
            forget = functools.partial(asset.file.storage.delete, str(asset.file.name))
            transaction.on_commit(forget, using=using, robust=True)
    row.delete()


def _lock(release: R, actor: Any) -> R:
    """Return the release's row, locked, if the actor may change it."""
    model = type(release)
    using = router.db_for_write(model, instance=release)
    row: R = model._base_manager.using(using).select_for_update().get(pk=release.pk)
    check_actor(row, row.product, actor)
    return row


def _lock_product(release: AbstractRelease) -> None:
    """Lock the product, so that of two requests for the same version one reads of the other."""
    using = router.db_for_write(type(release), instance=release)
    products = get_product_model()._base_manager.using(using).select_for_update()
    products.filter(pk=release.product_id).first()


def _take_decided(release: R, row: AbstractRelease) -> R:
    """Write into ``release`` what the database has of the columns that flows decide."""
    release.product = row.product
    for name in DECIDED - {"product"}:
        setattr(release, name, getattr(row, name))
    return release


def _check(release: AbstractRelease) -> None:
    """Validate a release, with words for the mistakes that people make."""
    problem = notes_problem(release.notes)
    if problem:
        raise ProductNotReady({"notes": problem})
    others = type(release)._base_manager.filter(
        product_id=release.product_id, version=release.version
    )
    if release.version and others.exclude(pk=release.pk).exists():
        raise ProductNotReady(
            {
                "version": _(
                    "There is a version %(version)s of it already. Write another one, or edit that."
                )
                % {"version": release.version}
            }
        )
    clean(release)
