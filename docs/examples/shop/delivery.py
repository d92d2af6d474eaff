"""Sends owners to a file server elsewhere, by links that it checks, and that live a minute."""

import hashlib
import hmac
import time
from urllib.parse import urlencode

from django.http import HttpResponseRedirect

from django_digitalstore.entitlements.backends import BaseDeliveryBackend, FileMissing


class FileServerDeliveryBackend(BaseDeliveryBackend):
    required_options = frozenset({"ADDRESS", "KEY"})
    supports_ranges = True  # the file server answers them

    def deliver(self, request, delivery):
        if not delivery.storage.exists(delivery.name):
            raise FileMissing.of(delivery)
        link = urlencode(
            {
                "file": delivery.name,
                "header": delivery.content_disposition,
                "until": int(time.time()) + 60,
            }
        )
        key = self.options["KEY"].encode()
        signature = hmac.new(key, link.encode(), hashlib.sha256).hexdigest()
        return HttpResponseRedirect(f"{self.options['ADDRESS']}?{link}&signature={signature}")
