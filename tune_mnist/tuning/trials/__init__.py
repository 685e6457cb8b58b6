"""What a worker does: the trainable function, its reports, its name."""
