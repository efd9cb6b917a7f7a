"""What furu costs, as ratios to a floor and to peers that are measured in the same run.

python -m benchmarks.core        hit, create, hash, import, eight processes that want one artifact
python -m benchmarks.execution   graphs of no-op nodes

Ratios travel between machines, absolute figures don't. No exit code depends on a time.
"""
