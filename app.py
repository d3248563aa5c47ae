"""Graft's pages: `streamlit run app.py`. Page config, workspace, navigation; nothing else."""

import streamlit as st

from pages.parts import errors, frame, sidebar, startup

st.set_page_config(page_title="Graft", page_icon="assets/icon.svg", layout="wide")
st.logo("assets/logo.svg", size="large", icon_image="assets/icon.svg")

startup.once()
page = frame.navigation()
with errors.shown():
    sidebar.draw()
with errors.shown():
    page.run()
