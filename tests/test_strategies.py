"""What strategies refuse, and say; what they do is in test_backends.py."""

import pytest

from kerasgan.recipes import get
from kerasgan.recipes.recipe import differences
from kerasgan.strategies import Strategy


def test_a_batch_is_shared_by_replicas_and_updates():
    strategy = Strategy("mirrored", replicas=4)
    strategy.check_batch(40, multiple=5)
    with pytest.raises(ValueError, match="number, 4, times 5.*batch_size=48"):
        strategy.check_batch(48, multiple=5)
    Strategy().check_batch(7, multiple=2)


def test_a_run_may_go_on_where_the_hardware_asks_for_other_settings():
    recipe = get("dcgan")
    old = recipe.to_dict()
    for changes in (
        {"jit_compile": "on"},
        {"gradient_accumulation_steps": 4},
        {"total_images": 10**6},
    ):
        assert not differences(old, recipe.replace(**changes).to_dict())
    (line,) = differences(old, recipe.replace(seed=1).to_dict())
    assert line == "seed: 0 before, 1 now"


def test_a_setting_that_an_older_run_did_not_have_was_its_default():
    recipe = get("dcgan")
    old = recipe.to_dict()
    del old["synchronized_batch_norm"]
    assert not differences(old, recipe.to_dict())
    new = recipe.replace(synchronized_batch_norm=False).to_dict()
    assert len(differences(old, new)) == 1
