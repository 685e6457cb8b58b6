"""Where checkpoints lie: a folder that all workers share, or a bucket."""
