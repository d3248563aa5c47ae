"""The Train page: settings, Start, a run in every state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs import queue as jobs
from core.recipe import proposals
from core.recipe.fields import Recipe
from core.runs.index import list_runs
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import read_json, write_json
from core.store.processes import this_process
from tests.pages.conftest import said, widget


@pytest.fixture
def recipe(dataset) -> Recipe:
    return proposals.small_network(dataset)


@pytest.fixture
def run(dataset, recipe, workspace) -> Run:
    """A run that this test process trains, as far as its status says."""
    made = Run.create(dataset, recipe, workspace)
    pid, started = this_process()
    made.write_status(Status(state="running", stage="train", phase="train", epoch=2, epochs=20, step=3, steps=8,
                             pid=pid, pid_started=started, started=1.0, eta_s=75.0, images_per_second=420.0,
                             message="Training"))
    for epoch, step in ((1, 4), (1, 8), (2, 3)):
        made.append_event("batch", phase="train", epoch=epoch, step=step, steps=8, loss=1.0 / epoch, accuracy=0.5)
    (made.path / "history.csv").write_text(
        "epoch,phase,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,images_per_second\n"
        "1,train,1.0,0.5,0.9,0.75,0.001,2.0,400\n")
    return made


def metric(test, label):
    return next(item.value for item in test.metric if item.label == label)


def button(test, label):
    return next((item for item in test.button if item.label == label), None)


def test_without_data_it_leads_to_the_data_page(workspace, open_page):
    assert button(open_page("train"), "Go to Data")


def test_settings_go_into_the_recipe(workspace, dataset, open_page):
    test = open_page("train")
    test.number_input(key="field:train.phases.0.epochs").set_value(7).run()
    test.selectbox(key="field:train.phases.0.optimizer").select("sgd").run()
    test.number_input(key="field:train.phases.0.learning_rate").set_value(0.02).run()
    test.selectbox(key="field:augment.preset").set_value("light").run()
    kept = Recipe.model_validate_json(read_json(workspace.root / "chosen.json")[f"recipe-{dataset.id}"])
    phase = kept.train.phases[0]
    assert (phase.epochs, phase.optimizer, phase.learning_rate) == (7, "sgd", 0.02)
    assert kept.augment.flip == "horizontal"


def test_custom_augmentation_begins_with_the_preset_before_it(workspace, dataset, open_page):
    test = open_page("train")
    test.selectbox(key="field:augment.preset").set_value("medium").run()
    test.selectbox(key="field:augment.preset").set_value("custom").run()
    assert test.number_input(key="field:augment.rotation").value == 10.0
    test.number_input(key="field:augment.rotation").set_value(45.0).run()
    kept = Recipe.model_validate_json(read_json(workspace.root / "chosen.json")[f"recipe-{dataset.id}"])
    assert (kept.augment.preset, kept.augment.rotation, kept.augment.zoom) == ("custom", 45.0, 0.1)


def test_a_learning_rate_of_zero_is_refused_with_a_reason(dataset, open_page):
    test = open_page("train")
    before = test.number_input(key="field:train.phases.0.learning_rate").value
    test.number_input(key="field:train.phases.0.learning_rate").set_value(0.0).run()
    assert "greater than 0" in said(test)
    assert widget(test.number_input, "field:train.phases.0.learning_rate").value == before > 0


def test_a_running_run_shows_where_it_is(run, open_page):
    test = open_page("train")
    assert metric(test, "Epoch") == "2 of 20"
    assert metric(test, "Time left") == "1 min 15 s"
    assert metric(test, "Images per second") == "420"
    assert metric(test, "Best accuracy") == "75.0 %"
    assert "random weights" in said(test)
    assert len(test.get("plotly_chart")) == 2


def test_the_run_is_found_again_by_its_id_in_the_address(run, open_page):
    run.write_status(replace(run.status(), state="stopped"))
    test = open_page("train")
    test.query_params["run"] = run.id
    test.run()
    assert "Stopped in epoch 2 of 20" in said(test)


def test_an_unknown_run_in_the_address_is_as_if_there_was_none(dataset, open_page):
    test = open_page("train")
    test.query_params["run"] = "../../etc"
    test.run()
    assert not test.exception and not test.error
    assert "run" not in test.query_params


def test_stop_asks_through_the_run_folder(run, open_page):
    button(open_page("train"), "Stop").click().run()
    assert run.stop_requested
    assert button(open_page("train"), "Stopping").disabled


def test_a_run_more_waits_in_the_queue_and_can_be_taken_out(run, workspace, dataset, open_page):
    test = open_page("train")
    button(test, "Add to the queue").click().run()
    waiting = [item for item in list_runs(workspace) if item.status().state == "queued"]
    assert len(waiting) == 1
    button(test, "Take out").click().run()
    assert waiting[0].status().state == "stopped"
    assert button(test, "Take out") is None


def test_a_killed_worker_is_said_to_be_interrupted_with_its_log_at_hand(run, open_page):
    (run.path / "worker.log").write_text("the last words of the worker")
    run.write_status(replace(run.status(), pid=2**22 - 7, pid_started=1.0))
    test = open_page("train")
    assert "process is gone" in said(test)
    assert "the last words of the worker" in test.code[0].value


def test_a_failed_run_says_what_to_do(run, open_page):
    run.write_status(replace(run.status(), state="failed", error={
        "kind": "OutOfMemoryError", "message": "The machine ran out of memory.", "hint": "Use a smaller batch size."}))
    test = open_page("train")
    test.query_params["run"] = run.id
    test.run()
    assert "The machine ran out of memory." in said(test)
    assert "Use a smaller batch size." in said(test)


@pytest.fixture
def submitted(monkeypatch) -> list[str]:
    """The ids of the runs that were handed to the queue, where nothing starts."""
    found: list[str] = []
    monkeypatch.setattr(jobs, "submit", lambda run, machine: found.append(run.id))
    monkeypatch.setattr(jobs, "tick", lambda machine: None)
    return found


def opened(open_page, run):
    test = open_page("train")
    test.query_params["run"] = run.id
    return test.run()


def test_a_run_is_paused_and_goes_on(run, open_page, submitted):
    test = opened(open_page, run)
    button(test, "Pause").click().run()
    assert run.pause_requested and button(test, "Pausing").disabled and button(test, "Go on") is None
    run.write_status(replace(run.status(), state="paused", message="Paused in epoch 2."))
    test = opened(open_page, run)
    assert "Paused in epoch 2." in said(test)
    button(test, "Go on").click().run()
    assert submitted == [run.id] and run.status().state == "queued" and not run.pause_requested


def test_a_finished_run_is_made_longer_as_a_new_one(run, open_page, submitted, workspace):
    run.write_status(replace(run.status(), state="completed"))
    button(opened(open_page, run), "Train 10 more epochs").click().run()
    (new,) = submitted
    found = Run.find(workspace, new)
    assert found.recipe.train.epochs == 11 and found.splits().equals(run.splits())  # one epoch is in its history
    assert run.status().state == "completed"


def test_a_failure_is_mended_by_one_click(run, open_page, submitted, workspace):
    rate = run.recipe.train.phases[0].learning_rate / 10
    for kind, label, changed in (
            ("OutOfMemoryError", "Go on with batches of 16", "train.batch_size=16"),
            ("TrainingDivergedError", f"Go on at a rate of {rate:g}", f"train.phases.0.learning_rate={rate!r}")):
        error = {"kind": kind, "message": "No.", "hint": "Change."}
        run.write_status(replace(run.status(), state="failed", error=error))
        button(opened(open_page, run), label).click().run()
        assert Run.find(workspace, submitted[-1]).recipe == run.recipe.override([changed])


def test_start_makes_a_run_and_submits_it(workspace, dataset, open_page, monkeypatch):
    submitted = []
    monkeypatch.setattr(jobs, "submit", lambda run, machine: submitted.append(run.id))
    monkeypatch.setattr(jobs, "tick", lambda machine: None)
    button(open_page("train"), "Start training").click().run()
    assert submitted == [run.id for run in list_runs(workspace)]


def test_augmentation_with_frozen_layers_says_what_views_and_fresh_ones_cost(dataset, open_page):
    test = open_page("train")
    test.selectbox(key="field:augment.preset").set_value("medium").run()
    assert "Nothing is frozen" in said(test)
    assert not [item for item in test.selectbox if item.key == "field:augment.views"]
    open_page("model").select_slider(key="freeze").set_value("block_1").run()
    test = open_page("train")
    assert test.selectbox(key="field:augment.views").options == ["2", "4", "8", "16", "fresh"]
    assert "with 4 views" in said(test) and "with *fresh*" in said(test)
    assert "on disk" in said(test)


def test_time_left_while_preparing_is_of_that_step(run, open_page):
    run.write_status(replace(run.status(), stage="prepare", message="Running the frozen layers", epoch=0))
    assert metric(open_page("train"), "Left in this step") == "1 min 15 s"


def test_the_best_accuracy_is_that_of_the_model_that_is_kept(run, open_page):
    (run.path / "recipe.json").write_text(run.recipe.override(["train.monitor=val_loss"]).to_json())
    with open(run.path / "history.csv", "a") as file:
        file.write("2,train,0.5,0.6,1.2,0.95,0.001,2.0,400\n")
    assert metric(open_page("train"), "Best accuracy") == "75.0 %"
    write_json(run.path / "metrics.json", {"validation": {"accuracy": 0.5}})
    assert metric(open_page("train"), "Best accuracy") == "50.0 %"


def test_a_run_that_has_ended_can_be_deleted_after_a_question(run, workspace, open_page):
    assert button(open_page("train"), "Delete") is None
    run.write_status(replace(run.status(), state="stopped"))
    test = open_page("train")
    button(test, "Delete").click().run()
    assert "is removed from the workspace" in said(test) and run.path.exists()
    assert button(test, "Delete it") and button(test, "Keep it")


def test_broken_folders_do_not_take_the_page_down(run, dataset, workspace, open_page):
    run.write_status(replace(run.status(), state="stopped"))
    open_page("train")
    (run.path / "dataset.json").unlink()
    assert button(open_page("train"), "Start training")
    open_page("data").query_params["dataset"] = dataset.id
    (dataset.path / "dataset.json").write_text("{")
    test = open_page("train")
    assert not test.error and button(test, "Go to Data")


def test_a_run_of_a_newer_version_is_named(run, dataset, workspace, open_page):
    write_json(run.path / "job.json", {"schema": 99})
    test = open_page("train")
    assert run.id in said(test) and "newer version of Graft" in said(test)
    assert button(test, "Start training") and run.path.is_dir()


def test_a_run_that_failed_stays_within_reach(workspace, dataset, recipe, run, open_page):
    other = Run.create(dataset, recipe.override(["train.phases.0.epochs=3"]), workspace)
    other.write_status(Status(state="failed", epochs=3, error={"kind": "OutOfMemoryError", "message": "Too large.",
                                                               "hint": "Lower the batch size."}))
    test = open_page("train")
    assert "Too large" not in said(test)
    test.session_state["earlier"] = True
    test.run()
    button_of(test, f"open-{other.id}").click().run()
    assert "Too large" in said(test)
    assert button_of(test, f"open-{run.id}")  # the one that trains is still offered
    button_of(test, f"again-{other.id}").click().run()
    document = read_json(workspace.root / "chosen.json")[f"recipe-{dataset.id}"]
    assert Recipe.model_validate_json(document).train.epochs == 3


def button_of(test, key):
    return next((item for item in test.button if item.key == key), None)


def test_what_the_curves_say_is_said_and_acted_on(run, open_page, workspace, dataset):
    rows = [f"{epoch},train,{0.5**epoch},0.5,{0.8 + 0.07 * abs(epoch - 4)},0.75,0.001,2.0,400"
            for epoch in range(1, 16)]
    (run.path / "history.csv").write_text("\n".join([(run.path / "history.csv").read_text().split("\n")[0], *rows, ""]))
    run.write_status(replace(run.status(), state="completed"))
    test = opened(open_page, run)
    assert "best in epoch 4" in said(test) and "by heart" in said(test)
    button(test, "Try augmentation").click().run()
    document = read_json(workspace.root / "chosen.json")[f"recipe-{dataset.id}"]
    assert Recipe.model_validate_json(document).augment.preset == "medium" and not test.exception


def test_phases_are_added_moved_and_removed(dataset, open_page, workspace):
    def kept():
        document = read_json(workspace.root / "chosen.json")[f"recipe-{dataset.id}"]
        return [phase.name for phase in Recipe.model_validate_json(document).train.phases]

    test = open_page("train")
    button(test, "Add a phase").click().run()
    assert kept() == ["train", "fine-tuning"] and not test.exception
    assert "what learns (green)" in said(test)
    test.menu_button(key="phase-menu").click("Earlier").run()
    assert kept() == ["fine-tuning", "train"]
    test.menu_button(key="phase-menu").click("Remove it").run()
    assert kept() == ["train"] and button(test, "Add a phase") and not test.exception


def test_what_augmentation_does_is_shown_on_a_picture_of_ones_own(dataset, open_page):
    test = open_page("train")
    assert button(test, "Another picture") is None
    widget(test.selectbox, "field:augment.preset").set_value("strong").run()
    assert not test.exception and "6 of the copies that training makes of" in said(test)
    before = said(test)
    button(test, "Another picture").click().run()
    assert said(test) != before and not test.exception
