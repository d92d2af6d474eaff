"""What every payment backend must do, ours and a host's: a suite to inherit.

Mix it into Django's ``TestCase`` and say how the provider speaks; the tests come with it. ::

    class AcmeConforms(BackendConformance, TestCase):
        backend = "shop.acme.AcmeBackend"
        options = {"SECRET": "whsec_…"}

        def headers(self, body, *, message_id, timestamp, secret): ...
        def payment_body(self, *, checkout, payment, state, amount, currency, at): ...

Nothing is mocked: messages go through the webhook's own address with real signatures, and orders
and access are looked at afterwards. The provider's network is yours: give ``options`` the address
of a peer that answers ``create_checkout``, as a test server on the loopback does.
"""

from __future__ import annotations

import copy
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn
from unittest import mock
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import reverse

from django_digitalstore.catalog.testing import make_product
from django_digitalstore.core.exceptions import InvalidBackend
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.testing import make_customer
from django_digitalstore.payments import get_order_model, get_payment_model, inbox
from django_digitalstore.payments.backends import (
    BasePaymentBackend,
    Message,
    RefundAbility,
    RefundIntent,
    UnsupportedByBackend,
    payment_backends,
)
from django_digitalstore.payments.choices import Discrepancy, OrderStatus
from django_digitalstore.payments.exceptions import (
    WebhookInvalid,
    WebhookNotOurs,
    WebhookNotVerified,
)
from django_digitalstore.payments.models import InboxMessage, InboxState

from . import place_order

if TYPE_CHECKING:
    from django.test import TestCase as _Base
else:
    _Base = object

__all__ = ["BackendConformance"]

#: What is put in the place of every field, one after the other: nothing may raise anything else
#: than ``WebhookInvalid`` for it.
_ODD_VALUES: tuple[Any, ...] = (
    None,
    "",
    "x" * 300,
    "\x00",
    "\ud800",
    [],
    {},
    [1],
    True,
    -1,
    1.5,
    2**70,
)


class BackendConformance(_Base):
    """The tests of a backend. Subclass it together with Django's ``TestCase``.

    ``price`` is in minor units of ``currency``. Bodies are what the provider would post, as objects
    of JSON; a method that a provider has nothing for returns None, and its tests are left out.
    """

    #: Dotted path of the backend.
    backend: ClassVar[str]
    #: Its OPTIONS.
    options: ClassVar[Mapping[str, Any]] = {}
    #: An alias of its own, so that no other backend of the site is touched.
    alias: ClassVar[str] = "conformance"
    price: ClassVar[int] = 1999
    currency: ClassVar[str] = "EUR"

    # --- How the provider speaks ----------------------------------------------------------------

    def headers(
        self, body: bytes, *, message_id: str, timestamp: int, secret: str
    ) -> dict[str, str]:
        """Return the headers that sign ``body``, as the provider does with ``secret``."""
        raise NotImplementedError(f"{type(self).__name__} must implement headers(body, …).")

    def payment_body(
        self, *, checkout: str, payment: str, state: str, amount: int, currency: str, at: datetime
    ) -> dict[str, Any] | None:
        """Return the message about a payment; ``state``: succeeded, failed or processing."""
        raise NotImplementedError(f"{type(self).__name__} must implement payment_body(…).")

    def refund_body(
        self, *, payment: str, refund: str, amount: int, currency: str, at: datetime
    ) -> dict[str, Any] | None:
        """Return the message about a refund that succeeded."""
        return None

    def dispute_body(
        self, *, payment: str, dispute: str, state: str, amount: int, currency: str, at: datetime
    ) -> dict[str, Any] | None:
        """Return the message about a dispute; ``state``: opened, won or lost."""
        return None

    def ignored_body(self) -> dict[str, Any] | None:
        """Return an authentic message of a type that has nothing to do with payments."""
        return None

    def with_message_id(self, body: dict[str, Any], message_id: str) -> dict[str, Any]:
        """Return ``body`` with the message's id in it, for a provider that writes it there."""
        return body

    # --- What the tests are made of -------------------------------------------------------------

    def setUp(self) -> None:
        """Configure the backend as the only one of the site, and make a buyer and a product."""
        super().setUp()
        entries = {self.alias: {"BACKEND": self.backend, "OPTIONS": dict(self.options)}}
        changed = override_settings(DIGITALSTORE_PAYMENTS=entries, DIGITALSTORE_TEST_MODE=True)
        changed.enable()
        self.addCleanup(changed.disable)
        self.customer = make_customer()
        self.product = make_product(price=self.price, currency=self.currency)

    @property
    def provider(self) -> BasePaymentBackend:
        """Return the backend under test."""
        return payment_backends[self.alias]

    def open_order(self) -> Any:
        """Return an attempt whose checkout is open at the provider."""
        return place_order(self.customer, self.product, alias=self.alias)

    def signed(
        self,
        body: Mapping[str, Any] | bytes,
        message_id: str,
        *,
        age: int = 0,
        secret: str | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        """Return the bytes of ``body`` and headers that sign them, ``age`` seconds ago."""
        if isinstance(body, Mapping):
            body = json.dumps(self.with_message_id(copy.deepcopy(dict(body)), message_id)).encode()
        secret = self.provider.webhook_secrets[0] if secret is None else secret
        timestamp = int(time.time()) - age
        return body, self.headers(body, message_id=message_id, timestamp=timestamp, secret=secret)

    def post(self, body: Mapping[str, Any] | bytes, message_id: str = "", **how: Any) -> int:
        """Post a message to the webhook's address and return the status of the answer."""
        raw, headers = self.signed(body, message_id or f"msg_{uuid4().hex}", **how)
        path = reverse("digitalstore_payments:webhook", args=[self.alias])
        answer = self.client.post(path, data=raw, content_type="application/json", headers=headers)
        return int(answer.status_code)

    def reported(self, attempt: Any, state: str = "succeeded", **changed: Any) -> dict[str, Any]:
        """Return the message that reports the payment of ``attempt``."""
        facts: dict[str, Any] = {
            "checkout": attempt.checkout_reference,
            "payment": "conformance_payment_1",
            "state": state,
            "amount": self.price,
            "currency": self.currency,
            "at": self.time(1),
            **changed,
        }
        return self._or_skip(self.payment_body(**facts), f"payments that are {state}")

    def refunded(self, **changed: Any) -> dict[str, Any]:
        """Return the message that reports a refund of that payment, in full."""
        facts: dict[str, Any] = {
            "payment": "conformance_payment_1",
            "refund": "conformance_refund_1",
            "amount": self.price,
            "currency": self.currency,
            "at": self.time(2),
            **changed,
        }
        return self._or_skip(self.refund_body(**facts), "refunds")

    def disputed(self, state: str, **changed: Any) -> dict[str, Any]:
        """Return the message that reports a dispute of that payment."""
        facts: dict[str, Any] = {
            "payment": "conformance_payment_1",
            "dispute": "conformance_dispute_1",
            "state": state,
            "amount": self.price,
            "currency": self.currency,
            "at": self.time({"opened": 3}.get(state, 4)),
            **changed,
        }
        return self._or_skip(self.dispute_body(**facts), "disputes")

    def _or_skip(self, body: dict[str, Any] | None, what: str) -> dict[str, Any]:
        if body is None:
            self.skipTest(f"{type(self).__name__} says nothing of {what}.")
        return body

    def time(self, minute: int) -> datetime:
        """Return a time of the provider's, in whole seconds, as some of them tell no more."""
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        return start + timedelta(minutes=minute)

    def status_of(self, attempt: Any) -> str:
        """Return how the order stands now."""
        return str(get_order_model().objects.get(pk=attempt.order_id).status)

    def assert_owned(self, expected: bool) -> None:
        """Check whether the customer has access now."""
        self.assertIs(has_access(self.customer, self.product), expected)

    def normalized(self, body: Mapping[str, Any]) -> list[Any]:
        """Return the facts of an authentic body."""
        message = Message(
            id="msg_1", sent_at=datetime.now(UTC), body=json.dumps(body).encode(), data=body
        )
        return list(self.provider.normalize(message))

    # --- Configuration --------------------------------------------------------------------------

    def test_it_is_built_and_checked_without_network_and_queries(self) -> None:
        with _no_network(), self.assertNumQueries(0):
            backend = self.provider
            errors = [message for message in backend.check() if message.is_serious()]
        self.assertEqual(errors, [])

    def test_an_unknown_option_is_refused(self) -> None:
        entry = {"BACKEND": self.backend, "OPTIONS": {**self.options, "NO_SUCH_OPTION": 1}}
        with override_settings(DIGITALSTORE_PAYMENTS={self.alias: entry}):
            with self.assertRaisesRegex(InvalidBackend, "unknown option 'NO_SUCH_OPTION'"):
                payment_backends[self.alias]

    def test_a_missing_option_is_named(self) -> None:
        declared = (vars(base).get("required_options", ()) for base in type(self.provider).__mro__)
        for name in sorted(frozenset().union(*declared)):
            options = {key: value for key, value in self.options.items() if key != name}
            entry = {"BACKEND": self.backend, "OPTIONS": options}
            with self.subTest(name), override_settings(DIGITALSTORE_PAYMENTS={self.alias: entry}):
                with self.assertRaisesRegex(InvalidBackend, f"needs the option '{name}'"):
                    payment_backends[self.alias]

    def test_a_test_account_is_refused_outside_test_mode(self) -> None:
        if not self.provider.is_test:
            self.skipTest(f"{self.backend} is configured with a live account.")
        with override_settings(DIGITALSTORE_TEST_MODE=False):
            with self.assertRaisesRegex(ImproperlyConfigured, "DIGITALSTORE_TEST_MODE is off"):
                payment_backends[self.alias]

    def test_its_webhooks_have_a_secret_that_cannot_be_guessed(self) -> None:
        self.assertTrue(self.provider.webhook_secrets)
        for secret in self.provider.webhook_secrets:
            self.assertGreaterEqual(len(secret), 24)

    # --- Signatures -----------------------------------------------------------------------------

    def test_what_the_provider_signs_is_verified_without_queries(self) -> None:
        raw, headers = self.signed(self.reported(self.open_order()), "msg_1")
        with _no_network(), self.assertNumQueries(0):
            message = self.provider.verify(raw, headers)
            again = self.provider.verify(raw, headers)
        self.assertEqual(message.body, raw)
        self.assertTrue(0 < len(message.id) <= 255)
        self.assertIsNotNone(message.sent_at.tzinfo)
        self.assertEqual(message.id, again.id)

    def test_the_headers_may_be_written_in_any_case(self) -> None:
        raw, headers = self.signed(self.reported(self.open_order()), "msg_1")
        for change in (str.lower, str.upper, str.title):
            self.provider.verify(raw, {change(name): value for name, value in headers.items()})

    def test_two_messages_have_two_ids(self) -> None:
        body = self.reported(self.open_order())
        ids = {self.provider.verify(*self.signed(body, name)).id for name in ("msg_1", "msg_2")}
        self.assertEqual(len(ids), 2)

    def test_a_body_that_was_changed_by_a_byte_is_refused(self) -> None:
        raw, headers = self.signed(self.reported(self.open_order()), "msg_1")
        for position in range(0, len(raw), 7):
            changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
            self._assert_not_verified(changed, headers)
        self._assert_not_verified(raw + b" ", headers)
        self._assert_not_verified(b"", headers)

    def test_another_secret_is_refused(self) -> None:
        body = self.reported(self.open_order())
        secret = self.provider.webhook_secrets[0]
        position = len(secret) // 2
        other = "B" if secret[position] == "A" else "A"
        forged = secret[:position] + other + secret[position + 1 :]
        self._assert_not_verified(*self.signed(body, "msg_1", secret=forged))

    def test_a_replay_from_long_ago_and_a_time_to_come_are_refused(self) -> None:
        body = self.reported(self.open_order())
        for age in (3600, 400, -400, -3600):
            self._assert_not_verified(*self.signed(body, "msg_1", age=age))

    def test_strange_and_missing_headers_are_refused_and_nothing_else_is_raised(self) -> None:
        raw, headers = self.signed(self.reported(self.open_order()), "msg_1")
        self._assert_not_verified(raw, {})
        signing = [name for name in headers if name.lower() not in {"content-type"}]
        strange = (
            "",
            " ",
            ",",
            "=",
            "v1",
            "v1,",
            "t=,v1=",
            "t=1,v1=x",
            "v1,a,b",
            "é",
            "\x00",
            "9" * 5000,
        )
        for name in signing:
            missing = {key: value for key, value in headers.items() if key != name}
            self._assert_not_verified(raw, missing)
            for value in strange:
                self._assert_not_verified(raw, {**headers, name: value})

    def test_an_authentic_body_that_is_no_json_is_unreadable(self) -> None:
        for number, raw in enumerate(
            (b"", b"\xff\xfe", b"[]", b'"x"', b"{", b"NaN", b"[" * 10_000)
        ):
            self.assertEqual(self.post(raw, f"msg_{number}"), 400)
        self.assertEqual(
            set(InboxMessage.objects.values_list("state", flat=True)), {InboxState.UNREADABLE}
        )

    def _assert_not_verified(self, raw: bytes, headers: Mapping[str, str]) -> None:
        with self.assertRaises(WebhookNotVerified):
            self.provider.verify(raw, headers)
        self.assertEqual(inbox.receive(self.alias, raw, headers).status, 401)
        self.assertFalse(InboxMessage.objects.exists())

    # --- Translation ----------------------------------------------------------------------------

    def test_a_type_that_means_nothing_to_us_is_ignored_visibly(self) -> None:
        body = self._or_skip(self.ignored_body(), "other things than payments")
        self.assertEqual(self.post(body), 200)
        self.assertEqual(InboxMessage.objects.get().state, InboxState.IGNORED)

    def test_translating_is_pure(self) -> None:
        for body in self._bodies():
            before = copy.deepcopy(body)
            with _no_network(), self.assertNumQueries(0):
                self.assertEqual(self.normalized(body), self.normalized(body))
            self.assertEqual(body, before)

    def test_facts_are_what_the_books_can_hold(self) -> None:
        for body in self._bodies():
            facts = self.normalized(body)
            self.assertTrue(facts)
            for fact in facts:
                self.assertIsNotNone(fact.occurred_at.tzinfo)
                self.assertTrue(0 < len(fact.payment) <= 200)
                self.assertIsInstance(fact.amount, int)
                self.assertEqual(fact.currency, self.currency)

    def test_fields_that_nobody_expects_change_nothing(self) -> None:
        for body in self._bodies():
            more = copy.deepcopy(body)
            for parent, _key in list(_places(more)):
                if isinstance(parent, dict):
                    parent["a_field_from_next_year"] = {"x": [1]}
            self.assertEqual(self.normalized(more), self.normalized(body))

    def test_a_wrong_field_is_invalid_with_its_path_or_no_matter(self) -> None:
        for body in self._bodies():
            for index in range(len(list(_places(body)))):
                for odd in _ODD_VALUES:
                    changed = copy.deepcopy(body)
                    parent, key = list(_places(changed))[index]
                    parent[key] = odd
                    self._assert_translated_or_invalid(changed)
                changed = copy.deepcopy(body)
                parent, key = list(_places(changed))[index]
                del parent[key]
                self._assert_translated_or_invalid(changed)

    def test_a_negative_amount_is_no_amount(self) -> None:
        body = self.reported(self.open_order())
        for parent, key in list(_places(body)):
            if parent[key] == self.price:
                parent[key] = -self.price
        self.assertEqual(self.post(body), 400)
        self.assertEqual(InboxMessage.objects.get().state, InboxState.INVALID)
        self.assert_owned(False)

    def _assert_translated_or_invalid(self, body: dict[str, Any]) -> None:
        try:
            self.normalized(body)
        except WebhookInvalid as error:
            self.assertTrue(error.path)
        except WebhookNotOurs:
            pass

    def _bodies(self) -> Iterator[dict[str, Any]]:
        attempt = self.open_order()
        made: dict[str, Any] = {"at": self.time(2), "amount": self.price, "currency": self.currency}
        paid = {"checkout": attempt.checkout_reference, "payment": "conformance_payment_1"}
        candidates = [
            self.payment_body(state="succeeded", **paid, **made),
            self.refund_body(
                payment="conformance_payment_1", refund="conformance_refund_1", **made
            ),
            self.dispute_body(
                payment="conformance_payment_1",
                dispute="conformance_dispute_1",
                state="opened",
                **made,
            ),
        ]
        for body in candidates:
            if body is not None:
                yield self.with_message_id(body, "msg_1")

    # --- What becomes of orders -----------------------------------------------------------------

    def test_a_checkout_is_opened_once_and_kept(self) -> None:
        attempt = self.open_order()
        self.assertTrue(attempt.checkout_reference)
        self.assertTrue(attempt.checkout_url)
        self.assertEqual(attempt.state, "open")
        self.assertEqual(self.open_order().pk, attempt.pk)

    def test_a_payment_gives_access_once_however_often_it_is_told(self) -> None:
        attempt = self.open_order()
        body = self.reported(attempt)
        self.assertEqual([self.post(body, "msg_1") for _ in range(3)], [200, 200, 200])
        self.assertEqual(self.post(body, "msg_2"), 200)
        self.assertEqual(self.status_of(attempt), OrderStatus.PAID)
        self.assert_owned(True)
        self.assertEqual(get_payment_model().objects.filter(order=attempt.order_id).count(), 1)

    def test_a_late_failure_undoes_no_success(self) -> None:
        attempt = self.open_order()
        self.post(self.reported(attempt))
        self.post(self.reported(attempt, "failed", at=self.time(9)))
        self.assertEqual(self.status_of(attempt), OrderStatus.PAID)
        self.assert_owned(True)

    def test_a_late_success_wins_over_a_failure(self) -> None:
        attempt = self.open_order()
        self.post(self.reported(attempt, "failed"))
        self.assert_owned(False)
        self.post(self.reported(attempt, at=self.time(9)))
        self.assertEqual(self.status_of(attempt), OrderStatus.PAID)

    def test_money_on_its_way_gives_nothing_yet(self) -> None:
        attempt = self.open_order()
        self.assertEqual(self.post(self.reported(attempt, "processing")), 200)
        self.assertEqual(self.status_of(attempt), OrderStatus.PENDING)
        self.assert_owned(False)

    def test_another_amount_or_currency_is_kept_and_flagged_and_gives_nothing(self) -> None:
        other = "USD" if self.currency != "USD" else "EUR"
        for changed, discrepancy in (
            ({"amount": self.price - 1}, Discrepancy.AMOUNT),
            ({"amount": self.price + 1}, Discrepancy.AMOUNT),
            ({"currency": other}, Discrepancy.CURRENCY),
        ):
            with self.subTest(discrepancy, **changed):
                self.customer = make_customer()
                attempt = self.open_order()
                payment = f"conformance_payment_{uuid4().hex[:8]}"
                self.assertEqual(self.post(self.reported(attempt, payment=payment, **changed)), 200)
                attempt.refresh_from_db()
                self.assertEqual(attempt.discrepancy, discrepancy)
                self.assertIn("discrepancy", attempt.order.attention)
                self.assert_owned(False)

    def test_a_payment_of_a_checkout_that_is_not_ours_is_unmatched(self) -> None:
        attempt = self.open_order()
        body = self.reported(attempt, checkout="conformance_not_ours")
        self.assertEqual(self.post(body), 200)
        self.assertEqual(InboxMessage.objects.get().state, InboxState.UNMATCHED)
        self.assertEqual(self.status_of(attempt), OrderStatus.PENDING)
        self.assert_owned(False)

    def test_a_full_refund_ends_access_whichever_comes_first(self) -> None:
        for turned in (False, True):
            with self.subTest(turned=turned):
                self.customer = make_customer()
                attempt = self.open_order()
                payment = f"conformance_payment_{int(turned)}"
                bodies = [
                    self.reported(attempt, payment=payment),
                    self.refunded(payment=payment, refund=f"conformance_refund_{int(turned)}"),
                ]
                for body in reversed(bodies) if turned else bodies:
                    self.assertEqual(self.post(body), 200)
                self.assertEqual(self.status_of(attempt), OrderStatus.REFUNDED)
                self.assert_owned(False)

    def test_a_refund_of_a_part_keeps_access(self) -> None:
        attempt = self.open_order()
        self.post(self.reported(attempt))
        self.assertEqual(self.post(self.refunded(amount=self.price // 2)), 200)
        self.assertEqual(self.status_of(attempt), OrderStatus.PARTIALLY_REFUNDED)
        self.assert_owned(True)

    def test_a_dispute_suspends_and_what_is_won_is_given_back(self) -> None:
        attempt = self.open_order()
        self.post(self.reported(attempt))
        self.assertEqual(self.post(self.disputed("opened")), 200)
        self.assertEqual(self.status_of(attempt), OrderStatus.DISPUTED)
        self.assert_owned(False)
        self.assertEqual(self.post(self.disputed("won")), 200)
        self.assertEqual(self.status_of(attempt), OrderStatus.PAID)
        self.assert_owned(True)

    def test_a_lost_dispute_ends_access_whatever_comes_late(self) -> None:
        attempt = self.open_order()
        self.post(self.reported(attempt))
        self.post(self.disputed("lost"))
        self.post(self.disputed("opened"))
        self.assertEqual(self.status_of(attempt), OrderStatus.REFUNDED)
        self.assert_owned(False)

    # --- What it can and cannot -----------------------------------------------------------------

    def test_what_it_says_that_it_cannot_it_refuses(self) -> None:
        provider = self.provider
        intent = RefundIntent(
            key="ref_1", payment="p", amount=None, currency=self.currency, reason="r"
        )
        with _no_network():
            if provider.refunds == RefundAbility.NONE:
                self.assertRaises(UnsupportedByBackend, provider.refund, intent)
            if not provider.supports_fetch_refunds:
                self.assertRaises(UnsupportedByBackend, provider.fetch_refunds, "p")
            if not provider.supports_fetch_since:
                since = datetime.now(UTC)
                self.assertRaises(UnsupportedByBackend, lambda: list(provider.fetch_since(since)))
            if not provider.supports_portal:
                self.assertRaises(UnsupportedByBackend, provider.portal_url, "c", "https://x/")
            if not provider.supports_invoices:
                self.assertRaises(UnsupportedByBackend, provider.fetch_invoice, "p")


@contextmanager
def _no_network() -> Iterator[None]:
    """Fail where something is called that must do no I/O."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("This method of a backend must not use the network.")

    with mock.patch.object(socket.socket, "connect", refuse):
        yield


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) in a body."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in list(entries):
        yield value, key
        if isinstance(child, (dict, list)):
            yield from _places(child)
