"""What becomes of stored results when classes and configs change: aliases, refs, and migrations of whole stores."""

from furu.evolution.migration import UNCHANGED, Migration
from furu.evolution.steps import Add, Drop, Inside, Map, MovedType, Rename, Step, StepRefused

__all__ = ["UNCHANGED", "Add", "Drop", "Inside", "Map", "Migration", "MovedType", "Rename", "Step", "StepRefused"]
