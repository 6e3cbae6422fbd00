"""Protocols, records and statistics: numbers that say how they were made."""

import json
import types

import keras
import numpy as np
import pytest

from kerasgan import data as sources
from kerasgan import features
from kerasgan.features.classifier import train_classifier
from kerasgan.features.network import FeatureNetwork
from kerasgan.features.pixels import Pixels
from kerasgan.metrics import protocols, records, sides
from kerasgan.metrics.evaluation import Evaluator, evaluate
from kerasgan.metrics.sides import Generated, Side
from kerasgan.metrics.statistics import Statistics

COUNT = 400


class Drawn:
    """A stand-in for a generator: `image(latents, labels)` of one size."""

    def __init__(self, image, classes=None):
        self.image = image
        self.classes = classes
        self.decoded = 0

    def latents(self, count, seed=0):
        rng = np.random.default_rng(seed)
        return rng.random((count, 2)).astype("float32")

    def labels(self, count, seed=0):
        if self.classes is None:
            return None
        rng = np.random.default_rng(seed + 1)
        return rng.random(count).__mul__(self.classes).astype("int32")

    def decode(self, latents, labels=None, batch_size=64):
        self.decoded += len(latents)
        return self.image(latents, labels).astype("float32")


@pytest.fixture(scope="module")
def digits():
    """Training and held-out halves of real digits, as sources."""
    whole = sources.load("digits")
    order = np.random.default_rng(0).permutation(whole.count)
    return [
        sources.load((whole.pixels(part), whole.labels(part)))
        for part in (order[:900], order[900:])
    ]


@pytest.fixture(scope="module")
def classifier(digits, tmp_path_factory):
    """The file of a classifier of digits."""
    train = digits[0]
    rows = np.arange(train.count)
    network = train_classifier(
        train.pixels(rows), train.labels(rows), 10, steps=150
    )
    path = tmp_path_factory.mktemp("classifier") / "classifier.npz"
    network.save(path)
    return str(path)


def copying(train):
    """Returns training images."""
    return Drawn(lambda z, _: train.images((z[:, 0] * train.count).astype(int)))


def collapsed(train):
    """Returns one training image with a little noise."""

    def image(latents, labels):
        noise = np.random.default_rng(0).normal(
            0, 0.03, (len(latents), 8, 8, 1)
        )
        return np.clip(
            train.images([3]) + latents[:, 1, None, None, None] * noise, -1, 1
        )

    return Drawn(image)


def fresh(held_out, share=1.0):
    """Returns images that nobody trained on."""
    return Drawn(
        lambda z, _: held_out.images(
            (z[:, 0] * share * held_out.count).astype(int)
        )
    )


@pytest.mark.parametrize(
    ("name", "family", "count", "neighbours", "split"),
    [
        ("fid50k_train", "fid", 50_000, None, "train"),
        ("clean_fid50k_train", "clean_fid", 50_000, None, "train"),
        ("pr50k3_train", "pr", 50_000, 3, "train"),
        ("pr10k_test", "pr", 10_000, 3, "test"),
        ("cdc10k7_train", "cdc", 10_000, 7, "train"),
        ("cdc897n7_test", "cdc", 897, 7, "test"),
        ("fd_dinov2_50k_train", "fd_dinov2", 50_000, None, "train"),
        ("fid1797", "fid", 1797, None, None),
        ("is50k", "is", 50_000, None, None),
    ],
)
def test_a_name_says_family_count_neighbours_and_split(
    name, family, count, neighbours, split
):
    protocol = protocols.get(name)
    assert protocol.family is protocols.FAMILIES[family]
    assert (protocol.count, protocol.neighbours) == (count, neighbours)
    assert protocol.split == split
    for other in (2000, 897):
        renamed = protocols.get(protocol.renamed(other))
        assert (renamed.count, renamed.split) == (other, split)
        assert renamed.neighbours == neighbours


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fidd50k_train", "Did you mean 'fid'?"),
        ("fid", "a count of images"),
        ("fid50k3_train", "has no neighbours"),
        ("fid50k_validation", "must be one of"),
        ("fd_dinov2", "without a count"),
        ("is50k_test", "compares with no real images"),
        ("memorisation10k_test", "with the training images"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        protocols.get(name)


def test_a_family_is_called_fid_only_if_it_looks_through_inception():
    for family in protocols.FAMILIES.values():
        if any("fid" in value for value in family.values):
            assert family.network == "inception_2015"


def test_a_record_says_all_that_its_number_means(digits, classifier):
    train, held_out = digits
    (record,) = evaluate(
        [f"cfd{COUNT}_test"],
        real=train,
        held_out=held_out,
        fake=fresh(held_out),
        weights={"classifier": classifier},
    )
    assert record.real == {
        "name": train.name,
        "split": "test",
        "count": held_out.count,
        "fingerprint": held_out.fingerprint,
    }
    assert record.fake["count"] == COUNT
    assert len(record.fake["fingerprint"]) == 64
    assert record.features["name"] == "classifier"
    assert len(record.features["weights_sha256"]) == 64
    assert record.seeds == [0] and record.spread is None
    assert record.settings == {"covariance": "divided by n - 1"}
    assert "(x + 1) * 127.5" in record.quantisation
    assert {"kerasgan", "keras", "numpy", "python"} <= set(record.versions)
    assert records.Record.from_dict(
        json.loads(json.dumps(record.to_dict()))
    ) == (record)
    text = records.table([record])
    for part in (
        "cfd400_test",
        "classifier_frechet_distance",
        "↓",
        "400 generated",
    ):
        assert part in text


def test_seeds_give_mean_and_deviation(digits, classifier):
    train, held_out = digits
    options = {"real": train, "weights": {"classifier": classifier}}
    measured = [
        evaluate([f"cfd{COUNT}"], fake=fresh(held_out), seeds=seeds, **options)[
            0
        ]
        for seeds in ([0], [1], [0, 1])
    ]
    one, other, both = (record.value for record in measured)
    assert one != other
    assert both == pytest.approx((one + other) / 2, rel=1e-12)
    assert measured[2].spread["classifier_frechet_distance"] == pytest.approx(
        np.std([one, other], ddof=1), rel=1e-9
    )


def test_numbers_do_not_depend_on_what_else_is_measured(digits, classifier):
    train, held_out = digits
    options = {
        "real": train,
        "fake": fresh(held_out),
        "weights": {"classifier": classifier},
    }
    names = [f"cfd{COUNT}_train", "cpr600", "cdc950_train", f"ckd{COUNT}_test"]
    options["held_out"] = held_out
    together = evaluate(names, **options)
    for name, record in zip(names, together, strict=True):
        (alone,) = evaluate([name], **options)
        assert alone.values == pytest.approx(record.values, rel=1e-6)
        assert alone.fake["fingerprint"] == record.fake["fingerprint"]


def test_numbers_do_not_depend_on_how_images_are_cut_into_batches(
    digits, classifier, monkeypatch
):
    train, held_out = digits
    names = [f"cfd{COUNT}_train", f"cdc{COUNT}_train"]
    found = []
    for chunk in (7, 256):
        monkeypatch.setattr(sides, "_CHUNK", chunk)
        options = {"real": train, "weights": {"classifier": classifier}}
        found.append(evaluate(names, fake=fresh(held_out), **options))
    for one, other in zip(*found, strict=True):
        assert one.values == pytest.approx(other.values, rel=1e-6)
        assert one.fake["fingerprint"] == other.fake["fingerprint"]


def test_what_is_seen_in_real_images_is_kept(digits, classifier, tmp_path):
    train, held_out = digits
    statistics = Statistics(tmp_path)
    looked = []
    options = {
        "real": train,
        "weights": {"classifier": classifier},
        "statistics": statistics,
        "progress": lambda what, done, total: looked.append(what),
    }
    first = evaluate([f"cfd{COUNT}"], fake=fresh(held_out), **options)
    assert any("train" in what for what in looked)
    looked.clear()
    again = evaluate([f"cfd{COUNT}"], fake=fresh(held_out), **options)
    assert not any("train" in what for what in looked)
    assert again[0].values == first[0].values
    assert len(list(tmp_path.iterdir())) == 1


def test_flags_of_images_do_not_depend_on_what_was_kept(
    digits, classifier, tmp_path
):
    train, held_out = digits
    twice = np.arange(200) % 150
    fake = sources.load((held_out.pixels(twice), held_out.labels(twice)))
    options = {
        "real": train,
        "weights": {"classifier": classifier},
        "statistics": Statistics(tmp_path),
    }
    first, again = (
        evaluate(["cpr200"], fake=fake, **options)[0] for _ in range(2)
    )
    assert "50 of 200 generated images are bit for bit" in first.flags[0]
    assert again.flags == first.flags and again.values == first.values


def test_a_damaged_file_of_statistics_is_made_anew(tmp_path):
    statistics = Statistics(tmp_path)
    statistics.save({"images": "ab"}, features=np.ones(3))
    statistics.path({"images": "ab"}).write_bytes(b"PK\x03\x04 and no more")
    assert statistics.load({"images": "ab"}) is None


def test_statistics_refuse_another_protocol(tmp_path):
    statistics = Statistics(tmp_path)
    before = {"images": "ab", "features": {"resize": "clean"}}
    after = {"images": "ab", "features": {"resize": "legacy_tf"}}
    statistics.save(before, features=np.ones(3))
    assert statistics.load(after) is None
    np.testing.assert_array_equal(statistics.load(before)["features"], 1.0)
    statistics.path(before).rename(statistics.path(after))
    with pytest.raises(ValueError, match="'clean'.*in the file"):
        statistics.load(after)


def test_too_few_images_are_refused_or_flagged(digits, classifier):
    train, held_out = digits
    options = {
        "real": train,
        "fake": fresh(held_out),
        "weights": {"classifier": classifier},
    }
    with pytest.raises(ValueError, match="64 images for features of 64"):
        evaluate(["cfd64"], **options)
    (record,) = evaluate(["cfd64"], **options, allow_small=True)
    assert "covariances are singular" in record.flags[0]
    assert "[1]" in records.table([record])
    (record,) = evaluate(["cfd65"], **options)
    assert not any("singular" in flag for flag in record.flags)


def test_a_set_smaller_than_the_protocol_has_another_name(digits, classifier):
    train, held_out = digits
    with pytest.raises(ValueError, match="'cfd897_train', another number"):
        evaluate(
            ["cfd10k_train"],
            real=train,
            fake=held_out,
            weights={"classifier": classifier},
        )
    (record,) = evaluate(
        ["cfd897_train"],
        real=train,
        fake=held_out,
        weights={"classifier": classifier},
    )
    assert record.seeds == [] and record.fake["count"] == 897


def test_a_split_that_is_not_there_is_refused_before_work(digits):
    with pytest.raises(ValueError, match="must have test images"):
        Evaluator(["cfd10k_test"], real=digits[0])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cas100_train", "images with labels"),
        ("swd100_train", "16 pixels at least"),
        ("ms_ssim100", "16 pixels at least"),
        ("cfd50_train", "50 images for features of 64"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_work(digits, name, message):
    def broken(*_):
        raise AssertionError("work has begun")

    with pytest.raises(ValueError, match=message):
        evaluator = Evaluator([name], real=digits[0], progress=broken)
        evaluator.check(fresh(digits[1]))


def test_sources_are_asked_for(digits):
    images = np.zeros((9, 8, 8, 1), "uint8")
    with pytest.raises(ValueError, match="`real` must be a source"):
        Evaluator(["memorisation9"], real=images)
    with pytest.raises(ValueError, match="has not seen"):
        Evaluator(["memorisation9"], real=digits[0], held_out=digits[0])
    with pytest.raises(ValueError, match="must be a list of names"):
        Evaluator("memorisation9", real=digits[0])


class _Looking(FeatureNetwork):
    """Means of parts of the images, under all taps of some network."""

    def __init__(self, name, taps):
        self.name = name
        images = keras.Input((None, None, 3))
        x = keras.ops.image.resize(images, (4, 4))
        flat = keras.layers.Reshape((48,))(x)
        super().__init__(keras.Model(images, dict.fromkeys(taps, flat)))

    def prepare(self, images):
        return images.astype("float32")

    def distances(self, *, real, fake, batch_size=32):
        return np.square(real - fake).mean(axis=(1, 2, 3))


@pytest.mark.parametrize("family", protocols.FAMILIES)
def test_every_family_is_measured_and_told(family, monkeypatch):
    digits = sources.load("digits", size=16)
    rows = np.random.default_rng(0).permutation(digits.count)
    train, held_out = (
        sources.load((digits.pixels(part), digits.labels(part)))
        for part in (rows[:300], rows[300:600])
    )
    monkeypatch.setattr(
        features,
        "load",
        lambda name, weights=None, **options: _Looking(name, _taps_of(name)),
    )
    settings = protocols.FAMILIES["cas"].settings
    monkeypatch.setitem(settings, "classifier_steps", 2)
    monkeypatch.setitem(settings, "classifier_seeds", [0])
    labelled = Drawn(
        lambda z, _: held_out.images((np.abs(z[:, 0]) * 300).astype(int) % 300),
        classes=10,
    )
    labelled.latent_size, labelled.latent_distribution = 2, "normal"
    split = protocols.FAMILIES[family].real in ("all", "equal")
    name = f"{family}_100_test" if split else f"{family}_100"
    (record,) = evaluate(
        [name],
        real=train,
        held_out=held_out,
        fake=labelled,
        weights={"classifier": "any"},
        allow_small=True,
    )
    wanted = protocols.FAMILIES[family]
    assert list(record.values) == list(wanted.values)
    assert all(np.isfinite(list(record.values.values())))
    assert (record.real is None) == (wanted.real == "none")
    assert (record.features is None) == (wanted.network is None)
    if wanted.real == "train":
        assert record.real["split"] == "train"
        assert record.held_out["fingerprint"] == held_out.fingerprint
    elif split:
        assert record.real["split"] == "test"
    json.dumps(record.to_dict(), allow_nan=False)


def _taps_of(name):
    """Those that the real network has."""
    return {
        "inception_2015": ("2048", "sfid", "logits_unbiased"),
        "vgg16_fc2": ("fc2", "fc2_relu"),
        "dinov2_large": ("cls",),
        "clip_vit_large_patch14_336": ("image",),
        "classifier": ("features", "logits"),
        "lpips_vgg": ("relu1",),
    }[name]


def test_pixels_are_float32_whatever_the_policy():
    images = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        seen = Pixels((16, 16, 1)).features(images, "pixels")["pixels"]
    finally:
        keras.config.set_dtype_policy(before)
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, images.reshape(1, -1))


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (lambda x: x * np.nan, FloatingPointError, "must be finite"),
        (lambda x: x * 127.5, ValueError, r"must be in \[-1, 1\]"),
        (lambda x: x * 2.1, ValueError, r"must be in \[-1, 1\]"),
        (lambda x: x[:, :4], ValueError, "one size"),
        (lambda x: x.repeat(3, -1), ValueError, "channels"),
    ],
)
def test_broken_images_are_refused(digits, image, error, message):
    real = digits[0]
    fake = Drawn(lambda z, _: image(real.images(np.arange(len(z)))))
    with pytest.raises(error, match=message):
        evaluate(["memorisation100"], real=real, fake=fake)


def test_images_without_a_tanh_may_go_further_out(digits):
    real = digits[0]

    def evaluated(factor):
        fake = Drawn(lambda z, _: factor * real.images(np.arange(len(z))))
        fake.generator = types.SimpleNamespace(bounded=False)
        return evaluate(["memorisation100"], real=real, fake=fake)

    (record,) = evaluated(29.0)
    assert any("outside of [-1, 1]" in flag for flag in record.flags)
    with pytest.raises(ValueError, match=r"must be in \[-1, 1\]"):
        evaluated(127.5)


def test_clipping_and_duplicates_are_flagged(digits):
    real = digits[0]
    fake = Drawn(lambda z, _: 1.2 * real.images(np.arange(len(z)) % 50))
    (record,) = evaluate(["memorisation100"], real=real, fake=fake)
    text = " ".join(record.flags)
    assert "50 of 100 generated images are bit for bit copies" in text
    assert "outside of [-1, 1]" in text


def test_a_generator_that_copies_is_flagged_as_memorising(digits, classifier):
    train, held_out = digits
    names = [f"memorisation{COUNT}"]
    options = {"real": train, "held_out": held_out}
    (copied,) = evaluate(names, fake=copying(train), **options)
    assert any(flag.startswith("memorising") for flag in copied.flags)
    assert copied.values["copies"] == 1.0
    assert copied.values["authenticity"] == 0.0
    assert copied.values["z"] > 10
    unseen = Evaluator(names, real=train, held_out=held_out)
    (honest,) = unseen.measure(fresh(held_out))
    assert not any(flag.startswith("memorising") for flag in honest.flags)
    assert honest.values["closer_share"] == pytest.approx(0.5, abs=0.05)
    # It is seen without held-out images too.
    (copied,) = evaluate(names, real=train, fake=copying(train))
    assert any(flag.startswith("memorising") for flag in copied.flags)


def test_a_collapsed_generator_scores_low(digits, classifier):
    train, held_out = digits
    names = [f"cpr{COUNT}_train", f"cdc{COUNT}_train"]
    options = {"real": train, "weights": {"classifier": classifier}}
    bad = evaluate(names, fake=collapsed(train), **options)
    good = evaluate(names, fake=fresh(held_out), **options)
    assert bad[0].values["recall"] < 0.05 < 0.6 < good[0].values["recall"]
    assert bad[1].values["coverage"] < 0.05 < 0.6 < good[1].values["coverage"]
    assert any("collapse" in flag for flag in bad[0].flags + bad[1].flags)
    assert not any("collapse" in f for f in good[0].flags + good[1].flags)


def test_generated_images_do_not_depend_on_how_many_are_asked_for(digits):
    source = Generated(copying(digits[0]), 100, seed=3)
    few = Side(source, networks=None, taps={})
    np.testing.assert_array_equal(few.images(100)[:30], few.images(30))
    other = Side(
        Generated(copying(digits[0]), 100, seed=4), networks=None, taps={}
    )
    assert (other.images(30) != few.images(30)).any()


@pytest.mark.slow
def test_classification_scores_see_whether_labels_are_right(
    digits, monkeypatch
):
    train, held_out = digits
    monkeypatch.setitem(
        protocols.FAMILIES["cas"].settings, "classifier_steps", 60
    )

    def labelled(wrong):
        def image(latents, labels):
            wanted = (labels + wrong) % 10
            rows = np.arange(held_out.count)
            by_class = [
                rows[held_out.labels(rows) == digit] for digit in range(10)
            ]
            places = [
                by_class[c][int(z * len(by_class[c]))]
                for c, z in zip(wanted, latents[:, 0], strict=True)
            ]
            return held_out.images(places)

        return Drawn(image, classes=10)

    right, wrong = (
        evaluate(["cas400_train"], real=train, fake=labelled(shift))[0]
        for shift in (0, 1)
    )
    assert right.values["synthetic_to_real"] > 0.8
    assert right.values["real_to_synthetic"] > 0.8
    assert wrong.values["synthetic_to_real"] < 0.1
    assert wrong.values["gain"] < 0
    assert any(flag.startswith("labels: ") for flag in wrong.flags)
    assert not any(flag.startswith("labels: ") for flag in right.flags)
    assert set(right.spread) == set(right.values)
    assert "has trained on" in right.flags[0]


def test_records_replace_those_of_the_same_measurement(digits, tmp_path):
    real = digits[0]
    path = tmp_path / "evaluation.json"
    fakes = [copying(real), copying(digits[1]), copying(real)]
    for fake in fakes:
        records.append(path, evaluate(["memorisation50"], real=real, fake=fake))
    found = records.read(path)
    assert len(found) == 2
    assert found[0].fake["fingerprint"] != found[1].fake["fingerprint"]
    assert not list(tmp_path.glob("part-*"))
    path.write_text("[{}]")
    with pytest.raises(ValueError, match="that an evaluation wrote"):
        records.read(path)
