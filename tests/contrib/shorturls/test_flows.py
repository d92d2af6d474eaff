"""Who may make and change short links, and what they are called."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_digitalstore.contrib.shorturls import codes, flows, policies
from django_digitalstore.contrib.shorturls.exceptions import LinkRefused, NotYourLink
from django_digitalstore.contrib.shorturls.models import ShortLink, ShortLinkOrder
from django_digitalstore.core.exceptions import DigitalStoreError

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]

OTHERS = "The short link “{link}” belongs to somebody else. Only its owner and staff change it."


def refusal(**given) -> dict[str, list[str]]:
    with pytest.raises(LinkRefused) as refused:
        flows.create_link(**given)
    return refused.value.message_dict


# --- codes ------------------------------------------------------------------------------------


def test_a_random_code_is_long_enough_and_reads_well(settings):
    assert not set("0Oo1Il") & set(codes.ALPHABET)
    made = {flows.create_link(path="/").code for _ in range(50)}
    assert len(made) == 50
    assert {len(code) for code in made} == {7}
    settings.DIGITALSTORE_SHORTURLS_CODE_LENGTH = 12
    assert len(flows.create_link(path="/").code) == 12


def test_a_random_code_that_is_taken_is_drawn_again(settings, monkeypatch):
    drawn = iter("aaaaaaab")
    monkeypatch.setattr(codes.secrets, "choice", lambda alphabet: next(drawn))
    settings.DIGITALSTORE_SHORTURLS_CODE_LENGTH = 4
    first = flows.create_link(path="/")
    again = iter("aaaaaaab")
    monkeypatch.setattr(codes.secrets, "choice", lambda alphabet: next(again))
    assert (first.code, flows.create_link(path="/").code) == ("aaaa", "aaab")


def test_a_random_code_that_is_reserved_is_drawn_again(settings, monkeypatch):
    drawn = iter("adminspare")
    monkeypatch.setattr(codes.secrets, "choice", lambda alphabet: next(drawn))
    settings.DIGITALSTORE_SHORTURLS_CODE_LENGTH = 5
    assert flows.create_link(path="/").code == "spare"


def test_where_every_code_is_taken_somebody_is_told(monkeypatch):
    monkeypatch.setattr(codes.secrets, "choice", lambda alphabet: "a")
    flows.create_link(path="/")
    assert refusal(path="/") == {
        "code": ["No free code was found. Choose one, or let codes be longer."]
    }


def test_a_code_is_chosen_once(seller):
    flows.create_link(path="/", code="spring", owner=seller, actor=seller)
    assert refusal(path="/", code="spring") == {"code": ["This code is taken. Choose another."]}


@pytest.mark.parametrize("code", ["admin", "Admin", "STATIC"])
def test_a_reserved_code_is_nobodys(code):
    assert refusal(path="/", code=code) == {"code": ["This code is reserved. Choose another."]}


@pytest.mark.parametrize("code", ["a b", "a/b", "é", "-a", "a-", "a.b", "\x00", "a" * 65, "a\n"])
def test_a_code_fits_into_an_address(code):
    assert refusal(path="/", code=code) == {
        "code": ["Write letters without accents, digits, and hyphens between them: at most 64."]
    }


# --- the table --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"target_kind": "path"},
        {"target_kind": "path", "path": "/", "url": "https://a.example/"},
        {"target_kind": "path", "path": "/", "product_key": "1"},
        {"target_kind": "url", "path": "/"},
        {"target_kind": "url", "url": "https://a.example/", "path": "/"},
        {"target_kind": "product", "path": "/"},
        {"target_kind": "product", "product_key": "1"},
        {"target_kind": "product", "product_key": "1", "path": "/", "url": "https://a.example/"},
        {"target_kind": "else", "path": "/"},
        {"target_kind": "path", "path": "/", "code": ""},
    ],
    ids=str,
)
def test_a_row_holds_what_its_kind_needs_and_nothing_else(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        ShortLink.objects.create(**{"code": "x", **fields})


# --- sellers ----------------------------------------------------------------------------------


def test_a_seller_links_to_their_own_products_only(seller, other_seller, product):
    link = flows.create_link(product=product, owner=seller, actor=seller)
    assert (link.product_key, link.path) == (str(product.pk), product.get_absolute_url())
    given = {"product": product, "owner": other_seller, "actor": other_seller}
    assert refusal(**given) == {"product_key": ["Choose a product of your own."]}


def test_a_seller_makes_no_link_for_somebody_else_and_a_customer_none_at_all(
    seller, other_seller, customer
):
    for owner, actor in ((other_seller, seller), (None, seller), (customer, customer)):
        with pytest.raises(NotYourLink) as refused:
            flows.create_link(path="/", owner=owner, actor=actor)
        assert str(refused.value) == (
            "Sellers make short links of their own, and staff make those of others."
        )
    assert not ShortLink.objects.exists()


def test_nobody_changes_the_link_of_somebody_else(link, other_seller, customer, staff):
    for actor in (other_seller, customer, staff):
        for flow, given in (
            (flows.change_link, {"path": "/stolen/"}),
            (flows.disable_link, {}),
            (flows.enable_link, {}),
            (flows.delete_link, {}),
        ):
            with pytest.raises(NotYourLink) as refused:
                flow(link, actor=actor, **given)
            assert str(refused.value) == OTHERS.format(link=link)
            assert isinstance(refused.value, DigitalStoreError)
    link.refresh_from_db()
    assert (link.is_active, link.path) == (True, "/products/a-book/")


def test_an_owner_who_sells_no_more_changes_nothing(link, seller):
    seller.user_permissions.clear()
    again = type(seller)._default_manager.get(pk=seller.pk)
    with pytest.raises(NotYourLink):
        flows.disable_link(link, actor=again)


def test_staff_who_may_change_links_change_all_of_them(link, superuser):
    assert not flows.disable_link(link, actor=superuser).is_active
    assert flows.change_link(link, path="/", actor=superuser).path == "/"


@pytest.mark.parametrize("verb", ["add", "change", "delete"])
def test_staff_do_what_they_have_the_permission_for_and_no_more(verb, staff, link, product):
    staff.user_permissions.set([Permission.objects.get(codename=f"{verb}_shortlink")])
    done = {
        "add": lambda: flows.create_link(product=product, actor=staff),
        "change": lambda: flows.change_link(link, product=product, actor=staff),
        "delete": lambda: flows.delete_link(link, actor=staff),
    }
    for refused in done.keys() - {verb}:
        with pytest.raises(NotYourLink):
            done[refused]()
    done[verb]()


def test_a_change_keeps_what_it_is_not_about(link, seller):
    changed = flows.change_link(link, label="Newsletter", actor=seller)
    assert (changed.target_kind, changed.label) == ("product", "Newsletter")
    changed = flows.change_link(link, path="/sale/", actor=seller)
    assert (changed.target_kind, changed.product_key, changed.label) == ("path", "", "Newsletter")


def test_a_link_that_is_changed_expires_when_it_did_unless_that_is_named(make_link):
    tomorrow = timezone.now() + timedelta(days=1)
    link = make_link(expires_at=tomorrow)
    assert flows.change_link(link, label="Newsletter").expires_at == tomorrow
    assert flows.change_link(link, expires_at=None).expires_at is None


def test_a_link_that_is_changed_leads_somewhere(make_link):
    link = make_link(path="/sale/")
    for nothing in ({"path": ""}, {"url": ""}, {"path": "", "url": ""}):
        with pytest.raises(LinkRefused) as refused:
            flows.change_link(link, **nothing)
        assert refused.value.message_dict == {
            "target_kind": ["Say one thing that the link leads to: a product, or an address."]
        }


def test_a_link_that_is_gone_is_not_changed(link, seller):
    ShortLink.objects.all().delete()
    with pytest.raises(LinkRefused) as refused:
        flows.change_link(link, path="/", actor=seller)
    assert refused.value.message_dict == {"code": ["This link is gone."]}


def test_a_link_expires_later_than_now_but_one_that_has_expired_can_be_edited(link, seller):
    past = timezone.now() - timedelta(minutes=1)
    over = {"expires_at": ["This time is over. Choose a later one, or none."]}
    assert refusal(path="/", expires_at=past) == over
    with pytest.raises(LinkRefused) as refused:
        flows.change_link(link, expires_at=past)
    assert refused.value.message_dict == over
    ShortLink.objects.filter(pk=link.pk).update(expires_at=past)
    assert flows.change_link(link, label="Old", expires_at=past).label == "Old"


def test_a_label_that_is_too_long_is_refused():
    assert list(refusal(path="/", label="x" * 101)) == ["label"]


def test_something_that_is_no_product_is_a_mistake_in_the_code(seller):
    with pytest.raises(TypeError, match=r"^create_link\(product=…\) takes a product, not <"):
        flows.create_link(product=seller)


def test_what_an_account_that_goes_leaves_behind_belongs_to_the_site(make_user, make_link):
    leaving = make_user("leaving", seller=True)
    link = make_link(owner=leaving)
    leaving.delete()
    link.refresh_from_db()
    assert link.owner is None


# --- orders -----------------------------------------------------------------------------------


def test_an_order_has_one_link_whatever_is_noted_later(make_link):
    first, second = make_link(), make_link()
    assert flows.attribute_order(first.code, "ORDER1")
    assert not flows.attribute_order(second.code, "ORDER1")
    assert not flows.attribute_order(first.code, "ORDER1")
    assert not flows.attribute_order("nobody", "ORDER2")
    assert list(ShortLinkOrder.objects.values_list("link", "order_public_id")) == [
        (first.pk, "ORDER1")
    ]


def test_a_product_key_that_means_nothing_here_finds_nothing(product):
    assert policies.products_by_key({"nonsense", str(product.pk)}) == {str(product.pk): product}
