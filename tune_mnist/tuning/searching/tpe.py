"""The tree-structured Parzen estimator."""

from optuna.samplers import BaseSampler, TPESampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class Tpe(SamplerMaker):
    """Models all parameters together, grouped by the conditions under which they exist.

    Sources: Bergstra et al., NeurIPS 2011; Falkner et al., ICML 2018; Optuna's ``multivariate``
    and ``group``.
    """

    learns = True
    bounded_history = True

    def make(self, seed: int) -> BaseSampler:
        """Return the sampler that draws one trial."""
        return TPESampler(
            seed=seed,
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=self.startup,
        )
