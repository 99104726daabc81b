"""Mistakes in numbers that are reported."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="evaluated at mu",
        mistake="in evaluation mode `z = mu`: what is reported is not the ELBO",
        seen="https://github.com/pytorch/examples/pull/419",
        module="training.terms",
        edits={"**model.noise(x[rows], rng)": "**{name: 0 * eps for name, eps in model.noise(x[rows], rng).items()}"},
        caught_by="evaluation/test_elbo.py::test_the_terms_are_those_of_the_model_example_by_example"),
    Mutant(
        name="cross-entropy of grey pixels called a bound",
        mistake="BCE on pixels in [0, 1], reported as if they were binary",
        seen="https://github.com/pytorch/examples/issues/460",
        module="evaluation.elbo",
        edits={'binarization == "none" and bool(((x > 0) & (x < 1)).any())': "False"},
        caught_by="evaluation/test_elbo.py::test_a_number_is_called_what_it_is["
                  "mlp_vae-x3-none-surrogate -ELBO (cross-entropy of grey pixels, no likelihood)]"),
]
