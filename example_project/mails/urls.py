"""URLs of the page of mails."""

from django.urls import path

from .views import mails

urlpatterns = [path("", mails, name="mails")]
