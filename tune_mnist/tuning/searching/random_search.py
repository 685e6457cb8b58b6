"""Random search."""

from optuna.samplers import BaseSampler, RandomSampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class RandomSearch(SamplerMaker):
    """Draws every parameter independently."""

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial."""
        return RandomSampler(seed=seed)
