pytest_plugins = ["django_digitalstore.pytest_plugin"]
