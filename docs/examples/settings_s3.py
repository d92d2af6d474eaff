"""The lines of a settings file that the how-to about S3 speaks of."""

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# (s3)
STORAGES["digitalstore"] = {
    "BACKEND": "django_digitalstore.contrib.s3.storage.S3PrivateStorage",
    "OPTIONS": {"bucket_name": "shop-sold", "region_name": "eu-central-1"},
}
DIGITALSTORE_DELIVERY = {
    "default": {
        "BACKEND": "django_digitalstore.contrib.s3.backend.S3DeliveryBackend",
        "OPTIONS": {"link_age": 60},
    },
}
# (end)
