"""The class users write."""
