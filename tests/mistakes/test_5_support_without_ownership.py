"""Mistake 5: support is given to somebody who owns nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from django_digitalstore.core.exceptions import FlowCalledInSignal, GuardedWrite

pytestmark = [pytest.mark.django_db, pytest.mark.needs("support")]

OPEN = (
    "{app}.SupportRequest: {what} Only support.flows writes this; call "
    "support.flows.open_request(user, product, subject=…, body=…) instead. In a test, call "
    "django_digitalstore.support.testing.open_request(user, product)."
)
GO_ON = (
    "{app}.SupportRequest: {what} Only support.flows writes this; call support.flows.reply(), "
    "assign(), resolve(), reopen() or close() of the request instead. In a test, call "
    "django_digitalstore.support.testing.open_request(user, product)."
)
KEPT = (
    "{app}.SupportRequest: delete() would remove {what}. Only support.flows writes this; support "
    "is a record of what was asked and answered, and is kept. In a test, call "
    "django_digitalstore.support.testing.open_request(user, product)."
)
GRANT = (
    "{app}.SupportAllowance: {what} Only support.flows writes this; call "
    "support.flows.grant_allowance(user, product, requests=…, reason=…) instead. In a test, call "
    "django_digitalstore.support.testing.give_allowance(user, product)."
)
END = (
    "{app}.SupportAllowance: {what} Only support.flows writes this; what was bought is kept: call "
    "support.flows.end_allowance(allowance, reason=…). In a test, call "
    "django_digitalstore.support.testing.give_allowance(user, product)."
)
WRITE = (
    "{app}.SupportMessage: {what} Only support.flows writes this; call "
    "support.flows.reply(request, author=…, body=…) or add_note(…) instead. In a test, call "
    "django_digitalstore.support.testing.open_request(user, product)."
)
ATTACH = (
    "{app}.SupportAttachment: {what} Only support.flows writes this; call "
    "support.flows.reply(request, author=…, body=…, files=[…]) instead. In a test, call "
    "django_digitalstore.support.testing.open_request(user, product, files=[…])."
)
PROMISE = (
    "{app}.SupportTerms: {what} Only support.flows writes this; call "
    "support.flows.save_terms(product, included=…, actor=…) instead. In a test, call "
    "django_digitalstore.support.testing.offer_support(product)."
)


@pytest.fixture
def request_(customer: Any, product: Any) -> Any:
    """An honest request, with an allowance beside it."""
    from django_digitalstore.entitlements.testing import grant
    from django_digitalstore.support.testing import offer_support, open_request

    grant(customer, product)
    offer_support(product)
    return open_request(customer, product)


def stopped_by(attempt: Any) -> str:
    with pytest.raises(GuardedWrite) as stopped:
        attempt()
    return str(stopped.value)


def test_a_request_is_made_by_hand(app: str, other_customer: Any, product: Any) -> None:
    from django_digitalstore.support import get_support_request_model

    model = get_support_request_model()
    now = timezone.now()
    values = {
        "user": other_customer,
        "product": product,
        "subject": "Help",
        "opened_at": now,
        "waiting_since": now,
        "last_message_at": now,
    }
    one = "save() would add a row."
    assert stopped_by(lambda: model.objects.create(**values)) == OPEN.format(app=app, what=one)
    assert stopped_by(lambda: product.support_requests.create(**values)) == OPEN.format(
        app=app, what=one
    )
    assert stopped_by(lambda: model.objects.bulk_create([model(**values)])) == OPEN.format(
        app=app, what="bulk_create() would add rows."
    )
    assert not model.objects.exists()


def test_a_request_is_moved_by_hand(app: str, request_: Any, other_customer: Any) -> None:
    model = type(request_)
    assert stopped_by(
        lambda: model.objects.filter(pk=request_.pk).update(state="open", closed_at=None)
    ) == GO_ON.format(app=app, what="update() would write closed_at, state.")
    request_.user = other_customer
    assert stopped_by(request_.save) == GO_ON.format(app=app, what="save() would write user.")
    assert stopped_by(request_.delete) == KEPT.format(app=app, what="a row")
    assert stopped_by(model.objects.all().delete) == KEPT.format(app=app, what="rows")


def test_a_message_is_written_by_hand(app: str, request_: Any, seller: Any) -> None:
    message = request_.messages.get()
    assert stopped_by(
        lambda: request_.messages.create(author=seller, body="Hi", at=timezone.now())
    ) == WRITE.format(app=app, what="save() would add a row.")
    message.body = "I never said that"
    assert stopped_by(message.save) == (
        f"{app}.SupportMessage: save() would write body. Only support.flows writes this; what was "
        "written stays as it was: call support.flows.reply(…) for more. In a test, call "
        "django_digitalstore.support.testing.open_request(user, product)."
    )
    assert stopped_by(
        lambda: message.attachments.create(name="a.txt", size=1, sha256="")
    ) == ATTACH.format(app=app, what="save() would add a row.")


def test_an_allowance_is_given_by_hand(app: str, customer: Any, product: Any) -> None:
    from django_digitalstore.entitlements.testing import grant
    from django_digitalstore.support import get_support_allowance_model
    from django_digitalstore.support.testing import give_allowance

    model = get_support_allowance_model()
    assert stopped_by(
        lambda: model.objects.create(
            user=customer, product=product, source_kind="gift", granted_at=timezone.now()
        )
    ) == GRANT.format(app=app, what="save() would add a row.")
    grant(customer, product)
    give_allowance(customer, product)
    assert stopped_by(lambda: model.objects.update(requests=99)) == END.format(
        app=app, what="update() would write requests."
    )
    assert stopped_by(model.objects.all().delete) == END.format(
        app=app, what="delete() would remove rows."
    )


def test_terms_are_rewritten_by_hand(app: str, request_: Any, product: Any) -> None:
    from django_digitalstore.support import get_support_terms_model

    model = get_support_terms_model()
    assert stopped_by(
        lambda: model.objects.create(product=product, saved_at=timezone.now())
    ) == PROMISE.format(app=app, what="save() would add a row.")
    assert stopped_by(lambda: model.objects.update(included="none")) == (
        f"{app}.SupportTerms: update() would write included. Only support.flows writes this; terms "
        "that somebody bought under are kept: call support.flows.save_terms(…). In a test, call "
        "django_digitalstore.support.testing.offer_support(product)."
    )


def test_a_receiver_opens_a_request(
    customer: Any, product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    from django_digitalstore.entitlements.signals import access_granted
    from django_digitalstore.entitlements.testing import grant
    from django_digitalstore.support.testing import open_request

    said = []

    def welcome(sender: Any, **kwargs: Any) -> None:
        try:
            open_request(customer, product)
        except FlowCalledInSignal as error:
            said.append(str(error))

    access_granted.connect(welcome)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            grant(customer, product)
    finally:
        access_granted.disconnect(welcome)
    assert said == [
        (
            "support.flows.open_request() was called by a receiver of the signal access_granted. "
            "Signals notify after the change; they never decide. Put what a paid line does into a "
            "fulfilment and name it in DIGITALSTORE_FULFILMENTS, or call the flow from your own "
            "view, command or task."
        )
    ]


def test_a_template_opens_nothing(customer: Any, product: Any) -> None:
    from django.template import Context, Template

    from django_digitalstore.support import flows

    page = Template("{{ close }}").render(Context({"close": flows.close_resolved}))
    assert page == ""
