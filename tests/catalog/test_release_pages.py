"""The seller's pages of releases: one's own, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.catalog import flows, get_release_model
from django_digitalstore.catalog.choices import AssetState, ReleaseState
from django_digitalstore.catalog.testing import make_release

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.catalog.urls")]

LISTS = ["seller_releases", "seller_release_create"]
PAGES = [
    "seller_release_update",
    "seller_release_publish",
    "seller_release_yank",
    "seller_release_delete",
]
BUTTONS = ["seller_release_unschedule", "seller_release_unyank"]


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def stored(release):
    return get_release_model().objects.get(pk=release.pk)


@pytest.fixture
def draft(product):
    return make_release(product, version="2.0", published=False)


@pytest.fixture
def foreign_release(make_product, other_seller):
    return make_product("Foreign", seller=other_seller).releases.get()


# --- who may come in -----------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*LISTS, *PAGES, *BUTTONS])
def test_a_visitor_logs_in_and_comes_back(client, url, draft, page):
    address = url(page, draft.product.slug, None if page in LISTS else draft.pk)
    answer = client.post(address) if page in BUTTONS else client.get(address)
    # The buttons take no GET: one comes back to the list that they are on.
    back = url("seller_releases", draft.product.slug) if page in BUTTONS else address
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={back}")


@pytest.mark.parametrize("page", [*LISTS, *PAGES, *BUTTONS])
def test_a_customer_is_refused(client_of, customer, url, draft, page):
    browser = client_of(customer)
    address = url(page, draft.product.slug, None if page in LISTS else draft.pk)
    assert browser.get(address).status_code == 403
    assert browser.post(address).status_code == 403


@pytest.mark.parametrize("page", [*LISTS, *PAGES, *BUTTONS])
def test_another_sellers_releases_do_not_exist(as_seller, url, foreign_release, page):
    address = url(page, "foreign", None if page in LISTS else foreign_release.pk)
    given = {"version": "9.9", "reason": "Mine now", "notes": ""}
    if page not in BUTTONS:
        assert as_seller.get(address).status_code == 404
    if page != "seller_releases":
        assert as_seller.post(address, given).status_code == 404
    now = stored(foreign_release)
    assert (now.version, now.state) == ("1.0", ReleaseState.PUBLISHED)
    assert foreign_release.product.releases.count() == 1


@pytest.mark.parametrize("page", [*PAGES, *BUTTONS])
def test_another_sellers_release_does_not_exist_under_ones_own_product_either(
    as_seller, url, product, foreign_release, page
):
    for key in (foreign_release.pk, "nonsense", "9" * 30, 0):
        assert as_seller.post(url(page, product.slug, key), {"reason": "x"}).status_code == 404
    assert stored(foreign_release).state == ReleaseState.PUBLISHED


@pytest.mark.parametrize("page", BUTTONS)
def test_the_buttons_are_no_links(as_seller, url, draft, page):
    assert as_seller.get(url(page, draft.product.slug, draft.pk)).status_code == 405


# --- the list ------------------------------------------------------------------------------------


def test_the_list_shows_every_state_the_newest_first_and_what_can_be_done(
    as_seller, url, product, draft
):
    scheduled = make_release(product, {}, version="3.0", published=False)
    flows.publish_release(scheduled, at=timezone.now() + timedelta(days=1))
    yanked = flows.yank_release(make_release(product, {}, version="4.0"), reason="It bites.")
    page = as_seller.get(url("seller_releases", product.slug))
    rows = page.context["rows"]
    assert [(row["release"].version, str(row["release"].state)) for row in rows] == [
        ("4.0", "yanked"),
        ("3.0", "scheduled"),
        ("2.0", "draft"),
        ("1.0", "published"),
    ]
    text = text_of(page)
    for state in ("Withdrawn", "Scheduled", "Draft", "Published"):
        assert f">{state}</span>" in text
    offered = {
        "publish": {draft, scheduled},
        "unschedule": {scheduled},
        "yank": {product.releases.get(version="1.0")},
        "unyank": {yanked},
        "delete": {draft},
    }
    for name, releases in offered.items():
        for row in rows:
            address = url(f"seller_release_{name}", product.slug, row["release"].pk)
            assert (f'"{address}"' in text) == (row["release"] in releases), (name, row)
    assert f'"{url("seller_release_create", product.slug)}"' in text
    assert f'"{url("seller_assets", draft.pk)}"' in text


def test_the_list_takes_as_many_queries_for_1_10_and_100_releases(
    as_seller, url, product, settings
):
    settings.DIGITALSTORE_RELEASES_PER_PAGE = 200
    counts = []
    for total in (1, 10, 100):
        for _index in range(product.releases.count(), total):
            make_release(product, {"a.txt": b"a"} if total < 100 else {})
        with CaptureQueriesContext(connection) as queries:
            page = as_seller.get(url("seller_releases", product.slug))
        assert len(page.context["rows"]) == total
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts


def test_the_list_is_paged(as_seller, url, product, settings):
    settings.DIGITALSTORE_RELEASES_PER_PAGE = 2
    for _number in range(4):
        make_release(product, {})
    page = as_seller.get(url("seller_releases", product.slug), {"page": 2})
    assert len(page.context["rows"]) == 2
    assert '<span aria-current="page">Page 2 of 3</span>' in text_of(page)


def test_products_lead_to_their_versions(as_seller, url, product):
    link = f'href="{url("seller_releases", product.slug)}"'
    assert link in text_of(as_seller.get(url("seller_products")))
    assert link in text_of(as_seller.get(url("seller_product_update", product.slug)))


# --- making and editing --------------------------------------------------------------------------


def test_a_new_version_is_a_draft_whatever_the_form_says_and_its_page_comes_next(
    as_seller, url, product, free_product
):
    tampered = {
        "product": free_product.pk,
        "published_at": "2020-01-01",
        "yanked_at": "2020-01-01",
        "notified_at": "2020-01-01",
    }
    answer = as_seller.post(
        url("seller_release_create", product.slug),
        {"version": " 2.0 ", "notes": "*New*", **tampered},
        follow=True,
    )
    release = get_release_model().objects.get(version="2.0")
    assert (release.product, release.notes, release.state) == (product, "*New*", "draft")
    assert (release.yanked_at, release.notified_at) == (None, None)
    page = url("seller_release_update", product.slug, release.pk)
    assert answer.redirect_chain == [(page, 302)]
    assert messages_of(answer) == [
        "“A book 2.0” is saved as a draft. Add its files, then publish it."
    ]


def test_the_same_version_twice_is_an_error_at_its_field(as_seller, url, product):
    for _twice in range(2):
        answer = as_seller.post(
            url("seller_release_create", product.slug), {"version": "2.0", "notes": ""}
        )
    assert answer.context["form"].errors == {
        "version": ["There is a version 2.0 of it already. Write another one, or edit that."]
    }
    assert product.releases.filter(version="2.0").count() == 1


def test_editing_changes_words_and_no_dates(as_seller, url, product, draft):
    fields = {"version": "2.1", "notes": "Better", "published_at": "2020-01-01"}
    answer = as_seller.post(
        url("seller_release_update", product.slug, draft.pk), fields, follow=True
    )
    assert answer.redirect_chain == [(url("seller_releases", product.slug), 302)]
    now = stored(draft)
    assert (now.version, now.notes, now.published_at) == ("2.1", "Better", None)


def test_a_releases_page_shows_its_files_in_every_state_and_its_notes_as_owners_read_them(
    as_seller, url, product, draft
):
    draft.notes = "# New\n\n*fresh* <script>alert(1)</script>"
    draft.save()
    upload = flows.attach_file(draft, ContentFile(b"x" * 2048), name="later.zip", platform="Linux")
    type(upload).objects.filter(pk=upload.pk).update(state=AssetState.PROCESSING)
    page = as_seller.get(url("seller_release_update", product.slug, draft.pk))
    text = text_of(page)
    assert "book.txt" in text
    assert 'later.zip</span> <span class="ds-meta">Linux · 2.0\xa0KB · Processing' in text
    assert "<h3>New</h3>\n<p><em>fresh</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>" in text
    assert upload.file.name not in text
    assert f'href="{url("seller_assets", draft.pk)}">Change the files</a>' in text
    elsewhere = url("seller_release_yank", product.slug, draft.pk)
    assert page.context["release_urls"]["elsewhere"] == elsewhere
    assert page.context["partials"]["owners"][0] == (
        f"{draft._meta.app_label}/_release_owners.html"
    )


# --- publishing ----------------------------------------------------------------------------------


def test_published_now(as_seller, url, product, draft):
    address = url("seller_release_publish", product.slug, draft.pk)
    assert stored(draft).state == ReleaseState.DRAFT
    assert text_of(as_seller.get(address))
    assert stored(draft).state == ReleaseState.DRAFT
    answer = as_seller.post(address, {"at": ""}, follow=True)
    assert answer.redirect_chain == [(url("seller_releases", product.slug), 302)]
    assert messages_of(answer) == ["“A book 2.0” is published."]
    assert stored(draft).state == ReleaseState.PUBLISHED


def test_scheduled_moved_and_made_a_draft_again(as_seller, url, product, draft, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    address = url("seller_release_publish", product.slug, draft.pk)
    answer = as_seller.post(address, {"at": "2031-07-01T09:30"}, follow=True)
    assert messages_of(answer) == ["“A book 2.0” will be published: July 1, 2031, 9:30 a.m."]
    assert stored(draft).published_at.isoformat() == "2031-07-01T07:30:00+00:00"
    page = text_of(as_seller.get(address))
    assert 'value="2031-07-01T09:30"' in page
    assert "Empty: now. Times are those of Europe/Berlin." in page
    as_seller.post(address, {"at": "2032-07-01T09:30"})
    assert stored(draft).published_at.year == 2032
    button = url("seller_release_unschedule", product.slug, draft.pk)
    as_seller.get(url("seller_releases", product.slug))  # reads the message of before
    answer = as_seller.post(button, follow=True)
    assert messages_of(answer) == ["“A book 2.0” is a draft again."]
    assert stored(draft).state == ReleaseState.DRAFT


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize(
    ("at", "error"),
    [
        ("2020-01-01T09:00", "That time has passed. Leave it empty to publish now."),
        ("tomorrow", "Enter a valid date/time."),
        ("9999-12-31T23:59", "That is more than ten years ahead. Choose an earlier date."),
        ("0001-01-01T00:00", "That time has passed. Leave it empty to publish now."),
    ],
)
def test_a_time_that_cannot_be_is_said_at_its_field(
    as_seller, url, product, draft, settings, zone, at, error
):
    settings.TIME_ZONE = zone
    answer = as_seller.post(url("seller_release_publish", product.slug, draft.pk), {"at": at})
    assert answer.context["form"].errors == {"at": [error]}
    assert stored(draft).state == ReleaseState.DRAFT


def test_what_the_flow_refuses_is_said_on_the_page(as_seller, url, product):
    release = flows.yank_release(product.releases.get(), reason="It bites.")
    answer = as_seller.post(url("seller_release_publish", product.slug, release.pk), {"at": ""})
    assert answer.context["form"].errors == {
        "at": ["It is withdrawn. Bring it back instead of publishing it."]
    }


def test_a_release_without_a_ready_file_is_published_with_a_warning(as_seller, url, product, draft):
    draft.assets.update(state=AssetState.PROCESSING)
    answer = as_seller.post(url("seller_release_publish", product.slug, draft.pk), follow=True)
    assert messages_of(answer) == [
        "“A book 2.0” has no file yet: its owners get one when you add it.",
        "“A book 2.0” is published.",
    ]


def test_a_second_click_changes_nothing(as_seller, url, product, draft):
    address = url("seller_release_publish", product.slug, draft.pk)
    as_seller.post(address)
    first = stored(draft).published_at
    as_seller.post(address)
    assert stored(draft).published_at == first


# --- withdrawing and deleting --------------------------------------------------------------------


def test_withdrawn_with_a_reason_and_brought_back(as_seller, url, product):
    release = product.releases.get()
    address = url("seller_release_yank", product.slug, release.pk)
    assert text_of(as_seller.get(address))
    answer = as_seller.post(address, {"reason": "  "})
    assert answer.context["form"].errors == {"reason": ["This field is required."]}
    assert stored(release).state == ReleaseState.PUBLISHED
    answer = as_seller.post(address, {"reason": "It deletes <files>."}, follow=True)
    assert messages_of(answer) == ["“A book 1.0” is withdrawn."]
    assert (stored(release).state, stored(release).yanked_reason) == (
        "yanked",
        "It deletes <files>.",
    )
    page = text_of(as_seller.get(url("seller_release_update", product.slug, release.pk)))
    assert "Owners read why: It deletes &lt;files&gt;." in page
    button = url("seller_release_unyank", product.slug, release.pk)
    answer = as_seller.post(button, follow=True)
    assert messages_of(answer) == ["“A book 1.0” is back: owners see it again."]
    assert stored(release).state == ReleaseState.PUBLISHED


def test_what_owners_do_not_see_is_not_withdrawn_and_the_page_says_so(
    as_seller, url, product, draft
):
    address = url("seller_release_yank", product.slug, draft.pk)
    answer = as_seller.post(address, {"reason": "Because"})
    assert answer.context["form"].non_field_errors() == [
        "Owners do not see it yet, so there is nothing to withdraw."
    ]


def test_a_draft_is_deleted_after_a_question(as_seller, url, product, draft):
    address = url("seller_release_delete", product.slug, draft.pk)
    assert "1 file is deleted with it." in text_of(as_seller.get(address))
    assert stored(draft) == draft
    answer = as_seller.post(address, follow=True)
    assert messages_of(answer) == ["“A book 2.0” is deleted."]
    assert not product.releases.filter(version="2.0").exists()


def test_a_published_release_is_not_deleted_and_the_seller_reads_why(as_seller, url, product):
    release = product.releases.get()
    address = url("seller_release_delete", product.slug, release.pk)
    answer = as_seller.post(address, follow=True)
    assert messages_of(answer) == [
        "Only a draft is deleted. Withdraw it to hide it from its owners."
    ]
    assert stored(release) == release


# --- what owners get by a product's terms --------------------------------------------------------

TERMS = {"title": "A book", "slug": "a-book", "price": "19.99", "currency": "EUR"}


def test_a_product_form_sets_updates_and_the_limit_of_downloads(as_seller, url, product):
    address = url("seller_product_update", product.slug)
    assert '<option value="" selected>As the site says</option>' in text_of(as_seller.get(address))
    terms = {"updates": "limited", "update_days": "365", "download_limit": "5"}
    assert as_seller.post(address, {**TERMS, **terms}).status_code == 302
    product.refresh_from_db()
    assert (product.updates, product.update_days, product.download_limit) == ("limited", 365, 5)
    assert as_seller.post(address, TERMS).status_code == 302
    product.refresh_from_db()
    assert (product.updates, product.update_days, product.download_limit) == ("", None, None)


@pytest.mark.parametrize(
    ("terms", "errors"),
    [
        (
            {"updates": "limited"},
            {"update_days": ["Say for how many days after the purchase, as in 365."]},
        ),
        (
            {"updates": "lifetime", "update_days": "30"},
            {"update_days": ["Only limited updates have days. Choose those, or leave this empty."]},
        ),
        (
            {"update_days": "30"},
            {"update_days": ["Only limited updates have days. Choose those, or leave this empty."]},
        ),
        (
            {"updates": "limited", "update_days": "40000"},
            {"update_days": ["Write at most 36525 days, or choose all updates, for ever."]},
        ),
        (
            {"updates": "limited", "update_days": "-1"},
            {"update_days": ["Ensure this value is greater than or equal to 0."]},
        ),
        (
            {"updates": "sometimes", "update_days": "30"},
            {"updates": ["Select a valid choice. sometimes is not one of the available choices."]},
        ),
        (
            {"download_limit": "-1"},
            {"download_limit": ["Ensure this value is greater than or equal to 0."]},
        ),
    ],
)
def test_terms_that_contradict_themselves_are_said_at_their_field(
    as_seller, url, product, terms, errors
):
    answer = as_seller.post(url("seller_product_update", product.slug), {**TERMS, **terms})
    assert answer.context["form"].errors == errors
    product.refresh_from_db()
    assert (product.updates, product.update_days) == ("", None)
