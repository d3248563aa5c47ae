"""Train: set the training up, start it, watch it."""

import streamlit as st

from core import api
from core.jobs import queue as jobs
from pages.parts.app import frame, sidebar
from pages.parts.model import proposals
from pages.parts.session import guards, runs, state
from pages.parts.train import live, training_form
from pages.parts.widgets import fields

frame.required()
st.title("Train", anchor=False)
dataset, recipe = guards.dataset_and_recipe()
fields.problem()
jobs.tick(state.workspace().machine)
active = runs.active()
looked_at = runs.watched(dataset)
before, behind = runs.around(looked_at, active)
live.others(before)
if looked_at is not None:
    state.look_at(looked_at)
    live.panel(looked_at)
    if not looked_at.status().active and looked_at.has_model:
        sidebar.next_step(3, "See the results", looked_at)
live.others(behind)

with live.another() if looked_at else st.container():
    training_form.settings(dataset, recipe)
    training_form.summary(dataset, recipe)
    ready = proposals.obtainable(recipe)
    if not ready:
        st.warning("The pretrained weights of this backbone are not here.", icon=":material/cloud_off:")
        st.page_link(sidebar.STEPS[1].page, label="The ways out, on the Model page", icon=":material/arrow_back:")
    label = "Add to the queue" if active else "Start training"
    if st.button(label, type="primary", icon=":material/play_arrow:", disabled=not ready):
        run = api.start(dataset, recipe, state.workspace())
        state.forget("result")
        if not active:
            state.look_at(run)
        st.rerun()
live.earlier(looked_at)
