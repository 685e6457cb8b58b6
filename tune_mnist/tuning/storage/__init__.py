"""Where checkpoints and the best models lie: a folder that all workers share, or a bucket."""
