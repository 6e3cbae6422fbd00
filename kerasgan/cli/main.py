"""`kerasgan COMMAND --flags`: finds the command, reads flags, reports errors.

Nothing heavy is imported before a command knows that it has work to do.
"""

import importlib
import sys

from absl import flags

COMMANDS = {
    "train": "train a GAN, or go on with a run that was stopped",
    "sample": "write images of a run's generator",
    "project": "find images of your own among a generator's, to edit them",
    "export": "write a run's generator as SavedModel, ONNX or LiteRT",
    "evaluate": "measure runs, or folders of images, by named protocols",
    "report": "write one page with all that is known of a run",
    "convert": "make a model of a published checkpoint, running none of it",
    "list": "list the recipes, with what was measured",
}

_USAGE = """kerasgan: train, watch and sample GANs

usage: kerasgan COMMAND [--flag=value ...]

commands:
{commands}

`kerasgan COMMAND --help` lists its flags. To begin: kerasgan train"""


def main(argv=None):
    """Runs one command -> the program's exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("--help", "-h", "--helpfull", "help"):
        print(_usage())
        return 0
    if argv[0] == "--version":
        import kerasgan

        print(f"kerasgan {kerasgan.__version__}")
        return 0
    name, *rest = argv
    if name not in COMMANDS:
        from kerasgan.errors import unknown_name

        return _fail(unknown_name("command", name, COMMANDS))
    command = importlib.import_module(f"kerasgan.cli.{name}")
    values = flags.FlagValues()
    command.define(values)
    if any(word in ("--help", "-h", "-help", "--helpfull") for word in rest):
        print(_help(name, values))
        return 0
    try:
        others = values([f"kerasgan {name}", *rest])[1:]
        if others:
            raise ValueError(
                f"`kerasgan {name}` takes flags only. Received: {others}"
            )
        return command.run(values) or 0
    except KeyboardInterrupt:
        print("\nkerasgan: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # Such as `| head`, which has read enough.
        sys.stdout = None
        return 0
    except ImportError as error:
        if error.name is not None:  # Python's own: something is broken.
            raise
        return _fail(error)  # An optional package is not there.
    except (flags.Error, ValueError, FloatingPointError, OSError) as error:
        return _fail(error)


def _fail(error):
    print(f"kerasgan: error: {error}", file=sys.stderr)
    return 2


def _usage():
    commands = "\n".join(
        f"  {name:10}{text}" for name, text in COMMANDS.items()
    )
    return _USAGE.format(commands=commands)


def _help(name, values):
    lines = [f"kerasgan {name}: {COMMANDS[name]}", "", "flags:"]
    for flag_name in values:
        flag = values[flag_name]
        default = flag.default
        if default is None or default is False or default == []:
            lines.append(f"  --{flag_name}")
        else:
            lines.append(f"  --{flag_name} ({default})")
        lines.append(f"      {flag.help}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
