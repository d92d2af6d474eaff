"""The account's pages, routed as startstore routes them."""

from django.urls import include, path

from tests.accounts import pages

urlpatterns = [
    path("accounts/", include("django.contrib.auth.urls")),
    path(
        "",
        include(
            (
                [
                    path("account/", pages.Profile.as_view(), name="profile"),
                    path("account/password/", pages.Password.as_view(), name="password"),
                    path("account/rights/", pages.TooMuchProfile.as_view(), name="too_much"),
                    path("seller/account/", pages.SellerProfile.as_view(), name="seller_profile"),
                ],
                pages.STORE,
            )
        ),
    ),
]
