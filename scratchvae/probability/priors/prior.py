"""What a latent-variable model asks of a prior."""

from ...core import Module


class Prior(Module):
    """p(z), of which a model needs the log-density and draws.

        forward(z, **condition) -> (log_p, backward)        z (M, Z) -> (M,), in nats; backward(dlog_p) -> dz
        sample(n, rng, dtype, **condition) -> z (n, Z)
        n_latents = Z

    `condition` is what the data hold beside x (a label, half an image), a row for each z; most priors ignore it.
    """
