"""All mutants."""

import in_collapse
import in_evaluation
import in_flows
import in_models
import in_nn
import in_priors
import in_probability
import in_training

ROOMS = in_probability, in_priors, in_nn, in_models, in_flows, in_training, in_evaluation, in_collapse
MUTANTS = [mutant for room in ROOMS for mutant in room.MUTANTS]
