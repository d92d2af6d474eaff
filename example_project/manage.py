#!/usr/bin/env python
"""Django's command line for the example shop."""

import os
import sys


def main() -> None:
    """Run one command, with the settings for development unless told otherwise."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            f"manage.py – Django cannot be imported ({error}) – start the shop by `./dev demo` in "
            f"the folder above, or `pip install 'django-digitalstore[example]'` first."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
