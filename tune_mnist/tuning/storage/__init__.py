"""Storage of checkpoints and best models, in a shared folder or a bucket."""
