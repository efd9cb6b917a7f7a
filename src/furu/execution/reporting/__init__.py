"""Who hears what a run does: records, progress, live view."""
