"""What trains: kerasgan's step, and those that it is measured against.

Each function makes the same game, networks of `case` and random images, and
gives a function of a number of steps that returns when they are done.
"""

from steps.cases import Case, data_of


def kerasgan_step(case, jit_compile=False):
    """Our whole step, in a bare loop."""
    import tensorflow as tf

    gan, data = case.build(), tensors(case)
    step = tf.function(
        lambda data: gan.train_step(data), jit_compile=jit_compile
    )
    return _repeat(step, data)


def kerasgan_xla(case):
    """The same, compiled by XLA."""
    return kerasgan_step(case, jit_compile=True)


def kerasgan_bfloat16(case):
    """The same, in mixed precision."""
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    return kerasgan_step(case)


def kerasgan_fit(case):
    """`fit`, as everybody calls it, on data that cost nothing."""
    import tensorflow as tf

    gan = case.build()
    # One dataset of each length: `fit` traces anew for none of them.
    endless = tf.data.Dataset.from_tensors(data_of(case)).repeat()

    def run(steps):
        gan.fit(endless, steps_per_epoch=steps, verbose=0, shuffle=False)

    return run


def kerasgan_jax(case):
    """`fit` on JAX."""
    gan, data = case.build(), data_of(case)
    data = data if isinstance(data, tuple) else (data,)

    def run(steps):
        batches = (data for _ in range(steps))
        gan.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)

    return run


def bare(case, one_pass=False):
    """The same networks and game by hand: no logs, average, or counters.

    What `fit` and our step cost is their difference to this.

    Args:
        one_pass: Judge real and generated images together.
    """
    import tensorflow as tf

    generator, discriminator = case.networks()
    optimizers = [_adam() for _ in range(2)]
    for optimizer, network in zip(
        optimizers, (discriminator, generator), strict=True
    ):
        optimizer.build(network.trainable_variables)
    rows = case.batch_size // case.discriminator_steps

    def update(optimizer, network, objective):
        variables = network.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            loss = objective()
        slopes = tape.gradient(loss, [v.value for v in variables])
        optimizer.apply(slopes, variables)

    def judge(images):
        return discriminator(images, training=True)

    def draw():
        return tf.random.normal((rows, generator.latent_size))

    def discriminator_loss(real):
        fake = generator(draw(), training=True)
        if one_pass:
            both = judge(tf.concat([real, fake], axis=0))
            real_logits, fake_logits = tf.split(both, 2)
        else:
            real_logits, fake_logits = judge(real), judge(fake)
        if case.penalty == "GradientPenalty":
            share = tf.random.uniform((rows, 1, 1, 1))
            between = share * real + (1.0 - share) * fake
            lengths = tf.sqrt(_squares(judge, between))
            loss = tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)
            return loss + 10.0 * tf.reduce_mean((lengths - 1.0) ** 2)
        loss = tf.reduce_mean(tf.nn.softplus(-real_logits))
        loss += tf.reduce_mean(tf.nn.softplus(fake_logits))
        if case.penalty == "R1":
            loss += 5.0 * tf.reduce_mean(_squares(judge, real))
        return loss

    def generator_loss():
        logits = judge(generator(draw(), training=True))
        if case.loss == "wasserstein":
            return -tf.reduce_mean(logits)
        return tf.reduce_mean(tf.nn.softplus(-logits))

    @tf.function
    def step(images):
        for index in range(case.discriminator_steps):
            real = images[index :: case.discriminator_steps]
            update(
                optimizers[0],
                discriminator,
                lambda real=real: discriminator_loss(real),
            )
        update(optimizers[1], generator, generator_loss)

    return _repeat(step, tensors(case))


def bare_one_pass(case):
    """The same, with one pass of a discriminator without batch norm."""
    return bare(case, one_pass=True)


def _squares(function, images):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        total = tf.reduce_sum(function(images))
    return tf.reduce_sum(tape.gradient(total, images) ** 2, axis=(1, 2, 3))


def guide(case):
    """The step of Keras' guide "Customizing fit() with TensorFlow".

    https://keras.io/guides/custom_train_step_in_tensorflow, its GAN example,
    with these networks, and `fit`. It has one loss, and no penalties.
    """
    import keras
    import tensorflow as tf
    from keras import ops

    generator, discriminator = case.networks()
    batch_size, latent_size = case.batch_size, generator.latent_size

    class GAN(keras.Model):
        def __init__(self):
            super().__init__()
            self.discriminator, self.generator = discriminator, generator
            self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
            self.g_loss_tracker = keras.metrics.Mean(name="g_loss")
            self.seed_generator = keras.random.SeedGenerator(0)
            self.built = True

        @property
        def metrics(self):
            return [self.d_loss_tracker, self.g_loss_tracker]

        def compile(self, d_optimizer, g_optimizer, loss_fn):
            super().compile()
            self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
            self.loss_fn = loss_fn

        def train_step(self, real):
            shape = (batch_size, latent_size)
            latents = keras.random.normal(shape, seed=self.seed_generator)
            fake = self.generator(latents, training=True)
            combined = ops.concatenate([fake, real], axis=0)
            labels = ops.concatenate(
                [ops.ones((batch_size, 1)), ops.zeros((batch_size, 1))], axis=0
            )
            with tf.GradientTape() as tape:
                logits = self.discriminator(combined, training=True)
                d_loss = self.loss_fn(labels, logits[:, None])
            weights = self.discriminator.trainable_weights
            self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
            latents = keras.random.normal(shape, seed=self.seed_generator)
            with tf.GradientTape() as tape:
                logits = self.discriminator(
                    self.generator(latents, training=True), training=True
                )
                g_loss = self.loss_fn(
                    ops.zeros((batch_size, 1)), logits[:, None]
                )
            weights = self.generator.trainable_weights
            self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
            self.d_loss_tracker.update_state(d_loss)
            self.g_loss_tracker.update_state(g_loss)
            return {m.name: m.result() for m in self.metrics}

    gan = GAN()
    gan.compile(
        _adam(), _adam(), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    endless = tf.data.Dataset.from_tensors(data_of(case)).repeat()

    def run(steps):
        gan.fit(endless, steps_per_epoch=steps, verbose=0, shuffle=False)

    return run


def _adam():
    import keras

    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def tensors(case):
    """`data_of(case)`, where the step takes it from without a copy."""
    import keras

    return keras.tree.map_structure(keras.ops.convert_to_tensor, data_of(case))


def _repeat(step, data):
    def run(steps):
        for _ in range(steps):
            step(data)

    return run


CONTENDERS = {
    "kerasgan": kerasgan_step,
    "kerasgan_fit": kerasgan_fit,
    "bare": bare,
    "bare_one_pass": bare_one_pass,
    "guide": guide,
    "kerasgan_xla": kerasgan_xla,
    "kerasgan_bfloat16": kerasgan_bfloat16,
    "kerasgan_jax": kerasgan_jax,
}


def knows(name, case):
    """Whether a contender can play a case's game."""
    if name == "torch_mimicry":
        return case.mimicry is not None
    if not isinstance(case, Case):
        return name.startswith("kerasgan")  # A recipe's game is ours alone.
    if name == "bare_one_pass":
        return case.batch_norm is False
    if name == "guide":
        return case.loss == "non_saturating" and case.penalty is None
    if name.startswith("torch"):
        return case.preset.startswith("dcgan")
    return True
