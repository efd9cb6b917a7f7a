"""The inside of `run_slurm_pool`: queue, workers, staff."""
