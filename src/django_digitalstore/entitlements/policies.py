"""Questions about access. All read, none writes, and every one goes through ``live()``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import BooleanField, Exists, F, Max, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_digitalstore.catalog import get_asset_model, get_release_model
from django_digitalstore.catalog.choices import UpdateTerms
from django_digitalstore.core.expressions import OneOf

from . import get_download_model, get_grant_model, get_purchased_product_model
from .choices import DownloadOutcome, EndedKind, GrantEffect, Refusal
from .models import ReleaseNoticeOptOut
from .sources import Source

__all__ = [
    "access_without_basis",
    "download_limit",
    "downloads_used",
    "had_access",
    "has_access",
    "has_downloads_left",
    "is_known_to_owners",
    "is_opted_out",
    "is_rest_of_download",
    "is_rest_of_preview",
    "is_withheld",
    "live_purchase",
    "may_download",
    "may_preview",
    "may_preview_all",
    "newest_downloaded",
    "opt_out_key",
    "owned_by_filter",
    "owned_by_key",
    "owned_product_ids",
    "owner_annotation",
    "owners_to_tell",
    "releases_for",
    "update_days",
    "updates_until",
    "was_granted",
    "why_access_ended",
    "why_refused",
    "with_ownership",
]

M = TypeVar("M", bound=Model)

_NEVER = datetime.max.replace(tzinfo=UTC)
_ENDED_BY: dict[str, Refusal] = {
    EndedKind.REFUNDED: Refusal.REFUNDED,
    EndedKind.DISPUTED: Refusal.DISPUTED,
}


def _user_id(user: Any) -> Any:
    """Return the key of ``user``; None for nobody, who owns nothing."""
    return getattr(user, "pk", None)


def has_access(user: Any, product: Any) -> bool:
    """Tell whether ``user`` may use ``product`` now: one indexed query, never cached.

    Never yes because of a role. Anonymous and None own nothing, without a query.
    """
    user_id = _user_id(user)
    if user_id is None or product.pk is None:
        return False
    return (
        get_purchased_product_model()
        .objects.live()
        .filter(user_id=user_id, product_id=product.pk)
        .exists()
    )


def live_purchase(user: Any, product: Any) -> Any | None:
    """Return the row that gives access, or None."""
    user_id = _user_id(user)
    if user_id is None:
        return None
    return (
        get_purchased_product_model()
        .objects.live()
        .filter(user_id=user_id, product_id=product.pk)
        .first()
    )


def is_withheld(user: Any, product: Any) -> bool:
    """Tell whether a person's deny stands: such a buyer can neither buy nor be granted."""
    user_id = _user_id(user)
    if user_id is None:
        return False
    return (
        get_grant_model()
        .objects.standing()
        .denying()
        .filter(user_id=user_id, product_id=product.pk)
        .exists()
    )


def had_access(user: Any, product: Any) -> bool:
    """Tell whether ``user`` was ever granted ``product``: who has lost access may be told so.

    To anybody else a file that is not theirs looks like one that does not exist.
    """
    user_id = _user_id(user)
    if user_id is None:
        return False
    return (
        get_grant_model().objects.allowing().filter(user_id=user_id, product_id=product.pk).exists()
    )


def why_access_ended(user: Any, product: Any) -> Refusal | None:
    """Return why ``user`` may use ``product`` no more; None for somebody who never could. 1 query.

    Ask where ``has_access`` said no. A person's deny outweighs everything; else what ended the
    grant that lasted longest says it.
    """
    user_id = _user_id(user)
    if user_id is None:
        return None
    found = get_grant_model().objects.filter(user_id=user_id, product_id=product.pk)
    grants = list(found.order_by("pk"))
    allows = [grant for grant in grants if grant.effect == GrantEffect.ALLOW]
    if not allows:
        return None
    if any(grant.effect == GrantEffect.DENY and grant.is_standing for grant in grants):
        return Refusal.REVOKED
    last = max(enumerate(allows), key=lambda numbered: (_end_of(numbered[1]), numbered[0]))[1]
    if last.ended_at is None or (last.expires_at is not None and last.expires_at <= last.ended_at):
        return Refusal.ENDED
    return _ENDED_BY.get(last.ended_kind, Refusal.REVOKED)


def _end_of(grant: Any) -> datetime:
    return min(end for end in (grant.ended_at, grant.expires_at, _NEVER) if end is not None)


def update_days(product: Any) -> int | None:
    """Return for how many days after the purchase owners get new releases; None: for ever."""
    if product.updates == UpdateTerms.LIFETIME:
        return None
    return product.update_days if product.updates else settings.DIGITALSTORE_UPDATE_DAYS


def updates_until(purchase: Any, product: Any) -> datetime | None:
    """Return until when a release must be published for this owner to get it; None: for ever.

    The days of updates are the product's own, or ``DIGITALSTORE_UPDATE_DAYS``; they begin with the
    purchase. No I/O.
    """
    days = update_days(product)
    if days is None:
        return None
    try:
        return purchase.granted_at + timedelta(days=days)
    except OverflowError:
        return None


def releases_for(purchase: Any, product: Any) -> QuerySet[Any]:
    """Return the releases of ``product`` whose files this owner gets. Lazy."""
    releases: QuerySet[Any] = get_release_model().objects.available().filter(product=product)
    until = updates_until(purchase, product)
    return releases if until is None else releases.filter(published_at__lte=until)


def is_known_to_owners(asset: Any) -> bool:
    """Tell whether owners know of this file: it is theirs, of a release that was published. No I/O.

    A draft does not exist to them, nor does a sample, which everybody gets by another address.
    """
    published_at = asset.release.published_at
    return not asset.is_sample and published_at is not None and published_at <= timezone.now()


def why_refused(purchase: Any, asset: Any) -> Refusal | None:
    """Return why this owner does not get a file that owners know of; None: they do. No I/O.

    ``asset.release.product`` is the product of ``purchase``, which gives access. The limit of
    downloads is another question: ``has_downloads_left``.
    """
    release = asset.release
    if release.yanked_at is not None:
        return Refusal.WITHDRAWN
    until = updates_until(purchase, release.product)
    if until is not None and release.published_at > until:
        return Refusal.UPDATES_ENDED
    return None if asset.is_ready else Refusal.PROCESSING


def may_download(purchase: Any, asset: Any) -> bool:
    """Tell whether this owner gets this file, but for the limit of downloads. No I/O."""
    return is_known_to_owners(asset) and why_refused(purchase, asset) is None


def download_limit(product: Any) -> int | None:
    """Return how many downloads a purchase of ``product`` has; None: any number. No I/O."""
    limit = product.download_limit
    if limit is None:
        limit = settings.DIGITALSTORE_DOWNLOAD_LIMIT
    return limit or None


def downloads_used(purchase: Any) -> int:
    """Return how many downloads count against the limit: since the purchase, or its last reset.

    Two queries.
    """
    log = get_download_model().objects.filter(
        user_id=purchase.user_id, product_id=purchase.product_id, at__gte=purchase.granted_at
    )
    reset_at = log.filter(outcome=DownloadOutcome.RESET).aggregate(last=Max("at"))["last"]
    served = log.served()
    return (served if reset_at is None else served.filter(at__gt=reset_at)).count()


def is_rest_of_download(purchase: Any, asset: Any) -> bool:
    """Tell whether a later part of ``asset`` is the rest of a download that was counted. 1 query.

    That is one of the same file, of this purchase, within ``DIGITALSTORE_DOWNLOAD_RESUME_AGE``.
    """
    since = max(timezone.now() - settings.DIGITALSTORE_DOWNLOAD_RESUME_AGE, purchase.granted_at)
    log = get_download_model().objects.served()
    return log.filter(
        user_id=purchase.user_id, product_id=purchase.product_id, asset=asset, at__gte=since
    ).exists()


def is_rest_of_preview(user: Any, asset: Any) -> bool:
    """Tell whether a later part of ``asset`` is the rest of a preview that was logged. 1 query.

    That is one by the same user, within ``DIGITALSTORE_DOWNLOAD_RESUME_AGE``.
    """
    since = timezone.now() - settings.DIGITALSTORE_DOWNLOAD_RESUME_AGE
    log = get_download_model()._default_manager.filter(outcome=DownloadOutcome.PREVIEWED)
    return log.filter(
        user_id=_user_id(user), product_id=asset.release.product_id, asset=asset, at__gte=since
    ).exists()


def has_downloads_left(purchase: Any, asset: Any) -> bool:
    """Tell whether a click on ``asset`` may lead to bytes: new ones, or the rest of a download.

    No query without a limit. It decides nothing: ``flows.record_download`` counts, under lock.
    """
    limit = download_limit(asset.release.product)
    return limit is None or downloads_used(purchase) < limit or is_rest_of_download(purchase, asset)


def newest_downloaded(user: Any, product_ids: Sequence[Any]) -> dict[Any, datetime]:
    """Return for each product when the newest release was published that ``user`` has downloaded.

    Products without a download are left out. Of a file that is gone, it is when it was downloaded.
    At most one query.
    """
    user_id = _user_id(user)
    if user_id is None or not product_ids:
        return {}
    log = get_download_model().objects.served()
    of_page = log.filter(OneOf("product_id", product_ids), user_id=user_id).order_by()
    published = Max(Coalesce("asset__release__published_at", "at"))
    return dict(
        of_page.values("product_id").annotate(newest=published).values_list("product_id", "newest")
    )


def may_preview(user: Any, asset: Any) -> bool:
    """Tell whether ``user`` may look at a file without owning it: drafts and withdrawn ones too.

    Its seller, and staff who may change files. This is no access: ``has_access`` stays no.
    """
    seller_id = asset.release.product.seller_id
    if not user.is_active or _user_id(user) is None:
        return False
    return (seller_id is not None and seller_id == user.pk) or may_preview_all(user)


def may_preview_all(user: Any) -> bool:
    """Tell whether ``user`` is staff who may look at every seller's files."""
    options = get_asset_model()._meta
    permission = f"{options.app_label}.change_{options.model_name}"
    return bool(user.is_active and user.is_staff and user.has_perm(permission))


def was_granted(user: Any, product: Any, source: Source) -> bool:
    """Tell whether a grant from this source ever gave access, standing or ended."""
    return (
        get_grant_model()
        .objects.allowing()
        .filter(
            user_id=_user_id(user),
            product_id=product.pk,
            source_kind=source.kind,
            source_reference=source.reference,
        )
        # One of no length only notes what a source would say: it never gave anything.
        .filter(Q(ended_at=None) | Q(ended_at__gt=F("granted_at")))
        .exists()
    )


def access_without_basis() -> QuerySet[Any]:
    """Return the live rows that no grant supports, or that a deny forbids: there should be none."""
    grants = (
        get_grant_model()
        .objects.standing()
        .filter(user_id=OuterRef("user_id"), product_id=OuterRef("product_id"))
    )
    broken = ~Exists(grants.allowing()) | Exists(grants.denying())
    return get_purchased_product_model().objects.live().filter(broken)


def owned_product_ids(user: Any, products: Iterable[Any]) -> set[Any]:
    """Return the keys of those ``products`` that ``user`` owns now: one query for a whole page."""
    user_id = _user_id(user)
    ids = [product.pk for product in products]
    return owned_by_key(user_id, ids) if user_id is not None else set()


def owned_by_key(user_id: Any, product_ids: Sequence[Any]) -> set[Any]:
    """Return those of ``product_ids`` that the user with this key owns now. At most one query."""
    if not product_ids:
        return set()
    return set(
        get_purchased_product_model()
        .objects.live()
        .filter(OneOf("product_id", product_ids), user_id=user_id)
        .values_list("product_id", flat=True)
        .order_by()
    )


def owner_annotation(user: Any) -> str:
    """Return the attribute that ``with_ownership`` sets: it carries the user's key."""
    return f"owned_by_{_user_id(user)}".replace("-", "_")


def with_ownership(queryset: QuerySet[M], user: Any) -> QuerySet[M]:
    """Annotate products with whether ``user`` owns them, within the list's own query."""
    user_id = _user_id(user)
    if user_id is None:
        answer: Any = Value(False, output_field=BooleanField())
    else:
        purchases = get_purchased_product_model().objects.live()
        answer = Exists(purchases.filter(user_id=user_id, product_id=OuterRef("pk")))
    return queryset.annotate(**{owner_annotation(user): answer})


def owned_by_filter(user: Any) -> Q:
    """Return the condition that keeps products which ``user`` owns now."""
    owned = get_purchased_product_model().objects.live().filter(user_id=_user_id(user))
    return Q(pk__in=owned.order_by().values("product_id"))


def owners_to_tell(release: Any) -> QuerySet[Any]:
    """Return the live purchases whose owners are told of a published release.

    Those whose updates reach as far, and who have not opted out. Purchases of users without an
    e-mail, and of inactive ones, are among them.
    """
    owners = get_purchased_product_model().objects.live().filter(product_id=release.product_id)
    days = update_days(release.product)
    if days is not None:
        # ``updates_until``, asked of all of them at once.
        with suppress(OverflowError):
            owners = owners.filter(granted_at__gte=release.published_at - timedelta(days=days))
    unwanted = ReleaseNoticeOptOut.objects.filter(
        user_id=OuterRef("user_id"), product_key__in=["", opt_out_key(release.product)]
    )
    return owners.filter(~Exists(unwanted))


def is_opted_out(user: Any, product: Any = None) -> bool:
    """Tell whether ``user`` wants no e-mails about releases of ``product``; None: of any."""
    keys = {"", opt_out_key(product)}
    return ReleaseNoticeOptOut.objects.filter(user_id=_user_id(user), product_key__in=keys).exists()


def opt_out_key(product: Any) -> str:
    """Return how an opt-out names ``product``; None is all products."""
    return "" if product is None else str(product.pk)
