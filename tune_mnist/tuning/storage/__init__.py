"""Storage of checkpoints in a shared folder or a bucket, and of the best models."""
