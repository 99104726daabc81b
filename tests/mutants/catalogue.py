"""All mutants."""

import in_evaluation
import in_models
import in_nn
import in_priors
import in_probability
import in_training

ROOMS = in_probability, in_priors, in_nn, in_models, in_training, in_evaluation
MUTANTS = [mutant for room in ROOMS for mutant in room.MUTANTS]
