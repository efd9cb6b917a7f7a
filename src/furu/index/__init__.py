"""An index of what is stored, for looking: made from the directories at any time, never the truth."""
