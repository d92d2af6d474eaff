"""Questions about access: right answers, in few queries, by the rows alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import flows, policies
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import assert_access, assert_no_access, grant

pytestmark = pytest.mark.django_db

PRODUCTS = get_product_model()


@pytest.fixture
def products(make_product):
    return [make_product(f"Book {number}", released=False) for number in range(100)]


def test_access_is_one_query(ledger, customer, product, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        assert_no_access(customer, product)
    ledger.grant()
    with django_assert_num_queries(1):
        assert_access(customer, product)


def test_access_is_one_query_however_much_is_owned(
    customer, product, products, django_assert_num_queries
) -> None:
    for owned in [product, *products]:
        grant(customer, owned)
    with django_assert_num_queries(1):
        assert_access(customer, product)


def test_an_anonymous_visitor_owns_nothing_without_a_query(
    product, products, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        for nobody in (AnonymousUser(), None, get_user_model()(pk=None)):
            assert not policies.has_access(nobody, product)
            assert policies.live_purchase(nobody, product) is None
            assert not policies.is_withheld(nobody, product)
            assert not policies.had_access(nobody, product)
            assert policies.owned_product_ids(nobody, products) == set()


def test_a_role_never_gives_access(product, seller, staff, superuser) -> None:
    assert product.seller == seller
    for person in (seller, staff, superuser):
        assert_no_access(person, product)


def test_an_expired_row_gives_no_access_before_any_job_has_run(ledger, customer, product) -> None:
    ledger.grant(expires_at=timezone.now() + timedelta(days=1))
    ledger.let_expire()
    assert_no_access(customer, product)
    assert policies.owned_product_ids(customer, [product]) == set()
    assert not policies.with_ownership(PRODUCTS.objects.all(), customer).filter(
        **{policies.owner_annotation(customer): True}
    )
    assert len(ledger.rows) == 1
    assert policies.had_access(customer, product)


def test_a_revocation_is_felt_at_once(ledger, customer, product) -> None:
    ledger.grant()
    assert_access(customer, product)
    ledger.revoke()
    assert_no_access(customer, product)
    assert policies.had_access(customer, product)


def test_the_owned_of_a_hundred_products_are_one_query(
    customer, other_customer, products, django_assert_num_queries
) -> None:
    for owned in products[:50]:
        grant(customer, owned)
    grant(other_customer, products[99])
    with django_assert_num_queries(1):
        ids = policies.owned_product_ids(customer, products)
    assert ids == {product.pk for product in products[:50]}
    with django_assert_num_queries(0):
        assert policies.owned_product_ids(customer, []) == set()


def test_ownership_comes_with_the_lists_own_query(
    customer, products, django_assert_num_queries
) -> None:
    grant(customer, products[0])
    with django_assert_num_queries(1):
        page = list(policies.with_ownership(PRODUCTS.objects.order_by("pk"), customer))
        owned = [getattr(product, policies.owner_annotation(customer)) for product in page]
    assert owned == [True] + [False] * 99


def test_the_products_that_one_owns_can_be_filtered(customer, other_customer, products) -> None:
    grant(customer, products[3])
    grant(other_customer, products[4])
    owned = PRODUCTS.objects.filter(policies.owned_by_filter(customer))
    assert list(owned) == [products[3]]
    assert not PRODUCTS.objects.filter(policies.owned_by_filter(AnonymousUser()))


def test_the_ledger_knows_a_source(ledger, customer, product) -> None:
    assert not policies.was_granted(customer, product, Source("order", "a"))
    ledger.grant("a")
    ledger.refund("a")
    assert policies.was_granted(customer, product, Source("order", "a"))
    assert not policies.was_granted(customer, product, Source("order", "b"))


# --- {% if product|owned_by:user %} -------------------------------------------------------------

TEMPLATE = Template(
    "{% load digitalstore_entitlements %}"
    "{% for product in products %}{% if product|owned_by:user %}1{% else %}0{% endif %}{% endfor %}"
)


def show(products, user) -> str:
    return TEMPLATE.render(Context({"products": products, "user": user}))


def fresh(user):
    """Return the user as the next request sees them: a lazy object of its own."""
    return SimpleLazyObject(lambda: get_user_model()._default_manager.get(pk=user.pk))


def test_the_filter_reads_the_annotation(customer, products, django_assert_num_queries) -> None:
    grant(customer, products[0])
    with django_assert_num_queries(1):
        annotated = policies.with_ownership(PRODUCTS.objects.order_by("pk")[:100], customer)
        assert show(annotated, customer) == "1" + "0" * 99


def test_the_filter_asks_once_for_a_page_without_annotation(
    customer, products, django_assert_num_queries
) -> None:
    grant(customer, products[0])
    with django_assert_num_queries(2):  # the user, and what they own
        assert show(products, fresh(customer)) == "1" + "0" * 99


def test_the_filter_does_not_believe_an_annotation_for_somebody_else(
    customer, other_customer, product
) -> None:
    grant(customer, product)
    annotated = policies.with_ownership(PRODUCTS.objects.all(), customer)
    assert show(annotated, other_customer) == "0"
    assert show(annotated, customer) == "1"


def test_the_next_request_asks_again(ledger, customer, product) -> None:
    ledger.grant()
    assert show([product], fresh(customer)) == "1"
    ledger.revoke()
    assert show([product], fresh(customer)) == "0"


def test_the_filter_says_no_to_nobody_without_a_query(product, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert show([product, None], AnonymousUser()) == "00"
        assert show([product], None) == "0"
        assert show([product], "") == "0"


def test_flows_cannot_be_called_from_a_template(customer, product) -> None:
    page = Template("{{ flows.grant_product }}{{ flows.revoke_product }}")
    assert page.render(Context({"flows": flows})) == ""
