from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "tests.projects.full_store.shop"
    label = "shop"
