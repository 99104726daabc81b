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
        edits={"dkl * mu, dkl * (var - 1) / 2\n\n    return (mu * mu + var - 1 - logvar).sum(axis=1) / 2":
               "2 * dkl * mu, dkl * (2 * var - 1) / 2\n\n"
               "    return (2 * mu * mu + 2 * var - 1 - logvar).sum(axis=1) / 2"},
        caught_by="test_distributions.py::test_the_analytic_kl_is_the_mean_of_log_q_minus_log_p[1]"),
    Mutant(
        name="sign of log sigma in the KL",
        mistake="KL with `+ 2 log sigma`: a narrow q is cheap, without limit",
        seen="https://github.com/FluxML/model-zoo/pull/147",
        module="probability.gaussian",
        edits={"dkl * mu, dkl * (var - 1) / 2\n\n    return (mu * mu + var - 1 - logvar).sum(axis=1) / 2":
               "dkl * mu, dkl * (var + 1) / 2\n\n    return (mu * mu + var - 1 + logvar).sum(axis=1) / 2"},
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
        caught_by="proof/test_proofs.py::test_every_backward_is_proven[gaussian_logpdf]"),
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
        module="probability.likelihoods.bernoulli",
        edits={"dlogits *= dnll[:, None]\n": "dlogits *= dnll[:, None] / x.shape[1]\n",
               "return nats.sum(axis=1) - sum_of_logs(np.maximum(s, 1 - s)), backward":
               "return (nats.sum(axis=1) - sum_of_logs(np.maximum(s, 1 - s))) / x.shape[1], backward"},
        caught_by="test_distributions.py::test_bernoulli_probabilities_of_all_images_sum_to_one"),
    Mutant(
        name="squared error averaged over the pixels",
        mistake="`mse_loss`, a mean over pixels, plus a KL that is a sum",
        seen="https://github.com/orybkin/sigma-vae-pytorch/pull/12",
        module="probability.likelihoods.squared_error",
        edits={"return 2 * derror[:, None] * d": "return 2 * derror[:, None] * d / d.shape[1]",
               "(d * d).sum(axis=1)": "(d * d).mean(axis=1)"},
        caught_by="test_distributions.py::test_squared_error_sums_over_pixels"),
    Mutant(
        name="logits and targets exchanged",
        mistake="`binary_cross_entropy_with_logits(x, logits)`, the two arguments the other way round",
        seen="https://github.com/autonomousvision/sledge/issues/4",
        module="probability.likelihoods.bernoulli",
        edits={"s = sigmoid(logits)\n": "s = sigmoid(x)\n",
               "dlogits = s - x": "dlogits = -x",
               "nats = np.maximum(logits, 0) - logits * x": "nats = np.maximum(x, 0) - logits * x"},
        caught_by="test_distributions.py::test_bernoulli_is_the_textbook_cross_entropy"),
    Mutant(
        name="logits shown as pixels",
        mistake="pictures of the decoder's output, the sigmoid forgotten once it had moved into the loss",
        seen="https://github.com/FluxML/model-zoo/pull/289",
        module="probability.likelihoods.bernoulli",
        edits={"return sigmoid(logits)": "return logits"},
        caught_by="models/test_models.py::test_a_vae_reconstructs_from_the_mean_of_its_posterior"),
    Mutant(
        name="continuous Bernoulli without its normalizer",
        mistake="cross-entropy on grey pixels as a log-likelihood: the density does not integrate to 1",
        seen="https://arxiv.org/abs/1907.06845",
        module="probability.likelihoods.continuous_bernoulli",
        edits={"return np.where(near, h * h * polynomial(SERIES, h * h) - h, np.log1p(-np.exp(-far)) - np.log(far))":
               "return np.log1p(np.exp(-m))",
               "return (1 + np.where(near, small * polynomial(slopes, small * small), 1 / np.tanh(far) - 1 / far)) / 2":
                   "return (1 + np.tanh(h)) / 2"},
        caught_by="probability/likelihoods/test_pixel_likelihoods.py::"
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
    Mutant(
        name="parenthesis of the Gaussian log-density",
        mistake="`-0.5 * (log_var + (z - mu)^2) / log_var.exp()`: the log-variance is divided too",
        seen="https://github.com/AntixK/PyTorch-VAE/blob/2946d7a0b9e31eb023ca60f8793656fe97cc198a/models/vampvae.py",
        module="probability.gaussian",
        edits={"logvar + d * d * precision).sum": "(logvar + d * d) * precision).sum",
               "dlogp * (d * d * precision - 1) / 2": "dlogp * (logvar + d * d - 1) * precision / 2"},
        caught_by="test_distributions.py::test_gaussian_density_integrates_to_one_and_has_its_moments"),
    Mutant(
        name="variance given for the scale of a normal",
        mistake="`Normal(mu, var)`, which takes a standard deviation",
        seen="https://github.com/MaximeRobeyns/bayesian_flow_networks/issues/1",
        module="probability.likelihoods.gaussian",
        edits={"mu + self.sigma * rng.standard_normal": "mu + self.sigma**2 * rng.standard_normal"},
        caught_by="test_distributions.py::test_gaussian_draws_have_the_density_of_the_likelihood"),
    Mutant(
        name="cross-entropy that overflows",
        mistake="`log(1 + exp(logits))` as it is written in books",
        seen="https://github.com/borgwang/tinynn/pull/7",
        module="probability.likelihoods.bernoulli",
        edits={"nats = np.maximum(logits, 0) - logits * x": "nats = np.log(1 + np.exp(logits)) - logits * x",
               " - sum_of_logs(np.maximum(s, 1 - s))": ""},
        caught_by="test_distributions.py::test_bernoulli_at_extreme_logits_is_exact"),
    Mutant(
        name="sigmoid twice",
        mistake="a sigmoid, and then a cross-entropy that takes logits and has its own",
        seen="https://github.com/yudi-mars/daisyRec/pull/15",
        module="probability.likelihoods.bernoulli",
        edits={"s = sigmoid(logits)\n": "p = sigmoid(logits)\n    s = sigmoid(p)\n",
               "dlogits = s - x": "dlogits = (s - x) * p * (1 - p)",
               "np.maximum(logits, 0) - logits * x": "np.maximum(p, 0) - p * x"},
        caught_by="test_distributions.py::test_bernoulli_is_the_textbook_cross_entropy"),
    Mutant(
        name="softmax twice",
        mistake="`nll_loss(log_softmax(softmax(x)), y)`",
        seen="https://github.com/Lightning-Universe/lightning-bolts/issues/654",
        module="probability.categorical",
        edits={"    shifted = logits - logits.max(axis=1, keepdims=True)      # the same":
                   "    logits, once = softmax.forward(logits)\n"
                   "    shifted = logits - logits.max(axis=1, keepdims=True)      # the same",
               "da[rows, y] -= dnll\n        return da": "da[rows, y] -= dnll\n        return once(da)"},
        caught_by="probability/test_categorical.py::test_the_cost_is_minus_the_log_of_the_probability"),
    Mutant(
        name="log-sum-exp without the largest taken out",
        mistake="`log(sum(exp(a)))`: inf, then nan",
        seen="https://github.com/mlberkeley/scae-pytorch/pull/4",
        module="probability.log_sum_exp",
        edits={"m = a.max(axis=-1, keepdims=True)": "m = 0 * a.max(axis=-1, keepdims=True)"},
        caught_by="probability/test_log_sum_exp.py::test_a_common_shift_comes_out_as_it_went_in[10000.0]"),
    Mutant(
        name="log-sum-exp with one maximum for all rows",
        mistake="`x_max = x.max()`: rows far below it underflow to log 0",
        seen="https://github.com/lzx1413/PytorchSSD/issues/22",
        module="probability.log_sum_exp",
        edits={"m = a.max(axis=-1, keepdims=True)": "m = a.max(keepdims=True) + 0 * a[..., :1]"},
        caught_by="probability/test_log_sum_exp.py::test_it_is_what_scipy_says[100000.0-shape0]"),
    Mutant(
        name="log-sum-exp of nothing but zeros",
        mistake="`-inf - (-inf)` = nan, where the answer is -inf",
        seen="https://github.com/HenrikBengtsson/matrixStats/issues/84",
        module="probability.log_sum_exp",
        edits={"    m = np.where(np.isfinite(m), m, 0)\n": ""},
        caught_by="probability/test_log_sum_exp.py::test_terms_that_are_zero"),
    Mutant(
        name="likelihood of the normalized weights",
        mistake="EM sums `log(wp1 + wp2)` after dividing both by their sum: log 1",
        seen="https://github.com/brianspiering/gaussian_mixture_models/issues/2",
        module="probability.mixtures",
        edits={"return np.exp(log_joint - log_p[:, None]), log_p":
               "q = np.exp(log_joint - log_p[:, None])\n        return q, np.log(q.sum(axis=1))"},
        caught_by="probability/test_mixtures.py::"
                  "test_the_bound_and_the_divergence_sum_to_the_log_likelihood[gaussian]"),
    Mutant(
        name="mean of the logs for the log of the mean",
        mistake="the mean of `log p(x, z) - log q(z|x)` over the k draws, called the importance-weighted bound",
        seen="https://github.com/arahuja/generative-tf/issues/1",
        module="probability.importance",
        edits={"dlog_w = softmax(dy)": "dlog_w = 0 * log_w + dy[:, None] / log_w.shape[1]",
               "return log_sum - math.log(log_w.shape[1]), backward": "return log_w.mean(axis=1), backward"},
        caught_by="models/test_iwae.py::"
                  "test_the_bound_is_the_log_of_the_mean_and_never_below_the_mean_of_the_logs"),
    Mutant(
        name="log k forgotten",
        mistake="`logsumexp(...)` over the draws, with no `- log k`: the bound rises with k by itself",
        seen="https://github.com/YosefLab/scVI-dev/issues/8",
        module="probability.importance",
        edits={"return log_sum - math.log(log_w.shape[1]), backward": "return log_sum, backward"},
        caught_by="models/test_iwae.py::test_with_the_posterior_for_q_every_draw_gives_log_p[50]"),
    Mutant(
        name="weights of a mixture not used",
        mistake="a softmax of the mixture's weights that nothing multiplies with",
        seen="https://github.com/rll/deepul/issues/13",
        module="probability.mixtures",
        edits={"np.log(self.weights) + self.component_logpdf(x)": "self.component_logpdf(x)"},
        caught_by="probability/test_mixtures.py::test_the_bernoulli_mixture_sums_to_one"),
    Mutant(
        name="float64 by a NumPy scalar",
        mistake="`np.sqrt(2)` is no Python float: float32 networks become float64, and slow",
        seen="https://github.com/netket/netket/pull/1218",
        module="probability.gaussian",
        edits={"-(math.log(2 * math.pi) + logvar": "-(np.log(2 * np.pi) + logvar"},
        caught_by="proof/test_proofs.py::test_every_backward_is_proven[gaussian_logpdf]"),
]
