"""The shop's own pages show what one owns, though the catalog knows nothing of ownership."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.entitlements.testing import grant, make_release_with_file

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

OWNED = "In your library"


def test_an_owner_is_led_to_the_library_instead_of_the_checkout(
    client_of, customer, product
) -> None:
    client = client_of(customer)
    before = client.get(product.get_absolute_url()).content.decode()
    assert "/buy/?product=a-book" in before
    assert OWNED not in before
    grant(customer, product)
    after = client.get(product.get_absolute_url()).content.decode()
    assert "/buy/" not in after
    assert OWNED in after
    assert '<a class="ds-button" href="/library/">Download</a>' in after


def test_the_list_marks_what_is_owned_without_a_query_more(
    client, client_of, customer, other_customer, make_product, django_assert_num_queries
) -> None:
    products = [make_product(f"Book {number}", released=False) for number in range(10)]
    for product in products[:4]:
        grant(customer, product)
    owner, other = client_of(customer), client_of(other_customer)
    with CaptureQueriesContext(connection) as queries:
        assert other.get("/").content.decode().count(OWNED) == 0
    with django_assert_num_queries(len(queries)):
        assert owner.get("/").content.decode().count(OWNED) == 4
    assert client.get("/").content.decode().count(OWNED) == 0


# --- samples -------------------------------------------------------------------------------------


@pytest.fixture
def sample(product):
    asset = make_release_with_file(product, b"a chapter", "chapter.pdf")
    asset.visibility = "sample"
    asset.save()
    return asset


def test_everybody_finds_the_samples_on_the_page_of_the_product(client, product, sample) -> None:
    make_release_with_file(product, name="newer.pdf")  # without a sample of its own
    answer = client.get(product.get_absolute_url())
    assert [entry["asset"] for entry in answer.context["samples"]] == [sample]
    url = f"/samples/{sample.pk}/"
    assert f'href="{url}">Download<span class="visually-hidden"> chapter.pdf' in (
        answer.content.decode()
    )
    assert b"".join(client.get(url).streaming_content) == b"a chapter"


@pytest.mark.parametrize("change", [{"state": "processing"}, {"visibility": "owners"}])
def test_what_is_no_sample_has_no_link(client, product, sample, change) -> None:
    type(sample)._default_manager.filter(pk=sample.pk).update(**change)
    assert "/samples/" not in client.get(product.get_absolute_url()).content.decode()


def test_samples_of_a_withdrawn_version_are_gone(client, product, sample) -> None:
    sample.release.yanked_at = timezone.now()
    sample.release.save()
    page = client.get(product.get_absolute_url()).content.decode()
    assert "/samples/" not in page
    assert "chapter.pdf" not in page


def test_a_sample_is_not_among_what_one_buys(client, product, sample) -> None:
    page = client.get(product.get_absolute_url()).content.decode()
    bought = page.split("Samples</h2>")[0]
    assert "chapter.pdf" not in bought
