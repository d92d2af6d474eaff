"""Periodic jobs of the entitlements."""

from datetime import timedelta

from django_digitalstore.core.jobs import periodic_job

from . import flows

__all__ = ["clear_expired_purchases", "forget_addresses"]


@periodic_job("entitlements.clear_expired", every=timedelta(minutes=15))
def clear_expired_purchases() -> str:
    """Delete purchases whose time is over; they give no access already."""
    return f"{flows.clear_expired()} cleared"


@periodic_job("entitlements.forget_addresses", every=timedelta(days=1))
def forget_addresses() -> str:
    """Take address and browser out of old lines of the download log."""
    return f"{flows.forget_addresses()} forgotten"
