from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "tests.projects.existing_model.library"
    label = "library"
    default_auto_field = "django.db.models.BigAutoField"
