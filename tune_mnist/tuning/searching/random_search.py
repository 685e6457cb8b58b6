"""Random search."""

from optuna.samplers import BaseSampler, RandomSampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class RandomSearch(SamplerMaker):
    """Random search, which draws every parameter independently of earlier trials."""

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial."""
        return RandomSampler(seed=seed)
