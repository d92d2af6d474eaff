"""The jobs, a module for each group."""
