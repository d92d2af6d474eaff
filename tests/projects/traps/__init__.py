"""A site with everything that trips a package up: see its settings."""
