"""Print what became of the orders: how many are paid, own what, and what does not agree."""

import json
from collections import Counter

import django

django.setup()

from django_digitalstore.core.invariants import violations  # noqa: E402
from django_digitalstore.core.models import OutboxMessage  # noqa: E402
from django_digitalstore.entitlements import (  # noqa: E402
    get_grant_model,
    get_purchased_product_model,
)
from django_digitalstore.payments import get_order_model, get_payment_model  # noqa: E402
from django_digitalstore.payments.models import InboxMessage, SandboxDelivery  # noqa: E402

print(
    json.dumps(
        {
            "orders": Counter(get_order_model().objects.values_list("status", flat=True)),
            "payments": Counter(get_payment_model().objects.values_list("state", flat=True)),
            "messages": Counter(InboxMessage.objects.values_list("state", flat=True)),
            "grants": get_grant_model().objects.standing().count(),
            "purchases": get_purchased_product_model().objects.live().count(),
            "receipts": OutboxMessage.objects.filter(kind="payments.receipt").count(),
            "sandbox_deliveries_left": SandboxDelivery.objects.filter(delivered_at=None).count(),
            "broken": [str(violation) for violation in violations()],
        }
    )
)
