"""Conversion of pictures of digits to the form of MNIST's images."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, ImageFilter

from tests.inference.pictures import SHAPE, drawn
from tests.messages import assert_refused
from tune_mnist.inference.images import read_picture
from tune_mnist.inference.placing import place_filling

RED, GREEN, PINK = (200, 30, 30), (20, 120, 40), (255, 225, 225)


@pytest.fixture
def read(tmp_path):
    """Return a function that saves a picture and reads it as an image."""

    def saved(picture, name="picture.png", **options):
        path = tmp_path / name
        picture.save(path, **options)
        return read_file(path)

    return saved


def read_file(path):
    with path.open("rb") as file:
        return read_picture(file, path)


@pytest.fixture
def plain(read):
    """Image that all variants of the same drawing should give."""
    return read(drawn())[0]


def alike(one, other):
    """Return whether two images are the same, except for differences at edges."""
    return np.abs(one.astype(float) - other).mean() < 5


def test_a_digit_is_scaled_to_20_pixels_and_centred_by_mass(plain):
    rows, columns = np.flatnonzero(plain.any(axis=1)), np.flatnonzero(plain.any(axis=0))
    assert (plain.shape, plain.dtype) == ((28, 28), np.uint8)
    assert np.ptp(rows) + 1 == 20
    # The drawing is 10 wide and 15 high, and keeps its aspect ratio.
    assert np.ptp(columns) + 1 == pytest.approx(20 * SHAPE[1] / SHAPE[0], abs=1)
    assert plain.max() == 255
    # The 5 is neither mirrored nor turned.
    assert plain[9, 8] > 200 > 50 > plain[9, 19]
    assert plain[19, 19] > 200 > 50 > plain[19, 8]
    for axis in (0, 1):
        mass = plain.sum(axis=axis, dtype=float)
        assert np.average(np.arange(28), weights=mass) == pytest.approx(14, abs=0.5)


def test_centring_by_mass_does_not_cut_off_the_digit(read):
    grey = np.zeros((40, 40), dtype=np.uint8)
    grey[4:8, 8:30] = 255
    grey[8:34, 8:9] = 255
    image, _ = read(Image.fromarray(grey))
    rows = np.flatnonzero(image.any(axis=1))
    assert rows[0] > 4 + 2  # centring by extent would give 4
    assert (rows[-1], np.ptp(rows) + 1) == (27, 20)


@pytest.mark.parametrize("scale", [1, 2, 7, 40, 150])
def test_drawings_of_any_size_give_the_same_image(read, plain, scale):
    image, ink = read(drawn(scale=scale))
    assert ink == "dark"
    assert alike(image, plain)


@pytest.mark.parametrize("corner", [(2, 2), (100, 3), (5, 180), (150, 150)])
def test_drawings_at_any_place_give_the_same_image(read, plain, corner):
    assert alike(read(drawn(size=(400, 350), corner=corner))[0], plain)


@pytest.mark.parametrize(
    ("ink", "ground", "expected"),
    [
        ("black", "white", "dark"),
        ("white", "black", "light"),
        (RED, PINK, "dark"),
        (PINK, GREEN, "light"),
        ((90, 90, 90), (130, 130, 130), "dark"),
    ],
)
def test_drawings_in_any_colours_give_the_same_image(read, plain, ink, ground, expected):
    image, found = read(drawn(ink, ground))
    assert found == expected
    assert alike(image, plain)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "YCbCr"])
def test_every_picture_mode_is_read(read, plain, mode):
    image, ink = read(drawn().convert(mode), "picture.tiff" if mode != "P" else "picture.gif")
    assert ink == "dark"
    assert alike(image, plain)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_pictures_with_more_than_8_bits_are_read(read, plain, dtype):
    deep = np.asarray(drawn((9, 9, 9), (90, 90, 90)).convert("L")).astype(dtype) * 100
    image, ink = read(Image.fromarray(deep), "picture.tiff")
    assert ink == "dark"
    assert alike(image, plain)


def test_thin_strokes_do_not_fade(read):
    picture = Image.new("L", (400, 600), 255)
    picture.paste(0, (200, 50, 203, 550))
    picture.paste(0, (50, 300, 350, 303))
    image, _ = read(picture)
    assert image.max() == 255


@pytest.mark.parametrize(("ink", "expected"), [("black", "dark"), ("white", "light")])
def test_a_transparent_ground_contrasts_with_the_ink(read, plain, ink, expected):
    # The transparent pixels have the colour of the ink, which must be ignored.
    picture = drawn(ink, ink)
    picture.putalpha(drawn("white", "black").convert("L"))
    image, found = read(picture)
    assert found == expected
    assert alike(image, plain)


def test_transparent_corners_are_filled_with_the_ground(read, plain):
    picture = drawn(size=(200, 200), corner=(60, 40))
    alpha = Image.new("L", picture.size, 255)
    for corner in [(0, 0), (180, 0), (0, 180), (180, 180)]:
        alpha.paste(0, (*corner, corner[0] + 20, corner[1] + 20))
    picture.putalpha(alpha)
    image, found = read(picture)
    assert found == "dark"
    assert alike(image, plain)


def test_the_exif_orientation_is_applied(read, plain):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = drawn(scale=8).transpose(Image.Transpose.ROTATE_90)
    image, _ = read(turned, "photo.jpg", exif=exif, quality=95)
    assert alike(image, plain)


def test_uneven_noisy_paper_is_not_ink(read, plain):
    grey = np.asarray(drawn(scale=12).convert("L"), dtype=float) * 0.7 + 40
    noise = np.random.default_rng(0).normal(0, 5, grey.shape)
    shade = np.linspace(-15, 15, grey.shape[1])
    photo = Image.fromarray((grey + noise + shade).clip(0, 255).astype(np.uint8))
    image, ink = read(photo, "photo.jpg", quality=70)
    assert ink == "dark"
    assert alike(image, plain)


def test_the_grain_of_a_large_photograph_is_not_ink(read, plain):
    grey = np.asarray(drawn((60, 60, 60), (190, 190, 190), scale=120).convert("L"), dtype=float)
    grain = np.random.default_rng(0).normal(0, 25, grey.shape)
    image, ink = read(Image.fromarray((grey + grain).clip(0, 255).astype(np.uint8)))
    assert ink == "dark"
    assert alike(image, plain)


def test_an_mnist_image_is_unchanged(read, digits):
    for original in digits.test_images[:5]:
        once, _ = read(Image.fromarray(original))
        again, _ = read(Image.fromarray(once))
        assert alike(again, once)


def test_a_digit_can_fill_the_image_as_scikit_learns_digits_do(tmp_path, digits):
    def filled(picture):
        picture.save(tmp_path / "picture.png")
        with (tmp_path / "picture.png").open("rb") as file:
            return read_picture(file, tmp_path, place_filling)[0]

    small, large = filled(drawn()), filled(drawn(scale=40, ink="white", ground="black"))
    assert (small.shape, small.dtype, small.max()) == ((28, 28), np.uint8, 255)
    assert alike(large, small)
    assert small.any(axis=1).all()
    columns = np.flatnonzero(small.any(axis=0))
    assert columns[0] + columns[-1] == pytest.approx(27, abs=2)
    # As much light as in the digits that the network is trained on.
    light = [filled(Image.fromarray(image)).mean() for image in digits.test_images[:40]]
    assert np.mean(light) == pytest.approx(digits.test_images[:40].mean(), rel=0.25)


def blank(level, noise, dtype=np.uint8, white=1, shape=(400, 400)):
    """Return a picture of noise around a level from 0 to 255."""
    values = np.random.default_rng(0).normal(level, noise, shape) * white
    return Image.fromarray(values.clip(0, 255 * white).astype(dtype))


@pytest.mark.parametrize(
    ("dtype", "white"),
    [(np.uint8, 1), (np.uint16, 257), (np.uint16, 16), (np.int32, 9_999), (np.float32, 1 / 255)],
)
@pytest.mark.parametrize(
    ("level", "noise"), [(235, 1), (235, 4), (128, 3), (8, 1)], ids=lambda value: f"{value}"
)
def test_a_page_of_noise_is_refused(read, level, noise, dtype, white):
    assert_refused("page.tiff: digit", read, blank(level, noise, dtype, white), "page.tiff")


def test_a_faint_stroke_on_noisy_paper_is_read(read, plain):
    grey = np.asarray(drawn((170, 170, 170), (230, 230, 230), scale=20).convert("L"), dtype=float)
    grey += np.random.default_rng(0).normal(0, 4, grey.shape)
    image, ink = read(Image.fromarray(grey.clip(0, 255).astype(np.uint8)))
    assert ink == "dark"
    assert alike(image, plain)


@pytest.mark.parametrize("invert", [False, True], ids=["dark frame", "light frame"])
@pytest.mark.parametrize("width", [1, 2, 5, 12])
def test_a_thin_frame_is_not_the_ground(read, plain, width, invert):
    colours = ("white", "black") if invert else ("black", "white")
    picture = drawn(*colours, size=(300, 200), corner=(60, 40))
    ImageDraw.Draw(picture).rectangle((0, 0, 299, 199), outline=colours[0], width=width)
    image, ink = read(picture)
    assert ink == ("light" if invert else "dark")
    assert alike(image, plain)


def test_a_frame_with_soft_lines_is_not_the_ground(read, plain):
    picture = drawn(size=(300, 200), corner=(60, 40))
    ImageDraw.Draw(picture).rectangle((0, 0, 299, 199), outline="black", width=4)
    image, ink = read(picture.filter(ImageFilter.GaussianBlur(0.8)))
    assert ink == "dark"
    assert alike(image, plain)


def test_a_frame_within_a_margin_is_refused(read):
    picture = drawn(size=(300, 200), corner=(60, 40))
    ImageDraw.Draw(picture).rectangle((5, 5, 294, 194), outline="black", width=2)
    assert_refused("picture.png: frame", read, picture)


@pytest.mark.parametrize(
    ("box", "side"),
    [
        ((0, 0, 8, 199), "left"),
        ((289, 0, 299, 199), "right"),
        ((0, 0, 299, 5), "upper"),
        ((0, 190, 299, 199), "lower"),
    ],
)
def test_a_strip_along_one_side_is_refused(read, box, side):
    picture = drawn(size=(300, 200), corner=(60, 40))
    ImageDraw.Draw(picture).rectangle(box, fill=(30, 30, 30))
    assert_refused(f"picture.png: {side}", read, picture)


@pytest.mark.parametrize("margin", [1, 3])
@pytest.mark.parametrize("scale", [2, 8])
def test_a_digit_that_fills_the_picture_is_not_a_frame(read, plain, margin, scale):
    size = (10 * scale + 2 * margin, 15 * scale + 2 * margin)
    picture = drawn(size=size, scale=scale, corner=(margin, margin))
    assert alike(read(picture)[0], plain)


def test_a_lab_picture_is_read_by_its_brightness(read, plain):
    profile = ImageCms.createProfile
    to_lab = ImageCms.buildTransform(profile("sRGB"), profile("LAB"), "RGB", "LAB")
    image, ink = read(ImageCms.applyTransform(drawn(), to_lab), "picture.tif")
    assert ink == "dark"
    assert alike(image, plain)


@pytest.mark.parametrize("extreme", [3e38, 3.4e38, 1e-38])
@pytest.mark.parametrize("signed", [True, False])
def test_extreme_numbers_are_read_as_brightness(read, plain, extreme, signed):
    deep = np.asarray(drawn().convert("L"), dtype=np.float32) / np.float32(255)
    deep = (deep * 2 - 1 if signed else deep) * np.float32(extreme)
    if extreme < 1e-30:
        assert_refused("picture.tiff: digit", read, Image.fromarray(deep), "picture.tiff")
        return
    image, ink = read(Image.fromarray(deep), "picture.tiff")
    assert ink == "dark"
    assert alike(image, plain)


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_pixels_that_are_not_finite_are_refused(read, number):
    deep = np.asarray(drawn().convert("L"), dtype=np.float32).copy()
    deep[3, 3] = number
    assert_refused("picture.tiff: NaN", read, Image.fromarray(deep), "picture.tiff")


@pytest.mark.parametrize(
    ("name", "mode"), [("big.png", "RGB"), ("big.jpg", "L"), ("big.tiff", "I;16")]
)
def test_running_out_of_memory_is_one_line(tmp_path, name, mode):
    path = tmp_path / name
    Image.new(mode, (5_000, 5_000), 0).save(path)
    code = (
        "import sys, resource; from pathlib import Path;"
        "from tune_mnist.inference import read_input; from tune_mnist.errors import UserError;"
        "from tune_mnist.data.form import MNIST; import scipy.ndimage\n"
        "held = int(open('/proc/self/statm').read().split()[5]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (held + 5_000_000,) * 2)\n"
        "try: read_input(Path(sys.argv[1]), MNIST)\n"
        "except UserError as error: print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, path], check=True, capture_output=True, text=True
    )
    assert result.stderr == ""
    assert result.stdout.startswith(f"{path}: ")


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (50, 50), 255),
        Image.new("L", (1, 1), 0),
        Image.new("RGBA", (50, 50), (0, 0, 0, 0)),
        Image.new("I", (50, 50), 70_000),
        drawn((250, 250, 250), "white"),
    ],
    ids=["white", "one pixel", "transparent", "deep", "almost white"],
)
def test_an_empty_picture_is_refused(read, picture):
    assert_refused("picture.tiff: digit", read, picture, "picture.tiff")


def test_a_picture_larger_than_the_limit_is_refused_before_decoding(read, monkeypatch):
    # A real picture takes seconds to create. Up to twice its limit, Pillow only warns.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6_000)
    for side in (100, 200):
        assert_refused("picture.png: 6,000", read, Image.new("L", (side, side), 0))


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg", "picture.gif", "picture.tiff"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_damaged_picture_is_refused_by_name(tmp_path, name, share):
    path = tmp_path / name
    drawn(scale=10).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    assert_refused([str(path)], read_file, path)


@pytest.mark.parametrize("missing", [5, 12, 16, 20, 22])
def test_a_png_without_its_end_is_refused(tmp_path, missing):
    path = tmp_path / "picture.png"
    drawn(scale=10).save(path)
    path.write_bytes(path.read_bytes()[:-missing])
    assert_refused([str(path)], read_file, path)
