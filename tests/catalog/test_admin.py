"""The catalog in the admin: what flows decide is read-only, and every action is logged."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog import (
    flows,
    get_asset_model,
    get_category_model,
    get_product_model,
    get_release_model,
)
from django_digitalstore.catalog.testing import make_release

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.catalog.urls")]


def admin_url(model, page: str, *args) -> str:
    options = model._meta
    return reverse(
        f"admin:{options.app_label}_{options.model_name}_{page}",
        args=args,
        current_app="catalog_admin",
    )


@pytest.fixture
def admin_client(client_of, superuser):
    return client_of(superuser)


def run_action(browser, action: str, *products, reason: str = "the season is over"):
    """Choose products in the list, and answer the page that asks why."""
    pks = [product.pk for product in products]
    picked = {"action": action, "_selected_action": pks}
    asked = browser.post(admin_url(get_product_model(), "changelist"), picked)
    if asked.status_code != 302:
        return asked
    page = asked["Location"].partition("?")[0]
    return browser.post(page, {"pk": pks, "reason": reason}, follow=True)


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_every_page_opens(admin_client, product, category):
    release = product.releases.get()
    for instance in (product, category, release):
        model = type(instance)
        for address in (
            admin_url(model, "changelist"),
            admin_url(model, "changelist") + "?q=book",
            admin_url(model, "add"),
            admin_url(model, "change", instance.pk),
            admin_url(model, "delete", instance.pk),
        ):
            assert admin_client.get(address).status_code == 200, address


@pytest.mark.parametrize("model", ["product", "category", "release"])
def test_the_lists_take_as_many_queries_for_1_and_50_rows_and_never_count_all(
    admin_client, make_product, make_category, model
):
    models = {
        "product": get_product_model(),
        "category": get_category_model(),
        "release": get_release_model(),
    }
    counts = []
    for total in (1, 50):
        for index in range(get_product_model().objects.count(), total):
            make_product(f"Book {index}")
            make_category(f"Shelf {index}")
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(admin_url(models[model], "changelist")).status_code == 200
        counts.append(len(queries))
        for query in queries:
            if "COUNT(" in query["sql"]:
                assert "LIMIT 1001" in query["sql"]
    assert counts[0] == counts[1], counts


def test_the_status_cannot_be_typed_in(admin_client, draft_product, seller):
    page = admin_client.get(admin_url(type(draft_product), "change", draft_product.pk))
    assert 'name="status"' not in page.content.decode()
    assert 'name="price" value="19.99"' in page.content.decode()
    fields = {
        "title": "A draft",
        "slug": "a-draft",
        "price": "5.25",
        "currency": "EUR",
        "seller": seller.pk,
        "status": "published",
        "published_at": "2020-01-01",
    }
    answer = admin_client.post(admin_url(type(draft_product), "change", draft_product.pk), fields)
    assert answer.status_code == 302
    draft_product.refresh_from_db()
    assert (draft_product.status, draft_product.published_at) == ("draft", None)
    assert draft_product.price == 525


def test_the_actions_call_the_flows_and_are_logged(admin_client, draft_product, product, superuser):
    answer = run_action(admin_client, "publish", draft_product, product)
    assert sorted(messages_of(answer)) == [
        f"{product}: Nothing to do, the status is already “Published”.",
        f"{draft_product}: Published",
    ]
    draft_product.refresh_from_db()
    assert draft_product.status == "published"
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.get_change_message()) == (
        superuser,
        str(draft_product.pk),
        "Publish: the season is over",
    )
    run_action(admin_client, "archive", draft_product)
    run_action(admin_client, "unpublish", draft_product, reason="a new edition")
    draft_product.refresh_from_db()
    assert draft_product.status == "draft"
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "Publish: the season is over",
        "Archive: the season is over",
        "Make a draft again: a new edition",
    ]


@pytest.mark.parametrize("action", ["publish", "unpublish", "archive"])
def test_no_status_is_changed_without_a_reason(admin_client, draft_product, product, action):
    for each in (draft_product, product):
        asked = run_action(admin_client, action, each, reason=" ")
        assert asked.context["form"].errors == {"reason": ["This field is required."]}
        before = each.status
        each.refresh_from_db()
        assert each.status == before
    assert not LogEntry.objects.exists()


def test_a_products_page_leads_to_the_actions(admin_client, product):
    page = admin_client.get(admin_url(type(product), "change", product.pk)).content.decode()
    for action in ("publish", "unpublish", "archive"):
        assert f"{admin_url(type(product), 'reasoned', action)}?pk={product.pk}" in page


def test_an_action_says_why_a_product_is_not_published_and_goes_on(
    admin_client, draft_product, make_product
):
    broken = make_product("Broken", status="draft")
    get_product_model().objects.filter(pk=broken.pk).update(title="")
    answer = run_action(admin_client, "publish", broken, draft_product)
    assert sorted(messages_of(answer)) == [
        ": This field cannot be blank.",
        f"{draft_product}: Published",
    ]
    assert LogEntry.objects.get().object_id == str(draft_product.pk)


def test_staff_who_may_only_look_have_no_actions(client_of, staff, product):
    staff.user_permissions.add(
        Permission.objects.get(
            codename=f"view_{product._meta.model_name}",
            content_type__app_label=product._meta.app_label,
        )
    )
    browser = client_of(staff)
    page = browser.get(admin_url(type(product), "changelist"))
    assert page.status_code == 200
    assert page.context["action_form"] is None
    run_action(browser, "archive", product)
    archive = admin_url(type(product), "reasoned", "archive")
    given = {"pk": product.pk, "reason": "because"}
    assert browser.post(archive, given).status_code == 403
    product.refresh_from_db()
    assert product.status == "published"


# --- files of a release --------------------------------------------------------------------------


def release_form(product, *files: dict, initial: int = 0) -> dict:
    form = {
        "product": product.pk,
        "version": "9.0",
        "notes": "",
        "assets-TOTAL_FORMS": len(files),
        "assets-INITIAL_FORMS": initial,
    }
    for index, fields in enumerate(files):
        given = {"position": index, "platform": "", "visibility": "owners", "name": "", **fields}
        for name, value in given.items():
            form[f"assets-{index}-{name}"] = value
    return form


def test_an_uploaded_file_gets_its_size_hash_and_a_clean_name(admin_client, product):
    upload = SimpleUploadedFile("my book.epub", b"words")
    other = SimpleUploadedFile("x.bin", b"more words")
    form = release_form(product, {"file": upload}, {"file": other, "name": "../../etc/passwd"})
    answer = admin_client.post(admin_url(get_release_model(), "add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    first, second = get_release_model().objects.get(version="9.0").assets.all()
    assert (first.name, first.size) == ("my book.epub", 5)
    assert first.sha256 == hashlib.sha256(b"words").hexdigest()
    assert first.file.read() == b"words"
    assert (second.name, second.size) == ("passwd", 10)


def test_size_and_hash_cannot_be_typed_in_and_follow_a_new_file(admin_client, product, asset):
    release = asset.release
    keep = {"id": asset.pk, "release": release.pk, "name": "renamed.pdf", "size": 1, "sha256": "0"}
    address = admin_url(type(release), "change", release.pk)
    admin_client.post(address, release_form(product, keep, initial=1))
    renamed = get_asset_model().objects.get(pk=asset.pk)
    assert (renamed.name, renamed.size, renamed.sha256) == ("renamed.pdf", asset.size, asset.sha256)
    assert renamed.file.name == asset.file.name

    keep["file"] = SimpleUploadedFile("new.pdf", b"new words")
    admin_client.post(address, release_form(product, keep, initial=1))
    replaced = get_asset_model().objects.get(pk=asset.pk)
    assert (replaced.size, replaced.sha256) == (9, hashlib.sha256(b"new words").hexdigest())
    assert replaced.file.read() == b"new words"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (
            {"name": "setup.exe"},
            "“setup.exe” can't be uploaded. Choose a file that ends with: .zip.",
        ),
        ({"size": 11}, "“app.zip” is too large: a file may have 10\xa0bytes at most."),
    ],
)
def test_the_limits_of_uploads_hold_for_staff_too(admin_client, product, settings, fields, error):
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 10
    settings.DIGITALSTORE_UPLOAD_EXTENSIONS = ("zip",)
    upload = SimpleUploadedFile("app.zip", b"x" * fields.pop("size", 5))
    form = release_form(product, {"file": upload, **fields})
    answer = admin_client.post(admin_url(get_release_model(), "add"), form)
    assert answer.status_code == 200
    assert error in [text for each in answer.context["errors"] for text in each]
    assert not get_release_model().objects.filter(version="9.0").exists()


def test_the_state_of_a_file_is_shown_and_cannot_be_typed_in(admin_client, product, asset):
    release = asset.release
    get_asset_model().objects.filter(pk=asset.pk).update(state="failed", failure="It broke off.")
    address = admin_url(type(release), "change", release.pk)
    page = admin_client.get(address).content.decode()
    assert "It broke off." in page
    keep = {"id": asset.pk, "release": release.pk, "name": "a.pdf", "visibility": "sample"}
    admin_client.post(address, release_form(product, {**keep, "state": "ready"}, initial=1))
    asset = get_asset_model().objects.get(pk=asset.pk)
    assert (asset.name, asset.visibility, asset.state) == ("a.pdf", "sample", "failed")


def test_the_release_page_opens_for_staff_who_may_only_look(client_of, staff, asset):
    for instance in (asset, asset.release):
        options = instance._meta
        staff.user_permissions.add(
            Permission.objects.get(
                codename=f"view_{options.model_name}", content_type__app_label=options.app_label
            )
        )
    page = client_of(staff).get(admin_url(type(asset.release), "change", asset.release.pk))
    assert page.status_code == 200
    assert asset.name in page.content.decode()
    assert asset.file.name not in page.content.decode()


# --- releases ------------------------------------------------------------------------------------


@pytest.fixture
def draft_release(product):
    return make_release(product, version="2.0", published=False)


def act(browser, action: str, release, **given):
    page = admin_url(type(release), "reasoned", action)
    return browser.post(page, {"pk": release.pk, "reason": "asked by mail", **given}, follow=True)


def test_the_dates_of_a_release_cannot_be_typed_in(admin_client, product, draft_release):
    page = admin_client.get(admin_url(type(draft_release), "change", draft_release.pk))
    for name in ("published_at", "yanked_at", "yanked_reason", "notified_at"):
        assert f'name="{name}' not in page.content.decode()
    form = release_form(product)
    tampered = {"published_at_0": "2020-01-01", "published_at_1": "00:00", "yanked_reason": "x"}
    answer = admin_client.post(
        admin_url(type(draft_release), "change", draft_release.pk), {**form, **tampered}
    )
    assert answer.status_code == 302
    draft_release.refresh_from_db()
    assert (draft_release.version, draft_release.state) == ("9.0", "draft")
    assert draft_release.yanked_reason == ""


def test_a_release_is_published_withdrawn_and_brought_back_for_a_reason(
    admin_client, draft_release, superuser
):
    answer = act(admin_client, "publish", draft_release)
    assert messages_of(answer) == [f"{draft_release}: Published"]
    answer = act(admin_client, "publish", draft_release)
    assert messages_of(answer) == [
        f"{draft_release}: Nothing to do, the state is already “Published”."
    ]
    refused = act(admin_client, "yank", draft_release)
    assert refused.context["form"].errors == {"yanked_reason": ["This field is required."]}
    answer = act(admin_client, "yank", draft_release, yanked_reason="It deletes files.")
    assert messages_of(answer) == [f"{draft_release}: Withdrawn"]
    draft_release.refresh_from_db()
    assert (draft_release.state, draft_release.yanked_reason) == ("yanked", "It deletes files.")
    answer = act(admin_client, "yank", draft_release, yanked_reason="Again")
    assert messages_of(answer) == [f"{draft_release}: It is withdrawn already."]
    answer = act(admin_client, "publish", draft_release)
    assert messages_of(answer) == [
        f"{draft_release}: It is withdrawn. Bring it back instead of publishing it."
    ]
    answer = act(admin_client, "unyank", draft_release)
    assert messages_of(answer) == [f"{draft_release}: Published"]
    entries = LogEntry.objects.order_by("pk")
    assert {entry.user for entry in entries} == {superuser}
    assert [entry.get_change_message() for entry in entries] == [
        "Publish: asked by mail",
        "Withdraw: asked by mail",
        "Bring back: asked by mail",
    ]


def test_a_scheduled_release_is_made_a_draft_again_or_comes_earlier(admin_client, draft_release):
    tomorrow = timezone.now() + timedelta(days=1)
    flows.publish_release(draft_release, at=tomorrow)
    assert messages_of(act(admin_client, "unschedule", draft_release)) == [
        f"{draft_release}: Draft"
    ]
    flows.publish_release(draft_release, at=tomorrow)
    assert messages_of(act(admin_client, "publish", draft_release)) == [
        f"{draft_release}: Published"
    ]
    assert messages_of(act(admin_client, "unschedule", draft_release)) == [
        f"{draft_release}: Owners see it already. Withdraw it to hide it from them."
    ]


def test_a_releases_page_leads_to_what_can_be_done_and_the_list_says_its_state(
    admin_client, draft_release
):
    model = type(draft_release)
    offered = {"draft": {"publish"}, "published": {"yank"}, "yanked": {"unyank"}}
    steps = {
        "draft": lambda: None,
        "published": lambda: flows.publish_release(draft_release),
        "yanked": lambda: flows.yank_release(draft_release, reason="It bites."),
    }
    for state, step in steps.items():
        step()
        page = admin_client.get(admin_url(model, "change", draft_release.pk)).content.decode()
        for action in ("publish", "unschedule", "yank", "unyank"):
            link = f"{admin_url(model, 'reasoned', action)}?pk={draft_release.pk}"
            assert (link in page) == (action in offered[state]), (state, action)
    listed = admin_client.get(admin_url(model, "changelist")).content.decode()
    assert '<td class="field-state_in_words">Withdrawn</td>' in listed
    assert '<td class="field-state_in_words">Published</td>' in listed


def test_several_releases_are_published_at_once_and_none_is_withdrawn_so(
    admin_client, product, draft_release
):
    other = make_release(product, version="3.0", published=False)
    changelist = admin_url(type(other), "changelist")
    pks = [draft_release.pk, other.pk]
    asked = admin_client.post(changelist, {"action": "publish", "_selected_action": pks})
    page = asked["Location"].partition("?")[0]
    admin_client.post(page, {"pk": pks, "reason": "the season begins"})
    assert product.releases.available().count() == 3
    assert "yank" not in dict(
        admin_client.get(changelist).context["action_form"].fields["action"].choices
    )


def test_staff_without_the_permission_do_nothing_to_a_release(client_of, staff, draft_release):
    options = draft_release._meta
    staff.user_permissions.add(
        Permission.objects.get(
            codename=f"view_{options.model_name}", content_type__app_label=options.app_label
        )
    )
    for action in ("publish", "unschedule", "yank", "unyank"):
        assert act(client_of(staff), action, draft_release).status_code == 403
    draft_release.refresh_from_db()
    assert draft_release.state == "draft"


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        (
            {"notes": "x" * 20_001},
            {"notes": ["Write at most 20000 characters; these are 20001."]},
        ),
        (
            {"version": " 1.0 "},
            {"__all__": ["Release with this Product and Version already exists."]},
        ),
    ],
)
def test_a_release_that_is_wrong_is_not_saved(admin_client, product, fields, errors):
    form = {**release_form(product), **fields}
    answer = admin_client.post(admin_url(get_release_model(), "add"), form)
    assert answer.context["adminform"].form.errors == errors
    assert product.releases.count() == 1
