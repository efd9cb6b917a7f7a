"""`furu unpin`: the other half of `furu pin`."""

from furu.cli.pin import unpin_command as command

__all__ = ["command"]
