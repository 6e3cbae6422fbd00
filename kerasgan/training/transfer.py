"""Training that begins with networks trained before, on other data perhaps.

A new model is given the weights of an old one where they fit, and a report
says where. To train only a part of the discriminator then: `freezing.py`.
"""

import collections
import dataclasses
import itertools
import json
import math
import re

import numpy as np
from keras import ops

from kerasgan.errors import unknown_name

_AVERAGED = "averaged_"
_ITSELF = "itself"  # The path of the network's own weights, in no layer.


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What became of a layer of the new model, without the layers inside it."""

    network: str
    path: str  # Within the network; "[1]" is the second layer of its name.
    shapes: dict  # {weight: its shape}
    source_shapes: dict | None = None  # None: the source has no such layer.
    loaded: int = 0  # Numbers that are the source's, of `numbers`.
    state: str = "fresh"  # Or "loaded", or "partly".
    reason: str = ""

    @property
    def numbers(self):
        return sum(map(math.prod, self.shapes.values()))

    @property
    def fits(self):
        return self.state != "fresh"

    @property
    def has_kernel(self):
        return any(len(shape) > 1 for shape in self.shapes.values())


@dataclasses.dataclass(frozen=True)
class Report:
    """What a model took from another one, layer by layer.

    Args:
        transfers: A `Transfer` for each layer of the new model that has
            weights of its own, in order.
        unused: {network: places in the source of what fits nowhere}.
    """

    transfers: tuple
    unused: dict

    def of(self, network):
        """{path: `Transfer`} of one network, such as "generator"."""
        return {t.path: t for t in self.transfers if t.network == network}

    @property
    def networks(self):
        """{name: (numbers loaded, numbers)}."""
        counts = {}
        for t in self.transfers:
            loaded, numbers = counts.get(t.network, (0, 0))
            counts[t.network] = (loaded + t.loaded, numbers + t.numbers)
        return counts

    def __str__(self):
        lines, before = [], {}
        for name, (loaded, numbers) in self.networks.items():
            lines.append(f"{name}: {loaded:,} of {numbers:,} numbers loaded")
            table = _table(list(self.of(name).values()))
            if self.unused[name]:
                places = ", ".join(self.unused[name])
                table.append(f"  not used, of the source: {places}")
            same = before.setdefault("\n".join(table), name)
            lines += table if same == name else [f"  as the {same}"]
        return "\n".join(lines)

    def to_json(self):
        """{network: {"loaded", "numbers", "layers", "unused"}}, as text."""
        networks = {}
        for name, (loaded, numbers) in self.networks.items():
            layers = map(dataclasses.asdict, self.of(name).values())
            networks[name] = {
                "loaded": loaded,
                "numbers": numbers,
                "layers": [
                    {key: x[key] for key in x if key != "network"}
                    for x in layers
                ],
                "unused": self.unused[name],
            }
        return json.dumps(networks, indent=2)


def start_from(model, source):
    """Gives a model the weights of another one, where they fit -> a `Report`.

    Layers belong together that have the same place: a path of names within
    their network, where Keras' numbered names (`dense_3`) count by kind within
    the layer around them. Stages are named after their size, so that a network
    for larger images finds those that it shares with the source, where they
    are as wide. A layer is taken whole, statistics and vectors of spectral
    norm too, or stays fresh:

    - weights of the same shape are copied;
    - of those that differ by the number of classes, what is not about classes
      is copied, class i begins as class i, and one that the source has not as
      the mean of its classes (zeros, where it has none). A gain of all classes
      becomes each one's, and the mean of theirs that of all;
    - any other shape, and the layer does not fit.

    The generator becomes the one that the discriminator was trained against,
    and the averaged one the average, which that has never seen: keep it by
    `compile(ema_half_life_images=Constant(...))`, for a number begins from
    nothing. Optimizers' moments and the count of images seen begin anew.

    Args:
        model: An `AdversarialModel`, compiled or not.
        source: Another one (`kerasgan.load(path, compile=False)`), or a dict
            {"generator": network, ...} of some of its networks.

    Raises:
        ValueError: No kernel fits, or a frozen layer would stay fresh. Nothing
            has been changed then.
    """
    ours, theirs = _networks(model), _networks(source)
    if isinstance(source, dict):
        for name in theirs:
            if name not in ours:
                raise unknown_name("source", name, ours)
    transfers, assignments, unused = [], [], {}
    for name, network in ours.items():
        old = theirs.get(name, theirs.get(name.removeprefix(_AVERAGED)))
        old_layers = {} if old is None else _layers_of(old)
        classes = _class_count(old, source), _class_count(network, model)
        for transfer, pairs in _matched(name, network, old_layers, classes):
            transfers.append(transfer)
            assignments += pairs
        taken = {t.path for t in transfers if t.network == name and t.fits}
        left = [path for path in old_layers if path not in taken]
        unused[name] = _places(left, list(old_layers))
    if not any(t.fits and t.has_kernel for t in transfers):
        raise ValueError(
            "`source` must have a kernel that fits. Received: networks in "
            f"which none of {len(transfers)} layers has its place and shapes. "
            "Those of the same family fit that are as wide at each size: for "
            "images twice as large, take half the `width`."
        )
    for weight, values in assignments:
        weight.assign(values)
    return Report(tuple(transfers), unused)


def _matched(name, network, old_layers, classes):
    """For each layer of a network: its `Transfer`, pairs (weight, values)."""
    for path, (layer, weights) in _layers_of(network).items():
        values, found = _fitted(
            old_layers.get(path), (layer, weights), classes, path == _ITSELF
        )
        shapes = {key: tuple(w.shape) for key, w in weights.items()}
        transfer = Transfer(name, path, shapes, **found)
        frozen = not (layer.trainable or name.startswith(_AVERAGED))
        if values is None and frozen:
            raise ValueError(
                "`source` must have the weights of all layers that are frozen. "
                f"Received: none for {path} of the {name} ({transfer.reason}). "
                "Freeze fewer stages; in Python, layers of your own can be "
                "frozen afterwards."
            )
        pairs = (
            () if values is None else zip(weights.values(), values, strict=True)
        )
        yield transfer, pairs


def _networks(model):
    """{name: network} of a model, averages included, or of a dict."""
    if isinstance(model, dict):
        return model
    if not hasattr(model, "networks"):
        raise ValueError(
            "`source` must be a model of generator and discriminator, or a "
            'dict such as {"generator": network}. Received: '
            f"{type(model).__name__}"
        )
    named, names = {}, {}
    for player, networks in model.networks.items():
        for i, network in enumerate(networks):
            name = player if len(networks) == 1 else f"{player}_{i}"
            named[name], names[id(network)] = network, name
    for network, average in model.averages:
        named[_AVERAGED + names[id(network)]] = average
    return named


def _class_count(network, owner):
    """How many classes a network is told of, or tells; 0 is none."""
    count = getattr(network, "classes", None)
    return count or getattr(owner, "classes", None) or 0


def _layers_of(layer, path=_ITSELF):
    """{path: (layer, {name: its own weight})} of it and all inside, in order.

    Those without weights are left out.
    """
    children = layer._flatten_layers(include_self=False, recursive=False)
    inside = {id(weight) for child in children for weight in child.weights}
    own = [weight for weight in layer.weights if id(weight) not in inside]
    names = _numbered([weight.name for weight in own])
    found = {path: (layer, dict(zip(names, own, strict=True)))} if own else {}
    names = _numbered([_uncounted(child) for child in children])
    for name, child in zip(names, children, strict=True):
        found |= _layers_of(
            child, name if path == _ITSELF else f"{path}/{name}"
        )
    return found


def _uncounted(layer):
    """A layer's name, without the number that Keras gives to its kind."""
    name = re.sub(r"_\d+$", "", layer.name)
    kind = type(layer).__name__.replace("_", "").lower()
    return name if name.replace("_", "") == kind else layer.name


def _numbered(names):
    """Names, with [1], [2] behind those that were there before."""
    seen, numbered = collections.Counter(), []
    for name in names:
        numbered.append(f"{name}[{seen[name]}]" if seen[name] else name)
        seen[name] += 1
    return numbered


def _fitted(old, new, classes, is_network):
    """The source's values for a layer's weights, and a `Transfer`'s fields.

    None, where they do not fit.

    Args:
        old: Layer and {name: weight} at this place of the source, or None.
        new: The same of the new network.
        classes: How many the source has, and the new network.
        is_network: Whether it is a network, whatever its class is called.
    """
    if old is None:
        return None, {"reason": "not in the source"}
    shapes = {name: tuple(w.shape) for name, w in old[1].items()}
    found = {"source_shapes": shapes}
    kinds = [type(layer).__name__ for layer, _ in (new, old)]
    if kinds[0] != kinds[1] and not is_network:
        return None, {**found, "reason": "{}, was {}".format(*kinds)}
    if new[1].keys() != shapes.keys():
        names = [", ".join(weights) for weights in (new[1], shapes)]
        return None, {**found, "reason": "has {}; had {}".format(*names)}
    fitted, loaded, reason = [], 0, ""
    for name, weight in new[1].items():
        values = ops.convert_to_numpy(ops.copy(old[1][name].value))
        kept, shape = values.size, tuple(weight.shape)
        if values.shape != shape:
            values, kept = _of_classes(values, shape, *classes)
            reason = "{} classes, were {}".format(
                *(n or "no" for n in classes[::-1])
            )
        if values is None:
            return None, {**found, "reason": f"{shape}, was {shapes[name]}"}
        fitted.append(values)
        loaded += kept
    state = "partly" if reason else "loaded"
    return fitted, {**found, "loaded": loaded, "state": state, "reason": reason}


def _of_classes(values, shape, before, now):
    """Values for a shape that another number of classes explains.

    With how many of them are the source's; None and 0 if it does not.
    """
    if before == 0 < now and shape == (now, *values.shape):
        return np.repeat(values[None], now, axis=0), math.prod(shape)
    if now == 0 < before and values.shape == (before, *shape):
        return values.mean(axis=0), math.prod(shape)
    if before == now or len(values.shape) != len(shape):
        return None, 0
    pairs = enumerate(zip(values.shape, shape, strict=True))
    differing = [axis for axis, (old, new) in pairs if old != new]
    axis = differing[0]
    # Labels are joined behind what else there is.
    others = values.shape[axis] - before
    if len(differing) > 1 or others < 0 or shape[axis] != others + now:
        return None, 0
    rest, of_classes = np.split(values, [others], axis)
    kept = np.split(of_classes, [min(before, now)], axis)[0]
    if before:
        mean = of_classes.mean(axis, keepdims=True)
    else:
        mean = np.zeros_like(np.take(values, [0], axis))
    added = np.repeat(mean, max(now - before, 0), axis)
    return np.concatenate([rest, kept, added], axis), rest.size + kept.size


def _table(transfers):
    """Lines, in which neighbours that fared alike are one."""

    def alike(t):
        return t.state, t.source_shapes is None, t.reason if t.fits else ""

    paths, rows = [t.path for t in transfers], []
    for _, group in itertools.groupby(transfers, alike):
        first, *others = group
        group = [first, *others]
        places = _places([t.path for t in group], paths)
        label = (
            places[0] if len(places) == 1 else f"{places[0]} to {places[-1]}"
        )
        numbers = f"{sum(t.numbers for t in group):,}"
        more = ", ..." if any(t.reason != first.reason for t in others) else ""
        rows.append((label, first.state, numbers, first.reason + more))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        f"  {label:{widths[0]}}  {state:{widths[1]}}  "
        f"{numbers:>{widths[2]}}  {reason}".rstrip()
        for label, state, numbers, reason in rows
    ]


def _places(paths, all_paths):
    """Paths -> the outermost layers that hold them and no others."""
    others = set(all_paths) - set(paths)
    mixed = {prefix for path in others for prefix in _prefixes(path)}
    places = [
        next((p for p in _prefixes(path) if p not in mixed), path)
        for path in paths
    ]
    return list(dict.fromkeys(places))


def _prefixes(path):
    """'a/b/c' -> 'a', 'a/b', 'a/b/c'."""
    return itertools.accumulate(path.split("/"), "{}/{}".format)
