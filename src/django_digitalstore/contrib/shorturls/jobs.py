"""Periodic jobs of the short links."""

from datetime import timedelta

from django_digitalstore.core.jobs import periodic_job

from . import flows

__all__ = ["record_clicks", "refresh_products"]


@periodic_job("shorturls.record_clicks", every=timedelta(minutes=1))
def record_clicks() -> str:
    """Save the clicks that the cache has counted."""
    return f"{flows.record_clicks()} clicks saved"


@periodic_job("shorturls.refresh_products", every=timedelta(minutes=1))
def refresh_products() -> str:
    """Let links follow products whose address changed."""
    return f"{flows.refresh_products()} links follow their product"
