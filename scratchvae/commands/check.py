"""`scratchvae check`: prove the library."""

from ..proof import prove_all


def add_to(command):
    """The options of `check`."""
    command.set_defaults(run=run)
    command.description = ("Prove the backward of every node and model: a table with the error of each against the "
                           "complex step (at most 1e-12) and central differences.")
    command.add_argument("--seed", type=int, default=0, help="of the random shapes and values")


def run(arguments):
    """Print the table of proofs; 1 if one of them fails."""
    failures = []
    print(f"{'backward of':28s}{'complex step':>14s}{'central difference':>20s}")
    for name, complex_step, central, error in prove_all(arguments.seed):
        print(f"{name:28s}{complex_step:14.1e}{central:20.1e}   {'proven' if error is None else 'WRONG'}")
        if error is not None:
            failures.append(error)
    for error in failures:
        print(error)
    return 1 if failures else 0
