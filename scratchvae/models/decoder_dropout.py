"""Dropout of what an autoregressive decoder is shown, so that it has to ask z.     Bowman et al. 2016, section 3.1"""

from .analytic_kl import AnalyticKL


class DecoderDropout(AnalyticKL):
    """A model trained while its autoregressive decoder is shown each pixel with probability 1 - rate.

    The inputs of the decoder alone are dropped: what is to be explained and what the encoder sees are whole. Which, is
    noise of the training, drawn beside eps; the model itself is evaluated without it, so it is `one_draw`. The loss is
    the -ELBO of another decoder for each draw of the mask, and says so in its name.
    """

    def __init__(self, model, rate):
        super().__init__(model)
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must lie in [0, 1], but is {rate}")
        self.rate = rate
        self.terms = ("reconstruction with dropout", "kl")
        self.quantity = f"{model.quantity} with {rate:g} of the decoder's inputs dropped"

    def noise(self, x, rng):
        """eps, and `seen` (B, D): 1 with probability 1 - rate, else 0."""
        return self.model.noise(x, rng) | {"seen": (rng.random(x.shape, x.dtype) >= self.rate).astype(x.dtype)}

    @property
    def one_draw(self):
        """The model whose decoder is shown every pixel."""
        return self.model.one_draw
