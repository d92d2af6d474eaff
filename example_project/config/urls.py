"""URLs of the example shop."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from django.views.static import serve

from .views import after_login

urlpatterns = [
    path("accounts/welcome/", after_login, name="after_login"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("s/", include("django_digitalstore.contrib.shorturls.urls")),
    path("store/", include("django_digitalstore.urls")),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}favicon.ico")),
    path("", include("shop.urls")),
]
if settings.DIGITALSTORE_TEST_MODE:
    urlpatterns += [
        path("mails/", include("mails.urls")),
        # Covers. In production they come from where the default storage puts them.
        re_path(r"^media/(?P<path>.+)$", serve, {"document_root": settings.MEDIA_ROOT}),
    ]
