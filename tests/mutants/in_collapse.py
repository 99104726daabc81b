"""Mistakes in what is done against posterior collapse, and in decoders that see pixels."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="a warm-up that ends one step early",
        mistake="`(w_max - w_start) / n` a step, but the last step is n - 1: the weight of the KL never arrives",
        seen="https://github.com/molecularsets/moses/blob/02a98de2e9f35f1a1d122aad2e292b22f3dd3602/moses/vae/misc.py",
        module="training.schedules",
        edits={"return stop if step >= steps - 1 else start + (stop - start) * step / (steps - 1)":
               "return start + (stop - start) * step / steps"},
        caught_by="training/test_kl_weight.py::test_the_last_step_of_a_training_is_on_the_bound_itself[linear-7-3-2]"),
    Mutant(
        name="the annealed loss called an ELBO",
        mistake="what is tracked on the validation set is NLL + weight x KL: the first epochs look best",
        seen="https://github.com/timbmg/Sentence-VAE/blob/0c1596fc2dc881f400d87ef8041768cc1a1b3884/train.py",
        module="training.run",
        edits={'"train": train, "test": test,':
               '"train": train, "test": {name: value * self.weights_at(self.steps_done - 1)[name]\n'
               '                                                                for name, value in test.items()},'},
        caught_by="training/test_kl_weight.py::"
                  "test_what_is_watched_on_the_test_set_is_the_bound_without_the_weight[always 0]"),
    Mutant(
        name="free bits of each example",
        mistake="`clip(kl, min=free)` of every example, and the mean afterwards",
        seen="https://github.com/weipu-zhang/STORM/issues/12",
        module="models.free_bits",
        edits={"alive = (means(kl, groups) > nats).repeat(kl.shape[1] // groups)": "alive = kl > nats"},
        caught_by="models/test_free_bits.py::test_the_value_is_the_kl_and_the_gradient_is_0_under_the_floor_alone"),
    Mutant(
        name="free bits by a mask",
        mistake="`(kl > free) * kl` in place of max(kl, free): no floor, and a jump",
        seen="https://github.com/valdersoul/bn-vae/issues/2",
        module="models.free_bits",
        edits={"np.maximum(means(kl, groups or kl.shape[1]), nats).sum()":
               "(lambda m: (m > nats) * m)(means(kl, groups or kl.shape[1])).sum()"},
        caught_by="models/test_free_bits.py::"
                  "test_the_mean_comes_first_then_the_max_for_each_latent_by_itself"),
    Mutant(
        name="free bits of KLs that were rescaled",
        mistake="the KL is divided first and then compared with its free bits: all of it is free",
        seen="https://github.com/CAREamics/careamics/pull/277",
        module="models.free_bits",
        edits={"return kl.reshape(len(kl), groups, -1).sum(axis=2).mean(axis=0)":
               "return kl.reshape(len(kl), groups, -1).sum(axis=2).mean(axis=0) / kl.shape[1]"},
        caught_by="models/test_free_bits.py::test_the_value_is_the_kl_and_the_gradient_is_0_under_the_floor_alone"),
    Mutant(
        name="capacity of each example",
        mistake="`abs(kl - C)` of every example, and the mean afterwards",
        seen="https://github.com/alecGraves/BVAE-tf/issues/3",
        module="models.capacity",
        edits={"slope = gamma if kl.sum(axis=1).mean() > nats else -gamma":
               "slope = gamma * np.sign(kl.sum(axis=1, keepdims=True) - nats)"},
        caught_by="models/test_capacity.py::"
                  "test_the_value_is_the_kl_and_the_slope_changes_its_sign_at_the_capacity"),
    Mutant(
        name="a reference VAE without its KL",
        mistake="the KL is not in the loss at all, and the model is called a VAE",
        seen="https://github.com/facebookresearch/irmae/issues/1",
        module="models.analytic_kl",
        edits={"return dkl[:, None] * np.ones_like(kl)\n\n    return kl.sum(axis=1), backward":
               "return 0 * dkl[:, None] * np.ones_like(kl)\n\n    return 0 * kl.sum(axis=1), backward"},
        caught_by="models/test_made_vae.py::"
                  "test_the_same_vae_with_a_decoder_that_does_not_look_has_the_terms_of_a_vae"),
    Mutant(
        name="dropout that stays on in the test",
        mistake="words are dropped in the testing phase too: what is reported is the bound of a worse decoder",
        seen="https://github.com/timbmg/Sentence-VAE/issues/5",
        module="models.decoder_dropout",
        edits={"return self.model.one_draw": "return self"},
        caught_by="models/test_made_vae.py::test_dropout_is_of_the_training_and_not_of_the_model"),
    Mutant(
        name="a decoder that reads in both directions",
        mistake="`bidirectional=True` for the decoder too: it sees what it is asked for",
        seen="https://github.com/timbmg/Sentence-VAE/blob/8e2d8b7447d7c84ac7e400eab2aef70562768a78/model.py",
        module="nn.window",
        edits={"may = may & (place[:, None] > place)": "may = may | may.T"},
        caught_by="nn/test_window.py::test_the_product_of_its_bernoullis_sums_to_one[one layer]"),
    Mutant(
        name="the condition masked away from what comes first",
        mistake="no hidden unit is for the condition alone: what comes first, and sees no x, sees no condition either",
        seen="https://github.com/danielward27/flowjax/pull/162",
        module="nn.masked",
        edits={"units = degrees(width, 0 if n_h else 1, n_x - 1, direct)":
               "units = degrees(width, 1, n_x - 1, direct)"},
        caught_by="nn/test_masked.py::"
                  "test_the_condition_reaches_every_output_and_the_first_through_a_hidden_unit"),
]
