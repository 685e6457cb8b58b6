"""Pictures of digits, brought to the form of MNIST's images."""

import numpy as np
import pytest
from PIL import Image

from tests.inference.pictures import SHAPE, drawn
from tune_mnist.errors import UserError
from tune_mnist.inference.images import read_picture

RED, GREEN, PINK = (200, 30, 30), (20, 120, 40), (255, 225, 225)


@pytest.fixture
def read(tmp_path):
    """Save a picture and read it back as an image."""

    def saved(picture, name="picture.png", **options):
        path = tmp_path / name
        picture.save(path, **options)
        return read_picture(path)

    return saved


@pytest.fixture
def plain(read):
    """The image that all forms of the same drawing should come to."""
    return read(drawn())[0]


def alike(one, other):
    """Tell whether two images show the same, edges aside."""
    return np.abs(one.astype(float) - other).mean() < 5


def test_the_digit_fills_a_box_of_20_with_its_centre_of_mass_in_the_middle(plain):
    rows, columns = np.flatnonzero(plain.any(axis=1)), np.flatnonzero(plain.any(axis=0))
    assert (plain.shape, plain.dtype) == ((28, 28), np.uint8)
    assert np.ptp(rows) + 1 == 20
    # The drawing is 10 wide and 15 high, and keeps that proportion.
    assert np.ptp(columns) + 1 == pytest.approx(20 * SHAPE[1] / SHAPE[0], abs=1)
    assert plain.max() == 255
    # It is a 5: what is left and right, above and below is as it was drawn.
    assert plain[9, 8] > 200 > 50 > plain[9, 19]
    assert plain[19, 19] > 200 > 50 > plain[19, 8]
    for axis in (0, 1):
        mass = plain.sum(axis=axis, dtype=float)
        assert np.average(np.arange(28), weights=mass) == pytest.approx(14, abs=0.5)


def test_a_digit_heavy_at_one_end_is_moved_to_its_centre_of_mass_but_not_cut_off(read):
    grey = np.zeros((40, 40), dtype=np.uint8)
    grey[4:8, 8:30] = 255
    grey[8:34, 8:9] = 255
    image, _ = read(Image.fromarray(grey))
    rows = np.flatnonzero(image.any(axis=1))
    assert rows[0] > 4 + 2  # in the middle by extent it would begin at 4
    assert (rows[-1], np.ptp(rows) + 1) == (27, 20)


@pytest.mark.parametrize("scale", [1, 2, 7, 40, 150])
def test_size_does_not_matter(read, plain, scale):
    image, ink = read(drawn(scale=scale))
    assert ink == "dark"
    assert alike(image, plain)


@pytest.mark.parametrize("corner", [(2, 2), (100, 3), (5, 180), (150, 150)])
def test_place_does_not_matter(read, plain, corner):
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
def test_colours_do_not_matter_and_what_is_ink_is_told(read, plain, ink, ground, expected):
    image, found = read(drawn(ink, ground))
    assert found == expected
    assert alike(image, plain)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "YCbCr"])
def test_every_mode_is_read(read, plain, mode):
    image, ink = read(drawn().convert(mode), "picture.tiff" if mode != "P" else "picture.gif")
    assert ink == "dark"
    assert alike(image, plain)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_pictures_are_read_whatever_their_white_is(read, plain, dtype):
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
def test_transparent_ground_takes_the_brightness_that_shows_the_ink(read, plain, ink, expected):
    # What lies under the transparency is of the ink's own colour: it must not count.
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


def test_the_orientation_that_a_camera_notes_is_followed(read, plain):
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


def test_an_mnist_image_stays_what_it_is(read, digits):
    for original in digits.test_images[:5]:
        once, _ = read(Image.fromarray(original))
        again, _ = read(Image.fromarray(once))
        assert alike(again, once)


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
def test_a_picture_of_nothing_is_refused(read, picture):
    with pytest.raises(UserError, match=r"picture.*: shows no digit"):
        read(picture, "picture.tiff")


def test_a_picture_that_would_fill_the_memory_is_refused_unread(read, monkeypatch):
    # A real one takes seconds to make; between once and twice the limit Pillow only warns.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6_000)
    with pytest.raises(UserError, match="too large: a picture may have 6,000 pixels at most"):
        read(Image.new("L", (100, 100), 0))
    with pytest.raises(UserError, match="too large"):
        read(Image.new("L", (200, 200), 0))


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg", "picture.gif", "picture.tiff"])
def test_a_damaged_picture_is_refused_by_name(tmp_path, name):
    path = tmp_path / name
    drawn(scale=10).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=name):
        read_picture(path)
