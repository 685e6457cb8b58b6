"""Schedulers: ASHA by promotion or by stopping, HyperBand, median rule, population training."""
