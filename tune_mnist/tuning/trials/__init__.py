"""Training of a trial on a worker: trainable function, reports to the driver, labels."""
