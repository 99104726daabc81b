"""Mistakes in models: what is drawn, and what becomes of it."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="noise of the wrong width",
        mistake="`epsilon_std = 0.01`: 60 nats where 100 belong, and no bound",
        seen="https://github.com/keras-team/keras/pull/4211",
        module="models.latent",
        edits={'"eps": rng.standard_normal((len(x), self.n_latents), x.dtype)':
               '"eps": 0.01 * rng.standard_normal((len(x), self.n_latents), x.dtype)'},
        caught_by="test_distributions.py::test_the_draws_of_a_vae_are_standard_normal"),
    Mutant(
        name="uniform noise",
        mistake="`torch.rand_like` where `torch.randn_like` belongs",
        seen="https://github.com/Jackson-Kang/Pytorch-VAE-tutorial/blob/95d8e59e771fef436cac39a5ae6639140adc3980/"
             "Variational_AutoEncoder.ipynb",
        module="models.latent",
        edits={'"eps": rng.standard_normal((len(x), self.n_latents), x.dtype)':
               '"eps": rng.random((len(x), self.n_latents), x.dtype)'},
        caught_by="test_distributions.py::test_the_draws_of_a_vae_are_standard_normal"),
    Mutant(
        name="standard deviation handed on for a log-variance",
        mistake="`kl(mu, std)` where `kl(mu, logvar)` is expected: exp is taken twice",
        seen="https://github.com/sutaoyu/IBMEA/issues/2",
        module="models.vae",
        edits={"gaussian_kl.forward(mu, logvar)": "gaussian_kl.forward(mu, np.exp(logvar / 2))",
               "dmu_kl, dlogvar_kl = kl_backward(dkl)\n":
                   "dmu_kl, dsigma = kl_backward(dkl)\n            dlogvar_kl = dsigma * np.exp(logvar / 2) / 2\n"},
        caught_by="models/test_models.py::test_the_terms_of_a_vae_are_those_of_its_parts"),
    Mutant(
        name="beta not used",
        mistake="a beta-VAE that keeps its beta and adds the KL without it",
        seen="https://github.com/AlexanderVNikitin/tsgm/issues/69",
        module="models.vae",
        edits={"terms_backward(dloss, beta * dloss)": "terms_backward(dloss, dloss)",
               "return nll + beta * kl, backward": "return nll + kl, backward"},
        caught_by="models/test_models.py::test_the_terms_of_a_vae_are_those_of_its_parts"),
    Mutant(
        name="reconstruction at mu + sigma",
        mistake="out of training eps is 1, not 0: `z = mu + std`",
        seen="https://github.com/Project-MONAI/MONAI/issues/8413",
        module="models.latent",
        edits={"return self.encode(x, **condition)[0]":
               "mu, logvar = self.encode(x, **condition)\n            return mu + np.exp(logvar / 2)"},
        caught_by="models/test_models.py::test_a_vae_reconstructs_from_the_mean_of_its_posterior"),
    Mutant(
        name="IWAE: log-sum-exp of the losses",
        mistake="`logsumexp(losses)`, not of minus the losses: the worst draw counts most",
        seen="https://github.com/YosefLab/scVI-dev/issues/8",
        module="models.iwae",
        edits={"bound, bound_backward = log_mean_exp.forward(log_w)\n\n        def backward(dloss):\n"
               "            weights_backward(bound_backward(-dloss))\n\n        return (-bound,), backward":
               "loss, loss_backward = log_mean_exp.forward(-log_w)\n\n        def backward(dloss):\n"
               "            weights_backward(-loss_backward(dloss))\n\n        return (loss,), backward"},
        caught_by="models/test_iwae.py::"
                  "test_the_bound_is_the_log_of_the_mean_and_never_below_the_mean_of_the_logs"),
    Mutant(
        name="IWAE: softmax over the losses",
        mistake="`weight = softmax(mse + kl)`: large where the draw is bad",
        seen="https://github.com/AntixK/PyTorch-VAE/blob/f71e454440c3761b822b23ef88a5c4599bad88fc/models/iwae.py",
        module="models.iwae",
        edits={"return normalized(self.log_weights(eps, x=x": "return normalized(-self.log_weights(eps, x=x"},
        caught_by="models/test_iwae.py::test_the_surrogate_has_the_gradient_of_the_bound_and_another_value"),
    Mutant(
        name="IWAE: gradient through the weights",
        mistake="`sum(weight * log_weight)` with the weights not detached: another gradient than that of the bound",
        seen="https://github.com/AntixK/PyTorch-VAE/issues/34",
        module="models.iwae",
        edits={"weights_backward(-dloss[:, None] * v)":
               "mean = (v * log_w).sum(axis=1, keepdims=True)\n"
               "            weights_backward(-dloss[:, None] * v * (1 + log_w - mean))"},
        caught_by="models/test_iwae.py::test_the_surrogate_has_the_gradient_of_the_bound_and_another_value"),
    Mutant(
        name="DReG: weights not squared",
        mistake="the gradient through q's density stopped, and nothing else changed: biased for k > 1",
        seen="https://arxiv.org/abs/1810.04152",
        module="models.iwae",
        edits={"share=normalized(log_w)": "share=normalized(log_w)**0"},
        caught_by="models/test_iwae.py::test_dreg_and_the_bound_have_one_expectation"),
    Mutant(
        name="PCA: eigenvalues in the order they come",
        mistake="the first k columns of `eig`, sorted by nobody",
        seen="https://github.com/facebookresearch/fastText/issues/1199",
        module="models.pca",
        edits={"self.eigenvalues, self.U = eigenvalues[::-1], U[:, ::-1]": "self.eigenvalues, self.U = eigenvalues, U"},
        caught_by="models/test_pca.py::test_pca_diagonalizes_the_covariance"),
    Mutant(
        name="PCA: rows sorted for columns",
        mistake="`e_vecs[sort_idx]`, where the eigenvectors are the columns",
        seen="https://github.com/rasbt/mlxtend/issues/476",
        module="models.pca",
        edits={"U[:, ::-1]": "U[::-1]"},
        caught_by="models/test_pca.py::test_pca_diagonalizes_the_covariance"),
    Mutant(
        name="uniform prior",
        mistake="new images from `z = rand(...)`, uniform on [0, 1), of a model whose prior is N(0, I)",
        seen="https://github.com/1Konny/Beta-VAE/pull/7",
        module="probability.priors.standard_normal",
        edits={"return rng.standard_normal((n, self.n_latents), dtype)":
               "return rng.random((n, self.n_latents), dtype)"},
        caught_by="test_distributions.py::test_new_images_of_a_vae_have_the_means_of_their_density"),
]
