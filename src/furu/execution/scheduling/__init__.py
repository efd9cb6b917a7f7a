"""The pure scheduler behind every backend."""
