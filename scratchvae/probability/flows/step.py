"""A step of a flow, and steps one after the other."""

from ...core import Module


class FlowStep(Module):
    """z' = f(z; h), invertible in z at every h; the density changes by log q(z') = log q(z) - log|det dz'/dz|.

        forward(z, h) -> ((z', log_det), backward)          z (M, Z), h (M, H) -> z' (M, Z), log_det (M,), in nats
        backward(dz', dlog_det) -> (dz, dh)
        inverse(z', h) -> z                                 to the precision of its dtype

    h is what the encoder says of the x of each row: the numbers of a step are functions of it, so that each x has a
    flow of its own (amortized inference; 償却推論).     Rezende & Mohamed 2015, eq. (5) and (7)
    """


class Flow(FlowStep):
    """z_K = f_K(... f_1(z_0)), each step told the same h;  log|det dz_K/dz_0| = sum_k log|det dz_k/dz_k-1|"""

    def __init__(self, *steps):
        self.steps = steps

    def forward(self, z, h):
        log_det, backwards = 0, []
        for step in self.steps:
            (z, more), step_backward = step.forward(z, h)
            log_det = log_det + more
            backwards.append(step_backward)

        def backward(dz, dlog_det):
            dh = 0
            for step_backward in reversed(backwards):
                dz, more = step_backward(dz, dlog_det)
                dh = dh + more
            return dz, dh

        return (z, log_det), backward

    def inverse(self, z, h):
        """z_0 of z_K"""
        for step in reversed(self.steps):
            z = step.inverse(z, h)
        return z
