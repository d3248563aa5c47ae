"""Numbers from predictions: checked against scikit-learn, published figures and hand counts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_recall_fscore_support
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import log_loss as sklearn_log_loss

from core.scoring.intervals import Z_95, wilson_interval
from core.scoring.metrics import evaluate_predictions, log_loss, worst_mistakes

CLASSES = ["ant", "bee", "wasp"]


def predictions(true: list[str], probabilities: np.ndarray, split: str = "validation") -> pd.DataFrame:
    chosen = probabilities.argmax(axis=1)
    columns = {f"p{index}": probabilities[:, index] for index in range(probabilities.shape[1])}
    return pd.DataFrame({
        "path": [f"{index}.png" for index in range(len(true))], "file": "", "split": split, "true": true,
        "predicted": [CLASSES[index] for index in chosen], "probability": probabilities.max(axis=1), **columns,
    })


@pytest.fixture
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    true = [CLASSES[index] for index in random.integers(0, 3, 60)]
    return predictions(true, random.dirichlet([1, 1, 1], 60))


def test_scores_agree_with_scikit_learn(table):
    result = evaluate_predictions(table, CLASSES)["validation"]
    assert result["images"] == 60
    assert result["accuracy"] == pytest.approx(accuracy_score(table["true"], table["predicted"]))
    assert result["loss"] == pytest.approx(sklearn_log_loss(table["true"], table[["p0", "p1", "p2"]], labels=CLASSES))
    assert result["confusion"] == sklearn_confusion(table["true"], table["predicted"], labels=CLASSES).tolist()


@pytest.mark.parametrize("kept", [["ant", "bee", "wasp"], ["ant", "bee"], ["wasp"]])
def test_per_class_scores_agree_with_scikit_learn_also_for_classes_without_images(table, kept):
    table = table[table["true"].isin(kept)]
    wanted = precision_recall_fscore_support(table["true"], table["predicted"], labels=CLASSES, zero_division=0.0)
    result = evaluate_predictions(table, CLASSES)["validation"]["per_class"]
    found = [[row[name] for row in result] for name in ("precision", "recall", "f1", "support")]
    assert np.allclose(found, wanted)


@pytest.mark.parametrize("kept", [["ant", "bee", "wasp"], ["ant", "bee"], ["wasp"]])
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_scores_over_classes_agree_with_scikit_learn(table, kept):
    table = table[table["true"].isin(kept)]
    result = evaluate_predictions(table, CLASSES)["validation"]
    true, predicted = table["true"], table["predicted"]
    assert result["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(true, predicted))
    assert result["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro"))


def test_confusion_rows_are_true_classes():
    table = predictions(["ant", "ant", "bee"], np.array([[0.1, 0.9, 0.0], [0.8, 0.2, 0.0], [0.3, 0.7, 0.0]]))
    result = evaluate_predictions(table, CLASSES)["validation"]
    assert result["confusion"] == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert [row["support"] for row in result["per_class"]] == [2, 1, 0]
    assert result["per_class"][1]["precision"] == pytest.approx(0.5)
    assert result["per_class"][2]["recall"] == 0.0


def test_every_split_is_reported_on_its_own(table):
    both = pd.concat([table, predictions(["bee"], np.array([[0.0, 1.0, 0.0]]), "test")])
    result = evaluate_predictions(both, CLASSES)
    assert set(result) == {"validation", "test"}
    assert result["test"]["accuracy"] == 1.0
    assert result["test"]["images"] == 1


def test_images_of_an_unknown_class_are_left_out(table):
    stranger = predictions(["bee"], np.array([[0.0, 1.0, 0.0]]))
    stranger["true"] = "moth"
    assert evaluate_predictions(pd.concat([table, stranger]), CLASSES)["validation"]["images"] == 60


def test_a_certain_mistake_keeps_the_loss_finite():
    loss = log_loss(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1, 0]))
    assert math.isfinite(loss)
    assert loss == pytest.approx(-math.log(np.finfo(np.float32).eps) / 2)


@pytest.mark.parametrize(("successes", "trials"), [(8, 10), (1, 153), (137, 153), (50, 100)])
def test_wilson_interval_ends_where_the_normal_test_begins_to_refuse(successes, trials):
    """Its definition: both ends p solve |share - p| = z sqrt(p (1 - p) / n)."""
    for end in wilson_interval(successes, trials):
        distance = abs(successes / trials - end)
        assert distance == pytest.approx(Z_95 * math.sqrt(end * (1 - end) / trials))


@pytest.mark.parametrize(("successes", "expected"), [(0, (0.0, 0.2775328)), (10, (0.7224672, 1.0))])
def test_wilson_interval_stays_between_nothing_and_all(successes, expected):
    assert wilson_interval(successes, 10) == pytest.approx(expected, abs=1e-6)


def test_wilson_interval_without_trials_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_worst_mistakes_are_the_most_confident_ones():
    table = predictions(
        ["ant", "ant", "bee", "bee"],
        np.array([[0.4, 0.6, 0.0], [0.05, 0.95, 0.0], [0.2, 0.8, 0.0], [0.7, 0.3, 0.0]]),
    )
    worst = worst_mistakes(table, "validation", 2)
    assert list(worst["path"]) == ["1.png", "3.png"]
    assert len(worst_mistakes(table, "validation", 10)) == 3
    assert worst_mistakes(table, "test", 10).empty
