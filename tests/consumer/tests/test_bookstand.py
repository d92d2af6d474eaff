"""What bookstand changes in a store, seen from outside."""

from __future__ import annotations

from typing import Any

import pytest
from bookstand import get_licence_model
from bookstand.delivery import MirrorDeliveryBackend, signature
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from django_digitalstore.accounts.testing import PASSWORD, make_user
from django_digitalstore.catalog import get_product_model
from django_digitalstore.catalog.testing import make_product, make_release, make_seller
from django_digitalstore.core.exceptions import GuardedWrite
from django_digitalstore.entitlements.backends import FileMissing, delivery_backends
from django_digitalstore.entitlements.testing import (
    assert_access,
    assert_no_access,
    customer_who_owns,
    make_customer,
    revoke,
)
from django_digitalstore.entitlements.views import GenericDownloadView
from django_digitalstore.payments import flows, get_order_model
from django_digitalstore.payments.testing import deliver_webhooks, paid_order, place_order, refund

pytestmark = pytest.mark.django_db


def logged_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: Any, **query: Any) -> str:
    answer = client.get(reverse(f"shop:{name}", args=args), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.fixture
def affiliate() -> Any:
    user = make_user("ann")
    user.groups.add(Group.objects.create(name="affiliates"))
    return user


def check_out(client: Client, book: Any, name: str = "checkout", **fields: str) -> Any:
    form = {"product": book.slug, "email": "ada@example.com", "country": "DE", **fields}
    return client.post(reverse(f"shop:{name}"), form)


class TestTheViews:
    def test_the_list_leaves_out_hidden_books_and_has_its_own_head_and_context(self, client):
        make_product("Seen")
        make_product("Secret", hidden=True)
        html = page(client, "product_list")
        assert "Seen" in html
        assert "Secret" not in html
        assert "<h1>Books</h1><p>Read more.</p>" in html

    def test_a_book_shows_its_isbn_and_the_way_to_a_licence(self, client):
        book = make_product(isbn="9780141439518", licence_price=9900)
        html = page(client, "product_detail", book.slug)
        assert "ISBN 9780141439518" in html
        assert f'href="/checkout/licence/?product={book.slug}"' in html

    def test_the_checkout_asks_for_a_dedication_and_the_order_keeps_it(self):
        book, customer = make_product(), make_customer()
        client = logged_in(customer)
        assert "<h1>Buy a book</h1>" in page(client, "checkout", product=book.slug)
        check_out(client, book, dedication="For Grace")
        order = get_order_model().objects.get()
        assert order.dedication == "For Grace"
        assert "Dedication: For Grace" in page(client, "order_detail", order.public_id)

    def test_the_same_order_unpaid_takes_the_newer_dedication(self):
        book, client = make_product(), logged_in(make_customer())
        check_out(client, book, dedication="For Grace")
        check_out(client, book, dedication="For Alan")
        assert get_order_model().objects.get().dedication == "For Alan"

    def test_the_library_is_a_bookshelf_by_title(self):
        books = [make_product(title) for title in ("B", "C", "A")]
        client = logged_in(customer_who_owns(*books))
        answer = client.get(reverse("shop:library"))
        assert [item.product.title for item in answer.context["library"]] == ["A", "B", "C"]
        assert "Your bookshelf" in answer.content.decode()

    def test_the_history_and_the_receipt(self):
        customer = make_customer()
        order = paid_order(customer, make_product())
        client = logged_in(customer)
        assert "<h1>Your book parcels</h1>" in page(client, "order_list")
        assert "The Bookstand" in page(client, "order_receipt", order.public_id)

    def test_the_seller_sees_books_by_title_and_lands_on_the_new_one(self):
        seller = make_seller()
        client = logged_in(seller)
        form = {"title": "B", "price": "12", "currency": "EUR", "isbn": "978-0-14-143951-8"}
        made = client.post(reverse("shop:seller_product_create"), form)
        book = get_product_model().objects.get()
        assert made.url == book.get_absolute_url()
        assert book.isbn == "9780141439518"
        make_product("A", seller=seller)
        answer = client.get(reverse("shop:seller_products"))
        assert [row["product"].title for row in answer.context["rows"]] == ["A", "B"]
        assert "“B” stands on the shelf, as a draft." in answer.content.decode()

    def test_the_sellers_form_refuses_what_is_no_isbn_and_suggests_a_summary(self):
        seller = make_seller()
        book = make_product(seller=seller)
        address = reverse("shop:seller_product_update", args=[book.slug])
        client = logged_in(seller)
        shown = client.get(address)
        assert shown.context["form"]["summary"].value() == "A book."
        assert shown.context["isbn"] == ""
        form = {"title": "B", "price": "12", "currency": "EUR", "isbn": "12"}
        assert "An ISBN has 13 digits." in client.post(address, form).content.decode()

    def test_profile_and_password_lead_where_they_should(self):
        client = logged_in(make_user("ada"))
        assert "<title>The reader" in page(client, "profile").replace("\n", "")
        form = {"first_name": "Ada", "last_name": "L", "email": "ada@example.com"}
        assert client.post(reverse("shop:profile"), form).url == "/account/?saved"
        new = "another-long-pass-word-2"
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        assert client.post(reverse("shop:password"), form).url == "/account/?password"

    def test_a_page_of_its_own_is_for_owners(self):
        book = make_product("Emma")
        room = reverse("shop:reading_room", args=[book.slug])
        assert logged_in(make_customer()).get(room).status_code == 403
        assert "Emma, one of 1" in logged_in(customer_who_owns(book)).get(room).content.decode()


class TestTheAffiliate:
    def test_an_order_remembers_who_sent_the_buyer_and_they_see_it(self, affiliate):
        book = make_product("Emma")
        client = logged_in(make_customer())
        page(client, "product_list", **{"from": affiliate.pk})
        check_out(client, book)
        check_out(logged_in(make_customer()), make_product("Not theirs"))
        html = page(logged_in(affiliate), "affiliate")
        assert "<h1>What you brought</h1>" in html
        assert "Emma" in html
        assert "Not theirs" not in html

    @pytest.mark.parametrize("name", ["affiliate", "affiliate_terms"])
    def test_the_role_is_asked_on_every_page_of_it(self, name, affiliate):
        address = reverse(f"shop:{name}")
        assert Client().get(address).url == f"/accounts/login/?next={address}"
        assert logged_in(make_customer()).get(address).status_code == 403
        assert logged_in(make_seller()).get(address).status_code == 403
        assert logged_in(affiliate).get(address).status_code == 200

    def test_nobody_earns_by_their_own_order(self, affiliate):
        client = logged_in(affiliate)
        page(client, "product_list", **{"from": affiliate.pk})
        check_out(client, make_product())
        assert get_order_model().objects.get().affiliate is None

    def test_a_free_order_knows_it_too(self, affiliate):
        client = logged_in(make_customer())
        page(client, "product_list", **{"from": affiliate.pk})
        check_out(client, make_product(price=0))
        order = get_order_model().objects.get()
        assert (order.status, order.affiliate) == ("paid", affiliate)

    @pytest.mark.parametrize("name", ["status", "customer", "id", "customer_id", "nonsense"])
    def test_what_the_suite_decides_is_no_column_of_ones_own(self, name):
        with pytest.raises(GuardedWrite) as caught:
            flows.start_checkout(
                make_customer(),
                [flows.LineRequest(make_product())],
                email="ada@example.com",
                order_fields={name: "paid"},
            )
        assert str(caught.value) == (
            f"start_checkout(order_fields=…) – {name!r} is no column of your own on the order – "
            f"name only fields that your order model adds to AbstractOrder."
        )
        assert get_order_model().objects.count() == 0

    def test_own_columns_are_saved_as_any_the_others_stay_guarded(self, affiliate):
        order = place_order(make_customer(), make_product()).order
        order.affiliate = affiliate
        order.save()
        order.status = "paid"
        with pytest.raises(GuardedWrite):
            order.save()


class TestTheLicence:
    def buy(self, customer: Any, book: Any) -> None:
        client = logged_in(customer)
        sent = check_out(client, book, "licence")
        client.post(sent.url, {"action": "pay"})
        deliver_webhooks(client)

    def test_the_page_shows_the_licences_name_and_price_not_the_books(self):
        book = make_product("Emma", price=1200, licence_price=9900)
        html = page(logged_in(make_customer()), "licence", product=book.slug)
        assert "Emma (team licence)" in html
        assert "€99.00" in html
        assert "€12.00" not in html

    def test_paid_it_is_a_key_and_access_and_twice_told_it_is_one(self):
        book, customer = make_product("Emma", licence_price=9900), make_customer()
        self.buy(customer, book)
        licence = get_licence_model()._default_manager.get()
        order = get_order_model().objects.get()
        assert (licence.owner, licence.product, order.total) == (customer, book, 9900)
        assert_access(customer, book)
        assert licence.key in page(logged_in(customer), "library")
        flows.settle_order(order)
        assert get_licence_model()._default_manager.get() == licence

    def test_refunded_both_end(self):
        book, customer = make_product(licence_price=9900), make_customer()
        self.buy(customer, book)
        refund(get_order_model().objects.get())
        assert get_licence_model()._default_manager.get().ended_at is not None
        assert_no_access(customer, book)

    def test_whoever_owns_the_book_may_buy_the_licence_and_keeps_the_book_without_it(self):
        book, customer = make_product(licence_price=9900), make_customer()
        paid_order(customer, book)
        self.buy(customer, book)
        refund(get_order_model().objects.latest("pk"))
        assert_access(customer, book)

    def test_a_book_without_a_licence_and_a_revoked_buyer_are_refused(self):
        book, customer = make_product("Emma"), make_customer()
        client = logged_in(customer)
        assert (
            "There is no team licence of “Emma”."
            in check_out(client, book, "licence").content.decode()
        )
        licensed = make_product("Persuasion", licence_price=1)
        revoke(customer, licensed)
        assert check_out(client, licensed, "licence").status_code == 400


@pytest.mark.usefixtures("sold_files")
class TestTheMirror:
    @pytest.fixture(autouse=True)
    def by_the_mirror(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(GenericDownloadView, "delivery_alias", "mirror")

    def test_a_download_is_handed_over_by_a_signed_address(self):
        book = make_product()
        make_release(book)
        asset = book.releases.get().assets.get()
        client = logged_in(customer_who_owns(book))
        link = client.post(reverse("shop:download_link", args=[asset.pk])).url
        answer = client.get(link)
        assert answer.status_code == 302
        address, _, query = answer.url.partition("?")
        assert address.startswith("https://mirror.example.com/")
        path = address.removeprefix("https://mirror.example.com")
        until, signed = (part.partition("=")[2] for part in query.split("&"))
        assert signed == signature("shared-with-the-mirror", path, int(until))
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert book.downloads.count() == 1

    def test_without_a_file_nothing_is_signed(self):
        from django_digitalstore.catalog.storage import private_storage
        from django_digitalstore.entitlements.backends import Delivery

        nothing = Delivery(storage=private_storage(), name="", file_name="book.pdf")
        with pytest.raises(FileMissing) as caught:
            delivery_backends["mirror"].respond(RequestFactory().get("/"), nothing)
        assert str(caught.value) == "“book.pdf” has no file. Upload it again."

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"MIRROR": "https://m.example", "KEY": "k", "SECOND": 5}, "unknown option 'SECOND'."),
            ({"MIRROR": "https://m.example"}, "MirrorDeliveryBackend needs the option 'KEY'."),
            ({"MIRROR": "ftp://m.example", "KEY": "k"}, "MIRROR must be an address."),
        ],
    )
    def test_wrong_options_are_named(self, options, message):
        backend = f"{MirrorDeliveryBackend.__module__}.MirrorDeliveryBackend"
        entry = {"default": {"BACKEND": backend, "OPTIONS": options}}
        with (
            override_settings(DIGITALSTORE_DELIVERY=entry),
            pytest.raises(ImproperlyConfigured) as caught,
        ):
            delivery_backends["default"]
        assert message in str(caught.value)


class TestTheHost:
    def test_a_missing_licence_model_is_named_as_any_of_the_suite(self):
        from django.core.checks import run_checks

        with override_settings(BOOKSTAND_LICENCE_MODEL="shop.Licance"):
            (error,) = run_checks(tags=["models"])
        assert error.id == "digitalstore.E002"
        assert error.hint == "Did you mean BOOKSTAND_LICENCE_MODEL = 'shop.Licence'?"
