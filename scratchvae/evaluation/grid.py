"""The true posterior of a model with two latents: in two dimensions a grid of z is small enough to sum over."""

import numpy as np

from ..probability import gaussian_logpdf, log_sum_exp

NEGLIGIBLE = 70      # nats below the highest log p(x, z): a density exp(-70) times the largest is taken to be zero


class GridPosterior:
    """p(z|x) at points^2 places z for each x (B, D), for any latent-variable model with 2 latents.

    A coarse grid on [-limit, limit]^2 finds where p(x, z) is not negligible; the grid of x covers that box.

    z              (B, G, 2)  the points, G = points^2, and `area` (B,), that of the cell of each of them
    log_joint      (B, G)     log p(x|z) + log p(z), in nats
    log_evidence   (B,)       log p(x) = log integral p(x, z) dz ~ log sum_g p(x, z_g) area
    log_posterior  (B, G)     log p(z|x), so that sum_g p(z_g|x) area = 1

    The sum over a regular grid converges exponentially for a smooth density that vanishes at the border. Raises
    ValueError where it would not (a posterior with mass on the border, or on fewer than 10 points), or unless Z = 2.
    """

    def __init__(self, model, x, limit=8.0, points=121, coarse_points=49, **condition):
        if model.n_latents != 2:
            raise ValueError(f"model must have 2 latents to be put on a grid, but has {model.n_latents}")
        coarse = square(np.full(2, -limit), np.full(2, limit), coarse_points)
        rows = [{"x": x[i:i + 1], **{name: c[i:i + 1] for name, c in condition.items()}} for i in range(len(x))]
        boxes = [box(coarse, log_joint(model, coarse, row), 2 * limit / (coarse_points - 1)) for row in rows]
        self.points = points
        self.z = np.stack([square(low, high, points) for low, high in boxes])
        self.steps = np.array([(high - low) / (points - 1) for low, high in boxes])
        self.area = self.steps.prod(axis=1)
        self.log_joint = np.stack([log_joint(model, z, row) for z, row in zip(self.z, rows, strict=True)])
        self.log_evidence = log_sum_exp(self.log_joint) + np.log(self.area)
        self.log_posterior = self.log_joint - self.log_evidence[:, None]
        check_resolution(np.exp(self.log_posterior) * self.area[:, None], points)

    def log_q(self, mu, logvar):
        """log N(z; mu, sigma^2) at the points of each x: mu and logvar (B, 2) -> (B, G).

        Raises ValueError for a q that reaches beyond the grid, or whose sigma is below 0.9 steps: its sum is not 1.
        """
        steps = (np.exp(logvar / 2) / self.steps).min(axis=1)
        if steps.min() < 0.9:
            raise ValueError(f"points must be more: the sigma of q {steps.argmin()} is {steps.min():.2f} steps long")
        log_q = np.stack([gaussian_logpdf(z, *(np.tile(row, (len(z), 1)) for row in rows))
                          for z, *rows in zip(self.z, mu, logvar, strict=True)])
        total = np.exp(log_q).sum(axis=1) * self.area
        worst = np.argmax(np.abs(total - 1))
        if not abs(total[worst] - 1) < 1e-6:
            raise ValueError(f"q {worst} must lie on the grid of its x, but sums to {total[worst]:.8g} there")
        return log_q

    def elbo(self, log_q):
        """sum_g q(z_g) (log p(x, z_g) - log q(z_g)) area, (B,), in nats, for any density log_q (B, G) on the grid."""
        return (np.exp(log_q) * (self.log_joint - log_q)).sum(axis=1) * self.area

    def kl(self, log_q):
        """KL(q || p(z|x)) = sum_g q(z_g) (log q(z_g) - log p(z_g|x)) area, (B,), in nats; log_q (B, G)."""
        return (np.exp(log_q) * (log_q - self.log_posterior)).sum(axis=1) * self.area

    def moments(self):
        """The mean (B, 2) and the covariance (B, 2, 2) of p(z|x)."""
        p = (np.exp(self.log_posterior) * self.area[:, None])[..., None]
        mean = (p * self.z).sum(axis=1)
        d = self.z - mean[:, None]
        return mean, (p * d).swapaxes(1, 2) @ d

    def picture(self, i, values):
        """(z1 ticks, z2 ticks, values (G,) as a (points, points) picture) for x number i: z1 to the right, z2 up."""
        z = self.z[i].reshape(self.points, self.points, 2)
        return z[0, :, 0], z[:, 0, 1], values.reshape(self.points, self.points)


def square(low, high, points):
    """The points (G, 2) of a regular grid from the corner `low` to the corner `high`, z1 running fastest."""
    return np.stack(np.meshgrid(*np.linspace(low, high, points).T), axis=-1).reshape(-1, 2)


def box(z, log_joint, step):
    """The corners (2,) of the part of the coarse grid z (G, 2) where p(x, z) is not negligible, one step wider."""
    near = z[log_joint > log_joint.max() - NEGLIGIBLE]
    return near.min(axis=0) - step, near.max(axis=0) + step


def log_joint(model, z, constants, batch_size=100):
    """log p(x|z) + log p(z) at every z (G, 2) of one x, given as constants of one row: (G,), in nats."""
    batches = (z[start:start + batch_size] for start in range(0, len(z), batch_size))
    return np.concatenate([model.log_joint(few, **{name: np.broadcast_to(c, (len(few), *c.shape[1:]))
                                                   for name, c in constants.items()})[0] for few in batches])


def check_resolution(p, points):
    """ValueError where the sum of the masses p (B, G) over the grid is not close to the integral."""
    p = p.reshape(-1, points, points)
    border = p[:, [0, -1], :].sum(axis=(1, 2)) + p[:, :, [0, -1]].sum(axis=(1, 2))
    if border.max() > 1e-9:
        raise ValueError(f"limit must be larger: a posterior has {border.max():.1e} of its mass on the grid's border")
    on = 1 / (p * p).sum(axis=(1, 2))
    if on.min() < 10:
        raise ValueError(f"points must be more: a posterior lives on only {on.min():.1f} points of the grid")
