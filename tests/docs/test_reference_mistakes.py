"""The page of common mistakes tells the truth: its code is run, its messages are compared.

A block of code that a block of text follows raises, or is answered with, that text. A block that
none follows does no harm. The first line of a block says where it would stand.
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.dispatch import receiver
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.urls import path
from django.utils import timezone

from django_digitalstore.accounts.views import GenericUserProfileView
from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.views import IsCustomerMixin
from django_digitalstore.entitlements import flows, get_purchased_product_model, policies
from django_digitalstore.entitlements.decorators import requires_product
from django_digitalstore.entitlements.sources import Source
from tests.projects.made import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("payments")]

PAGE = (ROOT / "docs" / "common-mistakes.md").read_text("utf-8")
BLOCK = re.compile(r"^```(python|html\+django|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A block of the page, and the message that it shows after it."""

    title: str
    language: str
    code: str
    message: str | None

    @property
    def place(self) -> str:
        """The file in which the block would stand; empty for any."""
        found = re.match(r"# (\S+\.py)\n", self.code)
        return found[1] if found else ""


def examples() -> Iterator[Example]:
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        blocks = [*BLOCK.findall(text), ("", "")]
        for (language, code), (following, said) in pairwise(blocks):
            if language != "text":
                message = " ".join(said.split()) if following == "text" else None
                yield Example(title, language, textwrap.dedent(code), message)


EXAMPLES = list(examples())


@pytest.fixture(autouse=True)
def outside_a_test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the suite speak as on a running site, where nothing is said about tests."""
    monkeypatch.delattr("django.test.utils._TestState.saved_data")


@pytest.fixture
def names(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the page's code takes for granted: its imports, and the rows it is about."""
    from django_digitalstore.payments import get_order_model
    from django_digitalstore.payments.backends.sandbox import SandboxBackend
    from django_digitalstore.payments.flows import LineRequest, refresh_order, start_checkout
    from django_digitalstore.payments.fulfilments import ProductFulfilment
    from django_digitalstore.payments.signals import order_paid
    from tests.payments import signed

    class ProfileForm(forms.ModelForm):
        class Meta:
            model = get_user_model()
            fields = (get_user_model().USERNAME_FIELD,)

    customer, product = request.getfixturevalue("customer"), request.getfixturevalue("product")
    make = request.getfixturevalue("make_product")
    visit = RequestFactory().get("/ask/")
    visit.user = customer
    # Somebody else buys, so that `customer` can still be given the product.
    attempt = signed.open_order(request.getfixturevalue("other_customer"), product)
    return {
        "GenericUserProfileView": GenericUserProfileView,
        "HttpResponse": HttpResponse,
        "IsCustomerMixin": IsCustomerMixin,
        "LineRequest": LineRequest,
        "Order": get_order_model(),
        "Product": type(product),
        "ProductFulfilment": ProductFulfilment,
        "ProfileForm": ProfileForm,
        "PurchasedProduct": get_purchased_product_model(),
        "SandboxBackend": SandboxBackend,
        "Source": Source,
        "admin": admin,
        "asset": product.releases.get().assets.get(),
        "attempt": attempt,
        "bonus": make("A bonus"),
        "customer": customer,
        "draft": make("A draft", status="draft"),
        "flows": flows,
        "order": attempt.order,
        "order_paid": order_paid,
        "path": path,
        "policies": policies,
        "product": product,
        "receiver": receiver,
        "refresh_order": refresh_order,
        "request": visit,
        "requires_product": requires_product,
        "start_checkout": start_checkout,
        "timezone": timezone,
        "user": customer,
    }


def run(example: Example, names: dict[str, Any]) -> dict[str, Any]:
    """Run a block as the file that it names; return what it defines."""
    before = set(names)
    module = example.place.removesuffix(".py").replace("/", ".") or "shop.page"
    scope = {**names, "__name__": module}
    exec(compile(example.code, f"common-mistakes.md, {example.title}", "exec"), scope)
    return {name: value for name, value in scope.items() if name not in {*before, "__builtins__"}}


def last(defined: dict[str, Any]) -> Any:
    return list(defined.values())[-1]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], str]:
    """Give a function that makes something importable by a dotted path."""

    def make(name: str, value: Any) -> str:
        holder = ModuleType("a_host_of_the_page")
        setattr(holder, name, value)
        monkeypatch.setitem(sys.modules, holder.__name__, holder)
        return f"{holder.__name__}.{name}"

    return make


def raised(function: Callable[[], Any]) -> str | None:
    try:
        function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


@pytest.fixture
def answer(
    names: dict[str, Any],
    client: Any,
    caplog: pytest.LogCaptureFixture,
    module: Callable[[str, Any], str],
) -> Callable[[Example], str | None]:
    """Give a function that returns what the suite says to a block, None where it says nothing."""
    from django_digitalstore.payments.models import InboxMessage
    from tests.payments import signed

    def pay() -> None:
        signed.post(client, signed.payment_event(names["attempt"]), "msg_1")

    def template(example: Example) -> str | None:
        context = Context(names)
        return raised(lambda: Template(example.code).render(context))

    def in_settings(example: Example) -> str | None:
        given = {key: value for key, value in run(example, names).items() if key.isupper()}
        with override_settings(**given):
            found = [
                f"{check.id}: {check.msg}"
                for check in run_checks(include_deployment_checks=True)
                if str(check.id).startswith("digitalstore.")
            ]
        # A live site needs more than one example shows.
        wanted = (example.message or "").partition(":")[0]
        return next((text for text in found if text.startswith(wanted) and wanted), None)

    def in_receivers(example: Example) -> str | None:
        signal = names["order_paid"]
        kept, signal.receivers = list(signal.receivers), []
        defined = run(example, names)  # held, because signals hold receivers weakly
        try:
            pay()
        finally:
            signal.receivers = kept
            signal.sender_receivers_cache.clear()
        assert policies.has_access(names["order"].customer, names["product"]), defined
        errors = [entry.exc_info[1] for entry in caplog.records if entry.name == "django.dispatch"]
        return f"{type(errors[0]).__name__}: {errors[0]}" if errors else None

    def in_providers(example: Example) -> str | None:
        backend = module("Backend", last(run(example, names)))
        with override_settings(DIGITALSTORE_PAYMENTS={"default": {"BACKEND": backend}}):
            pay()
        return InboxMessage.objects.get().error or None

    def in_fulfilments(example: Example) -> str | None:
        fulfilment = module("Fulfilment", last(run(example, names)))
        buyer, bonus = names["order"].customer, names["bonus"]
        with override_settings(DIGITALSTORE_FULFILMENTS={"product": fulfilment}):
            pay()
            assert policies.has_access(buyer, bonus)
            signed.post(client, signed.refund_event(), "msg_2")
            assert not policies.has_access(buyer, bonus)
        return None

    def in_admin(example: Example) -> str | None:
        action = last(run(example, names))
        return raised(lambda: action(None, None, names["Order"].objects.all()))

    by_place = {
        "settings.py": in_settings,
        "shop/admin.py": in_admin,
        "shop/fulfilments.py": in_fulfilments,
        "shop/providers.py": in_providers,
        "shop/receivers.py": in_receivers,
    }

    def answer(example: Example) -> str | None:
        if example.language == "html+django":
            return template(example)
        if example.place in by_place:
            return by_place[example.place](example)
        return raised(lambda: run(example, names))

    return answer


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.title} · {e.code[:40]!r}")
@override_settings(LANGUAGE_CODE="en")
def test_the_page_shows_what_is_said(example: Example, answer: Any) -> None:
    if "support" in example.code and not apps.is_installed("django_digitalstore.support"):
        pytest.skip("This host gives no support.")
    # A host of the tests may call its app and its product otherwise.
    app, model = settings.DIGITALSTORE_STORE_APP, get_product_model().__name__
    expected = example.message and re.sub(r"\bshop\.(?=[A-Z])", f"{app}.", example.message)
    expected = expected and expected.replace("<Product:", f"<{model}:")

    assert answer(example) == expected


def test_the_ten_are_there() -> None:
    titles = re.findall(r"^## (\d+)\. .+$", PAGE, re.MULTILINE)
    assert titles == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("number", [1, 3, 4, 5, 6, 8, 9, 10])
def test_a_mistake_has_its_message_and_what_to_write_instead(number: int) -> None:
    messages = [e.message for e in EXAMPLES if e.title.startswith(f"{number}. ")]
    assert any(messages)
    assert messages[-1] is None, "The last block is what to write."


def test_the_contract_that_a_circle_breaks_is_named() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    layers = next(contract["name"] for contract in contracts if contract["id"] == "layers")
    assert f"```text\n{layers} BROKEN\n```" in PAGE
