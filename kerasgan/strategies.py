"""How a training runs: on one device, several, several machines, TPUs.

    none         one device
    mirrored     all devices of this machine
    multiworker  several machines, which the variable TF_CONFIG names
    tpu          a TPU's cores

The engines are tf.distribute, and keras.distribution on JAX. A strategy is no
part of what is trained: a step's batch is cut into one part per replica, and
comes to the same whatever their number.

Keras is imported inside functions: the command line reads names from here.
"""

import contextlib
import json
import os

from kerasgan.errors import unknown_name

NAMES = ("none", "mirrored", "multiworker", "tpu")

# Workers must agree on something now and then, and wait for it.
_STEPS_BETWEEN_QUESTIONS = 10


class Strategy:
    """One process that trains on one device.

    Attributes:
        name: One of `NAMES`.
        replicas: Parts of a step's batch, trained on side by side.
        workers: Processes that train together.
        worker: Which of them this is, from 0.
        steps_per_execution: Steps that the device makes before it reports.
    """

    steps_per_execution = 1

    def __init__(self, name="none", replicas=1, workers=1, worker=0):
        self.name = name
        self.replicas = replicas
        self.workers = workers
        self.worker = worker

    def __str__(self):
        parts = [f"{self.replicas} replicas"] if self.replicas > 1 else []
        if self.workers > 1:
            parts.append(f"worker {self.worker} of {self.workers}")
        return ", ".join(parts)

    @property
    def chief(self):
        """Whether this process writes what the training leaves."""
        return self.worker == 0

    def check_batch(self, batch_size, multiple=1):
        """Raises `ValueError` if replicas cannot share a batch evenly.

        Args:
            multiple: What each one's part is to be a multiple of.
        """
        if self.replicas > 1 and batch_size % (self.replicas * multiple):
            raise ValueError(
                "`batch_size` is of all replicas together, and must be a "
                f"multiple of their number, {self.replicas}, times {multiple}: "
                "the updates in a step, times `gradient_accumulation_steps`, "
                f"times `packing`. Received: batch_size={batch_size}"
            )

    def check_alike(self, what, number):
        """Raises `ValueError` if workers do not hold the same number."""

    def any_worker(self, wish):
        """After each step: whether a worker has the wish, the same on all.

        It may answer some steps later.
        """
        return wish

    def scope(self):
        """A context to build, compile and restore the model in."""
        return contextlib.nullcontext()

    def dataset(self, make, batch_size):
        """What `fit` takes, from `make(shard=(worker, workers))`."""
        del batch_size
        return make(shard=(self.worker, self.workers))

    def fit(self, model, dataset, **arguments):
        """`model.fit`.

        Raises:
            ConnectionError: Another worker is gone.
        """
        return model.fit(dataset, **arguments)


class _TensorFlowStrategy(Strategy):
    """A `tf.distribute.Strategy`."""

    def __init__(self, name, distribution):
        import tensorflow as tf

        extended = distribution.extended
        # Batches are of one size. TensorFlow would look for smaller ones, and
        # for it give up static shapes.
        extended.experimental_enable_get_next_as_optional = False
        resolver = distribution.cluster_resolver
        several = name == "multiworker"
        super().__init__(
            name,
            replicas=distribution.num_replicas_in_sync,
            workers=len(_tasks(resolver.cluster_spec())) if several else 1,
            worker=_place(resolver) if several else 0,
        )
        self._distribution = distribution
        self._gather = tf.function(
            lambda number: distribution.run(_gather, args=(number,))
        )
        self._asked = 0

    def check_alike(self, what, number):
        numbers = self._of_workers(number)
        if len(set(numbers)) > 1:
            raise ValueError(
                "All workers must be started with the same recipe and data, "
                "and `workdir` must be one folder that all of them see. "
                f"Received: {what} {numbers}, by worker"
            )

    def any_worker(self, wish):
        if self.workers == 1:
            return wish
        self._asked += 1
        return not self._asked % _STEPS_BETWEEN_QUESTIONS and any(
            self._of_workers(int(wish))
        )

    def _of_workers(self, number):
        """A number of this worker -> those of all of them, a list."""
        import tensorflow as tf

        if self.workers == 1:
            return [number]
        with self._others():
            # A tensor: it must not be traced anew on one worker alone.
            found = self._gather(tf.constant(number, "int64"))
        (first, *_) = self._distribution.experimental_local_results(found)
        return first.numpy()[:: self.replicas // self.workers].tolist()

    @contextlib.contextmanager
    def scope(self):
        with self._others(), self._distribution.scope():
            yield

    def dataset(self, make, batch_size):
        def of_worker(context):
            place = (context.input_pipeline_id, context.num_input_pipelines)
            # TensorFlow deals whole elements to the worker's replicas.
            return make(shard=place).rebatch(
                batch_size // self.replicas, drop_remainder=True
            )

        return self._distribution.distribute_datasets_from_function(of_worker)

    def fit(self, model, dataset, **arguments):
        # Outside of the scope: what callbacks make is of this process alone.
        with self._others():
            return model.fit(dataset, **arguments)

    @contextlib.contextmanager
    def _others(self):
        """A context that waits for other workers, in vain if one is gone."""
        from tensorflow import errors

        try:
            yield
        except (
            errors.UnavailableError,
            errors.AbortedError,
            errors.CancelledError,
            errors.DeadlineExceededError,
            errors.InternalError,
        ) as error:
            if self.workers == 1:
                raise
            raise ConnectionError(
                f"Worker {self.worker} of {self.workers} has lost another "
                f"one, or failed itself ({type(error).__name__}: "
                f"{str(error).partition(os.linesep)[0]})"
            ) from error


def _gather(number):
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context.all_gather(tf.reshape(number, (1,)), axis=0)


class _TPUStrategy(_TensorFlowStrategy):
    # A step is short, and the way to the device long.
    steps_per_execution = 16


class _JaxStrategy(Strategy):
    """A `keras.distribution.Distribution`: JAX sees one global batch."""

    def __init__(self, name, distribution):
        super().__init__(name, replicas=distribution.num_model_replicas)
        self._distribution = distribution

    def scope(self):
        return self._distribution.scope()

    def fit(self, model, dataset, **arguments):
        with self._distribution.scope():
            return model.fit(dataset, **arguments)


def get(strategy=None):
    """A name, None or a `Strategy` -> a `Strategy`.

    Args:
        strategy: "multiworker" and "tpu" come first in a program, before any
            tensor; "multiworker" waits until all workers are there.

    Raises:
        ValueError: The name is unknown, or this machine or backend has no such
            devices.
    """
    if isinstance(strategy, Strategy):
        return strategy
    name = strategy or "none"
    if name not in NAMES:
        raise unknown_name("strategy", name, NAMES)
    if name == "none":
        return Strategy()
    import keras

    makers = _MAKERS[keras.backend.backend()]
    if name not in makers:
        raise _impossible(
            name,
            f"the {keras.backend.backend()} backend has {', '.join(makers)}",
        )
    return makers[name]()


def _tensorflow_mirrored():
    import tensorflow as tf

    return _TensorFlowStrategy("mirrored", tf.distribute.MirroredStrategy())


def _tensorflow_multiworker():
    import tensorflow as tf

    _check_tf_config(os.environ.get("TF_CONFIG"))
    try:
        distribution = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:  # A tensor was there before.
        raise _impossible("multiworker", str(error)) from error
    return _TensorFlowStrategy("multiworker", distribution)


def _tensorflow_tpu():
    import tensorflow as tf

    # A machine that holds TPUs names none.
    name = os.environ.get("TPU_NAME", "local")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name)
        if name != "local":
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = f"TPU_NAME={name!r} gives {str(error).splitlines()[0]}"
        raise _impossible("tpu", reason) from error
    return _TPUStrategy("tpu", tf.distribute.TPUStrategy(resolver))


def _jax_mirrored():
    import keras

    return _JaxStrategy("mirrored", keras.distribution.DataParallel())


def _jax_tpu():
    import keras

    try:
        devices = keras.distribution.list_devices("tpu")
    except RuntimeError as error:
        raise _impossible("tpu", str(error)) from error
    return _JaxStrategy("tpu", keras.distribution.DataParallel(devices=devices))


_MAKERS = {
    "tensorflow": {
        "mirrored": _tensorflow_mirrored,
        "multiworker": _tensorflow_multiworker,
        "tpu": _tensorflow_tpu,
    },
    "jax": {"mirrored": _jax_mirrored, "tpu": _jax_tpu},
}


def _check_tf_config(text):
    try:
        config = json.loads(text or "")
        task = config["task"]
        config["cluster"][task["type"]][int(task["index"])]
        good = task["type"] in ("chief", "worker")
    except (ValueError, KeyError, IndexError, TypeError):
        good = False
    if not good:
        raise _impossible(
            "multiworker",
            'TF_CONFIG must be like {"cluster": {"worker": ["host0:2222", '
            '"host1:2222"]}, "task": {"type": "worker", "index": 0}}, with '
            f"each worker's own index, and is {text!r}",
        )


def _tasks(cluster):
    return [
        (kind, index)
        for kind in ("chief", "worker")
        if kind in cluster.jobs
        for index in range(cluster.num_tasks(kind))
    ]


def _place(resolver):
    return _tasks(resolver.cluster_spec()).index(
        (resolver.task_type, resolver.task_id)
    )


def _impossible(name, reason):
    return ValueError(
        "`strategy` must be one that this machine and backend can make. "
        f"Received: strategy={name!r}; {reason}"
    )
