"""Graft's pages: `streamlit run app.py`. Page config, workspace, navigation; nothing else.

Streamlit reads this file twice: once as the server's module, and as the script of every visit.
"""

import streamlit as st

from pages.parts.app import downloads, lifespan

if __name__ != "__main__":
    app = st.App(__file__, lifespan=lifespan.around, routes=[downloads.route()])
else:
    from pages.parts.app import frame, sidebar, startup
    from pages.parts.session import state
    from pages.parts.widgets import errors

    st.set_page_config(page_icon="assets/icon.svg", layout="wide")
    st.logo("assets/logo.svg", size="large", icon_image="assets/icon.svg")
    startup.once()
    page = frame.navigation()
    with errors.shown():
        state.follow_address()
        sidebar.draw(page.title)
    with errors.shown():
        page.run()
