"""Mistake 8: what depends on the environment is written into the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_digitalstore.catalog.storage import private_storage
from django_digitalstore.core.exceptions import InvalidBackend

# Django's own checks of models ask the database what it can.
pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]

SITE = "https://shop.example.com"


def told(number: str, *, deploy: bool = False) -> list[tuple[str, str | None]]:
    found = run_checks(include_deployment_checks=deploy)
    return [(str(m.msg), m.hint) for m in found if m.id == f"digitalstore.{number}"]


def storages() -> dict[str, Any]:
    alias = settings.DIGITALSTORE_STORAGE
    return {name: entry for name, entry in settings.STORAGES.items() if name != alias}


def test_production_has_no_private_storage() -> None:
    where = (
        "Write STORAGES['digitalstore'] = {'BACKEND': "
        "'django_digitalstore.catalog.storage.PrivateFileSystemStorage', "
        "'OPTIONS': {'location': '/a/private/folder'}}, or "
        "DIGITALSTORE_TEST_MODE = DEBUG while you develop."
    )
    with override_settings(
        STORAGES=storages(), DIGITALSTORE_TEST_MODE=False, DIGITALSTORE_STORAGE="digitalstore"
    ):
        assert told("E101") == [
            ("DIGITALSTORE_STORAGE names 'digitalstore', which STORAGES does not have.", where)
        ]
        with pytest.raises(ImproperlyConfigured) as stopped:
            private_storage().exists("a-file")  # type: ignore[union-attr]
        assert str(stopped.value) == (
            f"DIGITALSTORE_STORAGE names 'digitalstore', which STORAGES does not have. {where}"
        )


@override_settings(DIGITALSTORE_TEST_MODE=False, DIGITALSTORE_SITE_URL=None)
def test_production_does_not_know_its_own_address() -> None:
    from django_digitalstore.core.site_url import site_url

    with pytest.raises(ImproperlyConfigured) as stopped:
        site_url()
    assert told("E008") == [(str(stopped.value), None)]
    assert str(stopped.value) == (
        "DIGITALSTORE_SITE_URL is not set, and every link in e-mails and at payment providers "
        "needs it. Write DIGITALSTORE_SITE_URL = 'https://shop.example.com', or "
        "DIGITALSTORE_TEST_MODE = DEBUG while you develop."
    )


@override_settings(DIGITALSTORE_SITE_URL=f"{SITE}/shop/")
def test_the_address_of_the_site_has_a_path() -> None:
    assert told("E008") == [
        (
            f"DIGITALSTORE_SITE_URL must be scheme and host, not '{SITE}/shop'.",
            "Write DIGITALSTORE_SITE_URL = 'https://shop.example.com'.",
        )
    ]


@override_settings(DIGITALSTORE_STORAGE="default")
def test_what_is_sold_lies_among_the_public_files() -> None:
    assert told("E102") == [
        (
            (
                "DIGITALSTORE_STORAGE names 'default', which is the site's storage of public "
                "files: whoever has a URL has the file."
            ),
            (
                "Write DIGITALSTORE_STORAGE = 'digitalstore' and STORAGES['digitalstore'] = "
                "{'BACKEND': 'django_digitalstore.catalog.storage.PrivateFileSystemStorage', "
                "'OPTIONS': {'location': '/a/private/folder'}}."
            ),
        )
    ]


def test_test_mode_goes_into_production() -> None:
    with override_settings(DIGITALSTORE_TEST_MODE=True):
        assert told("W001") == []  # while one develops
        assert told("W001", deploy=True) == [
            (
                (
                    "DIGITALSTORE_TEST_MODE is on: the sandbox sells without money, and test keys "
                    "count."
                ),
                "Write DIGITALSTORE_TEST_MODE = False in the settings of production.",
            )
        ]
    with override_settings(DIGITALSTORE_TEST_MODE=False):
        assert told("W001", deploy=True) == []


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        (
            "http://shop.example.com",
            "without HTTPS: links to what was bought travel in the open",
        ),
        *(
            (url, "which is this machine: no link in an e-mail and no webhook arrives")
            for url in (
                "http://localhost:8000",
                "https://localhost",
                "https://127.0.0.1",
                "http://[::1]:8000",
                "https://shop.localhost",
            )
        ),
    ],
)
def test_the_developers_address_goes_into_production(url: str, wrong: str) -> None:
    with override_settings(DIGITALSTORE_SITE_URL=url):
        assert told("W002") == []
        assert told("W002", deploy=True) == [
            (
                f"DIGITALSTORE_SITE_URL is '{url}', {wrong}.",
                "Write DIGITALSTORE_SITE_URL = 'https://shop.example.com'.",
            )
        ]


@override_settings(DIGITALSTORE_SITE_URL=SITE, DIGITALSTORE_TEST_MODE=False)
def test_an_address_with_https_is_right() -> None:
    assert told("W002", deploy=True) == []


SANDBOX = (
    "DIGITALSTORE_PAYMENTS['default']: SandboxBackend gives products away, and "
    "DIGITALSTORE_TEST_MODE is off. Name your provider's backend with its live keys, or write "
    "DIGITALSTORE_TEST_MODE = DEBUG in the settings file while you develop."
)


@pytest.fixture
def sandbox_in_production() -> Iterator[None]:
    path = "django_digitalstore.payments.backends.sandbox.SandboxBackend"
    with override_settings(
        DIGITALSTORE_TEST_MODE=False,
        DIGITALSTORE_SITE_URL=SITE,
        DIGITALSTORE_PAYMENTS={"default": {"BACKEND": path}},
    ):
        yield


@pytest.mark.usefixtures("sandbox_in_production")
class TestTheSandboxInProduction:
    def test_a_check_names_it(self) -> None:
        assert SANDBOX in [str(message.msg) for message in run_checks()]

    def test_it_is_not_loaded(self) -> None:
        from django_digitalstore.payments.backends import payment_backends

        with pytest.raises(InvalidBackend) as stopped:
            payment_backends["default"]

        assert str(stopped.value) == SANDBOX

    def test_its_webhooks_are_not_believed(self, client: Any) -> None:
        from django_digitalstore.payments.models import InboxMessage
        from tests.payments import signed

        answer = client.post(
            signed.URL,
            data=b"{}",
            content_type="application/json",
            headers={"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"},
        )

        assert (answer.status_code, answer.content) == (503, b"The provider is not configured.\n")
        assert answer["Retry-After"]
        assert not InboxMessage.objects.exists()
