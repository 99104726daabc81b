"""The interface between a step and who computes it."""


class Executor:
    """Computes the steps of a training (step.py), alone or with helpers. What it must do:

        with executor.at_work(interrupted):                      once an epoch; helpers live within it
            rows = executor.rows(rows)                           the examples of the batch that this process draws
            terms, backward = executor.forward(method, constants)
            backward(*dterms)                                    now all gradients are somewhere
            sums = executor.all_reduce(sums)                     now all have them; and `stop` is the same for all
            executor.update(optimizer, clip)                     one step on the sum of them; then they are zero
            executor.after_step(constants)

    name    "2 threads", for the record
    rank    0 in the process that keeps the records; its helpers of other ranks run the same lines
    stop    whether the step under way is to be the last: what `interrupted()` said to rank 0

    Every sum has a fixed order: the same seed and the same executor give the same bits. The defaults are those of an
    executor that is one process.
    """

    rank, stop = 0, False

    def __init__(self, model, name):
        self.model, self.name = model, name

    def at_work(self, interrupted):
        """The context in which steps are taken; interrupted() says whether somebody has asked to stop."""
        raise NotImplementedError

    def rows(self, rows):
        """The part of a batch of indices that this process draws and computes."""
        return rows

    def forward(self, method, constants):
        """(terms, backward) of getattr(model, method)(**constants): constants are of the examples of `rows`."""
        raise NotImplementedError

    def all_reduce(self, sums):
        """The sums of the terms over all processes, once the gradient of each is there."""
        self.stop = self.interrupted()
        return sums

    def update(self, optimizer, clip):
        """One step of the optimizer on the sum of all gradients, clipped to the norm `clip` if that is given."""
        raise NotImplementedError

    def after_step(self, constants):
        """The model's own after_step, once for each step; all see what it changes."""
        self.model.after_step(**constants)
