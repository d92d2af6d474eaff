"""The download log: what was served counts, under lock where a limit applies."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog.exceptions import NotYourProduct
from django_digitalstore.core import locks
from django_digitalstore.core.flow import flow
from django_digitalstore.entitlements import get_download_model, policies
from django_digitalstore.entitlements.choices import DownloadOutcome
from django_digitalstore.entitlements.exceptions import DownloadLimitReached, InvalidGrant

if TYPE_CHECKING:
    from django_digitalstore.entitlements.abstract_models import AbstractDownload

__all__ = ["forget_addresses", "log_download", "record_download", "reset_downloads"]

BATCH = 1000  # rows


@flow(atomic=False)
def log_download(
    user: Any,
    asset: Any,
    *,
    outcome: DownloadOutcome,
    address: str | None,
    agent: str,
    code: str = "",
) -> AbstractDownload:
    """Write a line of the log that does not count. One INSERT, no other I/O.

    Of ``address`` it keeps what ``DIGITALSTORE_DOWNLOAD_LOG_ADDRESS`` says. What is served to an
    owner is written by ``record_download``.
    """
    return _write(user.pk, asset, outcome=outcome, address=address, agent=agent, code=str(code))


@flow(atomic=False)
def record_download(
    purchase: Any, asset: Any, *, is_rest: bool = False, address: str | None, agent: str
) -> AbstractDownload | None:
    """Count a download of ``asset`` by the owner of ``purchase``, before its bytes go out.

    ``is_rest``: only a later part was asked for. It counts too, unless it is the rest of a download
    that was counted: then nothing is written, and None returned. Raises ``DownloadLimitReached``.
    Where a limit applies it is one transaction under the mutex of user and product, so that any
    number of requests at once get no more than is left; without a limit, one INSERT.
    """
    if policies.download_limit(asset.release.product) is not None:
        return _record_within_limit(purchase, asset, is_rest=is_rest, address=address, agent=agent)
    if is_rest and policies.is_rest_of_download(purchase, asset):
        return None
    return _write(purchase.user_id, asset, address=address, agent=agent)


@flow
def _record_within_limit(
    purchase: Any, asset: Any, *, is_rest: bool, address: str | None, agent: str
) -> AbstractDownload | None:
    locks.take(_key(purchase.user_id, purchase.product_id))
    if is_rest and policies.is_rest_of_download(purchase, asset):
        return None
    limit = policies.download_limit(asset.release.product)
    if limit is not None and policies.downloads_used(purchase) >= limit:
        raise DownloadLimitReached(limit)
    return _write(purchase.user_id, asset, address=address, agent=agent)


@flow
def reset_downloads(
    user: Any, product: Any, *, actor: Any = None, reason: str
) -> AbstractDownload | None:
    """Let the downloads of ``user`` count from nothing again; return the log's line that says so.

    None, and nothing is written, where none was counted. ``actor`` is the product's seller, or
    holds the log's change permission; None is the site itself. Raises ``NotYourProduct``, and
    ``InvalidGrant`` without a reason, or for a user without access. Writes in one transaction,
    joins the caller's; no other I/O.
    """
    if not reason.strip():
        raise InvalidGrant("reset_downloads() needs a reason. Pass reason='their disk broke'.")
    if not _may_reset(actor, product):
        raise NotYourProduct(
            _("“%(product)s” belongs to somebody else. Only its seller and staff reset downloads.")
            % {"product": product}
        )
    locks.take(_key(user.pk, product.pk))
    purchase = policies.live_purchase(user, product)
    if purchase is None:
        raise InvalidGrant(
            f"User {user.pk} has no access to product {product.pk}, so there is nothing to reset: "
            f"a new purchase counts from nothing by itself."
        )
    if not policies.downloads_used(purchase):
        return None
    line: AbstractDownload = get_download_model().objects.create(
        user=user, product=product, outcome=DownloadOutcome.RESET, actor=actor, reason=reason
    )
    return line


@flow(atomic=False)
def forget_addresses() -> int:
    """Take address and browser out of lines older than ``DIGITALSTORE_DOWNLOAD_LOG_AGE``.

    Returns how many; the lines stay. Without an age nothing is forgotten. The periodic job calls
    it. A statement for each thousand lines.
    """
    age = settings.DIGITALSTORE_DOWNLOAD_LOG_AGE
    if age is None:
        return 0
    log = get_download_model().objects.order_by("pk")
    # The newest first: behind those of a day there are only lines that are forgotten already.
    known = log.order_by("-at").exclude(address=None, agent="")
    until, forgotten = timezone.now() - age, 0
    while batch := list(known.filter(at__lte=until).values_list("pk", "at")[:BATCH]):
        forgotten += log.filter(pk__in=[pk for pk, _at in batch]).update(address=None, agent="")
        until = batch[-1][1]
    return forgotten


def _key(user_id: Any, product_id: Any) -> str:
    return f"download:{user_id}:{product_id}"


def _may_reset(actor: Any, product: Any) -> bool:
    if actor is None or (product.seller_id is not None and product.seller_id == actor.pk):
        return True
    options = get_download_model()._meta
    return bool(
        actor.is_active and actor.has_perm(f"{options.app_label}.change_{options.model_name}")
    )


def _write(
    user_id: Any,
    asset: Any,
    *,
    address: str | None,
    agent: str,
    outcome: DownloadOutcome = DownloadOutcome.SERVED,
    code: str = "",
) -> AbstractDownload:
    return get_download_model().objects.create(
        user_id=user_id,
        product_id=asset.release.product_id,
        asset=asset,
        file_name=asset.name,
        version=asset.release.version,
        outcome=outcome,
        code=code,
        address=_kept(address),
        agent=agent[:200],
    )


def _whole(address: str) -> str:
    return address


def _truncated(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        parsed = mapped
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network(f"{parsed}/{bits}", strict=False).network_address)


_KEEPERS: dict[str, Callable[[str], str]] = {"full": _whole, "truncated": _truncated}


def _kept(address: str | None) -> str | None:
    # Any other value keeps nothing: a slip must not log more than was meant. A check names it.
    keep = _KEEPERS.get(settings.DIGITALSTORE_DOWNLOAD_LOG_ADDRESS)
    return keep(address) if keep is not None and address else None
