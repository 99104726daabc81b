"""Mistakes in priors, and in latents of two layers."""

from mutant import Mutant

INTRO_DGM = ("https://github.com/jmtomczak/intro_dgm/blob/90afba0c45fb9b1f71cf35fc0c10ba94f83c2b8a/"
             "vaes/vae_priors_example.ipynb")
ANTIXK = "https://github.com/AntixK/PyTorch-VAE/blob/f71e454440c3761b822b23ef88a5c4599bad88fc/models/"
OWN_SAMPLES = "probability/test_priors.py::test_the_samples_of_a_prior_have_its_density"
MIXTURE = "log_p, sum_backward = log_sum_exp.forward(features @ slopes.T + constants)"
COMPONENT = "k = (rng.random(n)[:, None] * below[-1] >= below[:-1]).sum(axis=1)"

MUTANTS = [
    Mutant(
        name="standard normal with log sigma = 1",
        mistake="the density of the prior is given 1 for its log standard deviation, which is 0",
        seen="https://github.com/HIPS/autograd/pull/266",
        module="probability.priors.standard_normal",
        edits={"return -(math.log(2 * math.pi) + z * z).sum(axis=1) / 2, backward":
               "return -(math.log(2 * math.pi) + 2 + z * z * math.exp(-2)).sum(axis=1) / 2, backward"},
        caught_by=f"{OWN_SAMPLES}[standard normal]"),
    Mutant(
        name="mixture: a component in every dimension",
        mistake="`logsumexp` over the components before the sum over the dimensions: a product of one-dimensional "
                "mixtures, (D - 1) log 2 nats too little for draws of two far components",
        seen=INTRO_DGM,
        module="probability.priors.gaussian_mixture",
        edits={MIXTURE: "log_normal = -(math.log(2 * math.pi) + logvar + (z[:, None] - mu)**2 * s) / 2\n"
                        "    log_p, sum_backward = log_sum_exp((log_pi[:, None] + log_normal).swapaxes(1, 2))"
                        ".sum(axis=1), None"},
        caught_by=f"{OWN_SAMPLES}[mixture]"),
    Mutant(
        name="mixture: the same in the aggregate posterior",
        mistake="`MixtureSameFamily` of a Normal without an event dimension: a mixture of its own for each latent",
        seen="https://github.com/scverse/scvi-tools/issues/3188",
        module="probability.priors.aggregate",
        edits={"log_p, mixture_backward = gaussian_mixture_logpdf.forward(z, np.zeros_like(mu[:, 0]), mu, logvar)":
               "log_p, mixture_backward = sum(gaussian_mixture_logpdf(z[:, j:j + 1], np.zeros_like(mu[:, 0]), "
               "mu[:, j:j + 1], logvar[:, j:j + 1]) for j in range(self.n_latents)), None"},
        caught_by="probability/test_priors.py::"
                  "test_with_the_data_for_pseudo_inputs_a_vamp_prior_is_the_aggregate_posterior"),
    Mutant(
        name="mixture: the product of the components",
        mistake="the logarithms of all components added, where their exponentials are",
        seen="https://github.com/blei-lab/edward/issues/185",
        module="probability.priors.gaussian_mixture",
        edits={MIXTURE: "log_p, sum_backward = (features @ slopes.T + constants).sum(axis=1), None"},
        caught_by=f"{OWN_SAMPLES}[mixture]"),
    Mutant(
        name="mixture: weights added",
        mistake="`pi1 + exp(...) + pi2 + exp(...)` where the weights multiply",
        seen="https://github.com/JavierAntoran/Bayesian-Neural-Networks/issues/15",
        module="probability.priors.gaussian_mixture",
        edits={MIXTURE: "log_normal = features @ slopes.T + constants - log_pi\n"
                        "    m = log_normal.max(axis=1, keepdims=True)\n"
                        "    log_p, sum_backward = "
                        "m[:, 0] + np.log((np.exp(log_pi) + np.exp(log_normal - m)).sum(axis=1)), None"},
        caught_by=f"{OWN_SAMPLES}[mixture]"),
    Mutant(
        name="mixture: log-variance over the variance",
        mistake="`-0.5 * (log_var + (z - mu) ** 2) / log_var.exp()`: one bracket too wide",
        seen=f"{ANTIXK}vampvae.py",
        module="probability.priors.gaussian_mixture",
        edits={"(math.log(2 * math.pi) + logvar + mu * mu * s)": "(math.log(2 * math.pi) + logvar * s + mu * mu * s)"},
        caught_by=f"{OWN_SAMPLES}[mixture]"),
    Mutant(
        name="mixture: variance taken for the standard deviation",
        mistake="new z from `mean + eps * exp(logvar)`",
        seen=INTRO_DGM,
        module="probability.priors.gaussian_mixture",
        edits={"mu + np.exp(logvar / 2) * rng": "mu + np.exp(logvar) * rng"},
        caught_by=f"{OWN_SAMPLES}[mixture]"),
    Mutant(
        name="mixture: one component for all draws",
        mistake="`randint` once, outside of the batch",
        seen="https://github.com/dpkingma/nips14-ssl/blob/959dabc07055f11c8dadd4b6228172782def6479/"
             "anglepy/models/GPUVAE_YZ_X.py",
        module="probability.priors.gaussian_mixture",
        edits={COMPONENT: "k = np.full(n, (rng.random() * below[-1] >= below[:-1]).sum())"},
        caught_by=f"{OWN_SAMPLES}[mixture]"),
    Mutant(
        name="VampPrior: the first pseudo-inputs",
        mistake="new z from the first N pseudo-inputs, each once, where each is drawn",
        seen="https://github.com/jmtomczak/vae_vampprior/issues/3",
        module="probability.priors.gaussian_mixture",
        edits={COMPONENT: "k = np.arange(n) % len(below)"},
        caught_by=f"{OWN_SAMPLES}[weighted VampPrior]"),
    Mutant(
        name="VampPrior: new z from N(0, I)",
        mistake="trained under the VampPrior, sampled from the standard normal",
        seen="https://github.com/AntixK/PyTorch-VAE/issues/9",
        module="probability.priors.vamp",
        edits={"return draw_from_mixture(n, rng, dtype, self.logits.value, *self.encoder(self.inputs()[0]))":
               "return rng.standard_normal((n, self.n_latents), dtype)"},
        caught_by=f"{OWN_SAMPLES}[VampPrior]"),
    Mutant(
        name="mixture that does not learn",
        mistake="means, variances and weights of the prior are plain tensors that no optimizer knows",
        seen="https://github.com/xuxu-wei/SUAVE/pull/47",
        module="probability.priors.gaussian_mixture",
        edits={"p.grad += gradient": "p.grad += 0 * gradient"},
        caught_by="proof/test_proofs.py::test_every_backward_is_proven[GaussianMixturePrior]"),
    Mutant(
        name="two layers: a KL in place of the density of z1",
        mistake="log p(z1|z2) = `-0.5 * sum(1 + logvar - (z1 - mu) ** 2 - exp(logvar))`: no density, and no bound",
        seen=f"{ANTIXK}hvae.py",
        module="probability.two_layers",
        edits={"log_p1, log_p1_backward = gaussian_logpdf.forward(z1, mu, logvar)\n":
               "_, log_p1_backward = gaussian_logpdf.forward(z1, mu, logvar)\n"
               "        log_p1 = -(1 + logvar - (z1 - mu)**2 - np.exp(logvar)).sum(axis=1) / 2\n"},
        caught_by=f"{OWN_SAMPLES}[two layers]"),
    Mutant(
        name="two layers: the density of another Gaussian than the one drawn from",
        mistake="z1 is drawn from the encoder's Gaussian merged with the prior's, its KL is taken of the encoder's",
        seen="https://github.com/AntixK/PyTorch-VAE/issues/25",
        module="probability.two_layers",
        edits={"        z1_and_log_q, draw_backward = gaussian_draw.forward(mu, logvar, eps, score=score)\n":
               "        z1_and_log_q, draw_backward = gaussian_draw.forward(mu, logvar, eps, score=score)\n"
               "        encoders = getattr(self.first, 'change', self.first)(h, z2)\n"
               "        z1_and_log_q = z1_and_log_q[0], gaussian_logpdf(z1_and_log_q[0], *encoders)\n"},
        caught_by="probability/test_two_layer_parts.py::test_the_density_is_that_of_the_draw[True]"),
]
