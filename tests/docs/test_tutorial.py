"""The tutorial is followed word for word."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.docs.follow_tutorial import Command, Reader, steps

#: What is made here has settings of its own: once is enough, whatever host the tests run under.
once = pytest.mark.skipif(
    settings.ROOT_URLCONF != "tests.projects.full_store.urls",
    reason="said by the run under the full store",
)


@once
@pytest.mark.slow
def test_the_page_leads_from_an_empty_folder_to_a_first_sale(tmp_path):
    reader = Reader(tmp_path)
    reader.follow()  # raises where the page and the world disagree
    assert reader.commands <= 12
    assert len(reader.by_hand) <= 30, "\n".join(reader.by_hand)


def test_the_page_has_commands_and_edits_that_are_found():
    found = steps()
    assert len([step for step in found if isinstance(step, Command)]) == 12
    assert len(found) > 18
