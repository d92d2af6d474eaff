"""The host project as an ASGI application, under the settings of the test run."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
