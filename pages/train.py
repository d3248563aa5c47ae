"""Train: set the training up, start it, watch it."""

import streamlit as st

from core import api
from core.jobs import queue as jobs
from pages.parts.app import footer, frame, sidebar
from pages.parts.model import proposals
from pages.parts.session import guards, runs, state
from pages.parts.train import live, training_form
from pages.parts.widgets import fields

frame.required()
st.title("Train", anchor=False)
dataset, recipe = guards.dataset_and_recipe("train")
fields.problem()
jobs.tick(state.workspace().machine)
active = runs.active()
looked_at = runs.watched(dataset)
before, behind = runs.around(looked_at, active)
live.others(before)
if looked_at is not None:
    state.look_at(looked_at)
    live.panel(looked_at)
live.others(behind)

with live.another() if looked_at else st.container():
    training_form.settings(dataset, recipe)
    training_form.summary(dataset, recipe)
    ready = proposals.obtainable(recipe)
    if not ready:
        st.warning("The pretrained weights of this backbone are not here.", icon=":material/cloud_off:")
        st.page_link(sidebar.STEPS[1].page, label="The ways out, on the Model page", icon=":material/arrow_back:")
    label = "Add to the queue" if active else "Start training"
    beside = looked_at is not None and (looked_at.status().active or looked_at.has_model)  # that one comes first
    started = beside and st.button(label, icon=":material/play_arrow:", disabled=not ready)
live.earlier(looked_at)
if not beside:
    started = footer.draw("train", label, ready=ready, icon="play_arrow")
elif looked_at is not None and not looked_at.status().active:
    footer.draw("train", "See the results", to=3, run=looked_at)
else:
    footer.draw("train", "Training …", ready=False, icon="hourglass_empty")
if started:
    run = api.start(dataset, recipe, state.workspace())
    state.forget("result")
    if not active:
        state.look_at(run)
    st.rerun()
