"""Gradient checks: proof that every backward in the library is the derivative of its forward.

    from scratchvae.proof import prove
    print(prove(gaussian_kl, mu, logvar))
"""

from ..faces import lazily
from .claim import ProofError
from .prove import Proof, prove
from .surrogate import stop_gradient

__all__ = ["PROOFS", "Proof", "ProofError", "prove", "prove_all", "stop_gradient"]

# these name every room of the mathematics: `from scratchvae.proof import prove` alone does not import them
__getattr__, __dir__ = lazily(__name__, {"proofs": ("PROOFS", "prove_all")})
