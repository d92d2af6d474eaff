"""Closes the site for a while: a page for visitors, a way in for staff, no query per request."""
