"""Lets nginx send the bytes: ``location /sold/ { internal; alias /srv/sold/; }``."""

from urllib.parse import quote

from django.http import HttpResponse

from django_digitalstore.entitlements.backends import BaseDeliveryBackend, FileMissing


class NginxDeliveryBackend(BaseDeliveryBackend):
    required_options = frozenset({"PREFIX"})
    supports_ranges = True  # nginx answers them

    def deliver(self, request, delivery):
        if not delivery.storage.exists(delivery.name):
            raise FileMissing(f"The storage has no file {delivery.name!r}. Upload it again.")
        path = quote(f"{self.options['PREFIX']}{delivery.name}")
        return HttpResponse(headers={"X-Accel-Redirect": path})
