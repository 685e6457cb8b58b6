"""Schedulers: promotion and stopping ASHA, HyperBand, median rule, population based training."""
