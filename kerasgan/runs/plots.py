"""Pictures of how a run went."""

from kerasgan.storage import read_jsonl, replacing


def curves(metrics):
    """A metrics.jsonl -> {"protocol value": (images seen, values)}."""
    found = {}
    for record in read_jsonl(metrics, having="metrics"):
        for protocol, values in record["metrics"].items():
            for name, value in values.items():
                if name.endswith("_standard_deviation"):
                    continue
                places, numbers = found.setdefault(
                    f"{protocol}: {name}", ([], [])
                )
                places.append(record["images"])
                numbers.append(value)
    return found


# Of the discriminator's overfitting, and of what answers it.
SIGNALS = {
    "discriminator_real_signs": "mean sign of D(real)",
    "discriminator_augmentation": "probability of augmentation",
}


def plot_losses(metrics, path):
    """Draws a metrics.jsonl over images: losses, logits, signals, metrics."""
    from matplotlib.figure import Figure

    records = read_jsonl(metrics, having="images_per_second")
    if not records:
        return
    measured = curves(metrics)
    images = [record["images"] / 1000 for record in records]
    signals = {n: t for n, t in SIGNALS.items() if n in records[0]}
    rows = 2 + bool(signals) + len(measured)
    figure = Figure(figsize=(8, 2.5 * rows), layout="constrained")
    upper, lower, *others = figure.subplots(rows, 1, sharex=True)
    for axes, ending in ((upper, "_loss"), (lower, "_logits")):
        for name in records[0]:
            if name.endswith(ending):
                values = [record.get(name) for record in records]
                label = name.removesuffix(ending).removeprefix("discriminator_")
                axes.plot(images, values, label=label or "discriminator")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    upper.set_ylabel("loss")
    lower.set_ylabel("mean logit")
    if signals:
        middle, *others = others
        for name, title in signals.items():
            values = [record.get(name) for record in records]
            middle.plot(images, values, label=title)
        middle.set_ylim(-1.05, 1.05)
        middle.set_ylabel("overfitting")
        middle.grid(alpha=0.3)
        middle.legend(frameon=False)
    for axes, (name, (places, values)) in zip(
        others, measured.items(), strict=True
    ):
        axes.plot([place / 1000 for place in places], values, marker=".")
        axes.set_title(name, fontsize="medium")
        axes.grid(alpha=0.3)
    figure.axes[-1].set_xlabel("thousands of images seen")
    with replacing(path) as part:
        figure.savefig(part, dpi=110)
