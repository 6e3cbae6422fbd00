"""A published checkpoint as a `.keras` file, with where it comes from."""

import pathlib

from kerasgan import convert as sources
from kerasgan import storage
from kerasgan.convert import checkpoints


def convert(source, checkpoint, output, network="generator"):
    """Writes a network of a checkpoint, which `kerasgan.load` then reads.

    Args:
        source: One of `kerasgan.convert.SOURCES`.
        checkpoint: The file as its authors published it.
        output: Of the model, ending in .keras; it must not be there yet.
        network: "generator" or "discriminator".

    Yields:
        Lines that say what was read, under which licence, and what was
        written.
    """
    output = pathlib.Path(output).expanduser()
    checkpoint = pathlib.Path(checkpoint).expanduser()
    if output.suffix != ".keras":
        raise ValueError(
            f"`output` must end in .keras. Received: output={str(output)!r}"
        )
    licence = sources.licence(source)
    output.parent.mkdir(parents=True, exist_ok=True)
    with storage.creating(output) as part:
        networks = sources.load(source, checkpoint)
        roles = ("generator", "discriminator")
        model = networks[roles.index(network)]
        if model is None:
            raise ValueError(
                f"`checkpoint` must hold a {network}. Received: "
                f"{str(checkpoint)!r}, which does not"
            )
        yield f"source: {source}, {checkpoint}"
        yield f"sha256: {checkpoints.sha256(checkpoint)}"
        yield f"licence: {licence}"
        model.save(part)
    yield f"wrote {output}: {model.count_params():,} weights"
