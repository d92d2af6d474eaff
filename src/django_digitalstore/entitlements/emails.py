"""E-mails about releases: kinds of outbox messages, written when they are sent.

The templates ``digitalstore/entitlements/email/release_subject.txt`` and ``…_body.txt`` are for a
host to replace. What causes them stands in ``flows.notices``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_digitalstore.catalog import get_release_model
from django_digitalstore.core import outbox
from django_digitalstore.core.emails import page_of, send_templated

from . import policies
from .unsubscribe_links import unsubscribe_url

__all__ = ["NOTICE", "RELEASE", "send_notice", "write_notices"]

#: That the owners of a release are to be told: one message for a release.
RELEASE = "entitlements.release"
#: The e-mail to one of them.
NOTICE = "entitlements.release_notice"


@outbox.handler(RELEASE)
def write_notices(payload: Mapping[str, Any], message: Any) -> None:
    """Write one message for each owner of ``payload["release"]``, in batches.

    Run again after a kill, it writes those that are missing: the key is of release and owner.
    """
    release = _available(payload["release"])
    owners = policies.owners_to_tell(release).order_by("pk").values_list("pk", "user_id")
    batch = list(owners[: outbox.BATCH])
    while batch:
        outbox.enqueue_many(
            NOTICE,
            [
                (
                    f"release:{release.pk}:{user_id}",
                    {"release": str(release.pk), "user": str(user_id)},
                )
                for _pk, user_id in batch
            ],
        )
        batch = list(owners.filter(pk__gt=batch[-1][0])[: outbox.BATCH])


@outbox.handler(NOTICE, bulk=True)
def send_notice(payload: Mapping[str, Any], message: Any) -> None:
    """Tell ``payload["user"]`` of ``payload["release"]``; nothing where that is no longer due."""
    release = _available(payload["release"])
    owners = policies.owners_to_tell(release).select_related("user", "product")
    purchase = owners.filter(user_id=payload["user"]).first()
    if purchase is None or not purchase.user.is_active:
        return
    user, product = purchase.user, release.product
    url = unsubscribe_url(user, product)
    context = {
        "user": user,
        "product": product,
        "release": release,
        "library_url": page_of(purchase, "get_library_url"),
        "unsubscribe_url": url,
    }
    send_templated(
        "digitalstore/entitlements/email/release",
        [getattr(user, user.get_email_field_name(), "")],
        context,
        message,
        # RFC 8058: the mail program's own button, without a page between.
        headers={
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


def _available(pk: str) -> Any:
    """Return the release; ``NotDue`` where it was withdrawn: brought back, it can be told again."""
    releases: Any = get_release_model()._default_manager
    release = releases.available().select_related("product").filter(pk=pk).first()
    if release is None:
        raise outbox.NotDue(f"Release {pk} is not there for its owners now.")
    return release
