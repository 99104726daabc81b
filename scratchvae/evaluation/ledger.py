"""The nats ledger: a number is reported together with what it is."""

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Entry:
    """A measured quantity, in nats an image unless `unit` says otherwise, and how it was measured."""

    quantity: str                  # "-ELBO", "surrogate ...": what it is, and nothing better
    value: float
    standard_error: float          # over the images
    parts: dict                    # {term: value}, which sum to the value
    unit: str
    data: str
    split: str
    images: int
    binarization: str
    samples: int                   # draws of z an image; 0 where there is none
    seed: int

    def __str__(self):
        parts = " + ".join(f"{name} {value:.2f}" for name, value in self.parts.items())
        return (f"{self.quantity} = {self.value:.2f} +- {self.standard_error:.2f} {self.unit} an image ({parts}); "
                f"{self.data} {self.split}, {self.images} images, binarization {self.binarization}, "
                f"{self.samples} sample(s) an image, seed {self.seed}")

    def to_json(self):
        """The entry as a line of JSON."""
        return json.dumps(dataclasses.asdict(self))
