"""The host project as a WSGI application, under the settings of the test run."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
