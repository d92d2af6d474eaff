"""Staff: grant, revoke, restore, each with its permission, its reason and its log entry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.cache.backends.base import BaseCache
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.entitlements import (
    flows,
    get_download_model,
    get_grant_model,
    get_purchased_product_model,
    policies,
)
from django_digitalstore.entitlements.testing import grant, make_release_with_file, revoke

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
PURCHASES, GRANTS = get_purchased_product_model(), get_grant_model()
DOWNLOADS = get_download_model()


def page(model, name: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def allow(user, *codenames: str):
    for codename in codenames:
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=STORE, codename=codename)
        )


@pytest.fixture
def desk(client_of, superuser):
    """A superuser's browser."""
    return client_of(superuser)


def told(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def logged() -> list[tuple[str, str]]:
    return [(e.content_type.model, e.change_message) for e in LogEntry.objects.order_by("pk")]


VERBS = {"grant": "grant_access", "revoke": "revoke_access", "restore": "restore_access"}


# --- the three verbs -----------------------------------------------------------------------------


def test_staff_grant_with_a_reason(desk, superuser, customer, product, ledger) -> None:
    answer = desk.post(
        page(PURCHASES, "reasoned", "grant"),
        {"user": customer.pk, "product": product.pk, "reason": "a press copy"},
    )
    assert answer["Location"] == page(PURCHASES, "changelist")
    assert told(answer) == [f"{customer} – A book: Access is granted."]
    assert policies.has_access(customer, product)
    line = GRANTS.objects.get()
    assert (line.source_kind, line.actor, line.reason) == ("manual", superuser, "a press copy")
    assert logged() == [(GRANTS._meta.model_name, "Grant access: a press copy")]
    assert LogEntry.objects.get().object_id == str(line.pk)


def test_staff_grant_until_a_day(desk, customer, product, ledger) -> None:
    until = (timezone.now() + timedelta(days=30)).replace(microsecond=0)
    given = {"expires_at_0": f"{until:%Y-%m-%d}", "expires_at_1": f"{until:%H:%M:%S}"}
    desk.post(
        page(PURCHASES, "reasoned", "grant"),
        {"user": customer.pk, "product": product.pk, "reason": "a trial", **given},
    )
    assert ledger.row.expires_at == until


def test_staff_revoke_and_restore_with_a_reason(desk, customer, product, ledger) -> None:
    ledger.grant()
    given = {"user": customer.pk, "product": product.pk, "reason": "resold it"}
    assert told(desk.post(page(PURCHASES, "reasoned", "revoke"), given)) == [
        f"{customer} – A book: Access is revoked."
    ]
    assert ledger.rows == []
    given["reason"] = "an apology"
    assert told(desk.post(page(PURCHASES, "reasoned", "restore"), given))[-1] == (
        f"{customer} – A book: Access is restored."
    )
    assert len(ledger.rows) == 1
    assert [message for _, message in logged()] == [
        "Revoke access: resold it",
        "Restore access: an apology",
    ]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("reason", ["", "   "])
def test_nothing_is_done_without_a_reason(desk, customer, product, ledger, verb, reason) -> None:
    ledger.grant()
    before = ledger.lines
    given = {"user": customer.pk, "product": product.pk, "reason": reason}
    answer = desk.post(page(PURCHASES, "reasoned", verb), given)
    assert answer.context["form"].errors == {"reason": ["This field is required."]}
    assert ledger.lines == before
    assert logged() == []


@pytest.mark.parametrize("verb", VERBS)
def test_looking_at_a_form_does_nothing(desk, customer, product, ledger, verb) -> None:
    query = f"?user={customer.pk}&product={product.pk}&reason=because"
    answer = desk.get(page(PURCHASES, "reasoned", verb) + query)
    assert answer.status_code == 200
    assert f'value="{customer.pk}"' in answer.content.decode()
    assert ledger.lines == []


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_needs_its_own_permission(
    client_of, make_user, staff, customer, product, ledger, verb
) -> None:
    others = [codename for name, codename in VERBS.items() if name != verb]
    view = f"view_{PURCHASES._meta.model_name}"
    allow(staff, view, *others)
    given = {"user": customer.pk, "product": product.pk, "reason": "because"}
    desk, acting = client_of(staff), page(PURCHASES, "reasoned", verb)
    assert desk.get(acting).status_code == 403
    assert desk.post(acting, given).status_code == 403
    assert acting not in desk.get(page(PURCHASES, "changelist")).content.decode()
    assert ledger.lines == []
    ledger.grant()
    allow(staff, VERBS[verb])
    desk = client_of(get_user_model()._default_manager.get(pk=staff.pk))
    assert desk.post(acting, given).status_code == 302
    assert acting in desk.get(page(PURCHASES, "changelist")).content.decode()


def test_a_customer_has_no_way_in(client_of, customer, product, ledger) -> None:
    given = {"user": customer.pk, "product": product.pk, "reason": "because I like it"}
    assert client_of(customer).post(page(PURCHASES, "reasoned", "grant"), given).status_code == 302
    assert ledger.lines == []


def test_a_grant_to_a_denied_user_says_what_to_do(desk, customer, product, ledger) -> None:
    ledger.revoke()
    given = {"user": customer.pk, "product": product.pk, "reason": "a gift"}
    answer = desk.post(page(PURCHASES, "reasoned", "grant"), given)
    assert answer.status_code == 200
    assert told(answer) == [
        f"{customer} – A book: A person withholds it from this user. Restore access, then grant."
    ]
    assert logged() == []


def test_restoring_what_was_never_touched_says_so(desk, customer, product, ledger) -> None:
    given = {"user": customer.pk, "product": product.pk, "reason": "a try"}
    answer = desk.post(page(PURCHASES, "reasoned", "restore"), given)
    assert answer.status_code == 200
    assert told(answer) == [
        f"{customer} – A book: There was never any access, and none was ever denied."
    ]
    assert logged() == []


def test_a_restore_that_brings_nothing_back_says_so(desk, customer, product, ledger) -> None:
    ledger.grant()
    ledger.revoke()
    ledger.refund()
    given = {"user": customer.pk, "product": product.pk, "reason": "a mistake"}
    nothing = "Nothing gives access now, though it may be had again: grant it, or let them buy."
    assert told(desk.post(page(PURCHASES, "reasoned", "restore"), given)) == [
        f"{customer} – A book: {nothing}"
    ]
    assert ledger.rows == []


def test_a_grant_until_yesterday_is_refused(desk, customer, product, ledger) -> None:
    given = {"user": customer.pk, "product": product.pk, "reason": "a trial"}
    past = {"expires_at_0": "2001-01-01", "expires_at_1": "00:00"}
    answer = desk.post(page(PURCHASES, "reasoned", "grant"), {**given, **past})
    assert answer.context["form"].errors == {
        "expires_at": ["This is past. Give a time to come, or none."]
    }


@pytest.mark.parametrize("user", ["", "0", "abc", "9" * 30])
def test_an_unknown_user_is_a_message_in_the_form(desk, product, user) -> None:
    given = {"user": user, "product": product.pk, "reason": "a gift"}
    answer = desk.post(page(PURCHASES, "reasoned", "grant"), given)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["user"]


# --- actions -------------------------------------------------------------------------------------


def test_selected_purchases_are_revoked_after_a_reason(
    desk, customer, other_customer, product, ledger
) -> None:
    rows = [grant(customer, product), grant(other_customer, product)]
    pks = [row.pk for row in rows]
    picked = {"action": "revoke", "_selected_action": pks}
    asked = desk.get(desk.post(page(PURCHASES, "changelist"), picked)["Location"])
    assert f"{customer} – A book" in asked.content.decode()
    assert PURCHASES.objects.count() == 2
    revoking = page(PURCHASES, "reasoned", "revoke")
    again = desk.post(revoking, {"pk": pks, "reason": ""})
    assert again.context["form"].errors == {"reason": ["This field is required."]}
    assert PURCHASES.objects.count() == 2
    done = desk.post(revoking, {"pk": pks, "reason": "a leak"})
    assert done["Location"] == page(PURCHASES, "changelist")
    assert set(told(done)) == {
        f"{customer} – A book: Access is revoked.",
        f"{other_customer} – A book: Access is revoked.",
    }
    assert PURCHASES.objects.count() == 0
    assert len(logged()) == 2


def test_from_a_line_of_the_ledger_access_is_restored_without_a_row(
    desk, customer, product, ledger
) -> None:
    ledger.grant()
    ledger.revoke()
    lines = list(GRANTS.objects.values_list("pk", flat=True))
    assert len(lines) == 2
    answer = desk.post(page(GRANTS, "reasoned", "restore"), {"pk": lines, "reason": "a mistake"})
    assert told(answer) == [f"{customer} – A book: Access is restored."]
    assert len(ledger.rows) == 1
    assert len(logged()) == 1


def test_an_action_without_its_permission_does_nothing(
    client_of, staff, customer, product, ledger
) -> None:
    row = ledger.grant()
    allow(staff, f"view_{PURCHASES._meta.model_name}", "grant_access", "restore_access")
    desk = client_of(staff)
    picked = {"action": "revoke", "_selected_action": [row.pk]}
    answer = desk.post(page(PURCHASES, "changelist"), picked)
    assert answer["Location"] == page(PURCHASES, "changelist")
    given = {"pk": row.pk, "reason": "because"}
    assert desk.post(page(PURCHASES, "reasoned", "revoke"), given).status_code == 403
    assert ledger.rows == [row]


def test_a_grant_is_never_about_rows(desk, ledger) -> None:
    given = {"pk": ledger.grant().pk, "reason": "because"}
    assert desk.post(page(PURCHASES, "reasoned", "grant"), given).status_code == 404


# --- the pages -----------------------------------------------------------------------------------


def test_nothing_is_edited_added_or_deleted_by_a_form(desk, ledger, product) -> None:
    row = ledger.grant()
    line = GRANTS.objects.get()
    for model, obj in ((PURCHASES, row), (GRANTS, line)):
        changelist = desk.get(page(model, "changelist")).content.decode()
        assert "delete_selected" not in changelist
        assert desk.get(page(model, "add")).status_code == 403
        assert desk.post(page(model, "change", obj.pk), {"product": product.pk}).status_code == 403
        assert desk.post(page(model, "delete", obj.pk), {"post": "yes"}).status_code == 403
    assert ledger.rows == [row]


def test_a_purchase_says_why_and_leads_to_the_verbs(desk, customer, product, ledger) -> None:
    row = ledger.grant("A1B2")
    shown = desk.get(page(PURCHASES, "change", row.pk)).content.decode()
    assert "Allows · order:A1B2" in shown
    assert f'href="{page(PURCHASES, "reasoned", "revoke")}?pk={row.pk}"' in shown
    line = GRANTS.objects.get()
    shown = desk.get(page(GRANTS, "change", line.pk)).content.decode()
    assert f'href="{page(GRANTS, "reasoned", "restore")}?pk={line.pk}"' in shown
    assert page(GRANTS, "reasoned", "grant") not in shown


def test_the_lists_take_the_same_number_of_queries_for_any_number_of_rows(
    desk, make_user, product, django_assert_max_num_queries
) -> None:
    downloads = get_download_model()
    asset = make_release_with_file(product)
    counts = {}
    for number in range(40):
        user = make_user(f"user-{number}")
        grant(user, product)
        downloads._default_manager.create(
            user=user, product=product, asset=asset, file_name="x", outcome="served"
        )
        if number in {0, 39}:
            for model in (PURCHASES, GRANTS, downloads):
                with django_assert_max_num_queries(20) as queries:
                    assert desk.get(page(model, "changelist")).status_code == 200
                counts.setdefault(model, set()).add(len(queries))
    assert all(len(found) == 1 for found in counts.values()), counts


def test_people_and_products_are_found(desk, customer, product, ledger) -> None:
    ledger.grant("A1B2")
    for model, text in ((PURCHASES, "a-book"), (GRANTS, "A1B2"), (PURCHASES, "customer")):
        found = desk.get(page(model, "changelist"), {"q": text})
        assert len(found.context["cl"].result_list) == 1
        assert len(desk.get(page(model, "changelist"), {"q": "zzz"}).context["cl"].result_list) == 0


# --- the limit of downloads ----------------------------------------------------------------------


@pytest.fixture
def used_up(customer, product):
    """The line of a purchase's only download."""
    type(product)._base_manager.filter(pk=product.pk).update(download_limit=1)
    asset = make_release_with_file(product)
    return flows.record_download(grant(customer, product), asset, address=None, agent="")


def test_staff_reset_downloads_with_a_reason(desk, superuser, customer, product, used_up) -> None:
    ask = page(DOWNLOADS, "reasoned", "reset")
    assert f"{ask}?pk={used_up.pk}" in (
        desk.get(page(DOWNLOADS, "change", used_up.pk)).content.decode()
    )
    answer = desk.post(ask, {"pk": used_up.pk, "reason": "their disk broke"})
    assert told(answer) == [f"{customer} – A book: Downloads count from nothing again."]
    line = DOWNLOADS.objects.order_by("pk").last()
    assert (line.outcome, line.actor, line.reason) == ("reset", superuser, "their disk broke")
    assert logged() == [(DOWNLOADS._meta.model_name, "Reset downloads: their disk broke")]
    assert LogEntry.objects.get().object_id == str(line.pk)


def test_a_reset_of_several_lines_is_one_for_each_purchase(desk, customer, product, used_up):
    other = flows.log_download(
        customer, used_up.asset, outcome="refused", code="limit", address=None, agent=""
    )
    desk.post(
        page(DOWNLOADS, "reasoned", "reset"), {"pk": [used_up.pk, other.pk], "reason": "kind"}
    )
    assert DOWNLOADS.objects.filter(outcome="reset").count() == 1


def test_a_reset_of_nothing_warns_and_is_not_logged(desk, customer, used_up) -> None:
    for _ in range(2):
        answer = desk.post(
            page(DOWNLOADS, "reasoned", "reset"), {"pk": used_up.pk, "reason": "kind"}
        )
    assert told(answer)[-1] == f"{customer} – A book: No download was counted: nothing to reset."
    assert len(logged()) == 1


def test_a_reset_needs_the_permission_to_change_the_log(client_of, staff, used_up) -> None:
    client = client_of(staff)
    given = {"pk": used_up.pk, "reason": "kind"}
    allow(staff, f"view_{DOWNLOADS._meta.model_name}")
    assert client.post(page(DOWNLOADS, "reasoned", "reset"), given).status_code == 403
    allow(staff, f"change_{DOWNLOADS._meta.model_name}")
    staff = type(staff)._base_manager.get(pk=staff.pk)
    assert client_of(staff).post(page(DOWNLOADS, "reasoned", "reset"), given).status_code == 302
    assert DOWNLOADS.objects.filter(outcome="reset").count() == 1


def test_the_log_says_in_words_why_something_was_refused(desk, customer, used_up) -> None:
    flows.log_download(
        customer, used_up.asset, outcome="refused", code="updates_ended", address=None, agent=""
    )
    shown = desk.get(page(DOWNLOADS, "changelist")).content.decode()
    assert "Published after the end of updates" in shown
    found = desk.get(page(DOWNLOADS, "changelist"), {"code": "updates_ended"})
    assert len(found.context["cl"].result_list) == 1


# --- delete_selected on people and products ------------------------------------------------------


@pytest.mark.parametrize("history", ["owned", "revoked"])
def test_a_user_or_product_with_history_is_protected(
    desk, customer, product, ledger, history
) -> None:
    grant(customer, product)
    if history == "revoked":
        revoke(customer, product)
    for obj in (customer, product):
        picked = {"action": "delete_selected", "_selected_action": [obj.pk], "post": "yes"}
        answer = desk.post(page(type(obj), "changelist"), picked)
        assert answer.status_code == 200
        assert answer.context["protected"]
        assert type(obj)._base_manager.filter(pk=obj.pk).exists()


def test_a_user_without_history_can_be_deleted(desk, other_customer) -> None:
    picked = {"action": "delete_selected", "_selected_action": [other_customer.pk], "post": "yes"}
    desk.post(page(type(other_customer), "changelist"), picked)
    assert not type(other_customer)._base_manager.filter(pk=other_customer.pk).exists()


def test_staff_can_work_while_the_cache_is_down(desk, customer, product, ledger) -> None:
    down = {"BACKEND": "tests.entitlements.test_admin.DownCache"}
    given = {"user": customer.pk, "product": product.pk, "reason": "because"}
    with override_settings(CACHES={"default": down}):
        for verb in VERBS:
            assert desk.post(page(PURCHASES, "reasoned", verb), given).status_code == 302
        assert desk.get(page(PURCHASES, "changelist")).status_code == 200
        assert desk.get(page(PURCHASES, "change", ledger.row.pk)).status_code == 200


class DownCache(BaseCache):
    """A cache server that does not answer."""

    def __init__(self, location, params):
        super().__init__(params)

    def _down(self, *args, **kwargs):
        raise ConnectionError("the cache is down")

    get = set = add = delete = touch = clear = incr = get_many = set_many = has_key = _down
