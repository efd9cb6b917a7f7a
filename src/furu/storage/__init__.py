"""Bytes on disk: names, atomic steps, records, results. No policy."""
