"""All mutants."""

import in_evaluation
import in_flows
import in_models
import in_nn
import in_probability
import in_training

ROOMS = in_probability, in_nn, in_models, in_flows, in_training, in_evaluation
MUTANTS = [mutant for room in ROOMS for mutant in room.MUTANTS]
