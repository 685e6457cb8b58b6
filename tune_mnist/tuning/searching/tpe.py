"""Bayesian optimization with the tree-structured Parzen estimator (TPE)."""

from optuna.samplers import BaseSampler, TPESampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class Tpe(SamplerMaker):
    """Optuna's ``TPESampler`` with one multivariate model for each group of parameters.

    A group contains the parameters that exist under the same conditions.

    Sources: Bergstra et al., NeurIPS 2011; Falkner et al., ICML 2018; options ``multivariate``
    and ``group`` in Optuna's documentation.
    """

    learns = True
    bounded_history = True

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial."""
        return TPESampler(
            seed=seed,
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=self.startup,
        )
