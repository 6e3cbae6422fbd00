"""How alike two images are: PSNR, SSIM and MS-SSIM, by the pixel.

Images are [n, h, w, c], or [h, w, c] for one. Integers of 8 bits are 0..255;
floats are -1..1, and become 0..255 without rounding, unless `data_range` says
that they lie in 0..data_range. All is computed in float64.

`channel="y"` and `border` give the convention of super-resolution: luma only,
without the pixels next to the edge.
"""

import numpy as np

from kerasgan.errors import unknown_name
from kerasgan.metrics.arrays import to_array

_TAPS = 11
_SIGMA_PX = 1.5
_BLOCK_PX = 64  # Of rows that are filtered at once.
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
# Of the five scales, finest first (Wang et al. 2003, section 3.2).
_SCALE_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
_SMALLEST_MS_SSIM_PX = (_TAPS - 1) * 2 ** (len(_SCALE_WEIGHTS) - 1) + 1
_SMALLEST_PROGAN_PX = 2 ** (len(_SCALE_WEIGHTS) - 1)

# Above the overshoot of a linear last layer, below 0..255 by mistake.
_FAR_OUT = 1.1


def psnr(*, real, fake, data_range=None, channel="rgb", border=0):
    """Images [n, h, w, c], twice -> PSNR in dB, float64 [n].

        10 log10(255^2 / mean (x - y)^2)

    Infinite for equal images. One image [h, w, c] gives a float.

    Args:
        data_range: None for uint8 (0..255) and floats in -1..1; or a number:
            values are taken as they are, as lying in 0..data_range.
        channel: "rgb" takes the mean over all channels; "y" the luma of
            ITU-R BT.601 as MATLAB's rgb2ycbcr has it (16..235, not rounded),
            whose peak still counts as 255.
        border: Pixels left out along each edge; in super-resolution as many
            as the factor of enlargement.

    Raises:
        ValueError: The shapes differ, floats are clearly outside of -1..1, no
            pixel is left within `border`, or `channel` is not possible.
    """
    return _by_image(_psnr, real, fake, data_range, channel, border)


def ssim(*, real, fake, data_range=None, channel="rgb", border=0):
    """Images [n, h, w, c], twice -> SSIM, float64 [n], 1 if they are equal.

    Gaussian window of 11 pixels and sigma 1.5, where it lies within the image
    (edges are not padded); by channel, then the mean. Wang et al. 2004, "Image
    Quality Assessment: From Error Visibility to Structural Similarity",
    equation 13, https://doi.org/10.1109/TIP.2003.819861. One image [h, w, c]
    gives a float.

    Args:
        data_range, channel, border: As in `psnr`.

    Raises:
        ValueError: As in `psnr`; or less than 11 pixels are left.
    """
    return _by_image(
        _ssim, real, fake, data_range, channel, border, smallest_px=_TAPS
    )


def ms_ssim(*, real, fake, data_range=None, channel="rgb", border=0):
    """Images [n, h, w, c], twice -> MS-SSIM over five scales, float64 [n].

    The product over scales by channel, then the mean over channels, as
    pytorch-msssim has it and, on sizes that divide by 16,
    `tf.image.ssim_multiscale`. Negative contrast counts as none. Wang et al.
    2003, "Multi-scale Structural Similarity for Image Quality Assessment",
    equation 7, https://doi.org/10.1109/ACSSC.2003.1292216. One image
    [h, w, c] gives a float.

    Args:
        data_range, channel, border: As in `psnr`.

    Raises:
        ValueError: As in `psnr`; or less than 161 pixels are left, too few for
            the window at the fifth scale. `progan_ms_ssim` takes them.
    """
    return _by_image(
        _ms_ssim,
        real,
        fake,
        data_range,
        channel,
        border,
        smallest_px=_SMALLEST_MS_SSIM_PX,
        way_out=". `progan_ms_ssim` takes smaller images",
    )


def progan_ms_ssim(*, real, fake, data_range=None, channel="rgb", border=0):
    """Images [n, h, w, c], twice -> MS-SSIM as ProGAN has it, float64 [n].

    Similarity and contrast are averaged over channels before the product over
    scales, and the window shrinks with the image: the numbers of AC-GAN and
    ProGAN, which differ from `ms_ssim` in the fourth digit. Where a scale has
    an odd size, its last row or column is left out (the reference takes only
    sizes that divide by 32). Karras et al. 2018, section 5,
    https://arxiv.org/abs/1710.10196. One image [h, w, c] gives a float.

    Args:
        data_range, channel, border: As in `psnr`.

    Raises:
        ValueError: As in `psnr`; or less than 16 pixels are left.
    """
    return _by_image(
        _progan_ms_ssim,
        real,
        fake,
        data_range,
        channel,
        border,
        smallest_px=_SMALLEST_PROGAN_PX,
    )


def ms_ssim_diversity(images, *, data_range=None):
    """Images [n, h, w, c] of one set -> mean MS-SSIM of (0, 1), (2, 3), ...

    How little images vary: 1 where a generator always makes the same. Compare
    it with the value of real images. A last odd image is left out. Odena et
    al. 2017, section 4.2, https://arxiv.org/abs/1610.09585 (there within each
    class), with `progan_ms_ssim`.

    Raises:
        ValueError: As in `progan_ms_ssim`; or there are less than two images.
    """
    images = to_array(images, dtype=None)
    if images.ndim != 4 or len(images) < 2:
        raise ValueError(
            "`images` must have the shape [n, h, w, c], with two images at "
            f"least. Received: images.shape={images.shape}"
        )
    images = images[: len(images) // 2 * 2]
    values = progan_ms_ssim(
        real=images[::2], fake=images[1::2], data_range=data_range
    )
    return float(np.mean(values))


def luma(images):
    """RGB [..., 3] in 0..255 -> Y of BT.601 [..., 1] in 16..235.

    16 + (65.481 R + 128.553 G + 24.966 B) / 255, as MATLAB's rgb2ycbcr has it.
    """
    weights = np.array([65.481, 128.553, 24.966]) / 255.0
    return 16.0 + (images @ weights)[..., None]


def halve(image):
    """Image [h, w, c] -> means of 2x2 pixels; an odd last one is left out."""
    height, width, channels = image.shape
    image = image[: height // 2 * 2, : width // 2 * 2]
    blocks = image.reshape(height // 2, 2, width // 2, 2, channels)
    return blocks.mean(axis=(1, 3))


def _by_image(
    measure,
    real,
    fake,
    data_range,
    channel,
    border,
    smallest_px=1,
    way_out="",
):
    """A float for one image, float64 [n] for n.

    Images become float64 one by one: all at once are eight times uint8.
    """
    real, fake = to_array(real, dtype=None), to_array(fake, dtype=None)
    _check_images(real, fake, channel, border)
    for images in (real, fake):
        _check_range(images, data_range)
    height, width = (size - 2 * border for size in real.shape[-3:-1])
    if min(height, width) < smallest_px:
        raise ValueError(
            f"Images must have {smallest_px} pixels at least in height and in "
            f"width, within `border`. Received: {height} x {width}{way_out}"
        )

    def compare(*images):
        return measure(
            *(_prepared(image, data_range, channel, border) for image in images)
        )

    if real.ndim == 3:
        return float(compare(real, fake))
    return np.array(
        [compare(*images) for images in zip(real, fake, strict=True)]
    )


def _check_images(real, fake, channel, border):
    if real.shape != fake.shape or real.ndim not in (3, 4) or not real.size:
        raise ValueError(
            "`real` and `fake` must be images of one shape, [n, h, w, c] or "
            f"[h, w, c]. Received: real.shape={real.shape}, "
            f"fake.shape={fake.shape}"
        )
    if channel not in ("rgb", "y"):
        raise unknown_name("channel", channel, ["rgb", "y"])
    if channel == "y" and real.shape[-1] != 3:
        raise ValueError(
            '`channel="y"` needs images of 3 channels, red, green and blue. '
            f"Received: real.shape={real.shape}"
        )
    if border < 0:
        raise ValueError(
            f"`border` must be 0 or more pixels. Received: border={border!r}"
        )


def _check_range(images, data_range):
    if data_range is not None:
        if not data_range > 0:
            raise ValueError(
                "`data_range` must be the largest value there can be, above 0. "
                f"Received: data_range={data_range!r}"
            )
    elif "float" in images.dtype.name:  # NumPy's own, or bfloat16.
        largest = max(float(images.max()), -float(images.min()))
        if largest > _FAR_OUT:
            raise ValueError(
                "Floats must be in -1..1, unless `data_range` is given. "
                f"Received: a value of size {largest:.4g}. For values in "
                "0..255, give data_range=255"
            )
    elif images.dtype != np.uint8:
        raise ValueError(
            "Images must be uint8 (0..255) or floats in -1..1, unless "
            f"`data_range` is given. Received: dtype={images.dtype}. For "
            "values in 0..255, give data_range=255"
        )


def _prepared(image, data_range, channel, border):
    """Image of any range that is served -> float64, 0..255, cut and luma."""
    height, width, _ = image.shape
    integers = image.dtype == np.uint8
    image = image[border : height - border, border : width - border]
    image = image.astype("float64")
    if data_range is not None:
        image = image * (255.0 / data_range)
    elif not integers:
        image = (image + 1.0) * 127.5
    return luma(image) if channel == "y" else image


def _psnr(x, y):
    error = np.mean((x - y) ** 2)
    return np.inf if error == 0 else 10.0 * np.log10(255.0**2 / error)


def _ssim(x, y):
    similarity, _ = _similarity_and_contrast(x, y, _TAPS, _SIGMA_PX)
    return similarity.mean()


def _ms_ssim(x, y):
    product = 1.0
    for pair, weight, term in _scales(x, y, _halve_padded):
        found = _similarity_and_contrast(*pair, _TAPS, _SIGMA_PX)[term]
        by_channel = found.mean(axis=(0, 1))
        product = product * np.maximum(by_channel, 0.0) ** weight
    return product.mean()


def _progan_ms_ssim(x, y):
    product = 1.0
    for pair, weight, term in _scales(x, y, halve):
        taps = min(_TAPS, *pair[0].shape[:2])
        sigma_px = _SIGMA_PX * taps / _TAPS
        found = _similarity_and_contrast(*pair, taps, sigma_px)
        product = product * max(found[term].mean(), 0.0) ** weight
    return product


def _scales(x, y, halve):
    """Yields ((x, y), weight, term): ever smaller images, and what counts there.

    Of the last the whole similarity (0), of the others its contrast (1).
    """
    *weights, last_weight = _SCALE_WEIGHTS
    for weight in weights:
        yield (x, y), weight, 1
        x, y = halve(x), halve(y)
    yield (x, y), last_weight, 0


def _similarity_and_contrast(x, y, taps, sigma_px):
    """Images [h, w, c], 0..255 -> SSIM and its contrast term, by pixel."""
    window = _gaussian(taps, sigma_px)
    mean_x, mean_y = _filtered(x, window), _filtered(y, window)
    means, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    variances = _filtered(x * x + y * y, window) - squares
    covariances = _filtered(x * y, window) - means
    contrast = (2.0 * covariances + _C2) / (variances + _C2)
    return (2.0 * means + _C1) / (squares + _C1) * contrast, contrast


def _gaussian(taps, sigma_px):
    """A bell of sum 1 at `taps` whole pixels, float64 [taps]."""
    places = np.arange(taps) - (taps - 1) / 2.0
    bell = np.exp(-(places**2) / (2.0 * sigma_px**2))
    return bell / bell.sum()


def _filtered(image, window):
    """Image [h, w, c] -> [h - taps + 1, w - taps + 1, c]."""
    for _ in range(2):
        image = _filtered_rows(image, window).transpose(1, 0, 2)
    return image


def _filtered_rows(image, window):
    """Along the first axis, as products of a band matrix: BLAS is fast."""
    reach = len(window) - 1
    band = np.zeros((_BLOCK_PX, _BLOCK_PX + reach))
    for place, row in enumerate(band):
        row[place : place + reach + 1] = window
    height, *rest = image.shape
    flat = image.reshape(height, -1)
    filtered = np.empty((height - reach, flat.shape[1]))
    for top in range(0, len(filtered), _BLOCK_PX):
        part = filtered[top : top + _BLOCK_PX]
        end = len(part) + reach
        np.matmul(band[: len(part), :end], flat[top : top + end], out=part)
    return filtered.reshape(-1, *rest)


def _halve_padded(image):
    """As `halve`, but odd sizes get zeros in front, which count in the mean.

    So does pytorch-msssim, by its padding on both sides.
    """
    height, width, _ = image.shape
    return halve(np.pad(image, ((height % 2, 0), (width % 2, 0), (0, 0))))
