import numpy as np
import pytest

from core.backbones import catalogue
from core.data.images.decode import decode
from core.data.library import ingest_sample, list_datasets, resolve_dataset
from core.data.samples import SAMPLES
from core.errors import NotFoundError
from core.recipe.specs import require_available


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_has_what_a_page_shows_and_a_recipe_without_weights(name):
    sample = SAMPLES[name]
    assert sample.name == name and sample.title and sample.description.endswith(".")
    assert (sample.write is None) != (sample.download is None)
    if sample.download is not None:
        found = sample.download
        assert found.url.startswith("https://") and found.source.startswith("https://")
        assert found.mb > 1 and found.images > found.classes > 1 and found.licence
        return
    assert sample.recipe is not None and sample.recipe.model.weights == "none"
    require_available(sample.recipe)
    backbone, _ = catalogue.get(sample.recipe.model.backbone, sample.recipe.model.alpha)
    assert (sample.recipe.data.image_size or backbone.default_size) >= backbone.min_size


def test_digits(workspace):
    dataset = ingest_sample("digits", workspace)
    assert dataset.classes == [str(digit) for digit in range(10)] and dataset.images == 1797 and dataset.bad == 0
    assert dataset.usable()["class"].value_counts().min() > 170
    assert list(workspace.incoming.iterdir()) == []
    image = decode(dataset.image_path(dataset.usable()["file"].iloc[0]))
    assert image.shape == (32, 32, 3) and image.max() > 200 and np.array_equal(image[..., 0], image[..., 2])
    assert resolve_dataset("digits", workspace).id == dataset.id and len(list_datasets(workspace)) == 1


def test_an_unknown_sample(workspace):
    with pytest.raises(NotFoundError, match="digits"):
        ingest_sample("letters", workspace)
