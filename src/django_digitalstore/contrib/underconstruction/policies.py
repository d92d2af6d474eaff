"""What stays open while the site is closed, and who comes in. Reads settings and the request."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, get_script_prefix, resolve
from django.views.i18n import set_language

__all__ = ["LOG_IN_NAMES", "is_file", "is_open_page", "may_come_in"]

_LOG_IN_VIEWS: Final = (
    auth_views.LoginView,
    auth_views.LogoutView,
    auth_views.PasswordResetView,
    auth_views.PasswordResetDoneView,
    auth_views.PasswordResetConfirmView,
    auth_views.PasswordResetCompleteView,
)
#: The pages on which django-allauth lets people in and out, and gives them a new password.
LOG_IN_NAMES: Final = frozenset(
    {
        "account_complete_password_reset",
        "account_confirm_login_code",
        "account_confirm_password_reset_code",
        "account_inactive",
        "account_login",
        "account_logout",
        "account_password_reset_completed",
        "account_reauthenticate",
        "account_request_login_code",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_trust",
        "socialaccount_login_cancelled",
        "socialaccount_login_error",
    }
)
_SOCIAL_LOG_IN: Final = "allauth.socialaccount.providers."


def may_come_in(user: Any) -> bool:
    """Tell whether this person uses the site while it is closed: active staff do."""
    return bool(user is not None and user.is_active and user.is_staff)


def is_file(request: HttpRequest) -> bool:
    """Tell whether static or media files are below this address."""
    return any(
        # Of a setting that is empty Django makes the script prefix: it would be the whole site.
        request.path.startswith(prefix) and not get_script_prefix().startswith(prefix)
        for prefix in (settings.STATIC_URL, settings.MEDIA_URL)
        if prefix
    )


def is_open_page(request: HttpRequest) -> bool:
    """Tell whether the page that is asked for stays open to everybody who may see it anyway.

    That are those of ``DIGITALSTORE_UNDERCONSTRUCTION_OPEN``; the admin; those for logging in and
    out and for a new password, of Django and django-allauth, and ``LOGIN_URL``; the choice of the
    language; and views that have ``open_under_construction``, like webhooks, the library, and the
    page to which a provider sends a buyer back. With ``APPEND_SLASH``, their addresses without the
    last slash too. No I/O.
    """
    named = (*settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN, str(settings.LOGIN_URL))
    path = request.path_info
    if _is_one_of(named, path):
        return True
    match = _view_at(path, request)
    if match is None and settings.APPEND_SLASH and not path.endswith("/"):
        # CommonMiddleware leads to the page itself, as on a site that is open.
        path += "/"
        match = _view_at(path, request)
        if match is not None and _is_one_of(named, path):
            return True
    return match is not None and (
        match.view_name in named or _stays_open(match, reads=request.method in ("GET", "HEAD"))
    )


def _is_one_of(named: tuple[str, ...], path: str) -> bool:
    return any(
        path.startswith(entry[:-1]) if entry.endswith("/*") else path == entry for entry in named
    )


def _view_at(path: str, request: HttpRequest) -> ResolverMatch | None:
    try:
        # As the handler does: a middleware may have chosen other URLs for this request.
        return resolve(path, getattr(request, "urlconf", None))
    except Resolver404:
        return None


def _stays_open(match: ResolverMatch, *, reads: bool) -> bool:
    if "admin" in match.app_names:
        return True  # of every AdminSite, wherever it is; it asks who comes itself
    view = getattr(match.func, "view_class", None)
    if isinstance(view, type) and issubclass(view, _LOG_IN_VIEWS):
        return True
    if match.func is set_language or match.view_name in LOG_IN_NAMES:
        return True
    if match.func.__module__.startswith(_SOCIAL_LOG_IN):
        return True
    said = getattr(view or match.func, "open_under_construction", False)
    if said == "owners" or (said == "owners-read" and reads):
        return bool(settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN_TO_OWNERS)
    return said is True
