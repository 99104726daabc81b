"""What the backward of DReG is the derivative of.     Tucker et al. 2019"""

from .. import probability
from .surrogate import stop_gradient


def dreg_surrogate(dreg):
    """-sum_i v_i^2 log w_i, learned by the posterior through z_i alone; -sum_i v_i log p(x, z_i), by the other two.

    v, and in each sum everything else, is what it is at the point of the proof. For a diagonal Gaussian posterior.
    """
    def surrogate(*, x, eps):
        fixed, k = stop_gradient(dreg), eps.shape[1]
        v, many_x = fixed.weights(x=x, eps=eps), x.repeat(k, axis=0)
        (z, _), (fixed_z, _) = dreg.posterior(x, eps), fixed.posterior(x, eps)
        mu, logvar = (probability.repeat(a, k=k) for a in fixed.encode(x))
        log_p, _ = fixed.log_joint(z, x=many_x)
        for_posterior = log_p - probability.gaussian_logpdf(z, mu, logvar)
        for_the_others, _ = dreg.log_joint(fixed_z, x=many_x)
        return -(v * v * for_posterior.reshape(v.shape) + v * for_the_others.reshape(v.shape)).sum(axis=1)

    return surrogate
