"""The full store's URLs, and the pages that show the least that a job needs."""

from django.urls import include, path

from . import floors, peers

#: As deep as the addresses of webhooks and short links are: finding a view costs by the depth.
_deep = [
    path("<slug:code>/empty/", floors.empty),
    path("<slug:code>/short/", floors.short_link),
]

urlpatterns = [
    path("", include([path("deep/", include([path("floor/", include(_deep))]))])),
    path("floor/empty/", floors.empty),
    path("floor/products/", floors.product_list),
    path("floor/library/", floors.library),
    path("floor/download/<int:asset>/", floors.download),
    path("floor/webhook/", floors.webhook),
    path("", include("tests.projects.full_store.urls")),
]

if peers.is_installed("djstripe"):
    urlpatterns += [path("peers/stripe/", include("djstripe.urls", namespace="djstripe"))]
if peers.is_installed("shortener"):
    urlpatterns += [path("peers/shortener/", include("shortener.urls"))]
if _owned_file := peers.private_storage_view():
    urlpatterns += [path("peers/files/<int:asset>/", _owned_file)]
