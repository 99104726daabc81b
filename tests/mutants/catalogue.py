"""All mutants."""

import in_evaluation
import in_models
import in_nn
import in_probability
import in_training

MUTANTS = [mutant for room in (in_probability, in_nn, in_models, in_training, in_evaluation) for mutant in room.MUTANTS]
