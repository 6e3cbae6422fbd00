"""Layers that draw by themselves, as Keras' Dropout does.

Their random states would be the same on all replicas, and start anew when a
training is resumed: here they follow from the images seen, like every draw.
"""

from kerasgan import random


def states(players, batch, purpose):
    """Pairs (state of a layer's generator, its value for this update)."""
    found = []
    for player in players:
        for network in player.networks:
            weights = {id(weight) for weight in network.weights}
            found += [v for v in network.variables if id(v) not in weights]
    return [
        (
            state,
            random.key_state(
                batch.numbers[0],
                seed=batch.seed,
                purpose=f"{purpose}/dropout/{index}",
            ),
        )
        for index, state in enumerate(found)
    ]
