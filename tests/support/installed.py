"""Where the furu under test lies: `src` of the checkout, or where a wheel was installed."""

from __future__ import annotations

from pathlib import Path

import furu

PACKAGES = Path(furu.__file__).parents[1]
"""For PYTHONPATH of the processes that tests start: they shall find the same one, not the checkout's."""
