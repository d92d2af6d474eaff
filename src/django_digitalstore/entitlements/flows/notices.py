"""Who is told of a release, once, and who does not want to be told."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_release_model
from django_digitalstore.catalog.abstract_models import AbstractRelease
from django_digitalstore.catalog.flows.rules import check_actor
from django_digitalstore.core import outbox
from django_digitalstore.core.flow import flow
from django_digitalstore.core.insert_once import insert_once
from django_digitalstore.entitlements import policies, unsubscribe_links
from django_digitalstore.entitlements.emails import RELEASE
from django_digitalstore.entitlements.exceptions import ReleaseNotAvailable
from django_digitalstore.entitlements.models import ReleaseNoticeOptOut

__all__ = ["notify_owners", "opt_in", "opt_out"]


@flow
def notify_owners(release: AbstractRelease, *, actor: Any = None) -> int | None:
    """Tell the owners of a release by e-mail; return how many, or None where that was done before.

    One message goes to the outbox, which then writes one for each of
    ``policies.owners_to_tell``. Each is asked for again when it is sent: who has lost access or
    unsubscribed meanwhile gets nothing. ``actor`` is the product's seller, somebody who may change
    releases, or None for the site. Raises ``ReleaseNotAvailable`` for a draft, or one that is
    scheduled or withdrawn, ``NotYourProduct``, and ``UnsubscribeNotRouted`` where the e-mail could
    have no link to unsubscribe. Writes in one transaction, joins the caller's; no other I/O.
    """
    unsubscribe_links.require_route()
    using = router.db_for_write(type(release), instance=release)
    releases: Any = get_release_model()._default_manager.using(using)
    row = releases.select_related("product").get(pk=release.pk)
    check_actor(row, row.product, actor)
    now = timezone.now()
    # Of two clicks at once one changes the row, and is the one that tells.
    unclaimed = releases.available().filter(pk=row.pk, notified_at=None)
    claimed = bool(unclaimed.update(notified_at=now))
    row.refresh_from_db(fields=["notified_at", "published_at", "yanked_at"])
    if row.notified_at is None:
        text = _(
            "“%(release)s” is not there for its owners now: it is a draft, scheduled, or "
            "withdrawn. Publish it, then tell them."
        )
        raise ReleaseNotAvailable(text % {"release": row})
    release.notified_at = row.notified_at
    if not claimed:
        return None
    # Told again after it was withdrawn and brought back, it reaches those who were not told.
    key = f"release:{row.pk}@{row.notified_at.isoformat()}"
    outbox.enqueue(RELEASE, key, {"release": str(row.pk)})
    return policies.owners_to_tell(row).count()


@flow
def opt_out(user: Any, product: Any = None) -> None:
    """Send ``user`` no e-mails about releases of ``product``, or of any product where it is None.

    Again, nothing changes. One statement; no other I/O.
    """
    insert_once(
        [ReleaseNoticeOptOut(user_id=user.pk, product_key=policies.opt_out_key(product))],
        key="product_key",
        using=router.db_for_write(ReleaseNoticeOptOut),
    )


@flow
def opt_in(user: Any, product: Any = None) -> None:
    """Send ``user`` e-mails about releases of ``product`` again, or of all where it is None.

    An opt-out from all ends with either; those from other products stay with the former. Again,
    nothing changes. One statement; no other I/O.
    """
    mine = ReleaseNoticeOptOut.objects.using(router.db_for_write(ReleaseNoticeOptOut))
    mine = mine.filter(user_id=user.pk)
    if product is not None:
        mine = mine.filter(product_key__in=["", policies.opt_out_key(product)])
    mine.delete()
