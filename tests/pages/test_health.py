"""The health of a dataset on the Data page: findings, what mends them, the thorough check, and undo."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core import checking
from core.data import mending
from core.data.checks import evidence
from core.data.checks.evidence import Evidence
from core.data.dataset import Dataset
from core.jobs import requests
from tests.pages.conftest import said, tiles_of

SUSPECT = {"path": "blue/blue_03.png", "given": "blue", "suggested": "red", "probability": 0.93}


def keep(dataset: Dataset, **seen: object) -> None:
    evidence.write(dataset, Evidence(evidence.contents_of(dataset), 2.0, "a network", seen))


def finding(test, kind: str, place: int = 0):
    return next(item for item in test.expander if item.proto.id and f"-{kind}-{place}" in item.proto.id)


def test_clean_pictures_are_said_to_be_so_and_more_is_offered(dataset, open_page):
    test = open_page("data")
    assert "Nothing was found by the quick checks." in said(test)
    assert test.button(key=f"check-{dataset.id}").label == "Check thoroughly"
    assert "Takes about" in said(test)
    keep(dataset)
    assert "Nothing was found." in said(open_page("data"))


def test_a_suspect_is_shown_and_moved_by_one_click_and_undone(dataset, workspace, open_page):
    keep(dataset, labels=[SUSPECT])
    test = open_page("data")
    assert "1 label looks wrong" in " ".join(item.label for item in test.expander)
    mending.relabel(workspace, dataset.id, [SUSPECT["path"]], "red")  # as the viewer does
    test.run()
    assert "looks wrong" not in " ".join(item.label for item in test.expander)
    assert "1 picture moved to red" in said(test)
    test.button(key="change-bar-undo").click().run()
    assert Dataset.open(workspace, dataset.id).manifest.set_index("path")["class"][SUSPECT["path"]] == "blue"
    test.button(key="change-bar-redo").click().run()
    assert Dataset.open(workspace, dataset.id).manifest.set_index("path")["class"][SUSPECT["path"]] == "red"


def test_what_a_finding_offers_is_done(dataset, workspace, open_page):
    keep(dataset, light={"blurred": ["red/red_01.png", "red/red_02.png"], "dark": [], "bright": []})
    test = open_page("data")
    (key,) = [item.key for item in test.expander if "blurred" in item.label]
    test.session_state[key] = True
    test.run()
    assert {"red/red_01.png", "red/red_02.png"} <= {tile["id"] for tile in tiles_of(test)}
    next(item for item in test.button if item.label == "Leave them out").click().run()
    assert Dataset.open(workspace, dataset.id).images == dataset.images - 2
    assert "blurred" not in " ".join(item.label for item in test.expander)


def test_pictures_that_came_since_are_said_to_be_unchecked(dataset, workspace, open_page):
    keep(dataset)
    mending.exclude(workspace, dataset.id, ["red/red_01.png"])
    test = open_page("data")
    assert "Pictures came or went since the last thorough check" in said(test)
    assert test.button(key=f"check-{dataset.id}").label == "Check again"


def test_a_check_that_waits_is_followed_and_can_be_cancelled(dataset, workspace, open_page):
    job = requests.made(workspace, checking.KIND, {}, [dataset.id])
    test = open_page("data")
    assert "check-cancel" in {item.key for item in test.button}
    test.button(key="check-cancel").click().run()
    assert job.stop_requested


def test_a_class_that_is_rare_offers_to_count_more(workspace, dataset, open_page, monkeypatch):
    mending.exclude(workspace, dataset.id, [f"red/red_{index:02d}.png" for index in range(3, 10)])
    test = open_page("data")
    assert "1 class has" in said(test) or "fewer than 5" in " ".join(item.label for item in test.expander)


def viewed(dataset: Dataset) -> AppTest:
    """The viewer on one picture, anew."""
    def page(identifier):
        from core.data.dataset import Dataset
        from pages.parts.data import viewer
        from pages.parts.session import state

        viewer.open_at(Dataset.open(state.workspace(), identifier), ["blue/blue_03.png"], 0)

    return AppTest.from_function(page, args=(dataset.id,), default_timeout=20).run()


def test_the_viewer_moves_leaves_out_and_takes_back(dataset, workspace):
    def row():
        return Dataset.open(workspace, dataset.id).manifest.set_index("path").loc["blue/blue_03.png"]

    test = viewed(dataset)
    test.button(key="viewer-to-3").click().run()
    assert row()["class"] == "red" and "1 picture moved to red" in test.toast[0].value
    test.button(key="change-viewer-undo").click().run()
    assert row()["class"] == "blue"
    test.button(key="viewer-leave-out").click().run()
    assert row()["status"] == "excluded" and test.button(key="viewer-leave-out").label == "Bring it back"
    test.button(key="viewer-leave-out").click().run()
    assert row()["status"] == "ok"


def test_what_cannot_be_done_is_said_and_changes_nothing(dataset, workspace):
    mending.merge_classes(workspace, dataset.id, ["green"], "blue")
    mending.exclude(workspace, dataset.id, [f"red/red_{index:02d}.png" for index in range(1, 10)])
    test = AppTest.from_function(_a_button, args=(dataset.id,), default_timeout=20).run()
    test.button(key="last").click().run()
    assert "A classifier needs two" in str(test.error[0].value)
    assert Dataset.open(workspace, dataset.id).classes == ["blue", "red"]


def _a_button(identifier):
    import streamlit as st

    from pages.parts.data import changing

    changing.news()
    st.button("Leave the last one out", key="last", on_click=changing.edit, args=(identifier, "exclude"),
              kwargs={"paths": ["red/red_00.png"]})


def test_classes_are_renamed_merged_and_left_out(dataset, workspace):
    def page(identifier):
        from core.data.dataset import Dataset
        from pages.parts.data import classes
        from pages.parts.session import state

        chosen = Dataset.open(state.workspace(), identifier)
        classes._actions(chosen, chosen.classes[-1:])
        classes._actions(chosen, chosen.classes[:2])

    test = AppTest.from_function(page, args=(dataset.id,), default_timeout=20).run()
    assert test.button(key="class-rename").disabled and not test.button(key="class-merge").disabled
    test.text_input(key="class-name-red").set_value("scarlet").run()
    test.button(key="class-rename").click().run()
    assert Dataset.open(workspace, dataset.id).classes == ["blue", "green", "scarlet"]
    test.text_input(key="class-name-blue-green").set_value("cold").run()
    test.button(key="class-merge").click().run()
    assert Dataset.open(workspace, dataset.id).classes == ["cold", "scarlet"]
    assert test.button(key="class-leave-out").disabled and test.button(key="class-merge").disabled


def test_the_gallery_filters_sorts_and_changes_what_is_selected(dataset, workspace, open_page):
    test = open_page("data")
    test.selectbox(key=f"order-of-{dataset.id}").set_value("Smallest file first").run()
    sizes = dataset.usable().set_index("path")["bytes"]
    shown = [int(sizes[tile["id"]]) for tile in tiles_of(test)]
    assert shown == sorted(shown) and len(shown) == 24
    others = [path for path in sizes.index if path not in {tile["id"] for tile in tiles_of(test)}]
    test.session_state[f"graft-selected-pictures-{dataset.id}"] = others[:2]  # on the other page
    test.run()
    assert "**2 pictures** selected" in said(test)
    test.button(key="selected-leave-out").click().run()
    assert Dataset.open(workspace, dataset.id).images == dataset.images - 2
    assert "selected-leave-out" not in {item.key for item in test.button}


def test_a_click_on_a_bar_shows_its_class(dataset, open_page):
    from pages.parts.data import dataset_view

    def page(identifier):
        import streamlit as st

        from core.data.dataset import Dataset
        from pages.parts.data import dataset_view
        from pages.parts.session import state

        shower = dataset_view.shower(Dataset.open(state.workspace(), identifier))
        for told in (99, "x", [], -1, [2]):
            shower(told)
        st.write(st.session_state[f"class-pills-{identifier}"])

    test = AppTest.from_function(page, args=(dataset.id,), default_timeout=20).run()
    assert test.markdown[0].value == "red" and dataset_view.MOST_PILLS >= 3


def test_a_class_from_the_list_can_be_taken_back(dataset, workspace):
    """The list is empty again after a move: what it still said would be done again when *Undo* is pressed."""
    test = viewed(dataset)
    box = next(item for item in test.selectbox if (item.key or "").startswith("viewer-other-"))
    box.set_value("green").run()
    assert Dataset.open(workspace, dataset.id).manifest.set_index("path")["class"]["blue/blue_03.png"] == "green"
    test.button(key="change-viewer-undo").click().run()
    assert Dataset.open(workspace, dataset.id).manifest.set_index("path")["class"]["blue/blue_03.png"] == "blue"
    test.run()
    assert Dataset.open(workspace, dataset.id).manifest.set_index("path")["class"]["blue/blue_03.png"] == "blue"
