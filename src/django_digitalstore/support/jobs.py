"""Periodic jobs of the support."""

from datetime import timedelta

from django_digitalstore.core.jobs import periodic_job

from . import flows

__all__ = ["close_resolved"]


@periodic_job("support.close_resolved", every=timedelta(hours=1))
def close_resolved() -> str:
    """Close requests that were resolved a while ago."""
    return f"{flows.close_resolved()} closed"
