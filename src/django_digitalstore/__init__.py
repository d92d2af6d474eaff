"""A digital store for your own Django site.

Your models, your URLs, your templates, your admin. The suite owns what is hard to get right:
money in, access out, and every rule between.

Each feature is a Django app of its own (``django_digitalstore.core``, ``.accounts``, ``.catalog``,
``.entitlements``, ``.payments``); ``manage.py startstore shop`` writes the app that is yours.
"""

__version__ = "0.1.0"
