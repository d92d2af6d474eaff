"""Short links, the closed site, and the analytics."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import override_settings

from benchmarks import peers
from benchmarks.requests import request
from benchmarks.runner import Job, Limit, Skip, Way
from benchmarks.seed import DAYS, START, Shop

__all__ = ["JOBS"]

#: A visitor's browser: what looks like a program is no click.
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}


def _needs(name: str) -> None:
    if not apps.is_installed(f"django_digitalstore.contrib.{name}"):
        raise Skip(f"contrib.{name} is not installed.")


def short_link(shop: Shop) -> Job:
    """A click on a short link that the cache knows."""
    _needs("shorturls")
    from django_digitalstore.contrib.shorturls import addresses
    from django_digitalstore.contrib.shorturls.testing import make_link

    link = make_link(path="/library/")
    cache.set("benchmark:code", "/library/", 300)
    floor = request("/deep/floor/code/short/", headers=BROWSER, expected=302)
    ours = request(addresses.path_of(link.code), headers=BROWSER, expected=302)
    age = settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION

    def without_cookie() -> None:
        settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION = timedelta(0)
        try:
            ours()
        finally:
            settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION = age

    user: Any = get_user_model()._default_manager.get(pk=shop.users[0])
    peer = peers.link_shortener(user, BROWSER)
    return Job(
        "short-link",
        "Short link, warm, its click counted",
        [
            Way("floor: a cached redirect, as deep in the URLs", floor),
            Way("ShortLinkRedirectView", without_cookie),
            Way("… and a signed cookie for attribution", ours),
            *peer,
        ],
        [
            Limit("ShortLinkRedirectView", ratio=1.5, sql=0),
            Limit("… and a signed cookie for attribution", sql=0),
        ],
        [] if peer else [peers.why_not("django-link-shortener")],
    )


def _site(*more: str) -> Any:
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, *more]):
        return get_wsgi_application()


_MIDDLEWARE = "django_digitalstore.contrib.underconstruction.middleware.UnderConstructionMiddleware"


def _maintenance(path: str, expected: int) -> list[Way]:
    if not peers.is_installed("maintenance_mode"):
        return []
    call = request(path, application=_site(peers.MAINTENANCE), expected=expected)
    return [Way("django-maintenance-mode", call)]


def site_open(shop: Shop) -> Job:
    """What the middleware costs each request of a site that is open."""
    _needs("underconstruction")
    path = "/floor/empty/"
    return Job(
        "construction-off",
        "Under construction off, per request",
        [
            Way("floor: no middleware", request(path, application=_site())),
            Way("the middleware, open", request(path, application=_site(_MIDDLEWARE))),
            *_maintenance(path, 200),
        ],
        [Limit("the middleware, open", ratio=1.1, sql=0)],
        ["The status is read by one query a second in a process; not in the count above."],
    )


def site_closed(shop: Shop) -> Job:
    """What a visitor of a closed site costs."""
    _needs("underconstruction")
    from django_digitalstore.contrib.underconstruction import testing

    around = ExitStack()
    around.enter_context(testing.site_closed())
    around.enter_context(peers.closed_site())
    closed = request("/floor/empty/", application=_site(_MIDDLEWARE), expected=503)
    return Job(
        "construction-on",
        "Under construction on",
        [
            Way("floor: an empty view", request("/floor/empty/", application=_site())),
            Way("the middleware, closed", closed),
            *_maintenance("/floor/empty/", 503),
        ],
        [Limit("the middleware, closed", ratio=1.2, sql=0)],
        around=around,
    )


def _rolled_up() -> None:
    """Bring the rollup up to date; minutes, the first time over a million orders."""
    _needs("analytics")
    from django_digitalstore.contrib.analytics import flows

    flows.roll_up()


def _by_day(seller_key: str, first: Any, last: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, orders, units, gross, refunded, checkouts, paid_checkouts FROM "
            "digitalstore_analytics_dailyfigures WHERE product_key = '*' AND seller_key = %s AND "
            "country = '*' AND currency = 'EUR' AND day BETWEEN %s AND %s",
            [seller_key, first, last],
        )
        return cursor.fetchall()


def _page(scope: Any, span: Any, period: Any) -> Callable[[], Any]:
    """Return what counts all that a dashboard shows, as where its cache has nothing."""
    from django_digitalstore.contrib.analytics.reports import Query, count_report

    query = Query(
        seller=scope.seller,
        span=span,
        before=span.previous(),
        period=period,
        currency=scope.currency,
    )
    return lambda: count_report(query)


_PAGE = (
    "A page counts both of its spans, its products, countries and downloads, and then is kept for "
    "DIGITALSTORE_ANALYTICS_TIMEOUT."
)


def of_a_seller(shop: Shop) -> Job:
    """A seller's thirty days, by day."""
    _rolled_up()
    from django_digitalstore.contrib.analytics.figures import Period, Range, Scope, series

    seller: Any = get_user_model()._default_manager.get(pk=shop.sellers[0])
    last = (START + timedelta(days=DAYS)).date()
    first = last - timedelta(days=29)
    scope, span = Scope(currency="EUR", seller=seller), Range(first, last)
    return Job(
        "analytics-seller",
        f"One seller, 30 days, by day, over {shop.rows:,} orders",
        [
            Way("floor: cursor, the rollup", lambda: _by_day(str(seller.pk), first, last)),
            Way("figures.series, uncached", lambda: series(scope, span)),
            Way("a page, uncached", _page(scope, span, Period.DAY)),
        ],
        [Limit("figures.series, uncached", ms=2)],
        [_PAGE],
    )


def of_the_site(shop: Shop) -> Job:
    """Three years of the whole site, by day."""
    _rolled_up()
    from django_digitalstore.contrib.analytics.figures import Period, Range, Scope, series

    first, last = START.date(), (START + timedelta(days=DAYS)).date()
    scope, span = Scope(currency="EUR"), Range(first, last)
    return Job(
        "analytics-site",
        f"All sellers, 3 years, by day, over {shop.rows:,} orders",
        [
            Way("floor: cursor, the rollup", lambda: _by_day("*", first, last)),
            Way("figures.series, uncached", lambda: series(scope, span)),
            Way("a page, uncached", _page(scope, span, Period.MONTH)),
        ],
        [Limit("figures.series, uncached", ms=25)],
        [
            "A sale writes nothing for the rollup: a periodic job counts the days that changed.",
            _PAGE,
        ],
    )


#: By the name that ``./dev bench`` takes.
JOBS = {
    "short-link": short_link,
    "construction-off": site_open,
    "construction-on": site_closed,
    "analytics-seller": of_a_seller,
    "analytics-site": of_the_site,
}
