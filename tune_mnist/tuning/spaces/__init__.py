"""Search spaces: space files, parameters and fidelity stages."""
