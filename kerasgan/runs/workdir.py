"""The folder in which a run lives, and who may write to it."""

import json
import pathlib

import filelock

from kerasgan.recipes.recipe import differences
from kerasgan.storage import write_text


class Workdir:
    """Names the files of a run.

    recipe.json     the resolved recipe
    data.json       the report of the data
    metrics.jsonl   losses and speed, a line in every so many images
    losses.png      their plot
    transfer.json   which weights another run gave, where one did
    augmented.png   what the discriminator is shown, if that is augmented
    samples/        real.png, then grids of generated images
    checkpoints/    the newest two, and in best/ the best by a metric
    tensorboard/    events, where TensorBoard is installed
    gan.keras       the model, when the run has ended
    evaluation.json records of what was measured
    neighbours.png  generated images and the training images nearest to them
    report.html     all of this on a page
    """

    def __init__(self, path):
        self.path = pathlib.Path(path).expanduser()
        self.recipe = self.path / "recipe.json"
        self.data = self.path / "data.json"
        self.metrics = self.path / "metrics.jsonl"
        self.plot = self.path / "losses.png"
        self.transfer = self.path / "transfer.json"
        self.augmented = self.path / "augmented.png"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.best = self.checkpoints / "best"
        self.tensorboard = self.path / "tensorboard"
        self.model = self.path / "gan.keras"
        self.evaluation = self.path / "evaluation.json"
        self.neighbours = self.path / "neighbours.png"
        self.report = self.path / "report.html"

    def __str__(self):
        return str(self.path)

    def lock(self):
        """A context that keeps other processes out; they get an error.

        The system lets go of it when the process ends, however it ends.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.path / "lock")
        try:
            return lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise ValueError(
                "`workdir` is in use by another process that trains in it. "
                f"Received: workdir={str(self)!r}. Wait for it, or choose "
                "another --workdir."
            ) from error

    def read_recipe(self):
        """The dict in recipe.json, or None."""
        if not self.recipe.exists():
            return None
        try:
            values = json.loads(self.recipe.read_text(encoding="utf-8"))
            values["recipe"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                "`workdir` must hold a recipe.json that a run wrote. Received: "
                f"{str(self.recipe)!r}, which cannot be read ({error}). Choose "
                "another --workdir, or delete this one."
            ) from error
        return values

    def check(self, resolved):
        """Raises if a run of another recipe than this dict's lives here."""
        before = self.read_recipe()
        if before is not None:
            changed = differences(before, resolved)
            if changed:
                raise ValueError(
                    "`workdir` holds a run of another recipe. Received: "
                    f"workdir={str(self)!r}, with\n  "
                    + "\n  ".join(changed)
                    + "\nChoose another --workdir, or delete this one."
                )
        elif self.checkpoints.exists() or self.model.exists():
            raise ValueError(
                "`workdir` must be a run's own folder or a new one. Received: "
                f"workdir={str(self)!r}, with checkpoints but no recipe.json"
            )

    def claim(self, resolved):
        """Makes this the folder of that recipe, after the same checks."""
        self.check(resolved)
        write_text(
            self.recipe, json.dumps(resolved, indent=2, ensure_ascii=False)
        )
