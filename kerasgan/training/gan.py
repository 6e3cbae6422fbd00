"""GANModel: latents, and labels where there are any, become samples."""

import keras
import numpy as np
from keras import ops

from kerasgan import losses, random
from kerasgan.errors import unknown_name
from kerasgan.reconstruction import FeatureMatching
from kerasgan.training import averaging, examples, packs
from kerasgan.training.adversarial_model import AdversarialModel

_DISTRIBUTIONS = ("normal", "uniform")


@keras.saving.register_keras_serializable(package="kerasgan.gan_model")
class GANModel(AdversarialModel):
    """A generator and a discriminator, and the game between them.

    Data for `fit` is a batch of real samples, (samples, labels), or
    {"image": samples, "label": labels}. Labels are integers [batch], or
    floats [batch, classes].

    Args:
        generator: Any Keras model, latents -> samples, or (latents, labels)
            -> samples.
        discriminator: Any Keras model, samples or (samples, labels) -> logits
            (no sigmoid). Where it has `heads(inputs, training)`, that dict
            may hold "classes", logits for an auxiliary classifier (AC-GAN,
            Odena et al. 2017, https://arxiv.org/abs/1610.09585), and
            "features" for feature matching.
        latent_size: Of what the generator takes; None asks its `latent_size`
            or its input shape.
        classes: How many there are; None asks the networks' `classes`. Given,
            networks of your own without that attribute take labels too.
        latent_distribution: "normal" (0, 1), or "uniform" in [-1, 1).
        packing: How many samples the discriminator takes at once, joined
            along the last axis (PacGAN, see `packs.py`). Losses, logs and
            penalties are then of packs. For networks without labels.
    """

    def __init__(
        self,
        generator,
        discriminator,
        latent_size=None,
        classes=None,
        latent_distribution="normal",
        packing=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if latent_distribution not in _DISTRIBUTIONS:
            raise unknown_name(
                "latent_distribution", latent_distribution, _DISTRIBUTIONS
            )
        self.generator = generator
        self.discriminator = discriminator
        self.latent_distribution = latent_distribution
        self.latent_size = latent_size or examples.latent_size(generator)
        self.classes = (
            classes
            or getattr(generator, "classes", None)
            or getattr(discriminator, "classes", None)
        )
        examples.check_classes(self.classes, generator, discriminator)
        self.packing = packs.check(packing, self.classes)
        samples = self._build(generator, (self.latent_size,))
        self.sample_shape = tuple(samples.shape[1:])
        packs.build(self._build, discriminator, self.sample_shape, packing)
        self.averaged_generator = averaging.clone(generator)
        self.built = True

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss="non_saturating",
        regularizers=(),
        discriminator_steps=1,
        generator_learning_rate=None,
        discriminator_learning_rate=None,
        ema_half_life_images=10_000,
        term_weights=None,
        seed=0,
        **kwargs,
    ):
        """Prepares for `fit`.

        Args:
            generator_optimizer, discriminator_optimizer: None is DCGAN's,
                Adam(2e-4, beta_1=0.5).
            loss: An `AdversarialLoss` or its name: "minimax",
                "non_saturating", "wasserstein", "least_squares", "hinge",
                "relativistic", "relativistic_average".
            regularizers: A list of objects from `kerasgan.regularizers`.
            discriminator_steps: Its updates for each of the generator's; the
                batch given to `fit` is shared among them.
            generator_learning_rate, discriminator_learning_rate: A `Schedule`
                that sets the optimizer's rate.
            ema_half_life_images: The average's memory, a number or a
                `Schedule`; 0 follows the generator at once.
            term_weights: {"<player>_<term>": weight}; others weigh 1, and 0
                only logs. Terms: "adversarial", "classification" and the
                discriminator's "fake_classification" (with an auxiliary
                classifier), and "generator_feature_matching" (off unless it
                is given here).
            seed: Of every random draw.
            **kwargs: `gradient_accumulation_steps`, into how many parts an
                update's batch is cut, whose gradients are averaged: memory
                holds one at a time. Means over the batch (batch norm,
                minibatch layers, the relativistic average, DRAGAN's spread,
                packs, unrolling) are over parts then. `loss_scale`, a power of
                two for losses while slopes are computed: 2**10 suits
                mixed_float16, 2**14 overflows. `jit_compile`, XLA: "auto" is
                on GPUs and TPUs. `run_eagerly`, `steps_per_execution`.
        """
        super().compile(
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            loss=loss,
            regularizers=regularizers,
            discriminator_steps=discriminator_steps,
            generator_learning_rate=generator_learning_rate,
            discriminator_learning_rate=discriminator_learning_rate,
            ema_half_life_images=ema_half_life_images,
            term_weights=term_weights,
            seed=seed,
            **kwargs,
        )

    default_term_weights = {
        "discriminator_real_logits": 0.0,
        "discriminator_fake_logits": 0.0,
    }

    @property
    def networks(self):
        return {
            "discriminator": (self.discriminator,),
            "generator": (self.generator,),
        }

    @property
    def rows_together(self):
        return self.packing

    @property
    def averages(self):
        return [(self.generator, self.averaged_generator)]

    @property
    def data_spec(self):
        images = keras.KerasTensor((2, *self.sample_shape), "float32")
        if self.classes is None:
            return images
        labels = examples.label_spec(self.generator, self.discriminator)
        return {"image": images, "label": labels}

    def sample_batch(self, data, player, batch):
        real, labels = examples.unpack(data)
        examples.check(real, labels, self.sample_shape, self.classes)
        latents = self._draw(
            batch.numbers, seed=batch.seed, purpose=f"{player.name}/latents"
        )
        return batch.replace(real=real, labels=labels, latents=latents)

    def discriminator_objective(self, batch):
        batch = self._judged(batch)
        real = self._heads(batch.real, batch)
        fake = self._heads(batch.fake, batch)
        loss = self.settings.loss
        terms = {
            "adversarial": loss.discriminator(
                real=real["logits"], fake=fake["logits"]
            ),
            "real_logits": losses.per_example(real["logits"]),
            "fake_logits": losses.per_example(fake["logits"]),
        }
        if "classes" in real:
            terms["classification"] = losses.classification(
                labels=batch.labels, logits=real["classes"]
            )
            terms["fake_classification"] = losses.classification(
                labels=batch.labels, logits=fake["classes"]
            )
        if batch.training:
            for regularizer in self.settings.regularizers:
                terms |= regularizer.terms(
                    self.discriminator,
                    lambda x: self._heads(x, batch)["logits"],
                    batch,
                )
        return terms

    def generator_objective(self, batch):
        batch = self._judged(batch)
        fake = self._heads(batch.fake, batch)
        matching = "generator_feature_matching" in self.settings.term_weights
        real = {"logits": None}
        if self.settings.loss.compares_with_real or matching:
            real = self._heads(batch.real, batch)
        terms = {
            "adversarial": self.settings.loss.generator(
                real=real["logits"], fake=fake["logits"]
            )
        }
        if "classes" in fake:
            terms["classification"] = losses.classification(
                labels=batch.labels, logits=fake["classes"]
            )
        if matching:
            terms["feature_matching"] = FeatureMatching()(
                real=real["features"], fake=fake["features"]
            )
        return terms

    def latents(self, count, seed=0):
        """Latents [count, latent_size]; row i does not depend on count."""
        numbers = ops.arange(count, dtype="int32")
        latents = self._draw(numbers, seed=seed, purpose="generate/latents")
        return ops.convert_to_numpy(latents)

    def labels(self, count, seed=0):
        """Labels int32 [count], each class as likely; None without classes."""
        if self.classes is None:
            return None
        numbers = ops.arange(count, dtype="int32")
        labels = random.integers(
            numbers, self.classes, seed=seed, purpose="generate/labels"
        )
        return ops.convert_to_numpy(labels)

    def generate(self, count, labels=None, seed=0, batch_size=64):
        """Samples [count, ...] in the data's range, float32.

        They come from the averaged generator, and sample i depends on the
        seed, on i and on its label alone.

        Args:
            labels: One for all, or one for each; None draws classes evenly.
            seed: Of the latents, and of labels that are drawn.
            batch_size: How many at a time; it does not change them.
        """
        if labels is None and self._takes_labels(self.generator):
            labels = self.labels(count, seed)
        return self.decode(self.latents(count, seed), labels, batch_size)

    def decode(self, latents, labels=None, batch_size=64):
        """Latents [count, latent_size], labels -> what `generate` gives."""
        inputs = latents = np.asarray(latents, "float32")
        if self._takes_labels(self.generator):
            inputs = (latents, examples.labels_for(len(latents), labels))
        elif labels is not None:
            raise examples.no_labels(labels)
        return self.averaged_generator.predict(
            inputs, batch_size=batch_size, verbose=0
        )

    def call(self, inputs, training=False):
        """What the averaged generator makes of its input."""
        return self.averaged_generator(inputs, training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(
                self.discriminator
            ),
            "latent_size": self.latent_size,
            "classes": self.classes,
            "latent_distribution": self.latent_distribution,
            "packing": self.packing,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        networks = {
            name: keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
            for name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})

    def _draw(self, numbers, **key):
        shape = (self.latent_size,)
        if self.latent_distribution == "uniform":
            return random.uniform(numbers, shape, low=-1.0, **key)
        return random.normal(numbers, shape, **key)

    def _judged(self, batch):
        """A batch as the discriminator sees it, with generated samples."""
        fake = self.generator(
            self._inputs(self.generator, batch.latents, batch.labels),
            training=batch.training,
        )
        return packs.pack(batch.replace(fake=fake), self.packing)

    def _heads(self, samples, batch):
        """What the discriminator says of samples: {"logits": ..., ...}."""
        inputs = self._inputs(self.discriminator, samples, batch.labels)
        heads = getattr(self.discriminator, "heads", None)
        if heads is not None:
            return heads(inputs, training=batch.training)
        return {"logits": self.discriminator(inputs, training=batch.training)}

    def _inputs(self, network, first, labels):
        return (first, labels) if self._takes_labels(network) else first

    def _takes_labels(self, network):
        return examples.takes_labels(network, self.classes)

    def _build(self, network, shape):
        """Makes the network's weights -> what it gives, symbolically."""
        inputs = keras.KerasTensor((2, *shape), "float32")
        labels = examples.label_spec(self.generator, self.discriminator)
        return network(self._inputs(network, inputs, labels))
