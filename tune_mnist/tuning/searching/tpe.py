"""The tree-structured Parzen estimator."""

from optuna.samplers import BaseSampler, TPESampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class Tpe(SamplerMaker):
    """Optuna's multivariate TPE, with one model for each group of conditional parameters.

    Sources: Bergstra et al., NeurIPS 2011; Falkner et al., ICML 2018; Optuna's ``multivariate``
    and ``group``.
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
