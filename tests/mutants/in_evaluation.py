"""Mistakes in numbers that are reported."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="evaluated at mu",
        mistake="in evaluation mode `z = mu`: what is reported is not the ELBO",
        seen="https://github.com/pytorch/examples/pull/419",
        module="training.terms",
        edits={'constants = batch | model.noise(batch["x"], rng)':
               'constants = batch | {name: 0 * eps for name, eps in model.noise(batch["x"], rng).items()}'},
        caught_by="evaluation/test_elbo.py::test_the_terms_are_those_of_the_model_example_by_example"),
    Mutant(
        name="cross-entropy of grey pixels called a bound",
        mistake="BCE on pixels in [0, 1], reported as if they were binary",
        seen="https://github.com/pytorch/examples/issues/460",
        module="evaluation.elbo",
        edits={'return f"surrogate {quantity} ({flaw})" if flaw else quantity': "return quantity"},
        caught_by="evaluation/test_elbo.py::test_a_number_is_called_what_it_is["
                  "mlp_vae-x3-none-surrogate -ELBO (cross-entropy of grey pixels, no likelihood)]"),
    Mutant(
        name="draws mixed over the images",
        mistake="the images of a batch summed inside the log-sum-exp over the draws, not outside of it",
        seen="https://github.com/breze-no-salt/breze/pull/85",
        module="evaluation.importance",
        edits={"    return images, model.log_weights(eps, **constants)[0].astype(np.float64)\n":
               "    log_w = model.log_weights(eps, **constants)[0].astype(np.float64)\n"
               "    return images, 0 * log_w + log_w.mean(axis=0)\n"},
        caught_by="evaluation/test_importance.py::test_streamed_sums_are_the_plain_formulas"),
    Mutant(
        name="bound of the last batch",
        mistake="the marginal likelihood of the last minibatch, reported for all of the data",
        seen="https://github.com/scverse/scvi-tools/issues/1032",
        module="training.terms",
        edits={"np.concatenate(column)": "np.resize(column[-1], len(x))"},
        caught_by="evaluation/test_elbo.py::test_the_terms_are_those_of_the_model_example_by_example"),
    Mutant(
        name="effective sample size of weights that do not sum to 1",
        mistake="`1 / sum w^2`, with w as they are",
        seen="https://github.com/pyprob/pyprob/issues/36",
        module="evaluation.importance",
        edits={"total**2 / squares": "1 / squares"},
        caught_by="evaluation/test_importance.py::test_streamed_sums_are_the_plain_formulas"),
    Mutant(
        name="covariance of the rows",
        mistake="`torch.cov(features)`, whose variables are the rows: N x N in place of F x F",
        seen="https://github.com/lucidrains/denoising-diffusion-pytorch/issues/213",
        module="evaluation.frechet",
        edits={"np.linalg.qr(features - mean, mode=\"r\") / math.sqrt(len(features) - 1)":
               "np.linalg.qr((features.T - features.mean(axis=1)), mode=\"r\") / math.sqrt(len(mean) - 1)"},
        caught_by="evaluation/test_frechet.py::"
                  "test_a_shift_is_its_squared_length_and_a_set_has_no_distance_from_itself"),
    Mutant(
        name="slerp: the two ends exchanged where it falls back",
        mistake="`low * val + high * (1 - val)` for codes that are nearly parallel",
        seen="https://github.com/AUTOMATIC1111/stable-diffusion-webui/issues/3068",
        module="evaluation.latent",
        edits={"np.where(turns, w0, 1 - t) * a + np.where(turns, w1, t) * b":
               "np.where(turns, w0, t) * a + np.where(turns, w1, 1 - t) * b"},
        caught_by="evaluation/test_latent.py::test_without_a_turn_it_is_the_straight_line"),
    Mutant(
        name="slerp: 0 / 0",
        mistake="divided by sin(0) where the two codes point the same way",
        seen="https://github.com/toji/gl-matrix/pull/500",
        module="evaluation.latent",
        edits={"turns = theta > 1e-8  ": "turns = theta > -1  "},
        caught_by="evaluation/test_latent.py::test_without_a_turn_it_is_the_straight_line"),
    Mutant(
        name="variance about zero",
        mistake="`E x^2` for `E x^2 - (E x)^2`: a unit that never moves, but not at 0, has a variance",
        seen="https://github.com/decoderesearch/SAELens/pull/665",
        module="evaluation.active_units",
        edits={"variances = posterior_means(model, *seen(x, binarization, seed)).var(axis=0)":
               "variances = (posterior_means(model, *seen(x, binarization, seed))**2).mean(axis=0)"},
        caught_by="evaluation/test_rate_distortion.py::test_active_units_are_those_whose_mean_moves"),
    Mutant(
        name="AIS: divided by the steps",
        mistake="log-mean-exp of the weights with the number of temperatures, not of chains, as the divisor",
        seen="https://github.com/tensorflow/probability/issues/267",
        module="evaluation.ais",
        edits={"return log_mean_exp(log_w), relative_error(log_w), acceptance":
               "wrong = np.log(chains / self.temperatures)\n"
               "        return log_mean_exp(log_w) + wrong, relative_error(log_w), acceptance"},
        caught_by="evaluation/test_exact_ground.py::test_ais_is_within_its_error_and_unbiased[0-posterior]"),
    Mutant(
        name="AIS: weight of the wrong side of a step",
        mistake="the chain moves with the parameters of the next temperature before its weight is taken",
        seen="https://github.com/DsysDML/rbms/issues/6",
        module="evaluation.ais",
        edits={"            log_w += (b - before) * here[2]\n            if t == len(steps):\n                break\n":
                   "            if t == len(steps):\n                log_w += (b - before) * here[2]\n"
                   "                break\n",
               "hmc(path, u, here, b, step, self.leapfrogs, rng)\n":
                   "hmc(path, u, here, b, step, self.leapfrogs, rng)\n            log_w += (b - before) * here[2]\n"},
        caught_by="evaluation/test_exact_ground.py::test_ais_is_within_its_error_and_unbiased[0-prior]"),
]
