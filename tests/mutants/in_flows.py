"""Mistakes in flows, their log-determinants, and what is made of them."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="planar: norm for squared norm",
        mistake="`w / ||w||` where `w / ||w||^2` belongs: steps that are not invertible, unless ||w|| is 1",
        seen="https://github.com/tonyduan/normalizing-flows/issues/2",
        module="probability.flows.planar",
        edits={"p, n = (u * w).sum(axis=1, keepdims=True), (w * w).sum(axis=1, keepdims=True)":
               "p, n = (u * w).sum(axis=1, keepdims=True), (w * w).sum(axis=1, keepdims=True)**0.5",
               "2 * dn * w": "dn * w / n"},
        caught_by="probability/test_flows.py::test_every_planar_step_is_invertible_whatever_u_and_w_are"),
    Mutant(
        name="planar without its constraint",
        mistake="u as it is: where w'u < -1 space is folded, and the \"bound\" may lie above log p(x)",
        seen="https://github.com/ex4sperans/variational-inference-with-normalizing-flows/issues/2",
        module="probability.flows.planar",
        edits={"    m = softplus(p) - 1\n    c =": "    m = p\n    c =",
               "np.log1p(m * slope)[:, 0]": "np.log((1 + m * slope)**2)[:, 0] / 2",
               "dp = (slope * dJ + dc / n) * sigmoid(p) - dc / n": "dp = slope * dJ + 0 * sigmoid(p)"},
        caught_by="models/test_flow_vae.py::test_the_same_numbers_in_the_step_of_the_library_give_a_bound"),
    Mutant(
        name="sign of the log-determinant",
        mistake="`+ log|det|` for `- log|det|`, under a test whose log|det| is 0",
        seen="https://github.com/danielward27/flowjax/issues/208",
        module="probability.flows.posterior",
        edits={"return (z, log_q - log_det), backward": "return (z, log_q + log_det), backward",
               "flow_backward(dz, -dlog_q)": "flow_backward(dz, dlog_q)"},
        caught_by="probability/test_flows.py::test_a_density_integrates_to_one_and_its_draws_have_it[planar-0]"),
    Mutant(
        name="log-determinants of the whole batch",
        mistake="`log_gaussian(z, mu, log_var) - sum(log_det_z)`: every example pays for all",
        seen="https://github.com/wohlert/semi-supervised-pytorch/issues/21",
        module="probability.flows.posterior",
        edits={"return (z, log_q - log_det), backward": "return (z, log_q - log_det.sum()), backward",
               "flow_backward(dz, -dlog_q)": "flow_backward(dz, -np.full_like(dlog_q, dlog_q.sum()))"},
        caught_by="probability/test_flows.py::test_log_q_of_a_draw_is_what_it_is_alone"),
    Mutant(
        name="log-determinant counted once a latent",
        mistake="a log N of shape (B, Z) plus `log_det_J.unsqueeze(1)`, then the sum over Z",
        seen="https://github.com/jmtomczak/intro_dgm/blob/90afba0c45fb9b1f71cf35fc0c10ba94f83c2b8a/"
             "vaes/vae_priors_example.ipynb",
        module="probability.flows.posterior",
        edits={"return (z, log_q - log_det), backward": "return (z, log_q - z.shape[1] * log_det), backward",
               "flow_backward(dz, -dlog_q)": "flow_backward(dz, -dz.shape[1] * dlog_q)"},
        caught_by="probability/test_flows.py::test_a_density_integrates_to_one_and_its_draws_have_it[planar-0]"),
    Mutant(
        name="decoder sees z_0",
        mistake="the flow moves z inside the KL alone, and the decoder is given the z that went into it",
        seen="https://github.com/wohlert/semi-supervised-pytorch/blob/7cde4959468d271552febdcfed5e1cfae9857613/"
             "semi-supervised/models/vae.py",
        module="probability.flows.posterior",
        edits={"(z, log_q), draw_backward": "(z_0, log_q), draw_backward",
               "= self.flow.forward(z, h)\n\n        def backward(dz, dlog_q):":
                   "= self.flow.forward(z_0, h)\n\n        def backward(dz, dlog_q):",
               "return (z, log_q - log_det), backward":
                   "return (z_0, log_q - log_det + ((z * z) - (z_0 * z_0)).sum(axis=1) / 2), backward"},
        caught_by="probability/test_flows.py::test_log_q_of_a_draw_is_the_density_at_that_place[planar]"),
    Mutant(
        name="prior at z_0",
        mistake="`log_stdnormal(z_0)` where the prior of z_K belongs",
        seen="https://github.com/casperkaae/parmesan/pull/21",
        module="probability.flows.posterior",
        edits={"(z, log_q), draw_backward": "(z_0, log_q), draw_backward",
               "= self.flow.forward(z, h)\n\n        def backward(dz, dlog_q):":
                   "= self.flow.forward(z_0, h)\n\n        def backward(dz, dlog_q):",
               "return (z, log_q - log_det), backward":
                   "return (z, log_q - log_det + ((z_0 * z_0) - (z * z)).sum(axis=1) / 2), backward"},
        caught_by="probability/test_flows.py::test_a_density_integrates_to_one_and_its_draws_have_it[planar-0]"),
    Mutant(
        name="order of a MADE taken for places",
        mistake="one dimension a pass, in the order of `ordering`, which says not who is next but whose turn is when",
        seen="https://github.com/rll/deepul/issues/10",
        module="probability.flows.iaf",
        edits={"for j in self.net.order:": "for j in np.argsort(self.net.order):"},
        caught_by="probability/test_flows.py::test_the_inverse_brings_z_back[iaf, any order-5]"),
]
