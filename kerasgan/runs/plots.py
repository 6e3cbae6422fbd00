"""Pictures of how a run went."""

import os

from kerasgan.callbacks import read_jsonl


def plot_losses(metrics, path):
    """Draws the losses and the logits of a metrics.jsonl over images."""
    from matplotlib.figure import Figure

    records = read_jsonl(metrics)
    if not records:
        return
    images = [record["images"] / 1000 for record in records]
    figure = Figure(figsize=(8, 5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
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
    lower.set_xlabel("thousands of images seen")
    part = path.with_suffix(".part")
    figure.savefig(part, format="png", dpi=110)
    os.replace(part, path)
