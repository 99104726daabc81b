# For type checkers and editors, which do not see what __init__.py imports when it is asked for.
from .claim import ProofError as ProofError
from .proofs import PROOFS as PROOFS
from .proofs import prove_all as prove_all
from .prove import Proof as Proof
from .prove import prove as prove
from .surrogate import stop_gradient as stop_gradient
