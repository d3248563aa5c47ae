"""Predict: what the model says of new pictures, and the model to take along."""

import streamlit as st

from core import escape
from pages.parts.app import footer, frame
from pages.parts.predict import new_pictures, predictions, take_along
from pages.parts.session import guards
from pages.parts.widgets import wording

frame.required()
st.title("Predict", anchor=False)
run = guards.run_with_model("predict", "models")
st.caption(f"Tells apart: {escape.markdown(', '.join(run.classes[:20]))}" + (" …" if len(run.classes) > 20 else ""))

predictions.warm_up()
new_pictures.ask()
pictures = new_pictures.current()
if pictures:
    rows = predictions.of_or_reason(run, pictures)
    with st.container(horizontal=True):
        if rows:
            st.download_button("Results as CSV", lambda: predictions.as_csv(rows), mime="text/csv",
                               file_name=wording.file_name(run.dataset["name"], "predictions.csv"),
                               icon=":material/table:", on_click="ignore")
        if st.button("Clear", icon=":material/close:"):
            new_pictures.clear()
            st.rerun()
    predictions.show(run, rows)

take_along.draw(run)
footer.draw("predict")
