"""The store's URLs."""

app_name = "shop"

urlpatterns: list = []
