"""System checks of the payments: providers, fulfilments, and the way of a webhook to its view."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.urls import LocalePrefixPattern, NoReverseMatch, URLResolver, get_resolver, reverse

from django_digitalstore.core.exceptions import InvalidBackend

from . import flows, receivers
from .backends import payment_backends
from .choices import ELSEWHERE, FREE
from .fulfilments import get_fulfilment

__all__ = [
    "check_fulfilments",
    "check_payment_backends",
    "check_product_receivers",
    "check_reserved_aliases",
    "check_shared_webhook_secrets",
    "check_store_urls",
    "check_webhook_is_not_redirected",
    "check_webhook_urls",
]


@register()
def check_payment_backends(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Load every provider of ``DIGITALSTORE_PAYMENTS`` and ask it for what is wrong."""
    return payment_backends.check()


@register()
def check_reserved_aliases(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that no provider has an alias of payments that no provider made."""
    return [
        Error(
            f"DIGITALSTORE_PAYMENTS has a provider of the alias {alias!r}, which stands for "
            f"payments {what}: nobody could tell the two apart.",
            hint="Give the provider another alias, as in DIGITALSTORE_PAYMENTS = {'default': …}.",
            id="digitalstore.E307",
        )
        for alias, what in (
            (FREE, "of a total of zero"),
            (ELSEWHERE, "that a person recorded"),
        )
        if alias in settings.DIGITALSTORE_PAYMENTS
    ]


@register()
def check_shared_webhook_secrets(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that no two aliases take the same secret: a message of one would be the other's too."""
    owner: dict[str, str] = {}
    messages: list[CheckMessage] = []
    try:
        aliases = list(payment_backends)
    except InvalidBackend:
        return []  # E301 says why
    for alias in aliases:
        try:
            secrets = set(payment_backends[alias].webhook_secrets)
        except InvalidBackend:
            continue
        others = {owner.setdefault(secret, alias) for secret in sorted(secrets)} - {alias}
        messages += [
            Error(
                f"DIGITALSTORE_PAYMENTS[{other!r}] and DIGITALSTORE_PAYMENTS[{alias!r}] share a "
                f"webhook secret: what is signed for the one is taken for the other's.",
                hint=(
                    "Have the provider make a secret for each webhook, and write each into its "
                    "own alias's OPTIONS."
                ),
                id="digitalstore.E308",
            )
            for other in sorted(others)
        ]
    return messages


@register(Tags.urls)
def check_store_urls(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the suite's own URLs are mounted: providers post their webhooks there."""
    try:
        reverse("digitalstore_payments:webhook", args=["default"])
    except NoReverseMatch:
        return [
            Error(
                "The suite's own URLs are not mounted, so no webhook arrives and the sandbox has "
                "no pay page.",
                hint=(
                    "Add path('store/', include('django_digitalstore.urls')) to urlpatterns in "
                    f"{getattr(settings, 'ROOT_URLCONF', 'your urls.py')}."
                ),
                id="digitalstore.E304",
            )
        ]
    return []


@register()
def check_fulfilments(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that every fulfilment can be imported."""
    messages: list[CheckMessage] = []
    for kind in settings.DIGITALSTORE_FULFILMENTS:
        try:
            get_fulfilment(kind)
        except ImproperlyConfigured as error:
            messages.append(Error(str(error), id="digitalstore.E303"))
    return messages


@register()
def check_product_receivers(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that a saved product is noted, where a provider keeps products of its own."""
    aliases = flows.item_aliases()
    if not aliases:
        return []
    names = ", ".join(repr(alias) for alias in aliases)
    return [
        Error(
            f"{model._meta.label} has no receiver of {signal} for the product sync any more: a "
            f"change is noticed by the hourly sync or the next checkout only, at {names}.",
            hint=(
                "Remove the code that disconnects it, or call "
                "django_digitalstore.payments.receivers.connect() after it."
            ),
            id="digitalstore.E309",
        )
        for model, signal in receivers.disconnected()
    ]


@register(Tags.urls)
def check_webhook_urls(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the webhook's address does not depend on a language."""
    if not getattr(settings, "ROOT_URLCONF", None) or not _webhook_under_a_language(get_resolver()):
        return []
    return [
        Error(
            "The webhook of the payments lies under i18n_patterns(): its address would depend on "
            "the language of who asks, and a provider has none.",
            hint=(
                "Move path('store/', include('django_digitalstore.urls')) out of i18n_patterns(), "
                "into a plain urlpatterns."
            ),
            id="digitalstore.E305",
        )
    ]


def _webhook_under_a_language(resolver: URLResolver, inside: bool = False) -> bool:
    inside = inside or isinstance(resolver.pattern, LocalePrefixPattern)
    if inside and resolver.app_name == "digitalstore_payments":
        return True
    return any(
        _webhook_under_a_language(pattern, inside)
        for pattern in resolver.url_patterns
        if isinstance(pattern, URLResolver)
    )


@register(Tags.security, deploy=True)
def check_webhook_is_not_redirected(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that a webhook is answered where it arrives: no provider follows a redirect."""
    return [
        CheckWarning(
            f"SECURE_SSL_REDIRECT is on, and Django is not told how it sees that a request came by "
            f"HTTPS: behind a proxy the webhook {path} is redirected to itself, and payments never "
            f"arrive.",
            hint=(
                "Write SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https') where your "
                "proxy sets this header and takes it from nobody else; or "
                f"SECURE_REDIRECT_EXEMPT = [r'^{re.escape(path.lstrip('/'))}$']."
            ),
            id="digitalstore.W306",
        )
        for path in _redirected_webhooks()
    ]


def _redirected_webhooks() -> Iterator[str]:
    if not settings.SECURE_SSL_REDIRECT or settings.SECURE_PROXY_SSL_HEADER:
        return
    if "django.middleware.security.SecurityMiddleware" not in settings.MIDDLEWARE:
        return
    exempt = [re.compile(pattern) for pattern in settings.SECURE_REDIRECT_EXEMPT]
    for alias in settings.DIGITALSTORE_PAYMENTS:
        try:
            path = reverse("digitalstore_payments:webhook", kwargs={"alias": alias})
        except NoReverseMatch:
            continue
        if not any(pattern.search(path.lstrip("/")) for pattern in exempt):
            yield path
