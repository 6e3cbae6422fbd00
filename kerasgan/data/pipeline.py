"""The endless stream of shuffled epochs, cut into batches.

Only indices are shuffled. Item k of the stream is item k % count of the
permutation of epoch k // count, and a permutation follows from seed and epoch:
so the stream starts anywhere at the price of one permutation.
"""

import tensorflow as tf

from kerasgan.data.augmentation import augment

_LAST_EPOCH = 2**62


def batches(
    gather,
    count,
    batch_size,
    seed,
    start_images,
    total_images,
    shuffle,
    augmentation,
    shard=(0, 1),
):
    """A tf.data.Dataset of batches.

    Args:
        gather: Indices int64 [batch] -> (images float32 [batch, h, w, c],
            labels int32 [batch] or None).
        shard: Which part of each batch, and of how many.
        augmentation: Arguments of `augment` by name.
    """
    part, parts = shard
    with tf.device("/CPU:0"):
        indices = _indices(count, seed, start_images, shuffle)
        rows = batch_size // parts
        indices = indices.rebatch(rows, drop_remainder=True)
        positions = tf.data.Dataset.range(start_images, tf.int64.max, rows)
        stream = tf.data.Dataset.zip(positions, indices).shard(parts, part)
        steps = tf.data.INFINITE_CARDINALITY
        if total_images is not None:
            steps = max(0, -(-(total_images - start_images) // batch_size))
            stream = stream.take(steps)

        @tf.autograph.experimental.do_not_convert
        def to_batch(position, indices):
            images, labels = gather(indices)
            if any(augmentation.values()):
                images = augment(images, position, seed, **augmentation)
            if labels is None:
                return images
            return {"image": images, "label": labels}

        stream = stream.map(
            to_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        stream = stream.apply(tf.data.experimental.assert_cardinality(steps))
        return stream.prefetch(tf.data.AUTOTUNE).with_options(_options(parts))


def _indices(count, seed, start_images, shuffle):
    """Elements are epochs: indices int64 [count], the first one cut."""
    first_epoch, skipped = divmod(start_images, count)

    @tf.autograph.experimental.do_not_convert
    def epoch_indices(epoch):
        order = tf.range(count, dtype=tf.int64)
        if shuffle:
            key = tf.stack([tf.constant(seed, tf.int64), 2 * epoch])
            order = tf.random.experimental.stateless_shuffle(
                order, key, alg="philox"
            )
        return order[tf.where(epoch == first_epoch, skipped, 0) :]

    epochs = tf.data.Dataset.range(first_epoch, _LAST_EPOCH)
    return epochs.map(epoch_indices).prefetch(1)


def _options(parts):
    options = tf.data.Options()
    options.deterministic = True
    # Parts are shared out already. Of whole batches, one process with several
    # replicas shards nothing: each is cut into the replicas' parts. Of several
    # worker processes, each holds all images and makes the same stream; sharded
    # by DATA each keeps its own share of it, where OFF would train all of them
    # on the same images, and FILE finds no files to share out.
    policy = tf.data.experimental.AutoShardPolicy
    options.experimental_distribute.auto_shard_policy = (
        policy.DATA if parts == 1 else policy.OFF
    )
    return options
