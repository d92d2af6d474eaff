"""The same by pytest: each function of the suite is a fixture of the same name."""

from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.entitlements.testing import assert_access, assert_no_access


def test_an_owner_sees_the_lesson(client, make_product, customer_who_owns):
    course = make_product(title="Course")
    client.force_login(customer_who_owns(course))
    with assert_query_budget(6):
        assert client.get(f"/lessons/{course.slug}/").status_code == 200


def test_a_payment_gives_and_a_refund_takes(
    make_customer, make_product, paid_order, refunded_order
):
    customer, book, other = make_customer(), make_product(), make_product()
    paid_order(customer, book)
    refunded_order(customer, other)
    assert_access(customer, book)
    assert_no_access(customer, other)


def test_a_webhook_that_is_too_old_is_refused(post_webhook):
    assert post_webhook({"type": "payment.succeeded"}, timestamp=1).status_code == 401


def test_a_seller_sees_what_is_sold(client, make_seller, make_product, make_release):
    seller = make_seller()
    make_release(make_product("A book", seller=seller), {"book.pdf": b"words"})
    client.force_login(seller)
    assert "A book" in client.get("/seller/").content.decode()
