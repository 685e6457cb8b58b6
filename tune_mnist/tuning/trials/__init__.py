"""One trial on a worker: the trainable function, its reports and its label."""
