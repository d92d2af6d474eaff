"""What the checks of the payments say."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_digitalstore.payments.checks import check_store_urls


class NoStore:
    """A urls.py that was forgotten."""

    urlpatterns: list = []


def test_urls_that_are_not_mounted_are_named():
    with override_settings(ROOT_URLCONF=NoStore):
        (message,) = check_store_urls()
    assert message.id == "digitalstore.E304"
    assert message.msg == (
        "The suite's own URLs are not mounted, so no webhook arrives and the sandbox has no pay "
        "page."
    )
    assert message.hint.startswith(
        "Add path('store/', include('django_digitalstore.urls')) to urlpatterns in "
    )


@pytest.mark.django_db
def test_mounted_urls_are_fine():
    assert check_store_urls() == []
