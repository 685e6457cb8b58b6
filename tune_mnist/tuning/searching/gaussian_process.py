"""Bayesian optimisation with a Gaussian process."""

from optuna.samplers import BaseSampler, GPSampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class GaussianProcess(SamplerMaker):
    """Models the accuracy of complete trials by a Gaussian process."""

    learns = True
    sees_running = True
    needs_complete_trials = True

    def make(self, seed: int) -> BaseSampler:
        """Return the sampler that draws one trial."""
        return GPSampler(seed=seed, n_startup_trials=self.startup)
