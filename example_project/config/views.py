"""Where people land after logging in."""

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from django_digitalstore.core.roles import SELLER, has_role


def after_login(request: HttpRequest) -> HttpResponseRedirect:
    """Send staff to the admin, sellers to what they sell, everybody else to their library.

    Whoever was on the way to a page (``next``) has gone there already.
    """
    if not request.user.is_authenticated:
        return redirect("account_login")
    if request.user.is_staff:
        return redirect("admin:index")
    if has_role(request.user, SELLER):
        return redirect("shop:seller_products")
    return redirect("shop:library")
