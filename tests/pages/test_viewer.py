"""The viewer: one picture of a list, large, with its row."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import said, tiles_of


def opened(dataset, paths, index):
    def page(identifier, paths, index):
        import streamlit as st

        from core.data.dataset import Dataset
        from pages.parts.data import viewer
        from pages.parts.session import state

        if "seen" not in st.session_state:
            st.session_state["seen"] = True
            viewer.open_at(Dataset.open(state.workspace(), identifier), paths, index)

    return AppTest.from_function(page, args=(dataset.id, paths, index), default_timeout=20).run()


def view(test):
    return next(item.proto.body for item in test.get("html") if "graft-view" in item.proto.body)


def test_it_shows_the_picture_with_its_row_and_goes_on(dataset):
    paths = dataset.usable()["path"].tolist()
    test = opened(dataset, paths, 0)
    assert "data:image/jpeg;base64," in view(test) and 'alt="blue_00.png"' in view(test)
    facts = test.table[0].value.iloc[:, -1].tolist()
    assert facts[0] == "blue" and "40 × 40 px" in facts
    assert f"1 of {len(paths)}" in said(test)
    assert test.button(key="viewer-previous").disabled and not test.button(key="viewer-next").disabled


def test_a_file_that_is_no_picture_says_why(dataset):
    test = opened(dataset, ["red/broken_00.png"], 0)
    assert "It cannot be shown" in view(test)
    assert "left out" in test.table[0].value.iloc[:, -1].tolist()


def test_a_picture_that_has_gone_says_so(dataset):
    assert "no longer in the dataset" in view(opened(dataset, ["gone.png"], 0))


def test_the_tiles_of_the_data_page_can_be_opened(dataset, open_page):
    tiles = tiles_of(open_page("data"))
    assert len(tiles) == 24
    assert tiles[0]["id"] == tiles[0]["tooltip"] == "blue/blue_00.png"
