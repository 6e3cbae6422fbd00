"""Stages of a network that training leaves as they are.

FreezeD (Mo et al. 2020, https://arxiv.org/abs/2002.10964): what edges and
textures look like was learned from many images, and is forgotten over few, so
a training that starts from another (`transfer.py`) may leave the stages next
to the image alone.
"""

import itertools


def freeze(networks, stages):
    """Keeps players' first stages as they are, in all training from here on.

    They count from a network's input on, and what comes before the first
    belongs to it. Stages are what a network has in a list `stages`; where there
    is none, its layers that have weights, but for the last. Attention between
    stages is trained on.

    No optimizer is to hold frozen weights, and vectors of spectral norm stay.
    Batch norm still divides by each batch's own deviations, from which the
    layers above have learned, but its moving averages stay. (Keras' own goes by
    these, once it is frozen.) Nothing thaws them but their `trainable`.

    Args:
        networks: {player: its networks}.
        stages: {player: how many of each}; 0 changes nothing.

    Raises:
        ValueError: There are fewer. Nothing has been changed then.
    """
    layers = []
    for player, count in stages.items():
        for network in networks[player] if count != 0 else ():
            found = _stages(network)
            if not isinstance(count, int) or not 0 <= count <= len(found):
                raise ValueError(
                    f"`{player}_frozen_stages` must be from 0 to "
                    f"{len(found)}, the number of the {player}'s stages. "
                    f"Received: {player}_frozen_stages={count!r}"
                )
            layers += itertools.chain(*found[:count])
    for layer in layers:
        layer.trainable = False


def _stages(network):
    """Lists of layers, from the input on."""
    holder, inner = network, _with_weights(network)
    # Progressive GAN has its own in a trunk.
    while _listed(holder) is None and len(inner) == 1:
        holder, inner = inner[0], _with_weights(inner[0])
    stages = _listed(holder)
    if stages is None:
        return [[layer] for layer in inner[:-1]]
    start = stages[0][0]
    before = itertools.takewhile(lambda layer: layer is not start, inner)
    return [[*before, *stages[0]], *stages[1:]]


def _listed(layer):
    """The lists of layers in its attribute `stages`, or None."""
    stages = getattr(layer, "stages", None)
    if not stages or not isinstance(stages, (list, tuple)):
        return None
    return [
        list(stage) if isinstance(stage, (list, tuple)) else [stage]
        for stage in stages
    ]


def _with_weights(layer):
    inside = layer._flatten_layers(include_self=False, recursive=False)
    return [child for child in inside if child.weights]
