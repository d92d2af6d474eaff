"""Template tags of the support."""
