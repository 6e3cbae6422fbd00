"""GANModel: latents, and labels where there are any, become samples."""

import keras
import numpy as np
from keras import ops

from kerasgan import augment, gradients, losses, random
from kerasgan.errors import unknown_name
from kerasgan.reconstruction import FeatureMatching
from kerasgan.training import averaging, examples, packs
from kerasgan.training.latent_model import LatentModel

_DISTRIBUTIONS = {"normal": random.normal, "uniform": random.uniform}


@keras.saving.register_keras_serializable(package="kerasgan.gan_model")
class GANModel(LatentModel):
    """A generator and a discriminator, and the game between them.

    Data for `fit` is a batch of real samples, (samples, labels), or
    {"image": samples, "label": labels}. Labels are integers [batch], or
    floats [batch, classes].

    Args:
        generator: Any Keras model, latents -> samples, or (latents, labels)
            -> samples.
        discriminator: Any Keras model, samples or (samples, labels) -> logits
            (no sigmoid). Where it has `heads(inputs, training)`, that dict
            may hold what a label loss reads (see `kerasgan.label_losses`),
            such as "classes" of an auxiliary classifier, "features" for
            feature matching, and "reconstruction" [batch], what its features
            do not know of real samples (FastGAN). Where it has
            `prepare_real`, real samples are what that makes of them, for
            losses and penalties.
        latent_size: Of what the generator takes; None asks its `latent_size`
            or its input shape.
        classes: How many there are; None asks the networks' `classes`. Given,
            networks of your own without that attribute take labels too.
        label_examples: Where labels are floats, of several classes at once or
            of conditions that are numbers: [n, classes] of them, of which
            samples get some where nothing else is said. They are saved.
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
        label_examples=None,
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
        if label_examples is not None:
            self.label_examples = self._constant(
                examples.check_floats(label_examples, self.classes)
            )
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
        label_loss="classification",
        regularizers=(),
        augmenter=None,
        discriminator_steps=1,
        ema_half_life_images=10_000,
        term_weights=None,
        **kwargs,
    ):
        """Prepares for `fit`.

        Args:
            generator_optimizer, discriminator_optimizer: None is DCGAN's,
                Adam(2e-4, beta_1=0.5).
            loss: An `AdversarialLoss`, or its name in `kerasgan.losses`, such
                as "hinge" or "wasserstein".
            label_loss: A `LabelLoss`, or its name in `kerasgan.label_losses`:
                what the discriminator's other heads learn, where it has them.
            regularizers: A list of objects from `kerasgan.regularizers`.
            augmenter: Of `kerasgan.augment`, or "diffaugment", "ada", "apa".
            discriminator_steps: Its updates for each of the generator's; the
                batch given to `fit` is shared among them.
            ema_half_life_images: The average's memory, a number or a
                `Schedule`; 0 follows the generator at once. A number begins
                as a twentieth of the images seen.
            term_weights: {"<player>_<term>": weight}; others weigh 1, and 0
                only logs. Terms: "adversarial", the label loss's; off unless
                given here, the discriminator's "drift" (real logits squared),
                "generator_feature_matching".
            **kwargs: `seed`, of every random draw.
                `gradient_accumulation_steps`, into how many parts an update's
                batch is cut, whose gradients are averaged: memory holds one at
                a time, and what looks at a whole batch (batch norm, minibatch
                layers, the relativistic average, DRAGAN, LeCam, contrasts,
                packs, unrolling) looks at one. `loss_scale`, a power of two for
                losses while slopes are computed: 2**10 suits mixed_float16,
                2**14 overflows. `jit_compile`, XLA: "auto" is on GPUs and TPUs.
                `<player>_learning_rate`, and Adam's `<player>_beta_2`, are set
                by a `Schedule`; `schedules`, by name, what networks have in
                `scheduled`. `<player>_frozen_stages`: see `freezing.py`.
                `run_eagerly`, `steps_per_execution`.
        """
        augmenter = augment.get(augmenter)
        augmenter.check(self.sample_shape, self.packing)
        super().compile(
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            loss=loss,
            label_loss=label_loss,
            regularizers=regularizers,
            augmenter=augmenter,
            discriminator_steps=discriminator_steps,
            ema_half_life_images=ema_half_life_images,
            term_weights=term_weights,
            **kwargs,
        )

    default_term_weights = {
        "discriminator_real_logits": 0.0,
        "discriminator_fake_logits": 0.0,
        "discriminator_real_signs": 0.0,
        "discriminator_augmentation": 0.0,
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
        return {"image": images, "label": self._label_spec}

    def sample_batch(self, data, player, batch):
        real, labels = examples.unpack(data)
        examples.check(real, labels, self.sample_shape, self.classes)
        if self.label_examples is not None:
            examples.check_float_labels(labels)
        prepare_real = getattr(self.discriminator, "prepare_real", None)
        if prepare_real is not None:
            real = prepare_real(real)
        latents = self._draw(
            batch.numbers, seed=batch.seed, purpose=f"{player.name}/latents"
        )
        return batch.replace(
            real=real,
            labels=labels,
            latents=latents,
            draws=self._draws(player, batch) if batch.training else {},
        )

    def discriminator_objective(self, batch):
        batch = self._judged(batch)
        real = self._heads(batch.real, batch, "real")
        fake = self._heads(batch.fake, batch, "fake")
        loss = self.settings.loss.at(batch.images_seen)
        terms = {
            "adversarial": loss.discriminator(
                real=real["logits"], fake=fake["logits"]
            ),
            "real_logits": losses.per_example(real["logits"]),
            "fake_logits": losses.per_example(fake["logits"]),
            # Towards 1 where the discriminator overfits (ADA, section 3).
            "real_signs": losses.per_example(ops.sign(real["logits"])),
            **self.settings.augmenter.terms(batch),
            **self._label_terms("discriminator", batch, real=real, fake=fake),
        }
        if "reconstruction" in real:
            terms["reconstruction"] = real["reconstruction"]
        if "discriminator_drift" in self.settings.term_weights:
            terms["drift"] = losses.per_example(ops.square(real["logits"]))
        logits = {"real": real["logits"], "fake": fake["logits"]}
        return terms | self._penalties(
            "discriminator",
            lambda x, kind="real": self._heads(x, batch, kind)["logits"],
            batch.replace(logits=logits),
        )

    def generator_objective(self, batch):
        unpacked = batch
        batch = self._judged(batch)
        fake = self._heads(batch.fake, batch, "fake")
        matching = "generator_feature_matching" in self.settings.term_weights
        real = {"logits": None}
        if self.settings.loss.compares_with_real or matching:
            real = self._heads(batch.real, batch, "real")
        loss = self.settings.loss.at(batch.images_seen)
        terms = {
            "adversarial": loss.generator(
                real=real["logits"], fake=fake["logits"]
            ),
            **self._label_terms("generator", batch, fake=fake),
        }
        if matching:
            terms["feature_matching"] = FeatureMatching()(
                real=real["features"], fake=fake["features"]
            )
        return terms | self._penalties(
            "generator",
            lambda x: self._generated(unpacked.replace(latents=x)),
            unpacked.replace(fake=batch.fake),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(
                self.discriminator
            ),
            "latent_size": self.latent_size,
            "classes": self.classes,
            "label_examples": None
            if self.label_examples is None
            else tuple(self.label_examples.shape),
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
        shape = config["label_examples"]
        if shape is not None:  # Loading gives them their values.
            config = {**config, "label_examples": np.zeros(shape, "float32")}
        return cls(**{**config, **networks})

    def _draws(self, player, batch):
        """{player: {name: values}}, what the networks' `draws` ask for."""
        networks = {
            "generator": self.generator,
            "discriminator": self.discriminator,
        }
        return {
            owner: {
                name: _DISTRIBUTIONS[distribution](
                    batch.numbers,
                    shape,
                    seed=batch.seed,
                    purpose=f"{player.name}/{name}",
                )
                for name, (distribution, shape) in network.draws.items()
            }
            for owner, network in networks.items()
            if getattr(network, "draws", None)
        }

    def _generated(self, batch):
        """What the generator makes of a batch's latents."""
        return self.generator(
            self._inputs(self.generator, batch.latents, batch.labels),
            **self._mode("generator", batch),
        )

    def _mode(self, player, batch):
        """How a player's network is called: in training with its draws."""
        mode = {"training": batch.training}
        if player in batch.draws:
            mode["draws"] = batch.draws[player]
        return mode

    # Of the discriminator's heads, those that this model reads by itself.
    read_heads = ()

    def _label_terms(self, player, batch, **heads):
        """Terms of what heads say besides "logits"; heads by real and fake."""
        label_loss = self.settings.label_loss
        label_loss.check(heads["fake"], self.read_heads)
        return getattr(label_loss, player)(labels=batch.labels, **heads)

    def _penalties(self, player, function, batch):
        """Terms of the regularizers that are about a player, in training."""
        terms, players = {}, {p.name: p for p in self.settings.players}
        if batch.training:
            for regularizer in players[player].regularizers:
                (network,) = players[player].networks
                terms |= regularizer.terms(network, function, batch)
        return terms

    def _judged(self, batch):
        """A batch as the discriminator sees it, with generated samples."""
        # Read here: a scope that is opened later does not know them.
        generator = gradients.as_it_is(self.generator)

        def generated(latents):  # Leaves nothing behind.
            with keras.StatelessScope(generator):
                return self._judged(batch.replace(latents=latents)).fake

        found = batch.replace(fake=self._generated(batch), generated=generated)
        return packs.pack(self.settings.augmenter.replaced(found), self.packing)

    def _heads(self, samples, batch, kind):
        """What the discriminator says of samples: {"logits": ..., ...}.

        Args:
            kind: "real" or "fake", as which they are augmented.
        """
        samples = self.settings.augmenter(
            samples, batch, purpose=f"{batch.player}/augment/{kind}"
        )
        inputs = self._inputs(self.discriminator, samples, batch.labels)
        mode = self._mode("discriminator", batch)
        heads = getattr(self.discriminator, "heads", None)
        if heads is not None:
            return heads(inputs, **mode)
        return {"logits": self.discriminator(inputs, **mode)}

    def _inputs(self, network, first, labels):
        return (first, labels) if self._takes_labels(network) else first

    def _build(self, network, shape):
        """Makes the network's weights -> what it gives, symbolically."""
        inputs = keras.KerasTensor((2, *shape), "float32")
        return network(self._inputs(network, inputs, self._label_spec))

    @property
    def _label_spec(self):
        if self.label_examples is not None:
            return keras.KerasTensor((2, self.classes), "float32")
        return examples.label_spec(self.generator, self.discriminator)

    def _constant(self, values):
        """Values [n, classes] as a weight, which is saved with the others."""
        return self.add_weight(
            name="label_examples",
            shape=values.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(
                values, dtype
            ),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
