"""The dashboard: pages over a store, rendered here; it reads JSON, imports no user's code and unpickles nothing."""
