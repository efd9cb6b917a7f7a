"""A package, so that tests import each other as `tests.x` whatever else is installed."""
