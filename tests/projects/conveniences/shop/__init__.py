"""The store, written by `manage.py startstore`. It is yours: change what you like."""
