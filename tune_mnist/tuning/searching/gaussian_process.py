"""Bayesian optimization with a Gaussian process."""

from optuna.samplers import BaseSampler, GPSampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class GaussianProcess(SamplerMaker):
    """Bayesian optimization with Optuna's ``GPSampler``.

    The Gaussian process models the validation accuracy of complete trials.
    """

    learns = True
    sees_running = True
    needs_complete_trials = True

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial."""
        return GPSampler(seed=seed, n_startup_trials=self.startup)
