"""The sandbox provider: pays, declines and signs like a real one, without an account."""

from .backend import SandboxBackend

__all__ = ["SandboxBackend"]
