"""Gradient checks: proof that every backward in the library is the derivative of its forward.

    from scratchvae.proof import prove
    print(prove(gaussian_kl, mu, logvar))
"""

from .claim import ProofError
from .prove import Proof, prove
from .surrogate import stop_gradient

__all__ = ["PROOFS", "Proof", "ProofError", "prove", "prove_all", "stop_gradient"]


def __getattr__(name):
    """PROOFS and prove_all name every room of the mathematics, so proofs.py is imported when one is first asked for."""
    if name not in ("PROOFS", "prove_all"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import proofs
    return getattr(proofs, name)
