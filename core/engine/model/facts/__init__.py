"""What cannot be read off a Keras graph: accuracy, weights files, papers, words. A file a family, a row a backbone.

Accuracy and depth: the table of https://keras.io/api/applications/; for the MobileNets that it does not have (top-1
alone) the tables in the docstrings of `keras.applications.mobilenet`, `.mobilenet_v2` and `.mobilenet_v3`, which repeat
the papers' figures. File names, sources and hashes: the sources of `keras.applications`. Licences: those under which
the weights were published by their makers, from whom Keras has them.
"""

from __future__ import annotations

from core.engine.model.facts import (
    convnext,
    densenet,
    efficientnet,
    efficientnet_v2,
    inception,
    mobilenet,
    nasnet,
    own,
    resnet,
    vgg,
)
from core.engine.model.facts.row import Facts

FACTS: tuple[Facts, ...] = (
    *mobilenet.FACTS, *efficientnet.FACTS, *efficientnet_v2.FACTS, *resnet.FACTS, *vgg.FACTS, *inception.FACTS,
    *densenet.FACTS, *nasnet.FACTS, *convnext.FACTS, *own.FACTS,
)
"""In the order in which they are listed."""
