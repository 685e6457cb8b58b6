"""Random search."""

from optuna.samplers import BaseSampler, RandomSampler

from tune_mnist.tuning.searching.protocol import SamplerMaker


class RandomSearch(SamplerMaker):
    """Draws every parameter by itself."""

    def make(self, seed: int) -> BaseSampler:
        """Return the sampler that draws one trial."""
        return RandomSampler(seed=seed)
