"""Periodic jobs of the catalog."""

from datetime import timedelta

from django_digitalstore.core.jobs import periodic_job

from . import flows

__all__ = ["finish_uploads", "prune_uploads"]


@periodic_job("catalog.finish_uploads", every=timedelta(minutes=1), lease=timedelta(hours=2))
def finish_uploads() -> str:
    """Make uploads ready of which no browser told, and give up those that did not arrive."""
    done = flows.finish_uploads()
    return f"{done.ready} ready, {done.failed} failed, {done.waiting} waiting"


@periodic_job("catalog.prune_uploads", every=timedelta(hours=6), lease=timedelta(hours=2))
def prune_uploads() -> str:
    """Take away what uploads left that were not completed."""
    done = flows.prune_uploads()
    return f"{done.assets} uploads and {done.objects} orphaned files taken away"
