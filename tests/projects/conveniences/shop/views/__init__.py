"""The store's views: each has its role from a mixin, and its hooks from the suite."""
