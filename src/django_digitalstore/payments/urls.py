"""URLs of the payments that are the suite's own: webhooks, and the sandbox's pages in test mode."""

from django.urls import include, path

from .webhook import PaymentWebhookView

app_name = "digitalstore_payments"

urlpatterns = [
    path("<slug:alias>/webhook/", PaymentWebhookView.as_view(), name="webhook"),
    path("sandbox/", include("django_digitalstore.payments.backends.sandbox.urls")),
]
