"""Model: the pretrained network, how much of it learns again, and the new head."""

import streamlit as st

from core.backbones.catalogue import get
from pages.parts.app import footer, frame
from pages.parts.model import backbones, cards, freeze, head, inside, presets, small_images, weights_panel
from pages.parts.session import guards
from pages.parts.widgets import fields, phases

frame.required()
st.title("Model", anchor=False)
dataset, recipe = guards.dataset_and_recipe("model")
fields.problem()
backbone, variant = get(recipe.model.backbone, recipe.model.alpha)

proposed = cards.found(dataset, recipe)
own = cards.draw(dataset, recipe, proposed)
presets.button(dataset, recipe, proposed)
with st.expander("Every setting", expanded=own, icon=":material/tune:"):
    st.subheader("Backbone", anchor=False, help="A network that has already learned to see, from 1.3 million photos. "
                 "Graft puts a new, small classifier on top of it.")
    left, right = st.columns([3, 2], gap="large")
    with left:
        backbones.table(recipe, dataset)
    with right:
        backbones.choice(recipe)
        weights_panel.source(recipe, dataset)
        small_images.notice(recipe, dataset)

    st.subheader("What is trained", anchor=False, help="A block is a natural piece of the network. The first blocks "
                 "see edges and colours, the last ones whole shapes.")
    phases.choice(recipe, "model")
    left, right = st.columns([3, 2], gap="large")
    with left:
        freeze.slider(variant, recipe)
        freeze.picture(variant, recipe, dataset)
        freeze.random_and_frozen(recipe)
        with st.expander("Any layer by its name", icon=":material/tune:"):
            freeze.advanced(variant, recipe)
    with right:
        freeze.figures(recipe, dataset)

    st.subheader("Head", anchor=False, help="The new part that turns the backbone's features into your classes.")
    head.settings(recipe, dataset)

    with st.expander("Advanced", icon=":material/tune:"):
        left, middle, right = st.columns(3, gap="medium")
        with left:
            fields.draw("data.image_size")
            fields.draw("model.upsample")
            fields.draw_dependents("model.upsample")
            st.caption(f"{backbone.title}: usually {backbone.default_size} px, at least {backbone.min_size} px.")
        with middle:
            fields.draw("data.resize")
        with right:
            fields.draw("model.batch_norm", disabled=None if recipe.model.weights != "none" else "With random starting "
                        "weights everything is trained, the statistics of its batch normalisation too.")
    inside.draw(recipe, len(dataset.classes))
footer.draw("model", "Set up the training", to=2)
