"""Small studies done with furu, each run by `python -m examples.<name>` from the root of the project."""
