"""Mistakes in densities, divergences and likelihoods."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="variance taken for the standard deviation",
        mistake="`z = mu + exp(logvar) * eps`",
        seen="https://github.com/keras-team/keras/issues/3283",
        module="probability.gaussian",
        edits={"sigma = np.exp(logvar / 2)": "sigma = np.exp(logvar)", "dz * eps * sigma / 2": "dz * eps * sigma"},
        caught_by="test_distributions.py::"
                  "test_reparameterized_samples_have_the_mean_and_variance_they_are_named_after"),
    Mutant(
        name="half forgotten in the KL",
        mistake="KL = `mu^2 + sigma^2 - log sigma - 1/2`: the 1/2 of the squares is forgotten",
        seen="https://github.com/SupaeroDataScience/deep-learning/pull/6",
        module="probability.gaussian",
        edits={"dkl * mu, dkl * (var - 1) / 2": "2 * dkl * mu, dkl * (2 * var - 1) / 2",
               "(mu * mu + var - 1 - logvar).sum(axis=1) / 2": "(2 * mu * mu + 2 * var - 1 - logvar).sum(axis=1) / 2"},
        caught_by="test_distributions.py::test_the_analytic_kl_is_the_mean_of_log_q_minus_log_p[1]"),
    Mutant(
        name="sign of log sigma in the KL",
        mistake="KL with `+ 2 log sigma`: a narrow q is cheap, without limit",
        seen="https://github.com/FluxML/model-zoo/pull/147",
        module="probability.gaussian",
        edits={"dkl * (var - 1) / 2": "dkl * (var + 1) / 2", "var - 1 - logvar": "var - 1 + logvar"},
        caught_by="test_distributions.py::test_kl_is_zero_where_q_is_the_prior_and_positive_elsewhere"),
    Mutant(
        name="KL averaged over the latents",
        mistake="KL = `-0.5 * K.mean(1 + logvar - mu^2 - exp(logvar), axis=-1)`, 1/Z of it",
        seen="https://github.com/maxhodak/keras-molecules/issues/59",
        module="probability.gaussian",
        edits={"dkl = dkl[:, None]\n        return dkl * mu":
                   "dkl = dkl[:, None] / mu.shape[1]\n        return dkl * mu",
               "(mu * mu + var - 1 - logvar).sum(axis=1) / 2": "(mu * mu + var - 1 - logvar).mean(axis=1) / 2"},
        caught_by="test_distributions.py::test_kl_sums_over_latents_and_keeps_the_examples_apart"),
    Mutant(
        name="KL summed over the batch",
        mistake="KL = `torch.sum(...)` without `dim`: every example pays for the whole batch",
        seen="https://github.com/GlassyWing/nvae/issues/3",
        module="probability.gaussian",
        edits={"dkl = dkl[:, None]\n        return dkl * mu":
                   "dkl = np.full_like(mu, dkl.sum())\n        return dkl * mu",
               "(mu * mu + var - 1 - logvar).sum(axis=1) / 2":
                   "np.zeros_like(mu[:, 0]) + (mu * mu + var - 1 - logvar).sum() / 2"},
        caught_by="test_distributions.py::test_kl_sums_over_latents_and_keeps_the_examples_apart"),
    Mutant(
        name="wrong factor in the gradient of a log-variance",
        mistake="by hand, d/dlogvar of the Gaussian log-density with the constant 1/4 where it is 1/2",
        seen="https://github.com/y0ast/VAE-Torch/pull/5",
        module="probability.gaussian",
        edits={"(d * d * precision - 1) / 2": "(d * d * precision - 1 / 2) / 2"},
        caught_by="test_gradcheck.py::test_every_backward_is_proven[gaussian_logpdf]"),
    Mutant(
        name="Gaussian without its constant",
        mistake="a log-likelihood without `D/2 log 2 pi`",
        seen="https://github.com/Qinyu-Allen-Zhao/Arinar/issues/1",
        module="probability.gaussian",
        edits={"-(math.log(2 * math.pi) + logvar + d * d * precision)": "-(logvar + d * d * precision)"},
        caught_by="test_distributions.py::test_gaussian_density_integrates_to_one_and_has_its_moments"),
    Mutant(
        name="cross-entropy averaged over the pixels",
        mistake="`binary_crossentropy` as it comes, a mean over 784 pixels, beside a KL",
        seen="https://github.com/keras-team/keras/issues/6015",
        module="probability.likelihoods",
        edits={"return dnll[:, None] * ((1 + t) / 2 - x)": "return dnll[:, None] * ((1 + t) / 2 - x) / x.shape[1]",
               "return nats.sum(axis=1), backward": "return nats.mean(axis=1), backward"},
        caught_by="test_distributions.py::test_bernoulli_probabilities_of_all_images_sum_to_one"),
    Mutant(
        name="squared error averaged over the pixels",
        mistake="`mse_loss`, a mean over pixels, plus a KL that is a sum",
        seen="https://github.com/orybkin/sigma-vae-pytorch/pull/12",
        module="probability.likelihoods",
        edits={"return 2 * derror[:, None] * d": "return 2 * derror[:, None] * d / d.shape[1]",
               "(d * d).sum(axis=1)": "(d * d).mean(axis=1)"},
        caught_by="test_distributions.py::test_squared_error_sums_over_pixels"),
    Mutant(
        name="logits and targets exchanged",
        mistake="`binary_cross_entropy_with_logits(x, logits)`, the two arguments the other way round",
        seen="https://github.com/autonomousvision/sledge/issues/4",
        module="probability.likelihoods",
        edits={"t = np.tanh(logits / 2)\n": "t = np.tanh(x / 2)\n",
               "dnll[:, None] * ((1 + t) / 2 - x)": "-dnll[:, None] * x",
               "nats = np.maximum(logits, 0) - logits * x": "nats = np.maximum(x, 0) - logits * x"},
        caught_by="test_distributions.py::test_bernoulli_is_the_textbook_cross_entropy"),
    Mutant(
        name="logits shown as pixels",
        mistake="pictures of the decoder's output, the sigmoid forgotten once it had moved into the loss",
        seen="https://github.com/FluxML/model-zoo/pull/289",
        module="probability.likelihoods",
        edits={'E[x|z] = sigmoid(a) = (1 + tanh(a / 2)) / 2"""\n        return (1 + np.tanh(logits / 2)) / 2':
                   'E[x|z] = sigmoid(a) = (1 + tanh(a / 2)) / 2"""\n        return logits'},
        caught_by="models/test_models.py::test_a_vae_reconstructs_from_the_mean_of_its_posterior"),
    Mutant(
        name="continuous Bernoulli without its normalizer",
        mistake="cross-entropy on grey pixels as a log-likelihood: the density does not integrate to 1",
        seen="https://arxiv.org/abs/1907.06845",
        module="probability.continuous_bernoulli",
        edits={"return h + np.where(near, s * polynomial(SERIES, s), far + np.log1p(-np.exp(-2 * far)) "
               "- np.log(2 * far))": "return h + m + np.log1p(np.exp(-2 * m))",
               "return (1 + np.where(near, small * polynomial(slopes, small * small), 1 / np.tanh(far) - 1 / far)) / 2":
                   "return (1 + np.tanh(h)) / 2"},
        caught_by="probability/test_pixel_likelihoods.py::"
                  "test_a_density_integrates_to_one_and_has_its_mean[continuous bernoulli, white]"),
    Mutant(
        name="mixture taken per dimension",
        mistake="log-sum-exp for each dimension, then the sum: a product of mixtures, no mixture",
        seen="https://github.com/scverse/scvi-tools/issues/3188",
        module="probability.mixtures",
        edits={"return log_sum_exp(self.log_joint(x))\n":
                   "return sum(log_sum_exp(self.of_dimension(d).log_joint(x[:, [d]])) for d in range(x.shape[1]))\n",
               "    @classmethod\n    def start(cls, x, K, rng, ridge=0.0):":
                   "    def of_dimension(self, d):\n"
                   "        covariances = self.covariances[:, [d]][:, :, [d]]\n"
                   "        return GaussianMixture(self.weights, self.means[:, [d]], covariances)\n\n"
                   "    @classmethod\n    def start(cls, x, K, rng, ridge=0.0):"},
        caught_by="probability/test_mixtures.py::"
                  "test_a_mixture_is_joint_and_no_product_of_one_dimensional_mixtures"),
    Mutant(
        name="weights of a mixture added",
        mistake="`pi1 + exp(log p1) + pi2 + exp(log p2)`, plus where times belongs",
        seen="https://github.com/JavierAntoran/Bayesian-Neural-Networks/issues/15",
        module="probability.mixtures",
        edits={"np.log(self.weights) + self.component_logpdf(x)":
               "np.logaddexp(np.log(self.weights), self.component_logpdf(x))"},
        caught_by="probability/test_mixtures.py::test_the_densities_are_scipys"),
]
