"""InfoGANModel: a part of the latents comes to mean something, unsupervised."""

import keras
import numpy as np
from keras import ops

from kerasgan import random
from kerasgan.training.gan import GANModel


@keras.saving.register_keras_serializable(package="kerasgan.info")
class InfoGANModel(GANModel):
    """A `GANModel` whose samples must show codes that are in their latents.

    The last of the latents are a one-hot vector for each categorical code,
    then numbers in [-1, 1) for continuous ones; all others are noise. A head
    of the discriminator, "codes" [batch, as many], tells them of generated
    samples, for which both players are rewarded: a lower bound on the
    information that samples hold of codes. Chen et al. 2016, equation 5,
    https://arxiv.org/abs/1606.03657.

    Terms of both players: "categorical_codes", cross-entropies of weight 1,
    and "continuous_codes", half the squared errors, of weight 0.1.

    Differs from the paper: a continuous code's deviation is 1, not estimated.

    Args:
        categories: How many values each categorical code has.
        continuous: How many continuous codes there are.
        **kwargs: Those of `GANModel`. `models.dcgan.Discriminator(codes=...)`
            has the head.
    """

    read_heads = ("codes",)
    default_term_weights = {
        **GANModel.default_term_weights,
        "discriminator_continuous_codes": 0.1,
        "generator_continuous_codes": 0.1,
    }

    def __init__(
        self,
        generator,
        discriminator,
        categories=(10,),
        continuous=2,
        **kwargs,
    ):
        _check_codes(categories, continuous)
        if kwargs.get("packing", 1) > 1:
            raise ValueError(
                "`packing` must be 1: codes are read from single samples. "
                f"Received: packing={kwargs['packing']}"
            )
        super().__init__(generator, discriminator, **kwargs)
        self.categories = tuple(categories)
        self.continuous = continuous
        self.code_size = sum(self.categories) + continuous
        if not 0 < self.code_size < self.latent_size:
            raise ValueError(
                "`categories` and `continuous` must leave some of the latents "
                f"for noise. Received: categories={self.categories}, "
                f"continuous={continuous}, latent_size={self.latent_size}"
            )

    def with_codes(self, latents, categories=None, continuous=None):
        """Latents [n, latent_size] -> the same, with other codes.

        Args:
            categories: For each categorical code its value, an integer or
                [n]; None leaves them.
            continuous: For each continuous code its value, a number or [n];
                None leaves them.
        """
        latents = np.array(latents, "float32")
        place = self.latent_size - self.code_size
        values = _one_for_each("categories", categories, len(self.categories))
        for size, value in zip(self.categories, values, strict=True):
            if value is not None:
                if np.min(value) < 0 or np.max(value) >= size:
                    raise ValueError(
                        f"`categories` must be from 0 to {size - 1}. "
                        f"Received: {value}"
                    )
                one_hot = np.eye(size, dtype="float32")[value]
                latents[:, place : place + size] = one_hot
            place += size
        values = _one_for_each("continuous", continuous, self.continuous)
        for i, value in enumerate(values):
            if value is not None:
                latents[:, place + i] = value
        return latents

    def truncate_latents(self, latents, share, **functions):
        """As elsewhere, but for the codes, which keep what they say."""
        place = self.latent_size - self.code_size
        noise = super().truncate_latents(latents[:, :place], share, **functions)
        return ops.concatenate([noise, latents[:, place:]], axis=1)

    def _draw(self, numbers, *, seed, purpose):
        noise = super()._draw(numbers, seed=seed, purpose=purpose)
        parts = [noise[:, : self.latent_size - self.code_size]]
        for i, size in enumerate(self.categories):
            value = random.integers(
                numbers, size, seed=seed, purpose=f"{purpose}/category_{i}"
            )
            parts.append(ops.one_hot(value, size, dtype="float32"))
        parts.append(
            random.uniform(
                numbers,
                (self.continuous,),
                low=-1.0,
                seed=seed,
                purpose=f"{purpose}/continuous",
            )
        )
        return ops.concatenate(parts, axis=1)

    def _label_terms(self, player, batch, **heads):
        terms = super()._label_terms(player, batch, **heads)
        found = heads["fake"].get("codes")
        if found is None or found.shape[-1] != self.code_size:
            raise ValueError(
                f"`heads` of the discriminator must have {self.code_size} "
                "'codes', such as those of "
                f"`dcgan.Discriminator(codes={self.code_size})`. Received: "
                + ("none" if found is None else f"{found.shape[-1]}")
            )
        codes = batch.latents[:, self.latent_size - self.code_size :]
        return terms | self._information(codes, ops.cast(found, "float32"))

    def _information(self, codes, found):
        """Codes and what is told of them [batch, code_size] -> terms."""
        ends = np.cumsum(self.categories)
        categorical = ops.zeros_like(codes[:, 0])
        for size, end in zip(self.categories, ends, strict=True):
            categorical += ops.categorical_crossentropy(
                codes[:, end - size : end],
                found[:, end - size : end],
                from_logits=True,
            )
        terms = {"categorical_codes": categorical} if self.categories else {}
        if self.continuous:
            places = slice(sum(self.categories), None)
            error = ops.square(found[:, places] - codes[:, places])
            terms["continuous_codes"] = ops.sum(error, axis=1) / 2.0
        return terms

    def get_config(self):
        return {
            **super().get_config(),
            "categories": self.categories,
            "continuous": self.continuous,
        }


def _check_codes(categories, continuous):
    sizes = categories if isinstance(categories, (list, tuple)) else [None]
    right = all(isinstance(size, int) and size > 1 for size in sizes)
    if not right or not isinstance(continuous, int) or continuous < 0:
        raise ValueError(
            "`categories` must be a list of numbers of values, 2 or more, and "
            "`continuous` a number of codes, 0 or more. Received: "
            f"categories={categories!r}, continuous={continuous!r}"
        )


def _one_for_each(name, values, count):
    """A value for each code, None where there is none."""
    if values is None:
        return [None] * count
    if not isinstance(values, (list, tuple)) or len(values) != count:
        raise ValueError(
            f"`{name}` must be a list of values for {count} codes. "
            f"Received: {values!r}"
        )
    return values
