"""Where a short link may lead. Asked when a link is saved, and again at every click.

The second time is not too much: rows are written around the flows (``loaddata``, SQL), the list of
hosts gets shorter, and a link that leads anywhere is what phishing is made of.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve
from django.utils import translation
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.core.site_url import site_url

__all__ = [
    "NoPage",
    "is_safe",
    "leads_to_short_link",
    "path_of_product",
    "problem_of_path",
    "problem_of_url",
    "without_site",
]

#: Browsers leave tabs and line ends out of an address and take a backslash for a slash.
_NEVER = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")
#: Browsers resolve these before they ask: an address with one names another page than it seems to.
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?![^/?#])", re.IGNORECASE)

#: Characters of an address as it is sent; Django redirects to none of more than 2048.
_LONGEST = 2000


class NoPage(DigitalStoreError, LookupError):
    """A product has no page on this site that a link could lead to."""


def problem_of_path(path: str) -> str:
    """Return why ``path`` is not a path of this site, or nothing. No I/O."""
    problem = _problem_of_signs(path)
    if problem:
        return problem
    before_query = re.split(r"[?#]", path, maxsplit=1)[0]
    # Of two slashes at its beginning a browser makes a host.
    if not path.startswith("/") or "//" in before_query:
        return _("Write a path of this site that begins with one slash, as in /products/.")
    return _problem_of_dots(before_query)


def problem_of_url(url: str) -> str:
    """Return why ``url`` is not a page of a host that links may lead to, or nothing. No I/O."""
    problem = _problem_of_signs(url)
    if problem:
        return problem
    try:
        parts = urlsplit(url)
    except ValueError:
        return _("Write a whole address, as in https://example.com/page/.")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return _("Write a whole address, as in https://example.com/page/.")
    if "@" in parts.netloc:
        return _("Write the address without a user name and a password.")
    hosts = {host.lower() for host in settings.DIGITALSTORE_SHORTURLS_HOSTS}
    if parts.netloc.lower() not in hosts:
        if not hosts:
            return _("Links lead to pages of this site only.")
        return _("Links may lead to this site and to %(hosts)s, and to nowhere else.") % {
            "hosts": ", ".join(sorted(hosts))
        }
    return _problem_of_dots(parts.path)


def _problem_of_signs(address: str) -> str:
    if _NEVER.search(address):
        return _("Write it without spaces, control characters and backslashes.")
    # One sign becomes twelve at most; most addresses are not encoded to be measured.
    if len(address) > _LONGEST // 12 and len(iri_to_uri(address)) > _LONGEST:
        return _(
            "Write a shorter one: at most %(number)d characters, of which a letter with an accent "
            "takes several."
        ) % {"number": _LONGEST}
    return ""


def _problem_of_dots(path: str) -> str:
    return _("Write it without the parts “.” and “..”.") if _DOTS.search(path) else ""


def is_safe(location: str) -> bool:
    """Tell whether a click may be sent there. No I/O."""
    if location.startswith("/"):
        return not problem_of_path(location)
    return not problem_of_url(location)


def leads_to_short_link(location: str) -> bool:
    """Tell whether a path, or an address of this site, is a short link, which may lead back here.

    ``location`` is one that ``is_safe()``. No I/O.
    """
    parts = urlsplit(location)
    if parts.netloc and parts.hostname != urlsplit(site_url()).hostname:
        return False
    path = f"/{unquote(parts.path).removeprefix(get_script_prefix())}"
    # Below a language's prefix only that language knows the way.
    language = translation.get_language_from_path(path) or translation.get_language()
    try:
        with translation.override(language):
            match = resolve(path)
    except Resolver404:
        return False
    return match.app_names[-1:] == ["digitalstore_shorturls"] and match.url_name == "redirect"


def without_site(address: str) -> str:
    """Return the path of an address of this site, which people copy whole; others as they are."""
    site = site_url()
    if address == site:
        return "/"
    return address.removeprefix(site) if address.startswith(f"{site}/") else address


def path_of_product(product: Any) -> str:
    """Return the path of a product's page, in the language of the site: visitors share it.

    Raises ``NoPage`` where the host's model says none, or one that is not on this site.
    """
    label = product._meta.label
    get_absolute_url = getattr(product, "get_absolute_url", None)
    if get_absolute_url is None:
        raise NoPage(f"{label} has no get_absolute_url(), so no short link can lead to it.")
    try:
        with translation.override(settings.LANGUAGE_CODE):
            path = without_site(str(get_absolute_url()))
    except NoReverseMatch as error:
        raise NoPage(
            f"{label}.get_absolute_url() of {product.pk!r} finds no URL, so no short link can lead "
            f"to it: {error}"
        ) from error
    if problem_of_path(path):
        raise NoPage(
            f"{label}.get_absolute_url() gives {path!r}, which is no path of this site, so no "
            f"short link can lead to it."
        )
    return path
