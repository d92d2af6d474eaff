"""Releases by their verbs: drafts, published now or later, withdrawn and brought back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from django_digitalstore.catalog import flows, get_product_model, get_release_model
from django_digitalstore.catalog.choices import ReleaseState
from django_digitalstore.catalog.exceptions import NotYourProduct, ProductNotReady
from django_digitalstore.catalog.markdown import LONGEST_MARKDOWN
from django_digitalstore.catalog.storage import private_storage
from django_digitalstore.catalog.testing import make_release

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NOT_YET = "Owners do not see it yet, so there is nothing to withdraw."
SEEN = "Owners see it already. Withdraw it to hide it from them."


def new_release(product, version="2.0", **fields):
    return get_release_model()(product=product, version=version, **fields)


@pytest.fixture
def draft(product):
    return flows.save_release(new_release(product, notes="*New*"))


@pytest.fixture
def published(draft):
    return flows.publish_release(draft)


def stored(release):
    return get_release_model().objects.get(pk=release.pk)


def refusal(flow, *args, **kwargs) -> dict[str, list[str]]:
    with pytest.raises(ProductNotReady) as raised:
        flow(*args, **kwargs)
    return raised.value.message_dict


# --- saving --------------------------------------------------------------------------------------


def test_a_new_release_is_a_draft_that_no_owner_sees(product, draft):
    assert stored(draft).state == ReleaseState.DRAFT
    assert draft not in product.releases.available()


@pytest.mark.parametrize(
    "decided", ["published_at", "yanked_at", "yanked_reason", "notified_at"], ids=str
)
def test_a_new_release_is_not_saved_as_anything_but_a_draft(product, decided):
    value = "It bit." if decided == "yanked_reason" else timezone.now()
    assert refusal(flows.save_release, new_release(product, **{decided: value})) == {
        "published_at": ["A new release is a draft. Save it, then publish_release()."]
    }
    assert product.releases.count() == 1


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"version": ""}, {"version": ["This field cannot be blank."]}),
        ({"version": "  "}, {"version": ["This field cannot be blank."]}),
        (
            {"version": "v" * 51},
            {"version": ["Ensure this value has at most 50 characters (it has 51)."]},
        ),
        (
            {"version": " 1.0 "},
            {"version": ["There is a version 1.0 of it already. Write another one, or edit that."]},
        ),
        (
            {"notes": "x" * (LONGEST_MARKDOWN + 1)},
            {"notes": ["Write at most 20000 characters; these are 20001."]},
        ),
    ],
)
def test_a_release_that_is_wrong_is_not_saved_and_says_why(product, fields, errors):
    assert refusal(flows.save_release, new_release(product, **fields)) == errors
    assert product.releases.count() == 1


def test_the_same_version_of_another_product_is_another_release(draft, free_product):
    assert flows.save_release(new_release(free_product, draft.version)).pk != draft.pk


def test_an_edited_release_may_keep_its_version_and_not_take_anothers(draft):
    draft.notes = "Better words"
    flows.save_release(draft)
    assert stored(draft).notes == "Better words"
    draft.version = "1.0"
    assert list(refusal(flows.save_release, draft)) == ["version"]
    assert stored(draft).version == "2.0"


def test_saving_a_form_that_was_opened_before_changes_no_date_and_no_product(draft, free_product):
    stale = stored(draft)
    flows.publish_release(draft)
    flows.yank_release(draft, reason="It bites.")
    stale.notes, stale.product, stale.notified_at = "Edited", free_product, timezone.now()
    flows.save_release(stale)
    now = stored(draft)
    assert now.notes == "Edited"
    assert now.product == draft.product == stale.product
    assert (now.published_at, now.yanked_at) == (draft.published_at, draft.yanked_at)
    assert (now.yanked_reason, now.notified_at) == ("It bites.", None)


def test_a_release_that_could_not_be_saved_does_not_take_itself_for_a_saved_one(
    product, monkeypatch
):
    release = new_release(product)
    model = type(release)

    def fails(self, **kwargs):
        self.pk = 77
        self._state.adding = False
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(model, "save", fails)
    with pytest.raises(RuntimeError):
        flows.save_release(release)
    assert (release.pk, release._state.adding) == (None, True)


# --- publishing ----------------------------------------------------------------------------------


def test_a_published_release_reaches_owners_and_publishing_again_changes_nothing(product, draft):
    flows.publish_release(draft)
    first = stored(draft).published_at
    assert first is not None
    assert draft.published_at == first
    assert draft in product.releases.available()
    flows.publish_release(draft)
    flows.publish_release(draft, at=first)
    assert stored(draft).published_at == first


def test_a_scheduled_release_is_seen_when_its_time_has_come(product, draft):
    at = timezone.now() + HOUR
    flows.publish_release(draft, at=at)
    assert stored(draft).state == ReleaseState.SCHEDULED
    assert draft not in product.releases.available()
    type(draft).objects.filter(pk=draft.pk).update(published_at=timezone.now() - HOUR)
    assert stored(draft).state == ReleaseState.PUBLISHED
    assert draft in product.releases.available()


def test_a_scheduled_release_is_moved_published_now_or_made_a_draft_again(draft):
    flows.publish_release(draft, at=timezone.now() + HOUR)
    later = timezone.now() + 2 * HOUR
    flows.publish_release(draft, at=later)
    assert stored(draft).published_at == later
    for _twice in range(2):
        flows.unschedule_release(draft)
        assert stored(draft).state == draft.state == ReleaseState.DRAFT
    flows.publish_release(draft, at=later)
    flows.publish_release(draft)
    assert stored(draft).state == ReleaseState.PUBLISHED


def test_a_release_that_owners_see_is_neither_moved_nor_made_a_draft_again(published):
    at = published.published_at
    refused = {"published_at": [SEEN]}
    assert refusal(flows.publish_release, published, at=timezone.now() + HOUR) == refused
    assert refusal(flows.unschedule_release, published) == refused
    assert stored(published).published_at == at


def test_a_version_from_before_this_shop_has_its_own_date(draft):
    long_ago = timezone.now() - timedelta(days=900)
    flows.publish_release(draft, at=long_ago)
    assert stored(draft).published_at == long_ago


def test_a_time_without_a_zone_is_refused(draft):
    assert refusal(flows.publish_release, draft, at=datetime(2030, 1, 1)) == {  # noqa: DTZ001
        "published_at": ["The time has no time zone. Give publish_release() an aware one."]
    }
    assert stored(draft).published_at is None


def test_publishing_judges_the_row_and_not_the_object(draft):
    type(draft).objects.filter(pk=draft.pk).update(version="")
    assert refusal(flows.publish_release, draft) == {"version": ["This field cannot be blank."]}
    assert stored(draft).published_at is None


# --- withdrawing ---------------------------------------------------------------------------------


def test_a_withdrawn_release_is_hidden_and_says_why(product, published):
    flows.yank_release(published, reason="  It deletes files.  ")
    assert (stored(published).state, stored(published).yanked_reason) == (
        ReleaseState.YANKED,
        "It deletes files.",
    )
    assert published.yanked_at == stored(published).yanked_at
    assert published not in product.releases.available()


def test_withdrawing_again_keeps_the_first_date_and_reason(published):
    flows.yank_release(published, reason="It deletes files.")
    first = stored(published).yanked_at
    flows.yank_release(published, reason="Another reason")
    assert (stored(published).yanked_at, stored(published).yanked_reason) == (
        first,
        "It deletes files.",
    )


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("", "Say why: owners may ask."),
        (" \n", "Say why: owners may ask."),
        ("x" * 301, "Ensure this value has at most 300 characters (it has 301)."),
    ],
)
def test_nothing_is_withdrawn_without_a_reason_of_a_sentence_or_two(published, reason, error):
    refused = refusal(flows.yank_release, published, reason=reason)
    assert refused == {"yanked_reason": [error]}
    assert stored(published).yanked_at is None


def test_what_owners_do_not_see_cannot_be_withdrawn(draft):
    assert refusal(flows.yank_release, draft, reason="No") == {"published_at": [NOT_YET]}
    flows.publish_release(draft, at=timezone.now() + HOUR)
    assert refusal(flows.yank_release, draft, reason="No") == {"published_at": [NOT_YET]}
    assert stored(draft).yanked_at is None


def test_a_withdrawn_release_is_not_published_and_comes_back_with_its_date(product, published):
    at = published.published_at
    flows.yank_release(published, reason="It deletes files.")
    assert refusal(flows.publish_release, published) == {
        "published_at": ["It is withdrawn. Bring it back instead of publishing it."]
    }
    for _twice in range(2):
        flows.unyank_release(published)
        now = stored(published)
        assert (now.state, now.published_at, now.yanked_reason) == (
            ReleaseState.PUBLISHED,
            at,
            "",
        )
    assert published in product.releases.available()


@pytest.mark.needs("entitlements")
def test_withdrawing_a_release_touches_no_access(published, customer):
    from django_digitalstore.entitlements import policies
    from django_digitalstore.entitlements.testing import grant

    grant(customer, published.product)
    flows.yank_release(published, reason="It deletes files.")
    assert policies.has_access(customer, published.product)


# --- deleting ------------------------------------------------------------------------------------


def test_a_deleted_draft_takes_its_files_with_it_after_commit(
    product, django_capture_on_commit_callbacks
):
    draft = make_release(product, {"a.txt": b"a", "b.txt": b"b"}, published=False)
    files = [asset.file.name for asset in draft.assets.all()]
    with django_capture_on_commit_callbacks(execute=True):
        flows.delete_release(draft)
        assert all(private_storage().exists(name) for name in files)
    assert not get_release_model().objects.filter(version=draft.version).exists()
    assert not any(private_storage().exists(name) for name in files)


@pytest.mark.parametrize("later", [timedelta(0), HOUR])
def test_what_is_published_or_scheduled_is_not_deleted(draft, later):
    flows.publish_release(draft, at=timezone.now() + later)
    assert refusal(flows.delete_release, draft) == {
        "published_at": ["Only a draft is deleted. Withdraw it to hide it from its owners."]
    }
    assert stored(draft) == draft


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "given"),
    [
        ("save_release", {}),
        ("publish_release", {}),
        ("unschedule_release", {}),
        ("yank_release", {"reason": "It bites."}),
        ("unyank_release", {}),
        ("delete_release", {}),
    ],
)
def test_only_the_seller_staff_and_the_site_change_a_release(
    product, seller, other_seller, customer, staff, superuser, free_product, flow, given
):
    for stranger in (other_seller, customer, staff):
        release = make_release(product, {}, published=flow == "yank_release")
        before = stored(release)
        # What the object says of its product counts for nothing.
        type(free_product).objects.filter(pk=free_product.pk).update(seller=other_seller)
        release.product = get_product_model().objects.get(pk=free_product.pk)
        with pytest.raises(NotYourProduct) as raised:
            getattr(flows, flow)(release, actor=stranger, **given)
        assert str(raised.value) == (
            f"{release._meta.label} “A book {release.version}” belongs to somebody else. Only its "
            f"seller and staff change it."
        )
        assert stored(release).state == before.state
    for actor in (seller, superuser, None):
        release = make_release(product, {}, published=flow == "yank_release")
        getattr(flows, flow)(release, actor=actor, **given)


def test_nobody_makes_a_release_of_another_sellers_product(product, other_seller):
    with pytest.raises(NotYourProduct):
        flows.save_release(new_release(product), actor=other_seller)
    assert product.releases.count() == 1


# --- updates -------------------------------------------------------------------------------------


def is_updated(product) -> bool:
    return get_product_model().objects.with_updates().get(pk=product.pk).is_updated


def dated(release, **ago):
    release.published_at = timezone.now() - timedelta(**ago)
    release.save()
    return release


def test_a_first_release_is_no_update_and_the_next_one_is_for_three_days(product):
    assert not is_updated(product)
    update = make_release(product, {})
    assert is_updated(product)
    dated(product.releases.get(version="1.0"), days=10)
    dated(update, days=2, hours=23)
    assert is_updated(product)
    dated(update, days=3, hours=1)
    assert not is_updated(product)


def test_how_long_it_is_one_is_a_setting(product, settings):
    dated(product.releases.get(), days=30)
    dated(make_release(product, {}), days=5)
    settings.DIGITALSTORE_UPDATED_BADGE_AGE = timedelta(days=7)
    assert is_updated(product)
    settings.DIGITALSTORE_UPDATED_BADGE_AGE = timedelta(0)
    assert not is_updated(product)


def test_drafts_scheduled_and_withdrawn_releases_are_no_update(product):
    make_release(product, {}, published=False)
    make_release(product, {}, published_at=timezone.now() + HOUR)
    flows.yank_release(make_release(product, {}), reason="It bites.")
    assert not is_updated(product)


def test_what_replaces_a_withdrawn_first_release_is_an_update(product):
    flows.yank_release(product.releases.get(), reason="It bites.")
    make_release(product, {})
    assert is_updated(product)


def test_two_releases_of_the_same_moment_are_an_update_and_its_first(product):
    first = product.releases.get()
    make_release(product, {}, published_at=first.published_at)
    assert is_updated(product)


def test_a_release_of_another_product_is_no_update_of_this_one(product, free_product):
    make_release(free_product, {})
    assert (is_updated(free_product), is_updated(product)) == (True, False)
