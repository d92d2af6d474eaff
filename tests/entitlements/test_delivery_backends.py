"""The setting of delivery, and the keys that hosts point at purchases."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from django_digitalstore.entitlements.backends import (
    BaseDeliveryBackend,
    Delivery,
    delivery_backends,
)
from django_digitalstore.entitlements.checks import check_delivery_backends

STREAMING = "django_digitalstore.entitlements.backends.streaming.StreamingDeliveryBackend"


class Redirecting(BaseDeliveryBackend):
    known_options = frozenset({"LIFE"})
    supports_ranges = True

    def deliver(self, request, delivery):
        return HttpResponse(status=302, headers={"Location": "https://bucket.example/x"})


class Whole(Redirecting):
    supports_ranges = False


class Forgetful(BaseDeliveryBackend):
    pass


def delivery(**fields) -> Delivery:
    storage = InMemoryStorage()
    name = storage.save("x", ContentFile(b"content"))
    return Delivery(**{"storage": storage, "name": name, "file_name": "x.txt", **fields})


def errors_of(value: object) -> list[tuple[str, str]]:
    with override_settings(DIGITALSTORE_DELIVERY=value):
        return [(message.id, message.msg) for message in check_delivery_backends(None)]


def test_the_default_streams_and_has_nothing_to_complain_of() -> None:
    assert check_delivery_backends(None) == []
    assert type(delivery_backends["default"]).__name__ == "StreamingDeliveryBackend"


def test_a_missing_default_is_named() -> None:
    assert errors_of({"s3": {"BACKEND": STREAMING}}) == [
        (
            "digitalstore.E201",
            "DIGITALSTORE_DELIVERY has no alias 'default', which the download view uses.",
        )
    ]


def test_an_unknown_option_is_named() -> None:
    found = errors_of({"default": {"BACKEND": STREAMING, "OPTIONS": {"BLOCK": 1}}})
    where = "DIGITALSTORE_DELIVERY['default']"
    message = f"{where}: unknown option 'BLOCK'. There are no options: remove it."
    assert found == [("digitalstore.E201", message)]


def test_a_class_that_is_no_delivery_backend_is_named() -> None:
    path = "django_digitalstore.core.backends.BaseBackend"
    ((_, message),) = errors_of({"default": {"BACKEND": path}})
    assert message == (
        f"DIGITALSTORE_DELIVERY['default']: BACKEND {path!r} is not a BaseDeliveryBackend. "
        "Derive it from django_digitalstore.entitlements.backends.base.BaseDeliveryBackend."
    )


def test_a_backend_that_forgot_to_deliver_says_so() -> None:
    with pytest.raises(NotImplementedError) as caught:
        Forgetful("default", {}).respond(RequestFactory().get("/"), delivery())
    assert str(caught.value) == "Forgetful must implement deliver(request, delivery)."


def test_a_redirect_gets_the_common_headers_and_no_name() -> None:
    response = Redirecting("default", {}).respond(RequestFactory().get("/"), delivery())
    assert response["Cache-Control"] == "private, no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "Content-Disposition" not in response


@pytest.mark.parametrize(
    ("method", "wanted", "counts_with_ranges", "counts_without"),
    [
        ("get", "", True, True),
        ("get", "bytes=0-", True, True),
        ("get", "bytes=0-99", True, True),
        ("get", "bytes=100-", False, True),
        ("get", "bytes=-5", False, True),
        ("get", "bytes=5-,0-", True, True),
        ("get", "items=5-", True, True),
        ("get", "bytes=a-b", True, True),
        ("head", "", False, False),
    ],
)
def test_what_counts_as_a_download(method, wanted, counts_with_ranges, counts_without) -> None:
    headers = {"range": wanted} if wanted else {}
    request = getattr(RequestFactory(), method)("/", headers=headers)
    assert Redirecting("default", {}).starts_download(request) is counts_with_ranges
    assert Whole("default", {}).starts_download(request) is counts_without


def test_any_storage_can_be_streamed() -> None:
    response = delivery_backends["default"].respond(RequestFactory().get("/"), delivery())
    assert b"".join(response.streaming_content) == b"content"
    assert response["Content-Length"] == "7"
    assert "ETag" not in response  # no checksum was recorded


def test_an_unconfigured_backend_raises_where_it_is_asked_for() -> None:
    with (
        override_settings(DIGITALSTORE_DELIVERY={}),
        pytest.raises(ImproperlyConfigured) as caught,
    ):
        delivery_backends["default"]
    assert str(caught.value) == (
        "DIGITALSTORE_DELIVERY['default'] does not exist. There are no aliases: remove it."
    )
