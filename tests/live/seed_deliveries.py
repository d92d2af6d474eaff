"""Place twenty orders and print eight signed-to-be deliveries of each.

Buyers come in pairs of orders for the same product, so that orders share an access mutex.
"""

import json

import django

django.setup()

from django_digitalstore.payments import flows  # noqa: E402
from tests.payments import signed  # noqa: E402

ORDERS = 20


def deliveries(number: int, attempt) -> list[tuple[str, str]]:
    reference = f"pay_{number}"

    def message(suffix: str, body: dict) -> tuple[str, str]:
        return f"msg_{number}_{suffix}", json.dumps(body)

    processing = message(
        "processing",
        signed.payment_event(attempt, "processing", reference=reference, second=1),
    )
    failed = message(
        "failed", signed.payment_event(attempt, "failed", reference=reference, second=99)
    )
    paid = message("paid", signed.payment_event(attempt, reference=reference))
    again = message("again", signed.payment_event(attempt, reference=reference))
    return [processing, processing, failed, paid, paid, paid, paid, again]


def main() -> None:
    products = [signed.make_product(f"book{n}") for n in range(3)]
    buyers = [signed.make_customer(f"buyer{n}") for n in range(ORDERS // 2)]
    found = []
    for number in range(ORDERS):
        buyer, country = buyers[number // 2], ("DE", "FR")[number % 2]
        product = products[(number // 2) % 3]
        payment = flows.start_checkout(
            buyer, [flows.LineRequest(product)], email=buyer.email, country=country
        )
        attempt = flows.open_checkout(payment, return_url="https://x/", cancel_url="https://x/")
        found += deliveries(number, attempt)
    print(json.dumps({"secret": signed.secret(), "deliveries": found}))


main()
