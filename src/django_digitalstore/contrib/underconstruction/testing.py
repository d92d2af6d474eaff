"""What tests of a host's project need: a site that is closed, or one that is open for certain.

The middleware keeps in its process what it knows for about a second, across tests. In these blocks
it knows what the test says, and sends no query to find out. ::

    from django_digitalstore.contrib.underconstruction.testing import site_closed

    def test_visitors_read_that_we_move(self):
        with site_closed(message="We move."):
            self.assertContains(self.client.get("/"), "We move.", status_code=503)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import flows
from .flag import Status, flag, status_of
from .models import SiteStatus

__all__ = ["site_closed", "site_open"]


@contextmanager
def site_closed(**given: Any) -> Iterator[SiteStatus]:
    """Close the site in the block, and open it again; ``given`` is for ``flows.switch_on()``.

    Needs the database. What the flows refuse, they refuse here too.
    """
    row = flows.switch_on(**{"reason": "A test closes the site.", **given})
    try:
        with flag.pinned(status_of(row)):
            yield row
    finally:
        flows.switch_off(reason="The test is over.")
        flag.forget()


@contextmanager
def site_open() -> Iterator[None]:
    """Let the site be open in the block, whatever the database says; needs none, sends no query.

    For tests that count queries: otherwise the middleware sends one each second.
    """
    with flag.pinned(Status()):
        yield
