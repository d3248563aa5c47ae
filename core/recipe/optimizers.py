"""The optimizers, as a table: a row is a name, what it does, and the settings that belong to it.

`core.engine.training.optimizers` has the same names and builds them.
"""

from __future__ import annotations

from core.recipe.annotations import Option

EXACT = "lbfgs"
"""Solves the head, and takes no steps: what belongs to steps has no effect with it."""
ITERATIONS = 5
"""Of it, in an epoch."""
OPTIMIZERS: dict[str, Option] = {
    "adam": Option("Adam", "steps fitted to every weight; a good first choice."),
    "adamw": Option("AdamW", "Adam with weight decay."),
    "sgd": Option("SGD", "plain steps with momentum; wants a higher rate.", ("momentum", "nesterov")),
    "rmsprop": Option("RMSprop", "steps divided by the recent size of the gradient.", ("momentum",)),
    "adagrad": Option("Adagrad", "steps that shrink with all gradients so far; wants a higher rate."),
    "nadam": Option("Nadam", "Adam that looks ahead."),
    "lion": Option("Lion", "steps of one size, by the gradient's sign; wants a tenth of Adam's rate."),
    EXACT: Option("L-BFGS", "solves a head without hidden layers exactly, where everything before it is frozen; an "
                  "epoch is five of its iterations.", ("penalty",)),
}
