"""Results: how good the model is, class by class, and where it goes wrong."""

import streamlit as st

from core.runs import looks
from pages.parts.app import footer, frame
from pages.parts.results import run_table, scores, test_lock
from pages.parts.session import guards, runs
from pages.parts.widgets import run_deletion

frame.required()
st.title("Results", anchor=False)
run = guards.run_with_model("results", "results")
everything, is_open = run.metrics() or {}, looks.is_open(run)
metrics = looks.scores(run, test=is_open) or {}
splits = [split for split in runs.HONEST_FIRST if split in metrics]
if not splits:
    run_deletion.button(run)
    footer.empty("results", "This run ended before its model could be scored.", 2, "Train again")
if run.recipe.model.weights == "none":
    st.badge("random weights", icon=":material/casino:", color="orange",
             help="The network started without pretraining.")

split = splits[0]
if len(splits) > 1:
    split = st.segmented_control("Measured on", splits, default="test", required=True, key=f"split-{run.id}")
scores.headline(run, metrics[split], split)
if split == "test":
    test_lock.opened(run)
elif "test" in everything and not is_open:
    test_lock.closed(run, everything["test"]["images"])

left, right = st.columns(2, gap="medium")
with left:
    st.subheader("Per class", anchor=False, help="Precision: of the images called this class, how many are. Recall: "
                 "of the images of this class, how many were found. F1: both in one number.")
    scores.per_class(metrics[split])
with right:
    st.subheader("Confusion matrix", anchor=False, help="A row per true class: where its images went. A perfect model "
                 "has numbers on the diagonal only.")
    scores.confusion(run, metrics[split], split)
scores.mistakes(run, split)
run_table.draw(run)
run_deletion.button(run)
footer.draw("results", "Predict on new pictures", to=4, run=run)
