"""What replicas of a step can tell each other, and where they cannot."""

from kerasgan import devices


def check(settings, jit_replicas):
    """Raises where XLA or a condition would meet an all-reduce.

    Layers, losses and regularizers with `synchronized=True` need what other
    replicas see.

    Args:
        settings: A model's `Settings`.
        jit_replicas: Whether XLA compiles what a replica does by itself.
    """
    if devices.replica_count() == 1:
        return
    for player in settings.players:
        regularizers = player.regularizers
        lazy = [r for r in regularizers if r.every > 1]
        layers = [x for net in player.networks for x in net._flatten_layers()]
        inside = [*layers, *lazy] if lazy else []
        if jit_replicas:
            inside = [*layers, settings.loss, *regularizers]
        names = {
            type(part).__name__
            for part in inside
            if getattr(part, "synchronized", False)
        }
        if names:
            raise ValueError(
                "Nothing can communicate between replicas inside of XLA or of "
                f"a lazy regularizer. Received: jit_compile={jit_replicas}, "
                f"{len(lazy)} regularizers of the {player.name} with `every` "
                "above 1, and, with `synchronized=True`: "
                f"{', '.join(sorted(names))}. Change one of them."
            )
