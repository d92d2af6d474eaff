"""Addresses of the pages in the how-tos."""

from django.urls import path

from ..views import affiliates, extended, lessons

urlpatterns = [
    path("affiliate/", affiliates.TermsView.as_view(), name="affiliate_terms"),
    path("affiliate/account/", affiliates.AffiliateProfileView.as_view(), name="affiliate_profile"),
    path("books/", extended.BookListView.as_view(), name="books"),
    path("book/<slug:slug>/", extended.BookDetailView.as_view(), name="book"),
    path("seller/books/new/", extended.BookCreateView.as_view(), name="book_create"),
    path("books/checkout/", extended.BookCheckoutView.as_view(), name="book_checkout"),
    path("donate/", extended.DonationCheckoutView.as_view(), name="donate"),
    path("acme/", extended.AcmeCheckoutView.as_view(), name="acme_checkout"),
    path("lessons/<slug:slug>/", lessons.lesson, name="lesson"),
    path("excerpts/<slug:slug>/", lessons.excerpt, name="excerpt"),
    path("chapters/<str:book>/", lessons.ChapterView.as_view(), name="chapter"),
    path("badges/<slug:slug>/", lessons.badge, name="badge"),
]
