"""Which folder names are those of splits, and of which."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

EITHER = "either"
"""Held back, for validation or for the end: the name does not tell."""
FOLD = "fold"
"""One of several equal parts."""
UNLABELLED = "unlabelled"
"""Pictures without an answer."""

_WORDS: dict[str, str] = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev", "develop", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(("eval", "evaluate", "evaluation", "holdout", "heldout"), EITHER),
    **dict.fromkeys(("fold", "kfold", "cv", "split"), FOLD),
    **dict.fromkeys(("pred", "predict", "prediction", "unlabeled", "unlabelled", "submission"), UNLABELLED),
}
_FILLERS = frozenset("set data dataset datasets image images img imgs photo photos picture pictures seg subset split "
                     "part folder dir files sample samples final the new all full small".split())
_PARTS = frozenset("part batch images image shard chunk folder group subset vol volume disc disk archive".split())
_SHORT = frozenset(("tr",))
"""Words that only count with others beside them: a folder `tr` alone may be anything."""


def words(name: str) -> list[str]:
    """The words of a name in lower case: `seg_TrainSet2` → seg, train, set."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    joined = re.sub(r"(?i)\b(hold|held)[ _-]+out\b", "holdout", spaced)
    return re.findall(r"[^\W\d_]+", joined.casefold())


def role(name: str, shared: frozenset[str] = frozenset()) -> str | None:
    """The split that a folder's name stands for: train, validation, test, `EITHER`, `FOLD`, `UNLABELLED`; None: none.

    Args:
        shared: Words that its siblings have, too; they tell nothing (`flowers_train` beside `flowers_test`).
    """
    found = words(name)
    roles = {_WORDS[word] for word in found if word in _WORDS and not (word in _SHORT and len(found) == 1)}
    roles = roles if len(roles) == 1 else roles - {FOLD}
    others = [word for word in found if word not in _WORDS and word not in _FILLERS and word not in shared]
    return roles.pop() if len(roles) == 1 and not others else None


def of_chain(chain: Sequence[str], shared: frozenset[str] = frozenset()) -> str | None:
    """The role of a folder and what it wraps: the one that any of the names has, the inner ones first."""
    return next((found for name in reversed(chain) if (found := role(name, shared))), None)


def of_siblings(chains: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    """The roles of folders that stand beside each other, by their names.

    Args:
        chains: For each the names that lead to what it holds: its own, and those of folders that it only wraps.
    """
    each = [set(words(name)) - _WORDS.keys() for name in chains]
    shared = frozenset(set.intersection(*each)) if len(each) > 1 else frozenset()
    return {name: of_chain(chain, shared) for name, chain in chains.items()}


def settled(roles: Mapping[str, str | None]) -> dict[str, str] | None:
    """The split of each folder, where the names decide it; None where they do not.

    What has no answers is left out. Of two that are held back, one called validation (or test) tells what the other is.
    """
    named = {name: found for name, found in roles.items() if found != UNLABELLED}
    given = set(named.values())
    if None in given or FOLD in given or "train" not in given:
        return None
    if EITHER in given:
        if ("validation" in given) == ("test" in given):
            return None
        named = {name: ("test" if "validation" in given else "validation") if found == EITHER else found
                 for name, found in named.items()}
    return {name: found for name, found in named.items() if found}


def are_parts(names: Sequence[str]) -> bool:
    """True for names that number the parts of one thing (`images_part_1`, `images_part_2`): no classes."""
    without = {tuple(words(name)) for name in names}
    return len(names) > 1 and len(without) == 1 and all(re.search(r"\d", name) for name in names) and bool(
        _PARTS & set(next(iter(without))))
