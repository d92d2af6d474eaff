"""The verbs of the catalog, called by themselves: they believe no caller."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.template import Context, Template

from django_digitalstore.catalog import flows, get_asset_model, get_product_model
from django_digitalstore.catalog.exceptions import NotYourProduct, ProductNotReady
from django_digitalstore.catalog.storage import private_storage
from django_digitalstore.catalog.testing import make_release

pytestmark = pytest.mark.django_db


def new_product(**fields):
    return get_product_model()(
        **{"title": "New", "slug": "new", "price": 100, "currency": "EUR", **fields}
    )


def stored_files() -> set[str]:
    storage = private_storage()
    try:
        folders, _files = storage.listdir("assets")
    except FileNotFoundError:
        return set()
    return {f"assets/{f}/{name}" for f in folders for name in storage.listdir(f"assets/{f}")[1]}


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"title": ""}, {"title": ["This field cannot be blank."]}),
        ({"price": None}, {"price": ["This field cannot be null."]}),
        ({"currency": "EURO"}, None),
        ({"slug": "no spaces"}, None),
        (
            {"status": "published"},
            {"status": ["A new product is a draft. Save it, then call publish_product()."]},
        ),
    ],
)
def test_a_product_that_is_wrong_is_not_saved(fields, errors):
    with pytest.raises(ProductNotReady) as raised:
        flows.save_product(new_product(**fields))
    if errors:
        assert raised.value.message_dict == errors
    assert not get_product_model().objects.exists()


def test_a_negative_price_is_refused_by_the_flow():
    with pytest.raises(ProductNotReady) as raised:
        flows.save_product(new_product(price=-1))
    assert "price" in raised.value.message_dict


def test_another_sellers_category_is_refused_and_nothing_is_saved(
    make_category, seller, other_seller
):
    category = make_category("Theirs", seller=other_seller)
    product = new_product(seller=seller)
    with pytest.raises(ProductNotReady) as raised:
        flows.save_product(product, categories=[category])
    assert raised.value.message_dict == {
        "categories": [
            (
                "The category “Theirs” belongs to another seller. Choose one of the site's or of "
                "the product's seller."
            )
        ]
    }
    assert not get_product_model().objects.exists()


def test_saving_a_product_that_was_loaded_before_it_was_archived_leaves_it_archived(product):
    stale = get_product_model().objects.get(pk=product.pk)
    flows.archive_product(product)
    stale.title = "A better book"
    flows.save_product(stale)
    product.refresh_from_db()
    assert (product.title, product.status) == ("A better book", "archived")


@pytest.mark.parametrize("flow", ["publish_product", "unpublish_product", "archive_product"])
def test_only_the_seller_staff_and_the_site_change_what_is_for_sale(
    product, seller, other_seller, customer, staff, superuser, flow
):
    for stranger in (other_seller, customer, staff):
        with pytest.raises(NotYourProduct) as raised:
            getattr(flows, flow)(product, actor=stranger)
        assert str(raised.value) == (
            f"{product._meta.label} “A book” belongs to somebody else. Only its seller and staff "
            f"change it."
        )
    for actor in (seller, superuser, None):
        getattr(flows, flow)(product, actor=actor)


def test_a_product_of_the_site_is_nobodys(make_product, seller):
    product = make_product("The site's", status="draft")
    with pytest.raises(NotYourProduct):
        flows.publish_product(product, actor=seller)


def test_publishing_judges_the_row_and_not_the_object(product):
    flows.archive_product(product)
    get_product_model().objects.filter(pk=product.pk).update(title="")
    with pytest.raises(ProductNotReady) as raised:
        flows.publish_product(product)
    assert raised.value.message_dict == {"title": ["This field cannot be blank."]}


def test_a_draft_again_keeps_its_first_date_of_publication(product):
    first = product.published_at
    flows.unpublish_product(product)
    assert product.status == "draft"
    flows.publish_product(product)
    product.refresh_from_db()
    assert (product.status, product.published_at) == ("published", first)


def test_a_template_cannot_call_a_flow(product):
    Template("{{ flows.archive_product }}").render(Context({"flows": flows}))
    Template("{{ archive }}").render(
        Context({"archive": flows.archive_product, "product": product})
    )
    product.refresh_from_db()
    assert product.status == "published"


# --- files ---------------------------------------------------------------------------------------


def test_an_attached_file_has_its_size_and_hash(product):
    release = make_release(product, {})
    content = b"chapter one\n" * 10_000
    asset = flows.attach_file(
        release, ContentFile(content, name="upload.bin"), name="Book.epub", platform="all"
    )
    asset.refresh_from_db()
    assert (asset.name, asset.platform, asset.size) == ("Book.epub", "all", len(content))
    assert asset.sha256 == hashlib.sha256(content).hexdigest()
    assert asset.file.read() == content
    assert asset.file.name.endswith(".epub")
    assert "Book" not in asset.file.name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\books\\book.pdf", "book.pdf"),
        ("book\u202efdp.exe", "bookfdp.exe"),
        ("line\r\nbreak.txt", "linebreak.txt"),
        ("x" * 300 + ".epub", "x" * 145 + ".epub"),
        (" .hidden. ", "hidden"),
    ],
)
def test_the_name_of_a_file_is_cleaned(product, name, cleaned):
    asset = flows.attach_file(make_release(product, {}), ContentFile(b"x"), name=name)
    asset.refresh_from_db()
    assert asset.name == cleaned


@pytest.mark.parametrize("name", ["", "../", "\u202e", "..."])
def test_a_name_of_which_nothing_is_left_is_refused_and_leaves_no_file(product, name):
    release = make_release(product, {})
    before = stored_files()
    with pytest.raises(ProductNotReady) as raised:
        flows.attach_file(release, ContentFile(b"x"), name=name)
    assert raised.value.message_dict == {"name": ["This field cannot be blank."]}
    assert stored_files() == before
    assert not release.assets.exists()


def test_a_row_that_cannot_be_saved_leaves_no_file(product):
    release = make_release(product, {})
    release_gone = type(release).objects.get(pk=release.pk)
    type(release).objects.filter(pk=release.pk).delete()
    before = stored_files()
    with pytest.raises(ProductNotReady):
        flows.attach_file(release_gone, ContentFile(b"x"), name="a.txt")
    assert stored_files() == before


def test_a_stranger_attaches_nothing(product, other_seller):
    release = make_release(product, {})
    with pytest.raises(NotYourProduct):
        flows.attach_file(release, ContentFile(b"x"), name="a.txt", actor=other_seller)
    assert not release.assets.exists()


def test_a_file_that_is_replaced_leaves_the_storage_after_commit(
    product, django_capture_on_commit_callbacks
):
    asset = make_release(product, {"a.txt": b"old"}).assets.get()
    old = asset.file.name
    with django_capture_on_commit_callbacks(execute=True):
        flows.store_file(asset, ContentFile(b"newer", name="b.txt"))
        assert private_storage().exists(old)
    asset = get_asset_model().objects.get(pk=asset.pk)
    assert (asset.size, asset.sha256) == (5, hashlib.sha256(b"newer").hexdigest())
    assert asset.file.read() == b"newer"
    assert not private_storage().exists(old)
