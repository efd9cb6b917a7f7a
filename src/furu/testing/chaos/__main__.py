"""`python -m furu.testing.chaos`."""

from __future__ import annotations

import sys

try:
    import click  # noqa: F401 -- only to say what is missing
except ModuleNotFoundError:
    sys.exit("furu.testing.chaos: it needs click: pip install 'furu[cli]'")

from furu.testing.chaos.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
