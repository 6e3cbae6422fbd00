"""kerasgan evaluate"""

from absl import flags

from kerasgan import features
from kerasgan.cli import startup
from kerasgan.errors import unknown_name
from kerasgan.recipes.recipe import parse

_TEXTS = {
    "data": "With --workdir: where its training images are now, if they moved.",
    "real": "Instead of a run: real images, as --data of train.",
    "fake": "Instead of a run: images to measure.",
    "held_out": "Images that the generator has not seen: of what is named "
    "the test or validation split, or all of it where it has none. "
    "Default: the test split of the training or real images, if any.",
    "data_dir": "Where tfds keeps its datasets.",
    "size": "With --real and --fake: height and width, as 64 or 96x64.",
    "output": "A JSON file that gets the records too.",
    "statistics": "A folder that keeps what is seen in real images. "
    "Default: in Keras' cache.",
}
_OF_RUNS = ("checkpoint", "seeds", "data")
_OF_FOLDERS = ("size", "channels")


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_multi_string(
        "workdir",
        [],
        "The run to measure; given repeatedly, runs of which mean and standard "
        "deviation are shown too.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "metrics",
        None,
        "Protocols, such as fid50k_train,pr50k3_train; `kerasgan list "
        "--metrics` shows them. Default: what the data allow.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "checkpoint",
        "last",
        ["last", "best"],
        "With --workdir: of which checkpoint.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "seeds",
        ["0"],
        "With --workdir: of what is generated; of several, means and "
        "deviations are shown.",
        flag_values=values,
    )
    for name, text in _TEXTS.items():
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_integer(
        "channels",
        None,
        "With --real and --fake: 1, 3 or 4.",
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "weights",
        [],
        "network=path, such as inception_2015=/w/pt_inception.pth; may be "
        "given repeatedly.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "allow_small",
        False,
        "Measure, and flag, distances from too few images.",
        flag_values=values,
    )


def run(values):
    """Measures and prints a table -> the exit status."""
    folders = values.real is not None or values.fake is not None
    if bool(values.workdir) == folders or (values.real is None) != (
        values.fake is None
    ):
        raise ValueError(
            "`--workdir`, or both `--real` and `--fake`, must be given. "
            f"Received: workdir={values.workdir}, real={values.real!r}, "
            f"fake={values.fake!r}"
        )
    _refuse_unused(values, _OF_RUNS if folders else _OF_FOLDERS, folders)
    options = {
        "held_out": values.held_out,
        "data_dir": values.data_dir,
        "allow_small": values.allow_small,
        "weights": dict(_assignment(text) for text in values.weights),
        "statistics": values.statistics,
    }
    seeds = _seeds(values.seeds)
    size = values.size and parse("size", values.size, tuple[int, int])
    startup.import_backend()
    from kerasgan.metrics import records
    from kerasgan.runs import evaluate

    if values.output is not None:
        records.read(values.output)  # Or hours of work could not be kept.
    if folders:
        found = evaluate.evaluate_folders(
            values.real,
            values.fake,
            values.metrics,
            size=size,
            channels=values.channels,
            **options,
        )
        print(f"\n{records.table(found)}")
    else:
        of_runs = []
        for workdir, found in evaluate.evaluate_runs(
            values.workdir,
            values.metrics,
            checkpoint=values.checkpoint,
            data=values.data,
            seeds=seeds,
            **options,
        ):
            of_runs.append(found)
            print(f"\n{workdir}\n{records.table(found)}\n")
        if len(of_runs) > 1:
            print(records.table(evaluate.over_runs(of_runs)))
        found = [record for of_run in of_runs for record in of_run]
    if values.output is not None:
        records.append(values.output, found)


def _assignment(text):
    name, equals, path = text.partition("=")
    if not equals:
        raise ValueError(
            f"`--weights` must be network=path. Received: --weights={text}"
        )
    if name.strip() not in features.NAMES:
        raise unknown_name("weights", name.strip(), features.NAMES)
    return name.strip(), path.strip()


def _seeds(texts):
    try:
        seeds = [int(text) for text in texts]
    except ValueError:
        seeds = []
    if not seeds:
        raise ValueError(
            "`--seeds` must be whole numbers, such as 0,1,2. Received: "
            f"--seeds={','.join(texts)}"
        )
    return seeds


def _refuse_unused(values, names, folders):
    """Raises where a flag is given that nothing would come of."""
    given = [f"--{name}" for name in names if values[name].present]
    if given:
        asked = "--real and --fake" if folders else "--workdir"
        raise ValueError(
            f"{', '.join(given)} must not be given with {asked}, which would "
            "make no use of it"
        )
