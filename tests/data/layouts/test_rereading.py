"""A question keeps what was read until it is answered; a dataset can be read differently afterwards."""

import pytest

from core.data.dataset import Dataset
from core.data.layouts import gaps, rereading
from core.data.library import discard, go_on, ingest
from core.data.mending import rename_class
from core.data.splits.split import split
from core.data.uploads import clean_incoming
from core.errors import DataError, EmptyClassError, NotFoundError, TooManyBadFilesError, UnclearLayoutError
from core.recipe.fields import DataSettings


@pytest.fixture
def folds(pets):
    """Two folders whose names do not say which split they are."""
    return {f"{'one' if path[5] in '01' else 'two'}/{path}": data for path, data in pets.items()}


def asked(source, workspace, **answers):
    with pytest.raises(UnclearLayoutError) as caught:
        ingest(source, workspace, keep=True, **answers)
    return caught.value


def test_an_unclear_layout_leaves_nothing_unless_it_is_to_be_kept(workspace, leftovers, folds, make_zip):
    with pytest.raises(UnclearLayoutError, match="do not say which split") as caught:
        ingest(make_zip(folds), workspace)
    assert caught.value.staged == "" and leftovers(workspace) == []


def test_the_answer_does_not_need_the_source_again(workspace, leftovers, folds, make_zip):
    source = make_zip(folds)
    question = asked(source, workspace)
    source.unlink()
    assert leftovers(workspace) == [question.staged]
    dataset = go_on(workspace, question.staged, layout="split-folders-last-test")
    assert leftovers(workspace) == [dataset.id]
    assert dataset.layout == {"reading": "split-folders-last-test", "text": question.readings[1].text}
    assert dataset.usable().groupby("split").size().to_dict() == {"train": 4, "test": 4}
    for row in dataset.usable().itertuples():
        assert dataset.image_path(row.file).read_bytes() == folds[row.path]


def test_it_can_be_discarded_and_is_cleaned_up_like_other_left_overs(workspace, leftovers, folds, make_zip):
    source = make_zip(folds)
    discard(workspace, asked(source, workspace).staged)
    assert leftovers(workspace) == []
    question = asked(source, workspace)
    assert clean_incoming(workspace, older_than=-1) == 1 and leftovers(workspace) == []
    with pytest.raises(NotFoundError):
        go_on(workspace, question.staged, layout="class-folders")
    for name in ("..", "/etc", ""):
        with pytest.raises(NotFoundError):
            go_on(workspace, name, layout="class-folders")


def test_one_question_after_the_other_is_answered_from_what_was_kept(workspace, leftovers, folds, make_zip):
    unreadable = {**{f"one/cats/{n}.jpg": b"no" for n in range(5)}, "two/owls/1.jpg": b"no"}
    question = asked(make_zip({**folds, **unreadable}), workspace)
    answers = {"layout": "split-folders-last-validation"}
    with pytest.raises(TooManyBadFilesError) as bad:
        go_on(workspace, question.staged, **answers)
    assert bad.value.staged == question.staged
    with pytest.raises(EmptyClassError, match="owls"):
        go_on(workspace, question.staged, **answers, accept_bad=True)
    dataset = go_on(workspace, question.staged, **answers, accept_bad=True, accept_empty=True)
    assert dataset.classes == ["cats", "dogs"] and leftovers(workspace) == [dataset.id]


def test_a_reading_that_there_is_not_is_refused_with_those_that_there_are(workspace, folds, make_zip, leftovers):
    with pytest.raises(DataError, match="cannot be read as 'nonsense'") as caught:
        ingest(make_zip(folds), workspace, layout="nonsense")
    assert "inner-folders" in caught.value.hint and leftovers(workspace) == []


def test_it_can_be_read_differently_and_back(workspace, folds, make_zip):
    dataset = ingest(make_zip({**folds, "loose.png": b"no"}), workspace, layout="inner-folders")
    readings = {reading.id: reading for reading in rereading.readings(dataset)}
    rereading.read_as(dataset, readings["class-folders"])
    other = Dataset.open(workspace, dataset.id)
    assert other.classes == ["one", "two"] and other.layout["reading"] == "class-folders"
    assert other.images == 8 and other.bad == 0 and other.fingerprint != dataset.fingerprint
    rereading.read_as(other, readings["inner-folders"])
    again = Dataset.open(workspace, dataset.id)
    assert (again.fingerprint, again.classes, again.layout) == (dataset.fingerprint, dataset.classes, dataset.layout)
    assert rereading.current(again) == readings["inner-folders"]


def test_what_a_reading_leaves_outside_another_one_uses(workspace, pets, make_zip):
    members = {f"train/{path}": data for path, data in pets.items()}
    flat = {f"test/{number}.png": data for number, data in enumerate(pets.values())}
    dataset = ingest(make_zip({**members, **flat}), workspace)
    assert (dataset.images, dataset.bad) == (8, 0) and (dataset.manifest["status"] == "outside").sum() == 8
    reading = next(one for one in rereading.readings(dataset) if one.id == "class-folders")
    rereading.read_as(dataset, reading)
    other = Dataset.open(workspace, dataset.id)
    assert other.classes == ["test", "train"] and other.images == 16
    assert set(other.manifest["status"]) == {"ok"} and set(other.manifest["reason"]) == {""}


def test_classes_that_were_renamed_are_renamed_again(workspace, folds, make_zip):
    dataset = ingest(make_zip(folds), workspace, layout="inner-folders")
    dataset = rename_class(workspace, dataset.id, "cats", "lions")
    readings = {reading.id: reading for reading in rereading.readings(dataset)}
    rereading.read_as(dataset, readings["split-folders-last-test"])
    assert Dataset.open(workspace, dataset.id).classes == ["dogs", "lions"]
    rereading.read_as(dataset, readings["class-folders"])
    assert Dataset.open(workspace, dataset.id).classes == ["one", "two"]


@pytest.mark.parametrize(("how", "classes", "validation"), [("rest", 2, 4), ("moved", 3, 5), ("anew", 3, 4)])
def test_a_validation_folder_that_lacks_a_class_is_mended(workspace, pets, make_zip, picture, how, classes, validation):
    members = {f"{part}/{path}": data for path, data in pets.items() for part in [
        "train" if path[5] in "01" else "val"]}
    members |= {f"train/owls/{n}.png": picture(50 + n) for n in range(5)}
    dataset = ingest(make_zip(members), workspace)
    with pytest.raises(DataError, match="owls"):
        split(dataset.usable(), DataSettings())
    paths = dataset.usable()["path"].tolist()
    reading = rereading.current(dataset)
    assert gaps.gaps(reading, paths) == [gaps.Gap("owls", "validation")]
    offer = next(one for one in gaps.mended(reading, paths) if one.id.endswith(how))
    rereading.read_as(dataset, offer)
    mended = Dataset.open(workspace, dataset.id)
    divided = split(mended.usable(), DataSettings(validation=0.3))
    assert len(mended.classes) == classes and (divided["split"] == "validation").sum() == validation
    assert gaps.mended(rereading.current(mended), mended.usable()["path"].tolist()) == []
