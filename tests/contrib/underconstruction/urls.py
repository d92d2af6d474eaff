"""The full store, and what else a site has: a health check, pages of its own, other admins."""

from __future__ import annotations

from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from django.views.generic import View
from django.views.i18n import set_language

#: Of the host project that the tests run under; its ROOT_URLCONF is replaced by this module.
_HOST = apps.get_app_config(settings.DIGITALSTORE_STORE_APP).name.rpartition(".")[0]
store = import_module(f"{_HOST}.urls").urlpatterns


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


def named(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


async def slow(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


def kept(request: HttpRequest) -> HttpResponse:
    """Say to everybody that it may be kept, as a page behind ``cache_page`` does."""
    return HttpResponse("open", headers={"Cache-Control": "public, max-age=600", "Vary": "Accept"})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one ", b"after ", b"the other"]))


def marked(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


marked.open_under_construction = True  # type: ignore[attr-defined]


class HostsView(View):
    open_under_construction = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("open")


def social(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


social.__module__ = "allauth.socialaccount.providers.oauth2.views"


urlpatterns = [
    path("plain/", plain),
    path("two-factors/", named, name="mfa_authenticate"),
    path("github/callback/", social, name="github_callback"),
    path("slow/", slow),
    path("healthz", plain),
    path("status/database/", plain),
    path("imprint/", named, name="imprint"),
    path("kept/", kept),
    path("stream/", stream),
    path("marked/", marked),
    path("class/", HostsView.as_view()),
    path("sign-in/", plain, name="sign-in"),
    path("i18n/setlang/", set_language),
    path("backstage/", AdminSite(name="backstage").urls),
    path("static/page.css", plain),
    path("media/cover.png", plain),
    path("", include(store)),
]
