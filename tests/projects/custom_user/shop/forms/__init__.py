"""The store's forms."""
