"""Periodic jobs of the entitlements."""

from datetime import timedelta

from django_digitalstore.core.jobs import periodic_job

from . import flows

__all__ = ["clear_expired_purchases"]


@periodic_job("entitlements.clear_expired", every=timedelta(minutes=15))
def clear_expired_purchases() -> str:
    """Delete purchases whose time is over; they give no access already."""
    return f"{flows.clear_expired()} cleared"
