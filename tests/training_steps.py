"""A few steps of small GANs, for tests of what must not change them.

Backends and replicas need a process of their own: `in_process(name)` runs one
of `PROCESSES` as a script and gives what it returned, once per session;
`in_workers()` runs two of them, that train together.

    python tests/training_steps.py jax results.npz
"""

import atexit
import contextlib
import functools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import numpy as np

_ROOT = pathlib.Path(__file__).resolve().parent.parent


@functools.cache
def in_process(name):
    """{key: array} from one of `PROCESSES`, run in a new interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results.npz")
        process = _start(name, path)
        _, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{name}: {errors[-6000:]}")
        with np.load(path) as results:
            return dict(results)


@functools.cache
def in_workers():
    """Two processes that train together -> (results, status, errors).

    Three lists, an item for each worker. The second one kills itself.
    """
    ports = _free_ports(2)
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    paths = [os.path.join(folder, f"{index}.npz") for index in range(2)]
    processes = [
        _start(
            "workers",
            path,
            KERASGAN_TEST_WORKDIR=os.path.join(folder, "run"),
            TF_CONFIG=json.dumps(
                {
                    "cluster": cluster,
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index, path in enumerate(paths)
    ]
    try:
        errors = [p.communicate(timeout=240)[1] for p in processes]
    finally:
        for process in processes:
            process.kill()
    results = []
    for path, error in zip(paths, errors, strict=True):
        if not os.path.exists(path):
            raise RuntimeError(f"workers: {error[-6000:]}")
        with np.load(path) as values:
            results.append(dict(values))
    return results, [p.returncode for p in processes], errors


def _start(name, path, **environment):
    return subprocess.Popen(
        [sys.executable, __file__, name, path],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax" if "jax" in name else "tensorflow",
            "JAX_PLATFORMS": "cpu",
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            # Eight devices; and it takes longer to compile than to run.
            "XLA_FLAGS": "--xla_force_host_platform_device_count=8 "
            "--xla_backend_optimization_level=0",
            "PYTHONPATH": str(_ROOT),
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]


def images(count, seed=0):
    """Images [count, 8, 8, 1] in [-1, 1]: discs here and there, and noise."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(2, 6, size=(count, 2, 1, 1))
    rows, columns = np.mgrid[:8, :8]
    distance = (rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2
    noise = 0.05 * rng.normal(size=(count, 8, 8))
    return np.clip(np.tanh(4.0 - distance) + noise, -1, 1)[..., None].astype(
        "float32"
    )


def conv_networks(batch_norm=False):
    """Latents [batch, 5] -> images [batch, 8, 8, 1] -> logits [batch, 1]."""
    from keras import Input, Sequential, layers

    from kerasgan.layers.normalization import BatchNormalization

    norms = [BatchNormalization()] if batch_norm else []
    generator = Sequential(
        [
            Input((5,)),
            # A bias before batch norm has no slope but rounding, which Adam
            # takes for one.
            layers.Dense(4 * 4 * 4, use_bias=not batch_norm),
            *norms,
            layers.ReLU(),
            layers.Reshape((4, 4, 4)),
            layers.Conv2DTranspose(
                1, 4, strides=2, padding="same", activation="tanh"
            ),
        ]
    )
    discriminator = Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(4, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    for seed, network in enumerate((generator, discriminator)):
        set_weights(network, seed)
    return generator, discriminator


def set_weights(network, seed):
    """The same weights on every backend."""
    rng = np.random.default_rng(seed)
    for weight in network.weights:
        if weight.trainable:
            weight.assign(0.3 * rng.normal(size=weight.shape))


def conv_gan(batch_norm=False, **arguments):
    """A GAN of images whose step holds all that a step can hold."""
    import keras

    from kerasgan import GANModel
    from kerasgan.regularizers import R1, WeightClipping
    from kerasgan.schedules import Linear

    gan = GANModel(*conv_networks(batch_norm))
    gan.compile(
        keras.optimizers.Adam(2e-3, beta_1=0.5),
        keras.optimizers.Adam(2e-3, beta_1=0.5),
        regularizers=[R1(1.0, every=2), WeightClipping(0.5)],
        discriminator_steps=2,
        discriminator_learning_rate=Linear(2e-3, 1e-3, over_images=40),
        ema_half_life_images=20,
        **arguments,
    )
    return gan


def conv_steps(steps=5, batch_size=8, batch_norm=False, **arguments):
    """Trains so many steps -> every weight by its name, and the last losses."""
    gan = conv_gan(batch_norm, **arguments)
    losses = LastLosses()
    fit(gan, images(steps * batch_size), batch_size, callbacks=[losses])
    return {**weights_of(gan), **losses()}


def normalized_steps(**arguments):
    """As `conv_steps`, with batch norm."""
    return conv_steps(batch_norm=True, **arguments)


# Of 16 images and two updates in a step, 4 at a time.
PARTS = {"gradient_accumulation_steps": 2}


def packed_networks(packing):
    """Latents [batch, 4] -> samples [batch, 3]; packs of them -> logits."""
    from keras import Input, Sequential, layers

    networks = [
        Sequential(
            [
                Input((inputs,)),
                layers.Dense(8, activation="tanh"),
                layers.Dense(outputs),
            ]
        )
        for inputs, outputs in ((4, 3), (3 * packing, 1))
    ]
    for seed, network in enumerate(networks):
        set_weights(network, seed)
    return networks


def packed_steps(**arguments):
    """Five steps of a GAN of pairs -> every weight by its name."""
    from kerasgan import GANModel
    from kerasgan.regularizers import R1, GradientPenalty

    gan = GANModel(*packed_networks(2), packing=2)
    gan.compile(
        regularizers=[R1(1.0, every=2), GradientPenalty(1.0)],
        discriminator_steps=2,
        **arguments,
    )
    data = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    fit(gan, data, 8)
    return weights_of(gan)


def averaging_steps(**arguments):
    """Five steps of a loss and a penalty that take means over the batch."""
    from kerasgan import GANModel
    from kerasgan.regularizers import DRAGAN

    gan = GANModel(*packed_networks(1))
    gan.compile(
        loss="relativistic_average", regularizers=[DRAGAN(1.0)], **arguments
    )
    data = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    fit(gan, data, 8)
    weights = weights_of(gan)
    # Differences of logits give the last bias no slope but rounding, of which
    # Adam makes whole steps.
    del weights["discriminator/3"]
    return weights


def unrolled_steps(**arguments):
    """Two steps of a GAN that looks two ahead -> every weight by its name."""
    from kerasgan import UnrolledGANModel
    from kerasgan.regularizers import R1

    gan = UnrolledGANModel(*packed_networks(2), packing=2, unrolling=2)
    gan.compile(regularizers=[R1(1.0)], **arguments)
    data = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    fit(gan, data, 8)
    return weights_of(gan)


def augmented_steps(**arguments):
    """Five steps whose discriminator sees augmented images, ever more."""
    from kerasgan import GANModel
    from kerasgan.augment import ADA, DiffAugment
    from kerasgan.regularizers import R1, Consistency, LeCam

    changes = dict.fromkeys(("xflip", "rotate", "contrast", "cutout"), 1.0)
    gan = GANModel(*conv_networks())
    gan.compile(
        regularizers=[
            R1(1.0),
            LeCam(decay=0.5),
            Consistency(0.1, 0.1, DiffAugment("translation"), every=2),
        ],
        augmenter=ADA(policy=changes, target=-0.9, images_to_one=20, every=2),
        **arguments,
    )
    fit(gan, images(40), 8)
    kept = {k: np.array(v) for k, v in gan._kept.items()}
    return {**weights_of(gan), **kept}


def labelled_networks(codes=None, conditioning="classification", classes=None):
    """Networks of vectors of 3, whose discriminator has more heads."""
    import keras
    from keras import layers

    from kerasgan.layers.label_heads import LabelHeads
    from kerasgan.layers.labels import split_labels

    generator, _ = packed_networks(1)
    size = generator.inputs[0].shape[-1] if codes is None else codes + 2
    inputs = [keras.Input((size,))]
    if classes is not None:
        inputs.append(keras.Input((), dtype="int32"))
        encoded = layers.CategoryEncoding(classes, output_mode="one_hot")
        x = layers.Concatenate()([inputs[0], encoded(inputs[1])])
    else:
        x = inputs[0]
    x = layers.Dense(8, activation="tanh")(x)
    inputs = inputs if classes is not None else inputs[0]
    generator = keras.Model(inputs, layers.Dense(3)(x))

    class Discriminator(keras.Model):
        def __init__(self):
            super().__init__()
            self.classes = classes
            self.hidden = layers.Dense(8, activation="tanh")
            self.to_logits = layers.Dense(1)
            self.label_heads = LabelHeads(
                classes,
                conditioning,
                codes,
                dense=lambda units, name: layers.Dense(units, name=name),
            )

        def call(self, inputs, training=False):
            return self.heads(inputs)["logits"]

        def heads(self, inputs, training=False):
            x, labels = split_labels(inputs, classes, required=False)
            x = self.hidden(x)
            return {
                "logits": self.to_logits(x),
                **self.label_heads(x, labels),
            }

    discriminator = Discriminator()
    zeros = np.zeros((2, 3), "float32")
    labels = np.zeros(2, "int32")
    discriminator.heads(zeros if classes is None else (zeros, labels))
    for seed, network in enumerate((generator, discriminator)):
        set_weights(network, seed)
    return generator, discriminator


def coded_steps(**arguments):
    """Five steps of an InfoGAN -> every weight by its name."""
    from kerasgan import InfoGANModel

    networks = labelled_networks(codes=5)
    gan = InfoGANModel(*networks, categories=(3,), continuous=2, latent_size=7)
    gan.compile(**arguments)
    data = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    fit(gan, data, 8)
    return weights_of(gan)


def optimised_steps(**arguments):
    """Five steps with latents that move, and all that latents are told."""
    import keras

    from kerasgan import LatentOptimisationGANModel
    from kerasgan.losses import TopK
    from kerasgan.regularizers import (
        LatentConsistency,
        LatentDiversity,
        Orthogonality,
    )
    from kerasgan.schedules import Linear

    gan = LatentOptimisationGANModel(*packed_networks(1))
    gan.compile(
        # Adam makes whole steps of slopes that are but rounding.
        keras.optimizers.SGD(0.05),
        keras.optimizers.SGD(0.05),
        loss=TopK("hinge", share=Linear(1.0, 0.5, over_images=32)),
        regularizers=[
            LatentConsistency(every=2),
            LatentDiversity(),
            Orthogonality(0.1),
        ],
        **arguments,
    )
    data = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    fit(gan, data, 8)
    return weights_of(gan)


def label_loss_outputs():
    """What label losses make of heads, and slopes by all of them."""
    from keras import ops

    from kerasgan import gradients, label_losses

    rng, outputs = np.random.default_rng(0), {}
    widths = {"logits": 1, "classes": 4, "twin_classes": 4}
    widths |= {"embeddings": 5, "proxies": 5, "real_and_fake_classes": 4}
    numbers = {
        kind: {name: rng.normal(size=(6, n)) for name, n in widths.items()}
        for kind in ("real", "fake")
    }
    for name, loss in label_losses_by_case().items():
        labels = np.array([0, 1, 1, 0, 1, 0])
        if name == "regression":
            labels = rng.normal(size=(6, 4)).astype("float32")
        elif name == "classification_floats":
            labels = rng.uniform(size=(6, 4)).astype("float32")
        labels = ops.convert_to_tensor(labels)
        for player in ("discriminator", "generator"):

            def total(heads, loss=loss, player=player, labels=labels):
                if player == "generator":
                    heads = {"fake": heads["fake"]}
                terms = getattr(loss, player)(labels=labels, **heads)
                return sum(terms.values())

            heads = {
                kind: {
                    name: ops.convert_to_tensor(value, "float32")
                    for name, value in arrays.items()
                }
                for kind, arrays in numbers.items()
            }
            outputs[f"{name}/{player}"] = ops.convert_to_numpy(total(heads))
            slopes = gradients.of_inputs(total, heads)
            for kind, arrays in slopes.items():
                for head, slope in arrays.items():
                    key = f"{name}/{player}/{kind}/{head}"
                    outputs[key] = ops.convert_to_numpy(slope)
    assert label_losses.LABEL_LOSSES.keys() <= {
        key.split("/")[0] for key in outputs
    }
    return outputs


def decoded():
    """What latents become, truncated."""
    gan = conv_gan()
    return {"images": gan.generate(5, seed=3, truncation=0.6)}


def label_losses_by_case():
    """Every label loss, with the arguments that change its formula."""
    from kerasgan import label_losses

    return {
        **{name: label_losses.get(name) for name in label_losses.LABEL_LOSSES},
        "classification_floats": label_losses.Classification(),
        "conditional_contrast_cold": label_losses.ConditionalContrast(0.1),
        "data_to_data_narrow": label_losses.DataToDataCrossEntropy(
            0.2, positive_margin=0.5, negative_margin=0.1
        ),
    }


def augmented_outputs():
    """What augmenters make of images, and slopes of it."""
    from keras import ops

    from kerasgan import gradients

    rng, outputs = np.random.default_rng(0), {}
    for name, augmenter in augmenters().items():
        shape = (5, 9, 12, 1 if "grey" in name else 3)
        x = ops.convert_to_tensor(rng.uniform(-1, 1, shape), "float32")
        batch = batch_of(x, fake=-x, seed=3)

        def shown(x, augmenter=augmenter, batch=batch):
            replaced = augmenter.replaced(batch.replace(real=x)).real
            return augmenter(replaced, batch, "test")

        outputs[name] = ops.convert_to_numpy(shown(x))
        slopes = gradients.of_inputs(lambda x, f=shown: f(x) ** 2, x)
        outputs[f"{name}/slopes"] = ops.convert_to_numpy(slopes)
    return outputs


def augmenters():
    """{name: one that does much}."""
    from kerasgan.augment import ADA, APA, DiffAugment, InstanceNoise

    return {
        "diffaugment": DiffAugment(),
        "ada": ADA(policy="bgcfnc", probability=0.7),
        "ada_grey": ADA(policy="bgc", probability=0.9),
        "apa": APA(probability=0.5),
        "noise": InstanceNoise(0.2),
    }


def batch_of(real, fake=None, seed=0, step=0, state=None):
    """A `Batch` of a discriminator's update, its images numbered from 0."""
    from keras import ops

    from kerasgan.training.adversarial_model import Batch

    return Batch(
        numbers=ops.arange(len(real), dtype="int32"),
        images_seen=ops.convert_to_tensor(0, "int32"),
        step=ops.convert_to_tensor(step, "int32"),
        images=len(real),
        seed=seed,
        training=True,
        player="discriminator",
        real=real,
        fake=fake,
        state=state or {},
    )


def minibatch_outputs():
    """What layers over a batch give, and second derivatives of it."""
    from keras import ops

    from kerasgan import gradients
    from kerasgan.layers import minibatch

    random = np.random.default_rng(0)
    outputs = {}
    for layer in (
        minibatch.MinibatchStdDev(group_size=3, channels=2),
        minibatch.MinibatchDiscrimination(4, 3),
    ):
        x = random.normal(size=(7, 4)).astype("float32")
        layer.build(x.shape)
        for weight in layer.weights:
            weight.assign(random.normal(size=weight.shape))

        def penalty(x, layer=layer):
            return gradients.of_inputs(lambda x: layer(x) ** 2, x) ** 2

        x = ops.convert_to_tensor(x)
        name = type(layer).__name__
        outputs[name] = ops.convert_to_numpy(layer(x))
        second = gradients.of_inputs(penalty, x)
        outputs[f"{name}/second"] = ops.convert_to_numpy(second)
    return outputs


def LastLosses():
    """A callback; called, it gives what the last step logged by its name."""
    import keras

    class Callback(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.logs = dict(logs)

        def __call__(self):
            return {f"logs/{k}": np.array(v) for k, v in self.logs.items()}

    return Callback()


# Every recipe trains in every mode; all but these only with the slow tests.
FAST_RECIPES = ("gan",)


def recipe_steps(name, run_eagerly=False, **fields):
    """Two steps of a small recipe at 8 px.

    Returns:
        {"loss/...": float, "moved/...": float}, the logs of the last step and
        how far each weight went.
    """
    from kerasgan import recipes
    from kerasgan.runs.preparation import Plan

    recipe = recipes.get(name)
    small = {"width": 4, "latent_size": 4, "label_width": 4, "dropout": 0.0}
    small |= {"style_size": 6, "max_width": 8, "mapping_width": 6}
    small |= {"stable_images": 4, "fade_images": 8, "initial_stages": 1}
    small |= {"mapping_depth": 1}  # Each makes slopes 100 times smaller.
    small = {k: v for k, v in small.items() if hasattr(recipe, k)}
    # One update, for compilers take each anew.
    recipe = recipe.replace(
        batch_size=8, discriminator_steps=1, **small, **fields
    )
    gan = Plan(recipe, (8, 8, 1), 10, "discs", "").build()
    gan.run_eagerly = run_eagerly
    for seed, network in enumerate((gan.generator, gan.discriminator)):
        set_weights(network, seed)
    before = weights_of(gan)
    data = {"image": images(16)}
    if recipe.conditional:
        data["label"] = np.arange(16) % 10
    logs = fit(gan, data, 8).history
    after = weights_of(gan)
    return {
        **{f"loss/{k}": value[-1] for k, value in logs.items()},
        **{
            f"moved/{k}": np.abs(after[k] - before[k]).max()
            for k in after
            if k not in _constants(gan)
        },
    }


def _constants(gan):
    """Names in `weights_of` of what no step is meant to move."""
    return {
        f"{name}/{index}"
        for name, network in _networks(gan).items()
        for index, weight in enumerate(network.weights)
        if weight.name in CONSTANTS
        # A unit vector of spectral norm that has one number.
        or (weight.name == "u" and weight.shape == (1,))
    }


# What a network has drawn once, or is told.
CONSTANTS = ("noise", "frequencies", "phases", "transform")


def fit(gan, data, batch_size, **arguments):
    """One pass over the data in its own order."""
    return gan.fit(
        data, batch_size=batch_size, shuffle=False, verbose=0, **arguments
    )


def weights_of(gan):
    """{"generator/0": array, ...}: both networks, the average, the count."""
    from keras import ops

    return {
        "images_seen": ops.convert_to_numpy(gan.images_seen),
        **{
            f"{name}/{index}": np.array(weight)
            for name, network in _networks(gan).items()
            for index, weight in enumerate(network.get_weights())
        },
    }


def _networks(gan):
    return {
        "generator": gan.generator,
        "discriminator": gan.discriminator,
        "average": gan.averaged_generator,
    }


def largest_difference(first, second):
    """Of two such dictionaries, with the names of what they compare."""
    if first.keys() != second.keys():
        raise KeyError(f"not alike: {first.keys() ^ second.keys()}")
    return max(
        float(np.max(np.abs(first[k].astype("float64") - second[k])))
        for k in first
    )


def draws():
    """One draw of each kind, in `keras.ops` alone -> {name: tensor}."""
    from keras import ops

    from kerasgan import random

    numbers = ops.convert_to_tensor(
        np.array([0, 1, 2, 77, 2**20 + 3, 2**31 - 1], "int32")
    )
    return {
        "uniform": random.uniform(
            numbers, (3, 5), seed=7, purpose="test", low=-2.0, high=3.0
        ),
        "normal": random.normal(numbers, (4, 4), seed=7, purpose="test"),
        "scalar": random.normal(numbers, seed=2**33 + 1, purpose="scalar"),
        "integers": random.integers(numbers, 10, seed=7, purpose="test"),
        "key_state": random.key_state(numbers[3], seed=7, purpose="test"),
    }


def _prefixed(prefix, values):
    return {f"{prefix}/{k}": np.array(v) for k, v in values.items()}


def _jax():
    """What JAX makes of it all, and what it takes to import the library."""
    import keras

    import kerasgan

    imported = kerasgan.GANModel is not None and "tensorflow" in sys.modules

    import jax
    from keras import ops

    plain = {k: ops.convert_to_numpy(v) for k, v in draws().items()}
    everywhere = keras.distribution.DataParallel()
    keras.distribution.set_distribution(everywhere)
    shared_out = conv_steps(batch_size=16)
    keras.distribution.set_distribution(None)
    return {
        **_prefixed("steps_8", shared_out),
        "tensorflow_imported": np.array(imported),
        **_prefixed("draws", plain),
        **_prefixed("draws_jit", jax.jit(draws)()),
        **_prefixed("steps", conv_steps()),
        **_prefixed("parts", conv_steps(batch_size=16, **PARTS)),
        **_prefixed("packed", packed_steps()),
        **_prefixed("unrolled", unrolled_steps()),
        **_prefixed("minibatch", minibatch_outputs()),
        **_prefixed("augmented", augmented_steps()),
        **_prefixed("augmenters", augmented_outputs()),
        **_prefixed("coded", coded_steps()),
        **_prefixed("optimised", optimised_steps()),
        **_prefixed("label_losses", label_loss_outputs()),
        **_prefixed("decoded", decoded()),
        **_prefixed("sharded", _sharded()),
        "temporaries": np.array([_temporary_bytes(1), _temporary_bytes(4)]),
    }


def _recipes_on_jax(fast):
    """The fast recipes, or the others, on one device and on eight."""
    import keras

    from kerasgan import recipes

    names = [name for name in recipes.NAMES if (name in FAST_RECIPES) == fast]
    results = {}
    for name in names:
        results |= _prefixed(f"{name}_1", recipe_steps(name))
    everywhere = keras.distribution.DataParallel()
    assert tuple(everywhere.device_mesh.shape) == (8,)
    keras.distribution.set_distribution(everywhere)
    for name in names:
        results |= _prefixed(f"{name}_8", recipe_steps(name))
    return results


def _temporary_bytes(parts):
    """What a compiled step of 512 images needs beside its variables."""
    import jax

    gan = conv_gan(gradient_accumulation_steps=parts)
    values = [
        [variable.value for variable in variables]
        for variables in (
            gan.trainable_variables,
            gan.non_trainable_variables,
            gan.optimizer.variables,
            gan.metrics_variables,
        )
    ]
    step = jax.jit(gan.train_step).lower(values, images(512)).compile()
    return step.memory_analysis().temp_size_in_bytes


def _sharded():
    """What eight devices make of one batch."""
    from kerasgan import strategies

    strategy = strategies.get("mirrored")
    assert strategy.replicas == 8
    strategy.check_batch(16, multiple=2)
    with strategy.scope():
        return normalized_steps()


def _workers():
    """What two workers make of one batch; then the second one is killed."""
    import tensorflow as tf

    from kerasgan import callbacks, strategies
    from kerasgan.runs.train import train

    strategy = strategies.get("multiworker")
    data = images(40)

    def make(shard):
        part, parts = shard
        batches = data.reshape(5, parts, 8 // parts, 8, 8, 1)[:, part]
        return tf.data.Dataset.from_tensor_slices(batches)

    results = {}
    for name, batch_norm in (("steps", False), ("normalized", True)):
        with strategy.scope():
            gan = conv_gan(batch_norm)
        losses = LastLosses()
        strategy.fit(
            gan,
            strategy.dataset(make, 8),
            # One that finds its data at an end may stop another's last step.
            steps_per_epoch=5,
            verbose=0,
            callbacks=[losses],
        )
        results |= _prefixed(name, {**weights_of(gan), **losses()})
    np.savez(sys.argv[2], **results)

    class Kill(callbacks.StopOnSignal):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if not strategy.chief and batch == 5:
                os.kill(os.getpid(), signal.SIGKILL)

    callbacks.StopOnSignal = Kill
    workdir = os.environ["KERASGAN_TEST_WORKDIR"]
    try:
        train(small_recipe(), workdir, strategy)
    except ConnectionError as error:
        results["lost"] = np.array(str(error))
    results["workdir"] = np.array(workdir)
    return results


def small_recipe():
    """DCGAN on digits, ten steps of it, with a checkpoint after each."""
    from kerasgan import recipes

    return recipes.get("dcgan").replace(
        width=4,
        latent_size=8,
        batch_size=32,
        total_images=320,
        checkpoint_seconds=1e-6,
    )


def _replicas():
    """The same global batches on one replica, and on two."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    results = {}
    for count in (1, 2):
        devices = [f"CPU:{i}" for i in range(count)]
        strategy = tf.distribute.MirroredStrategy(devices)
        with strategy.scope():
            latents = _latents_by_replica(strategy)
            results[f"latents_{count}"] = np.stack(latents)
    with strategy.scope():
        gan = conv_gan(batch_norm=True)
        losses = LastLosses()
        fit(gan, images(40), 8, callbacks=[losses])
    copies = [
        weight.value.values
        for network in (gan.generator, gan.averaged_generator)
        for weight in network.weights
    ]
    results["copies_differ_by"] = np.max(
        [np.max(np.abs(a.numpy() - b.numpy())) for a, b in copies]
    )
    results |= _prefixed("normalized", {**weights_of(gan), **losses()})
    with strategy.scope():
        results |= _prefixed("steps", conv_steps())
        results |= _prefixed("packed", packed_steps())
        results |= _prefixed("averaging", averaging_steps())
        results |= _prefixed("compiled", packed_steps(jit_compile=True))
        results["refused"] = np.array(_refused_with_batch_norm())
        results |= _prefixed("parts", conv_steps(batch_size=16, **PARTS))
    # 40 = 5 whole batches; 43 leaves 3 images, which 2 replicas share.
    with strategy.scope():
        gan = conv_gan()
        fit(gan, images(43), 8)
    results |= _prefixed("partial", weights_of(gan))
    seen = [int(copy) for copy in gan.images_seen.value.values]
    results["partial_seen"] = np.array(seen)
    results |= _prefixed("trained", _trained_twice(strategy))
    results["of_cores"] = np.array(_reported_by_cores(strategy))
    # 41 leaves one image, and a replica without any.
    try:
        with strategy.scope():
            fit(conv_gan(), images(41), 8)
        results["empty_error"] = np.array("none")
    except Exception as error:
        results["empty_error"] = np.array(str(error))
    return results


def _reported_by_cores(strategy):
    """What each replica logs of its own number, were they a TPU's cores."""
    from unittest import mock

    import tensorflow as tf

    from kerasgan import devices

    def log():
        number = tf.cast(devices.replica_index(), "float32")
        return devices.reported({"number": number})["number"]

    with mock.patch.object(devices, "_on_tpu", return_value=True):
        return strategy.experimental_local_results(strategy.run(log))


def _trained_twice(distribution):
    """`train` on one device, and shared out, stopped and resumed."""
    import tempfile

    import kerasgan
    from kerasgan import strategies
    from kerasgan.runs.train import train

    strategy = strategies._TensorFlowStrategy("mirrored", distribution)
    recipe = small_recipe()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        train(recipe, f"{folder}/one")
        train(recipe.replace(total_images=160), f"{folder}/two", strategy)
        train(recipe, f"{folder}/two", strategy)
        for name in ("one", "two"):
            gan = kerasgan.load(f"{folder}/{name}/gan.keras")
            results |= _prefixed(name, weights_of(gan))
    return results


def _refused_with_batch_norm():
    """Messages of what replicas cannot do beside synchronised batch norm."""
    from kerasgan import GANModel
    from kerasgan.layers.normalization import BatchNormalization
    from kerasgan.regularizers import R1

    generator, discriminator = packed_networks(1)
    discriminator.add(BatchNormalization())
    messages = []
    for arguments in (
        {"jit_compile": True},
        {"regularizers": [R1(1, every=2)]},
    ):
        try:
            GANModel(generator, discriminator).compile(**arguments)
        except ValueError as error:
            messages.append(str(error))
    return messages


def _latents_by_replica(strategy):
    """The latents of one step, replica by replica, update by update."""
    import tensorflow as tf

    from kerasgan import devices

    gan = conv_gan(run_eagerly=True)
    sample_batch = gan.sample_batch
    drawn = [[] for _ in range(strategy.num_replicas_in_sync)]

    def spy(data, player, batch):
        batch = sample_batch(data, player, batch)
        drawn[int(devices.replica_index())].append(batch.latents)
        return batch

    gan.sample_batch = spy
    data = tf.constant(images(8 // len(drawn)))
    strategy.run(gan.train_step, args=(data,))
    return [np.array(latents) for latents in np.concatenate(drawn)]


PROCESSES = {
    "jax": _jax,
    "jax_recipes": functools.partial(_recipes_on_jax, fast=True),
    "jax_slow_recipes": functools.partial(_recipes_on_jax, fast=False),
    "replicas": _replicas,
    "workers": _workers,
}


if __name__ == "__main__":
    np.savez(sys.argv[2], **PROCESSES[sys.argv[1]]())
