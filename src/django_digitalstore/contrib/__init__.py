"""One package per third-party provider or optional convenience.

Nothing outside of this package imports a third-party SDK, and no package in here imports its
sibling, so that a site installs only what it uses.
"""
