"""Benchmarks: comparison with other tools, and measurements of single parts."""
