"""URLs of a site in two languages. The suite's own stand outside: a provider speaks none."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("store/", include("django_digitalstore.urls")),
    path("accounts/login/", login_not_required(LoginView.as_view()), name="login"),
    path("accounts/", include("django.contrib.auth.urls")),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("", include("tests.projects.traps.shop.urls")),
    ),
]
