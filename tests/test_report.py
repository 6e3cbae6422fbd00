"""The page on a run: what stands on it, that it is safe, and what is missing.

Runs are written as files, as training and evaluation leave them.
"""

import base64
import hashlib
import html.parser
import io
import json
import os
import re
import shlex
import xml.etree.ElementTree

import numpy as np
import pytest
from absl import flags
from PIL import Image

from kerasgan import recipes
from kerasgan.cli import train as train_command
from kerasgan.cli.main import main
from kerasgan.runs import commands
from kerasgan.runs.findings import find, to_measurement
from kerasgan.runs.page import charts, images, markup, sections
from kerasgan.runs.report import report
from kerasgan.runs.workdir import Workdir

PAPER = "https://arxiv.org/abs/1706.08500"
EMPTY = {"img", "input", "meta", "wbr"}
BLOCKS = {"dd", "dt", "figcaption", "h1", "h2", "li", "p", "pre", "td", "th"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \udce9\x00"


class Page(html.parser.HTMLParser):
    """Texts and elements of a page; fails where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in BLOCKS:
            self.texts.append("\n")

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    def all(self, name):
        return [values for tag, values in self.elements if tag == name]


def picture(path, size=12, seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size), "uint8")
    Image.fromarray(pixels).save(path, **options)


def record(**changes):
    return {
        "protocol": "cfd10k_train",
        "title": "Distance of classifier features",
        "paper": PAPER,
        "values": {"classifier_frechet_distance": 3.2141},
        "spread": {"classifier_frechet_distance": 0.052},
        "better": {"classifier_frechet_distance": "lower"},
        "real": {"name": "digits", "split": "train", "count": 1797},
        "fake": {"recipe": "dcgan", "images_seen": 640, "count": 10000},
        "features": {
            "name": "classifier",
            "tap": "features",
            "weights_sha256": "9f31c2d4" * 8,
            "resize": None,
        },
        "quantisation": "rounded to uint8",
        "seeds": [0, 1, 2],
        "flags": [],
        "versions": {"keras": "3.15.1"},
        "seconds": 12.3,
        "date": "2026-03-01T11:00:00+00:00",
        **changes,
    }


def bare(folder, **fields):
    """A run that has only begun."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = recipes.get(fields.pop("recipe", "dcgan")).override(fields)
    resolved = {
        **recipe.to_dict(),
        "image_shape": [8, 8, 1],
        "classes": 10,
        "data_name": "digits",
        "data_fingerprint": "ab" * 32,
    }
    (folder / "recipe.json").write_text(json.dumps(resolved))
    return folder


def complete(folder, **fields):
    """A run with everything that the page can show."""
    bare(folder, total_images="640", **fields)
    lines = []
    for images_seen in (160, 320, 480, 640):
        lines.append(
            {
                "images": images_seen,
                "images_per_second": 80.0,
                "discriminator_loss": 1.0 + images_seen / 1000,
                "generator_loss": 2.0 - images_seen / 1000,
                "discriminator_real_logits": 0.5,
                "discriminator_fake_logits": -0.25,
                "discriminator_gradient_penalty": 0.125,
            }
        )
        values = {"precision": images_seen / 1000, "recall": 0.5}
        lines.append(
            {"images": images_seen, "metrics": {"cpr10k3_train": values}}
        )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    for index in range(30):
        picture(folder / f"samples/images_{index * 20:012d}.png", seed=index)
    picture(folder / "samples/images_000000000640.png", seed=99)
    picture(folder / "samples/real.png")
    picture(folder / "neighbours.png")
    notes = {
        "space": "pixels",
        "seed": 0,
        "distances": [[0.5, 0.75], [0.625, 0.875]],
    }
    (folder / "neighbours.json").write_text(json.dumps(notes))
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/images_000000000640.npz").touch()
    data = {
        "name": "digits",
        "count": 1797,
        "image_shape": [8, 8, 1],
        "sizes": {"min": [8, 8], "median": [9, 9], "max": [9, 10]},
        "modes": {"L": 1797},
        "unreadable": [["broken.png", "truncated"]],
        "duplicates": [["a.png", "b.png"]],
        "near_constant": [],
        "outliers": [["odd.png", 4.5]],
        "class_counts": {"zero": 178, "one": 182},
        "examined": 1797,
    }
    (folder / "data.json").write_text(json.dumps(data))
    before = record(
        date="2026-03-01T10:00:00+00:00",
        values={"classifier_frechet_distance": 9.875},
        fake={"images_seen": 320, "count": 10000},
        flags=["an old flag"],
    )
    memory = record(
        protocol="memorisation10k",
        values={"share_of_copies": 0.25},
        spread=None,
        better={"share_of_copies": ""},
        features=None,
        flags=["memorising: a quarter are copies"],
    )
    (folder / "evaluation.json").write_text(
        json.dumps([before, record(), memory])
    )
    return folder


def page_of(workdir):
    return Page(report(workdir).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return complete(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def page(whole):
    return page_of(whole)


@pytest.mark.parametrize(
    "text",
    [
        "dcgan on digits",
        "DCGAN (Radford et al. 2015)",
        "https://arxiv.org/abs/1511.06434",
        "Finished: 640 images seen, of 640 wanted.",
        "of training, about 8 s",
        "memorising: a quarter are copies (memorisation10k)",
        "kerasgan train --recipe=dcgan --total_images=640",
        "--metrics=cfd10k_train,memorisation10k --seeds=0,1,2",
        "Generated, after 640 images",
        "3.214 at 640 images 3.214 at 640 images 2",  # Last, best, times.
        "3.214 ± 0.052",
        "9.875",
        "the whole record of cfd10k_train, 2026-03-01 11:00:00 UTC",
        "rounded to uint8",
        "9f31c2d4",
        "Left, generated images of seed 0; then,",
        "Distance to the nearest, row by row: 0.5, 0.625",
        "8x8 to 9x10, median 9x9",
        "1: broken.png (truncated)",
        "1: a.png = b.png",
        "1: odd.png (4.5)",
        "640 instead of 250000",
        "recipe.json the resolved recipe",
    ],
)
def test_the_page_says(page, text):
    assert text in page.text


def test_what_was_measured_in_other_ways_has_commands_of_its_own(tmp_path):
    workdir = bare(tmp_path / "run")
    held_out = {"name": "unseen", "count": 9, "source": "/my images/unseen"}
    flag = f"cfd9_train: 9 images, {sections.TOO_FEW}"
    found = [
        record(protocol="cpr9_train", seeds=[0]),
        record(protocol="cas9_test", held_out=held_out, seeds=[0]),
        record(protocol="cfd9_train", flags=[flag], seeds=[0]),
        record(protocol="cdc9", fake={"checkpoint": "best"}, seeds=[1, 2]),
        record(protocol="cfd9", fake={"checkpoint": "best"}, seeds=[1, 2]),
    ]
    (workdir / "evaluation.json").write_text(json.dumps(found))
    text = page_of(workdir).text
    for line in (
        "--metrics=cpr9_train kerasgan",
        "--metrics=cas9_test '--held_out=/my images/unseen'",
        "--metrics=cfd9_train --allow_small",
        "--metrics=cdc9,cfd9 --seeds=1,2 --checkpoint=best",
    ):
        assert f"kerasgan evaluate --workdir={workdir} {line}" in text


def test_flags_of_old_records_do_not_warn(whole):
    assert find(Workdir(whole)).flags == {
        "memorising: a quarter are copies": ["memorisation10k"]
    }


def test_numbers_are_joined_over_training_and_evaluations(whole):
    found = find(Workdir(whole))
    distance = ("cfd10k_train", "classifier_frechet_distance")
    assert found.measured[distance] == [(320, 9.875), (640, 3.2141)]
    assert found.better == {distance: "lower"}
    precision = found.measured["cpr10k3_train", "precision"]
    assert precision == [(n, n / 1000) for n in (160, 320, 480, 640)]
    assert [e.date for e in found.evaluations] == sorted(
        (e.date for e in found.evaluations), reverse=True
    )


def test_all_pictures_are_inside(page):
    pictures = page.all("img")
    assert len(pictures) == 2 + 12 + 1  # Real and newest, film, neighbours.
    for values in pictures:
        assert values["alt"]
        kind, data = values["src"].split(",", 1)
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.size == (12, 12)
            assert (values["width"], values["height"]) == ("12", "12")
    captions = re.findall(r"([\d,]+) images seen", page.text)
    assert {"0", "640"} <= set(captions)


def test_nothing_is_fetched(whole, page):
    text = report(whole).read_text(encoding="utf-8")
    assert len(text) < 5e6
    for _, values in page.elements:
        for name in ("src", "href", "xlink:href", "data", "action", "srcset"):
            address = values.get(name, "#")
            assert address.startswith(("#", "data:image/", "https://arxiv.org"))
    assert not page.all("link") and not page.all("iframe")
    assert "@import" not in text and "url(" not in text
    policy = page.all("meta")[1]["content"]
    assert "default-src 'none'" in policy
    # The browser runs the page's own script, and no other.
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest())
    assert f"'sha256-{digest.decode()}'" in policy


def test_it_can_be_heard_and_read(page):
    assert page.all("html")[0]["lang"] == "en"
    assert all(values.get("scope") for values in page.all("th"))
    drawings = page.all("svg")
    # Losses, logits, penalty, speed; the distance; precision with recall.
    assert len(drawings) == 6
    assert all(values["aria-label"] for values in drawings)
    names = {values["id"] for values in page.all("section")}
    targets = [v["href"] for v in page.all("a") if v["href"].startswith("#")]
    assert {target.removeprefix("#") for target in targets} == names


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in channels
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_colours_have_contrast_in_light_and_dark(whole):
    text = report(whole).read_text(encoding="utf-8")
    themes = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", theme))

        def contrast(one, other, colours=colours):
            pair = sorted(luminance(colours[name]) for name in (one, other))
            return (pair[1] + 0.05) / (pair[0] + 0.05)

        for ink in ("ink", "faint", "link"):  # WCAG 2.2, 1.4.3.
            assert contrast(ink, "paper") >= 4.5
            assert contrast(ink, "raised") >= 4.5
        assert contrast("ink", "warn") >= 4.5
        for index in range(charts.COLOURS):  # WCAG 2.2, 1.4.11.
            assert contrast(f"c{index}", "paper") >= 3


def test_a_run_that_has_only_begun_names_the_commands(tmp_path):
    workdir = bare(tmp_path / "my run")
    text = page_of(workdir).text
    name = shlex.quote(f"--workdir={workdir}")
    assert "Not finished: 0 of 250,000 (0%) images seen." in text
    for what, command in {
        "samples": "train",
        "metrics": "evaluate",
        "losses": "train",
        "neighbours": "evaluate",
        "evaluations": "evaluate",
        "facts about the data": "train",
    }.items():
        assert f"No {what} yet: kerasgan {command} {name} makes them." in text


@pytest.mark.parametrize(
    "name",
    [
        "metrics.jsonl",
        "data.json",
        "evaluation.json",
        "neighbours.json",
        "neighbours.png",
        "samples/real.png",
        "samples/images_000000000640.png",
    ],
)
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{", b"[[1]]", b"5"])
def test_torn_files_are_no_errors(tmp_path, name, content):
    workdir = complete(tmp_path / "run")
    (workdir / name).write_bytes(content)
    text = page_of(workdir).text
    # Half an answer would be to leave the part out and say nothing.
    if name.endswith(".png"):
        assert f"{name.rpartition('/')[2]} cannot be read" in text
    elif content == b"\xff\xfe\x00" and name != "neighbours.json":
        assert f"{name} cannot be read" in text
    assert "kerasgan train --recipe=dcgan" in text


def everywhere(content, evil):
    """The same nest of lists and dicts, with evil names and texts."""
    if isinstance(content, dict):
        return {
            **{k: everywhere(v, evil) for k, v in content.items()},
            evil: evil,
        }
    if isinstance(content, list):
        return [*(everywhere(v, evil) for v in content), evil]
    return f"{content}{evil}" if isinstance(content, str) else content


def test_everything_from_files_is_escaped(tmp_path):
    workdir = complete(tmp_path / EVIL[:40].replace("/", ""))
    for name in ("data", "neighbours", "evaluation", "recipe"):
        path = workdir / f"{name}.json"
        content = json.loads(path.read_text())
        recipe = content["recipe"] if name == "recipe" else None
        content = everywhere(content, EVIL)
        if recipe:
            content["recipe"] = recipe
        path.write_text(json.dumps(content))
    evil = {"images": 700, EVIL: 1.0, "images_per_second": EVIL}
    values = {"images": 700, "metrics": {EVIL: {EVIL: 0.5}, "x": {EVIL: EVIL}}}
    with (workdir / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(evil) + "\n" + json.dumps(values) + "\n")
    (workdir / "<img src=y onerror=alert(3)>.txt").touch()
    page = page_of(workdir)
    assert len(page.all("script")) == 1
    assert len(page.all("img")) == 15
    assert not any("onerror" in values for _, values in page.elements)
    assert "<script>alert(1)</script>" in page.text  # To be read, not run.
    assert "\x00" not in report(workdir).read_text(encoding="utf-8")


def test_only_addresses_of_the_web_are_links():
    assert "href" not in markup.link("javascript:alert(1)")
    assert "href" not in markup.link(None)
    assert markup.link('https://a/"b') == (
        '<a href="https://a/&quot;b" rel="noreferrer">https://a/&quot;b</a>'
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"values": {"value": float("nan")}},
        {"values": None},
        {"values": {"value": 10**400}},
    ],
)
def test_records_without_numbers_are_left_out(changes):
    assert to_measurement(record(**changes)) is None
    assert to_measurement([1]) is None


def test_records_may_lack_everything_but_values(tmp_path):
    workdir = bare(tmp_path)
    records = [{"values": {"value": 1.5}}, record(features="pixels"), 5]
    (workdir / "evaluation.json").write_text(json.dumps(records))
    text = page_of(workdir).text
    assert "1.5" in text and "pixels" in text


def test_many_records_fold(tmp_path):
    workdir = bare(tmp_path)
    records = [record(seconds=float(i)) for i in range(50)]
    (workdir / "evaluation.json").write_text(json.dumps(records))
    text = page_of(workdir).text
    assert "earlier evaluations: 30" in text
    assert text.count("the whole record of") == 50


def test_a_recipe_of_another_version_is_shown(tmp_path):
    workdir = bare(tmp_path)
    values = json.loads((workdir / "recipe.json").read_text())
    values = {**values, "recipe": "stylegan9", "novelty": 3}
    (workdir / "recipe.json").write_text(json.dumps(values))
    text = page_of(workdir).text
    assert "stylegan9 on digits" in text and "no such recipe" in text
    assert "novelty 3" in text


def test_heavy_pictures_are_made_smaller(tmp_path):
    workdir = complete(tmp_path / "run")
    for path in [*workdir.glob("samples/*.png"), workdir / "neighbours.png"]:
        path.unlink()
    for images_seen in (0, 320, 640):
        path = workdir / f"samples/images_{images_seen:012d}.png"
        picture(path, 700, seed=images_seen)
    picture(workdir / "samples/real.png", 30, format="TIFF")
    page = page_of(workdir)
    sizes = [len(values["src"]) for values in page.all("img")]
    # Real and newest; the film, whose pictures may weigh less.
    assert len(sizes) == 5 and max(sizes[:2]) < 540_000
    assert max(sizes[2:]) < 165_000
    assert page.text.count("(made smaller)") == 5


def test_the_film_is_even_in_images_seen():
    numbered = [(n, f"{n}.png") for n in [0, 1, 2, 3, 4, *range(10, 101, 10)]]
    chosen = [n for n, _ in images.evenly(numbered, 6)]
    assert chosen == [0, 20, 40, 60, 80, 100]
    assert images.evenly(numbered[:3], 6) == numbered[:3]


def test_the_page_is_whole_or_not_there(whole, tmp_path, monkeypatch):
    output = tmp_path / "new" / "page.html"
    assert report(whole, output) == output
    before = output.read_bytes()

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk"):
        report(whole, output)
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("recipe", "fields"),
    [
        ("dcgan", {}),
        ("wgan_gp", {"penalty": "5", "seed": "3", "flip": "true"}),
        ("cgan", {"size": "12x8", "data": "/my photos/'a'", "crop": "false"}),
        ("acgan", {"data_dir": "~/d", "channels": "3", "beta_1": "0.25"}),
        ("lsgan", {"metrics": "cfd2k_train,cpr2k3_train"}),
        ("gan", {"optimizer": "rmsprop", "generator_learning_rate": "1e-05"}),
    ],
)
def test_the_command_makes_the_same_recipe(recipe, fields):
    wanted = recipes.get(recipe).override(fields)
    _, name, *words = shlex.split(commands.train(wanted))
    values = flags.FlagValues()
    train_command.define(values)
    assert name == "train" and not values([name, *words])[1:]
    assert train_command._recipe(values) == wanted
    assert len(words) == 1 + len(fields)


def test_charts_are_drawings_with_their_numbers():
    points = [(n * 1000, 400.0 / (n + 1)) for n in range(201)]
    series = [charts.Series("a < b", points), charts.Series("empty", [])]
    figure = charts.chart("distance", series, logarithmic=True)
    tree = xml.etree.ElementTree.fromstring(figure)
    assert "logarithmic scale, means of neighbouring points" in figure
    (line,) = tree.iter("polyline")
    places = [
        [float(number) for number in place.split(",")]
        for place in line.get("points").split()
    ]
    columns, rows = np.array(places).T
    assert (np.diff(columns) > 0).all() and (np.diff(rows) > 0).all()
    # A straight fall in its logarithm is a straight line.
    halves = [(0, 256.0), (1, 16.0), (2, 1.0)]
    figure = charts.chart("h", [charts.Series("h", halves)], logarithmic=True)
    tree = xml.etree.ElementTree.fromstring(figure)
    rows = [float(c.get("cy")) for c in tree.iter("circle")]
    assert rows[1] == pytest.approx((rows[0] + rows[2]) / 2, abs=0.2)
    titles = [title.text for title in tree.iter("title")]
    assert titles[1] == "1 images seen\nh 16"


@pytest.mark.parametrize(
    "values", [[0.0], [5.0, 5.0], [-1e-9, 1e-9], [-1e30, 3.0], [0, 10**30]]
)
def test_charts_of_odd_values_stay_inside(values):
    points = [(7 * i, value) for i, value in enumerate(values)]
    figure = charts.chart("odd", [charts.Series("odd", points)], True)
    tree = xml.etree.ElementTree.fromstring(figure)
    for circle in tree.iter("circle"):
        assert 0 <= float(circle.get("cx")) <= 480
        assert 0 <= float(circle.get("cy")) <= 250


@pytest.mark.parametrize(
    ("value", "text"),
    [(60032, "60,032"), (3.21449, "3.214"), (12345.6, "12,346"), (2.0, "2")],
)
def test_numbers_as_people_read_them(value, text):
    assert charts.number(value) == text


def test_the_command_line(whole, tmp_path, capsys):
    output = tmp_path / "page.html"
    assert main(["report", f"--workdir={whole}", f"--output={output}"]) == 0
    assert capsys.readouterr().out == f"wrote {output}\n"
    assert "dcgan on digits" in output.read_text(encoding="utf-8")
    mistakes = {
        (): "`--workdir` must name a run's folder. Received: none",
        (f"--workdir={tmp_path}",): "with its recipe.json",
        (f"--workdir={whole}", "--output=page.pdf"): "must end in .html",
    }
    for words, message in mistakes.items():
        assert main(["report", *words]) == 2
        assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
