"""The nats ledger: a number is reported together with what it is."""

import dataclasses
import json

CLAIMS = ("log likelihood", "loglikelihood", "log p(x)", "log evidence", "nll")     # what no bound may be called


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A measured quantity, its unit, and how it was measured.

    Raises ValueError for a log-likelihood, or log p(x), that is not exact, and for an exact value made from draws.
    """

    quantity: str                  # "-ELBO", "-L_100", "surrogate ...": what it is, and nothing better
    value: float
    standard_error: float          # over the images; nan where there is none
    parts: dict = dataclasses.field(default_factory=dict)     # {term: value}, which sum to the value
    unit: str
    likelihood: str                # p(x|z), as the model describes it; "" where none takes part
    data: str
    split: str
    images: int
    binarization: str
    samples: int                   # draws of z per image; 0 where there are none
    seed: int
    exact: bool = False            # by a formula or an integral done in full: no bound, and no draws
    per: str = "an image"          # what the unit refers to; "" for a property of the whole set

    def __post_init__(self):
        name = self.quantity.lower().replace("-", " ")
        if not self.exact and any(claim in name for claim in CLAIMS):
            raise ValueError(f"quantity must say which bound or estimate it is, e.g. -ELBO or -L_k: only an exact "
                             f"value may be called {self.quantity!r}")
        if self.exact and self.samples:
            raise ValueError(f"exact must be False of a value made from draws, but there are {self.samples} an image")

    def __str__(self):
        error = "" if self.standard_error != self.standard_error else f" +- {self.standard_error:.2f}"
        parts = " + ".join(f"{name} {value:.2f}" for name, value in self.parts.items())
        likelihood = f"likelihood {self.likelihood}, " if self.likelihood else ""
        return (f"{self.quantity} = {self.value:.2f}{error} {f'{self.unit} {self.per}'.strip()}"
                f"{f' ({parts})' if parts else ''}; {likelihood}{self.data} {self.split}, {self.images} images, "
                f"binarization {self.binarization}, {self.samples} sample(s) an image, seed {self.seed}")

    def to_json(self):
        """The entry as a line of JSON; a standard error of nan is null. ValueError if another value is not finite."""
        facts = dataclasses.asdict(self)
        return json.dumps(facts | {"standard_error": None if facts["standard_error"] != facts["standard_error"]
                                   else facts["standard_error"]}, allow_nan=False)
