"""Train: set the training up, start it, watch it."""

import streamlit as st

from core import api
from core.jobs import queue as jobs
from pages.parts.app import frame, sidebar
from pages.parts.model import proposals
from pages.parts.session import guards, state
from pages.parts.train import live, training_form
from pages.parts.widgets import fields

frame.required()
st.title("Train", anchor=False)
dataset, recipe = guards.dataset_and_recipe()
fields.problem()
jobs.tick(state.workspace().machine)
active = state.active_runs()
looked_at = state.run() or (active[0] if active else state.newest_run(dataset.id))
if looked_at is not None:
    state.choose_run(looked_at.id)
    live.others([run for run in active if run.id != looked_at.id])
    live.panel(looked_at)
    if not looked_at.status().active and looked_at.has_model:
        sidebar.next_step(3, "See the results")

with live.another() if looked_at else st.container():
    training_form.settings(dataset, recipe)
    training_form.summary(dataset, recipe)
    ready = proposals.obtainable(recipe)
    if not ready:
        st.warning("The pretrained weights of this backbone are not here. The Model page shows the ways out.",
                   icon=":material/cloud_off:")
    label = "Add to the queue" if active else "Start training"
    if st.button(label, type="primary", icon=":material/play_arrow:", disabled=not ready):
        run = api.start(dataset, recipe, state.workspace())
        if not active:
            state.choose_run(run.id)
        st.rerun()
live.earlier(looked_at)
