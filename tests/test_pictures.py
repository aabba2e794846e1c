"""Photos encoded anew."""

import io
import struct
import zlib

import pytest
from PIL import Image

from marketplace.errors import InvalidInput
from marketplace.file_types import FileType
from marketplace.pictures import CARD_PX, LONGEST_SIDE_PX, MAX_PIXELS, THUMBNAIL_PX, read_picture, webp_size
from tests.files import HTML, SECRET, photo_from_phone, picture


def refusal(content: bytes, file_type: FileType) -> str:
    with pytest.raises(InvalidInput) as refused:
        read_picture(content, file_type=file_type)
    (error,) = refused.value.errors
    return error.message % error.params


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_nothing_of_what_the_camera_wrote_is_left() -> None:
    taken = photo_from_phone()
    assert taken.count(SECRET) == 3  # the example does give the place away

    kept = read_picture(taken, file_type=FileType.JPEG)

    for content in (kept.content, kept.card, kept.thumbnail):
        assert content.startswith(b"\xff\xd8\xff")
        assert not any(mark in content for mark in (SECRET, b"Exif", b"adobe", b"GPS", b"Telefon", b"\xff\xfe"))
        assert not opened(content).getexif()
        assert set(opened(content).info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        }


def test_a_photo_stands_upright_whichever_way_the_phone_was_held() -> None:
    kept = read_picture(photo_from_phone(size=(640, 480), orientation=6), file_type=FileType.JPEG)

    assert (kept.width_px, kept.height_px) == (480, 640)
    upright = opened(kept.content)
    assert upright.getpixel((470, 10))[0] > 240  # the white corner has moved from left to right
    assert upright.getpixel((10, 10))[0] < 40


@pytest.mark.parametrize("file_type", [FileType.JPEG, FileType.PNG, FileType.WEBP])
def test_a_large_picture_is_made_smaller_in_three_sizes(file_type: FileType) -> None:
    kept = read_picture(picture(file_type.name, size=(5000, 2500)), file_type=file_type)

    assert (kept.width_px, kept.height_px) == (LONGEST_SIDE_PX, LONGEST_SIDE_PX // 2)
    assert opened(kept.content).size == (kept.width_px, kept.height_px)
    assert (opened(kept.card).width, opened(kept.thumbnail).width) == (CARD_PX, THUMBNAIL_PX)


def test_a_small_picture_is_not_blown_up() -> None:
    kept = read_picture(picture(size=(100, 60)), file_type=FileType.JPEG)
    assert opened(kept.thumbnail).size == (100, 60)


def test_what_is_see_through_lies_on_paper() -> None:
    kept = read_picture(picture("PNG", colour=(0, 0, 0, 0)), file_type=FileType.PNG)
    assert min(opened(kept.content).getpixel((600, 400))) > 250


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16", "YCbCr"])
def test_every_way_of_keeping_colours_is_read(mode: str) -> None:
    written = io.BytesIO()
    file_type = FileType.JPEG if mode in {"CMYK", "YCbCr"} else FileType.PNG
    Image.new(mode, (40, 30)).save(written, file_type.name)
    assert opened(read_picture(written.getvalue(), file_type=file_type).content).mode == "RGB"


def test_what_hides_behind_a_picture_is_left_behind() -> None:
    kept = read_picture(picture("JPEG") + HTML, file_type=FileType.JPEG)
    assert b"script" not in kept.content


def test_the_same_picture_gives_the_same_content() -> None:
    taken = photo_from_phone()
    assert read_picture(taken, file_type=FileType.JPEG) == read_picture(taken, file_type=FileType.JPEG)


@pytest.mark.parametrize("file_type", [FileType.JPEG, FileType.PNG, FileType.WEBP])
@pytest.mark.parametrize("kept_share", [0.02, 0.5, 0.9])
def test_a_picture_that_ends_too_early_is_refused(file_type: FileType, kept_share: float) -> None:
    noise = Image.effect_noise((400, 300), 80).convert("RGB")
    written = io.BytesIO()
    noise.save(written, file_type.name)
    whole = written.getvalue()
    assert "damaged" in refusal(whole[: max(40, int(len(whole) * kept_share))], file_type)


def test_a_picture_in_the_guise_of_another_is_refused() -> None:
    assert "damaged" in refusal(b"\xff\xd8\xff" + picture("PNG"), FileType.JPEG)
    assert "damaged" in refusal(b"\xff\xd8\xff\xe0" + HTML, FileType.JPEG)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    )


def webp_that_claims(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("content", "file_type"),
    [(png_that_claims(60_000, 60_000), FileType.PNG), (webp_that_claims(16_000, 16_000), FileType.WEBP)],
)
def test_a_few_bytes_that_claim_to_be_gigabytes_are_refused_before_they_are_unpacked(
    content: bytes, file_type: FileType
) -> None:
    assert len(content) < 1000
    assert f"at most {MAX_PIXELS // 1_000_000} million" in refusal(content, file_type)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}])
def test_the_size_that_a_webp_claims_is_read_as_pillow_reads_it(options: dict[str, object]) -> None:
    assert webp_size(picture("WEBP", size=(321, 123), **options)) == (321, 123)


def test_a_picture_of_a_few_pixels_is_refused() -> None:
    assert "too small" in refusal(picture(size=(4, 400)), FileType.JPEG)


def test_colours_are_turned_into_the_ones_that_screens_expect() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kept = read_picture(picture(icc_profile=profile), file_type=FileType.JPEG)
    assert "icc_profile" not in opened(kept.content).info
    assert read_picture(picture(icc_profile=b"nonsense" * 30), file_type=FileType.JPEG).width_px == 640
