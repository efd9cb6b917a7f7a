"""Chaos for a user's own `_create()`: its processes are killed and stopped, and the results are compared.

    python -m furu.testing.chaos package.module:Class [field=value ...] [--minutes 1 --workers 8 --seed N]

`torment` kills and stops; `worker` is what is tormented; `rounds` makes a store and waits until it is full; `evidence`
reads what is in it; `report` compares.
"""
