"""What furu costs, as ratios to a floor and to peers that are measured in the same run.

python -m benchmarks             all but the last, on one page: docs/benchmarks.md
python -m benchmarks.core        hit, create, hash, import, eight processes that want one artifact
python -m benchmarks.execution   graphs of no-op nodes
python -m benchmarks.index       the index of a store
python -m benchmarks.slurm       short nodes on a cluster of its own
python -m benchmarks.scale       how costs grow, up to a million artifacts: docs/scale.md

Ratios travel between machines, absolute figures don't. No exit code depends on a time.
"""
