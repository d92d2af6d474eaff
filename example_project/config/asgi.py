"""The example shop for a server that speaks ASGI: with the settings for production."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.production")

application = get_asgi_application()
