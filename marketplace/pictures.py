"""Photos made fit to be shown: turned the right way up, of a sensible size, and without what the camera wrote in them.

A picture is never passed on as it came. It is decoded and encoded anew, so that neither position, owner and serial
number (EXIF, XMP, comments) nor anything hidden behind the picture survives.
"""

import io
from dataclasses import dataclass
from threading import BoundedSemaphore

from PIL import Image, ImageCms, ImageFile, ImageOps

from marketplace.errors import field_error
from marketplace.file_types import BROKEN, FIELD, FileType
from marketplace.i18n_marker import N_

LONGEST_SIDE_PX = 2400
CARD_PX = 960
THUMBNAIL_PX = 480
MAX_PIXELS = 50_000_000
"""More than this is refused before it is decoded: some thousand bytes can claim to be a picture of gigabytes."""

QUALITY = 84
SMALL_QUALITY = 78
PAPER = (255, 255, 255)

SMALLEST_PX = 8
TOO_MANY_PIXELS = N_("The picture has %(size)s million pixels. It can have at most %(limit)s million.")
TOO_SMALL = N_("The picture is too small to show anything.")

Image.MAX_IMAGE_PIXELS = None  # `size_of` and MAX_PIXELS look after it, before Pillow sets memory aside

_at_once = BoundedSemaphore(2)
"""A decoded picture takes up to 200 MB; many uploads at once must not take the server's memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A photo as it is kept: JPEG in sRGB, and two smaller ones of it."""

    content: bytes
    card: bytes
    thumbnail: bytes
    width_px: int
    height_px: int


def read_picture(content: bytes, *, file_type: FileType) -> Picture:
    """The picture, encoded anew.

    Raises:
        InvalidInput: it cannot be decoded to its end, or has too many pixels.
    """
    if file_type is FileType.WEBP:
        _require_sensible(webp_size(content))
    with _at_once:
        try:
            with Image.open(io.BytesIO(content), formats=[file_type.name]) as opened:
                _require_sensible(opened.size)
                return _encoded(_upright(opened))
        except (OSError, SyntaxError, ValueError, OverflowError, EOFError):
            # What Pillow and its codecs raise on broken files is a mixture of these.
            raise field_error(FIELD, BROKEN) from None


def webp_size(content: bytes) -> tuple[int, int]:
    """The width and height that a WebP file claims; Pillow sets memory aside for them as soon as it opens it."""
    kind, head = content[12:16], content[16:32]
    if kind == b"VP8X":
        return int.from_bytes(head[8:11], "little") + 1, int.from_bytes(head[11:14], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[5:9], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[10:12], "little") & 0x3FFF, int.from_bytes(head[12:14], "little") & 0x3FFF


def _require_sensible(size: tuple[int, int]) -> None:
    pixels = size[0] * size[1]
    if pixels > MAX_PIXELS:
        raise field_error(FIELD, TOO_MANY_PIXELS, size=round(pixels / 1e6), limit=MAX_PIXELS // 1_000_000)
    if min(size) < SMALLEST_PX:
        raise field_error(FIELD, TOO_SMALL)


def _upright(opened: ImageFile.ImageFile) -> Image.Image:
    """The picture, at most `LONGEST_SIDE_PX` on a side, in sRGB, as the photographer held the camera."""
    opened.draft("RGB", (LONGEST_SIDE_PX, LONGEST_SIDE_PX))  # a large JPEG is decoded at half or a quarter at once
    profile = opened.info.get("icc_profile")
    image: Image.Image = opened
    if image.mode not in {"RGB", "RGBA", "L"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    image = ImageOps.exif_transpose(image)
    if image.mode == "RGBA":
        on_paper = Image.new("RGB", image.size, PAPER)
        on_paper.paste(image, mask=image.getchannel("A"))
        image = on_paper
    image = image.convert("RGB")
    return _in_srgb(image, profile) if profile else image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as the camera meant them, since its profile is not kept; one that makes no sense is passed over."""
    try:
        converted = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image


def _encoded(image: Image.Image) -> Picture:
    return Picture(
        content=_jpeg(image, longest_px=LONGEST_SIDE_PX, quality=QUALITY),
        card=_jpeg(image, longest_px=CARD_PX, quality=SMALL_QUALITY),
        thumbnail=_jpeg(image, longest_px=THUMBNAIL_PX, quality=SMALL_QUALITY),
        width_px=image.width,
        height_px=image.height,
    )


def _jpeg(image: Image.Image, *, longest_px: int, quality: int) -> bytes:
    smaller = image.copy()
    smaller.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    smaller.info.clear()  # Pillow would write the camera's comment and profile into the new file
    written = io.BytesIO()
    smaller.save(written, "JPEG", quality=quality, optimize=True, progressive=True)
    return written.getvalue()
