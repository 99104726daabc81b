"""Mistakes in models: what is drawn, and what becomes of it."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        name="noise of the wrong width",
        mistake="`epsilon_std = 0.01`: 60 nats where 100 belong, and no bound",
        seen="https://github.com/keras-team/keras/pull/4211",
        module="models.vae",
        edits={'"eps": rng.standard_normal((len(x), self.n_latents), x.dtype)':
               '"eps": 0.01 * rng.standard_normal((len(x), self.n_latents), x.dtype)'},
        caught_by="test_distributions.py::test_the_draws_of_a_vae_are_standard_normal"),
    Mutant(
        name="uniform noise",
        mistake="`torch.rand_like` where `torch.randn_like` belongs",
        seen="https://github.com/dferendo/RecommendationSystem/issues/3",
        module="models.vae",
        edits={'"eps": rng.standard_normal((len(x), self.n_latents), x.dtype)':
               '"eps": rng.random((len(x), self.n_latents), x.dtype)'},
        caught_by="test_distributions.py::test_the_draws_of_a_vae_are_standard_normal"),
]
