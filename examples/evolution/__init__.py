"""A project whose classes change over five commits, and whose results survive."""
