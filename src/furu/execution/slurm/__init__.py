"""What furu knows of Slurm: scripts, submission, job truth, signals, and a fake with memory."""
