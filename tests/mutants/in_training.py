"""Mistakes in optimizers, in the loop around them, and in going on from a checkpoint."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="Adam without bias correction",
        mistake="`m / (sqrt(v) + eps)`, the moments as they are",
        seen="https://github.com/ml-explore/mlx/pull/1640",
        module="training.optimizers",
        edits={"c = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))": "c = math.sqrt(1 - self.beta2)",
               "self.lr * (1 - self.beta1) / (1 - self.beta1**t) / c": "self.lr * (1 - self.beta1) / c"},
        caught_by="training/test_optimizers.py::test_the_first_step_of_adam_is_lr_whatever_the_gradient[Adam]"),
    Mutant(
        name="Adam corrects by beta, not by beta^t",
        mistake="`m / (1 - b1)` at every step",
        seen="https://github.com/eriklindernoren/ML-From-Scratch/issues/35",
        module="training.optimizers",
        edits={"c = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))": "c = 1.0",
               "self.lr * (1 - self.beta1) / (1 - self.beta1**t) / c": "self.lr"},
        caught_by="training/test_optimizers.py::test_two_steps_of_adam_by_hand[Adam]"),
    Mutant(
        name="Adam multiplies where it divides",
        mistake="`mhat = m * (1 - b1^t)`",
        seen="https://github.com/karpathy/convnetjs/pull/70",
        module="training.optimizers",
        edits={"mhat = self.m[name] / (1 - self.beta1**self.t)": "mhat = self.m[name] * (1 - self.beta1**self.t)",
               "vhat = self.v[name] / (1 - self.beta2**self.t)": "vhat = self.v[name] * (1 - self.beta2**self.t)"},
        caught_by="training/test_optimizers.py::test_two_steps_of_adam_by_hand[TextbookAdam]"),
    Mutant(
        name="epsilon inside the root of Adam",
        mistake="`m / sqrt(v + eps)`: as if eps were 1e-4",
        seen="https://github.com/FluxML/Flux.jl/pull/448",
        module="training.optimizers",
        edits={"self.eps_t = self.eps / c ": "self.eps_t = self.eps / c**2 ",
               "np.sqrt(V, out=g)\n        g += self.eps_t\n": "g[:] = np.sqrt(V + self.eps_t)\n"},
        caught_by="training/test_optimizers.py::test_the_first_step_of_adam_is_lr_whatever_the_gradient[Adam]"),
    Mutant(
        name="random state not in the checkpoint",
        mistake="a resumed run draws other numbers than the run that was not interrupted",
        seen="https://github.com/huggingface/transformers/issues/17032",
        module="training.resume",
        edits={'    run.rng.bit_generator.state = facts["generator"]\n': ""},
        caught_by="training/test_fit.py::test_a_resumed_run_ends_in_the_same_bits[dynamic-Adam]"),
    Mutant(
        name="one order for every epoch",
        mistake="a sampler that shuffles with the same seed in every epoch, unless `set_epoch` is called",
        seen="https://github.com/pytorch/pytorch/issues/31771",
        module="training.epoch",
        edits={"generator(seed, ORDER, run.epoch + 1,": "generator(seed, ORDER, 1,"},
        caught_by="training/test_fit.py::test_binarized_training_sees_only_black_and_white[static]"),
    Mutant(
        name="mean of the means of batches",
        mistake="the epoch's loss is the mean over batches: the few of the last count as much as a full batch",
        seen="https://github.com/dnouri/nolearn/issues/247",
        module="training.epoch",
        edits={"        run.totals[name] += total\n":
               '        run.totals[name] += total / len(rows) * run.plan["examples"] / run.steps_an_epoch\n'},
        caught_by="training/test_fit.py::test_the_train_terms_are_means_over_every_example_of_the_epoch"),
    Mutant(
        name="optimizer's state not restored",
        mistake="a resumed run builds a new Adam: its moments and its t begin at 0 again",
        seen="https://github.com/OpenNMT/OpenNMT-py/issues/617",
        module="training.resume",
        edits={"restore(state, arrays, prefix, run.checkpoint)": "pass"},
        caught_by="training/test_fit.py::test_a_resumed_run_ends_in_the_same_bits[none-Adam]"),
    Mutant(
        name="gradient not cleared",
        mistake="no `zero_grad`: every step takes the gradients of all steps before",
        seen="https://github.com/seangal/dcgan_vae_pytorch/issues/4",
        module="core",
        edits={"self.is_zero = True": "pass"},
        caught_by="training/test_optimizers.py::test_sgd_goes_down_the_gradient"),
    Mutant(
        name="training set for test set",
        mistake="one file under three names: the log-likelihood reported for the test set is that of the training set",
        seen="https://github.com/yburda/iwae/pull/1",
        module="datasets.published",
        edits={"return Dataset(*map(parse_idx, contents))":
               "return Dataset(*map(parse_idx, [*contents[:2], *contents[:2]]))"},
        caught_by="test_datasets.py::test_both_mnists[mnist]"),
    Mutant(
        name="noise narrower than the bin",
        mistake="dequantization `k / 255 + u / 256`: the noise does not fill the step between two levels",
        seen="https://github.com/rosinality/glow-pytorch/issues/17",
        module="datasets.images",
        edits={"return (np.rint(k) + rng.random(k.shape, dtype)) / (levels + 1)":
               "return np.rint(k) / levels + rng.random(k.shape, dtype) / (levels + 1)"},
        caught_by="evaluation/test_bits.py::test_noise_spreads_a_level_evenly_over_its_bin[255-float32]"),
    Mutant(
        name="gradient clipped piece by piece",
        mistake="the norm of each parameter bounded by itself, not that of all together: another direction",
        seen="https://github.com/huggingface/transformers/issues/581",
        module="training.optimizers",
        edits={"    if norm > limit:\n        theta.grad *= limit / norm\n":
               "    for g in np.array_split(theta.grad, 2):\n"
               "        g *= min(1.0, limit / math.sqrt(np.vdot(g, g)))\n"},
        caught_by="training/test_optimizers.py::test_clipping_keeps_the_direction_and_bounds_the_norm"),
]
