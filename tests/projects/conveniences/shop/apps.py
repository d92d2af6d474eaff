from django.apps import AppConfig


class StoreConfig(AppConfig):
    """The store's app: its models, and all of their migrations."""

    name = "tests.projects.conveniences.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"
