"""URLs that a middleware chooses for a request."""

from __future__ import annotations

from django.urls import path

from .urls import marked

urlpatterns = [path("elsewhere/", marked)]
