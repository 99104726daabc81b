"""The observation model p(x|z): a decoder and its likelihood."""

from ..core import Module


class ObservationModel(Module):
    """p(x|z), which a model asks for its density, its mean and its draws; what kind of x it is, the `likelihood` says.

        forward(z, *, x, **condition) -> (nll, backward)    z (M, Z), x (M, D) -> -log p(x|z), (M,)
        backward(dnll) -> dz
        mean(z, **condition)                                E[x|z], (M, D)
        sample(z, rng, **condition)                         a draw x ~ p(x|z) for each z, (M, D)

    -log p(x|z) is in the unit of the likelihood. The decoder is given what the data hold beside x, the `condition` (a
    label, half an image); one that needs none need not take it.
    """

    def __init__(self, decoder, likelihood):
        self.decoder = decoder
        self.likelihood = likelihood

    def check(self, x, name):
        """Raises ValueError for x at which the likelihood has no density."""
        self.likelihood.check(x, name)

    def flaw(self, x):
        """Why -log p(x|z) is no likelihood of this x, or ""."""
        return self.likelihood.flaw(x)

    def describe(self):
        """The likelihood in words."""
        return self.likelihood.describe()

    @property
    def unit(self):
        """The unit of -log p(x|z): nats, unless a distance takes the place of the likelihood."""
        return self.likelihood.unit

    @property
    def is_density(self):
        """False where a distance takes the place of the likelihood: then there is no p(x), and nothing to draw from."""
        return self.likelihood.is_density


class Observation(ObservationModel):
    """p(x|z) = likelihood(decoder(z)): given z, the dimensions of x are independent of each other."""

    def forward(self, z, *, x, **condition):
        y, decoder_backward = self.decoder.forward(z, **condition)
        nll, likelihood_backward = self.likelihood.forward(y, x=x)

        def backward(dnll):
            return decoder_backward(likelihood_backward(dnll))

        return nll, backward

    def mean(self, z, **condition):
        """E[x|z], (M, D)"""
        return self.likelihood.mean(self.decoder(z, **condition))

    def sample(self, z, rng, **condition):
        """A draw x ~ p(x|z) for each z, (M, D); ValueError where a distance takes the place of the likelihood."""
        if not self.is_density:
            raise ValueError(f"likelihood must be a density to draw x from, but {self.describe()} is a distance: "
                             "`mean` gives what it compares x with")
        return self.likelihood.sample(self.decoder(z, **condition), rng)
