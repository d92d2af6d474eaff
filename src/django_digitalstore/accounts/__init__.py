"""Pages of one's own account, for the host's user model."""
