"""Data: bring pictures in, look at them, see what is held back for checking."""

import streamlit as st

from core.data.library import list_datasets
from pages.parts.app import footer, frame
from pages.parts.data import additions, dataset_view, datasets, health, ingestion_panel, layout_panel, splits, tiles
from pages.parts.model import proposals
from pages.parts.session import state
from pages.parts.widgets import charts, fields

frame.required()
st.title("Data", anchor=False)
workspace = state.workspace()
if datasets.take_in():
    tiles.close()
if seen := ingestion_panel.going_on():
    ingestion_panel.follow(seen)
    footer.draw("data")
    st.stop()

datasets.unreadable()
dataset = state.dataset()
if dataset is None:
    st.markdown("Graft learns from examples: pictures, and for each the class that it shows.")
    tiles.draw()
    footer.draw("data")
    st.stop()

known = {item.id: item for item in list_datasets(workspace)}
with st.container(horizontal=True, vertical_alignment="bottom"):
    datasets.choice(dataset, known)
    additions.opener(dataset)
    tiles.opener()
    datasets.menu(dataset)
tiles.beside_datasets()
additions.draw(dataset)
recipe = proposals.ensure_recipe(dataset)
if why := proposals.reason(recipe, dataset):
    st.info(why, icon=":material/info:")
fields.problem()

split = splits.split_or_reason(dataset, recipe.data)
dataset_view.facts(dataset)
layout_panel.draw(dataset)
health.panel(dataset, recipe.data)
left, right = st.columns([3, 2], gap="large")
with right:
    st.subheader("The split", anchor=False, help="Validation images check the model after every epoch. Test images "
                 "are looked at once, after training: the honest number.")
    dataset_view.split_settings(dataset, split)
dataset_view.pictures(dataset, split)
dataset_view.problems(dataset)
footer.draw("data", "Choose a model", to=1)
with left:  # drawn last: the browser stands still while it loads its chart library, and the pictures are there by then
    st.subheader("Images per class", anchor=False)
    charts.show(charts.class_counts(split, dataset.classes), "class-counts",
                "Images per class, stacked by split", on_click=dataset_view.shower(dataset))
