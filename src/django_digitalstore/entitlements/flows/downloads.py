"""The writers of the download log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_digitalstore.core.flow import flow
from django_digitalstore.entitlements import get_download_model
from django_digitalstore.entitlements.choices import DownloadOutcome

if TYPE_CHECKING:
    from django_digitalstore.entitlements.abstract_models import AbstractDownload

__all__ = ["log_download"]


@flow(atomic=False)
def log_download(
    user: Any, asset: Any, *, outcome: DownloadOutcome, address: str | None, agent: str
) -> AbstractDownload:
    """Write one line of the download log. One INSERT, no other I/O."""
    return get_download_model()._default_manager.create(
        user=user,
        product_id=asset.release.product_id,
        asset=asset,
        file_name=asset.name,
        version=asset.release.version,
        outcome=outcome,
        address=address,
        agent=agent[:200],
    )
