"""Downloads, updates and previews, in code of our own."""

from django.utils import timezone

from django_digitalstore.entitlements import flows, get_download_model, policies


def what_is_left(user, product):
    """Return how many downloads are left, and until when updates come; None: without an end."""
    purchase = policies.live_purchase(user, product)
    limit = policies.download_limit(product)
    left = None if limit is None else max(limit - policies.downloads_used(purchase), 0)
    return left, policies.updates_until(purchase, product)


def give_downloads_again(user, product, helper):
    """Let all downloads of a purchase count from nothing again."""
    return flows.reset_downloads(user, product, actor=helper, reason="Their disk broke.")


def refused_today(product):
    """Return (code, how often) of what was refused of ``product`` today."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = get_download_model().objects.filter(product=product, outcome="refused", at__gte=today)
    codes = list(lines.values_list("code", flat=True))
    return {code: codes.count(code) for code in codes}
