"""Benchmarks of cheaper fidelities: ranking of configurations, and time saved by stages."""
