"""Files as people send them, drawn and written here."""

import io
import zipfile

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

PDF = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
HTML = b"<!doctype html><html><script>alert(document.cookie)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

SECRET = b"Kari Nordmann, 59.8906"


def picture(
    file_type: str = "JPEG",
    *,
    size: tuple[int, int] = (640, 480),
    colour: str | tuple[int, ...] = "teal",
    **options: object,
) -> bytes:
    """One colour, with a white corner at the top left."""
    image = Image.new("RGBA" if file_type == "PNG" else "RGB", size, colour)
    image.paste("white", (0, 0, size[0] // 4, size[1] // 4))
    written = io.BytesIO()
    image.save(written, file_type, **options)  # type: ignore[arg-type]
    return written.getvalue()


def photo_from_phone(*, size: tuple[int, int] = (640, 480), orientation: int = 6) -> bytes:
    """A JPEG that says where it was taken in every way a JPEG can: EXIF, XMP and a comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Telefon AS"
    exif[0x013B] = SECRET.decode()
    exif.get_ifd(0x8825).update(
        {
            1: "N",
            2: (IFDRational(59), IFDRational(53), IFDRational(26)),
            3: "E",
            4: (IFDRational(10), IFDRational(31), IFDRational(35)),
        }
    )
    image = Image.new("RGB", size, "teal")
    image.paste("white", (0, 0, size[0] // 4, size[1] // 4))
    written = io.BytesIO()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>' + SECRET + b"</exif:GPSLatitude></x:xmpmeta>"
    image.save(written, "JPEG", exif=exif, xmp=xmp, comment=SECRET)
    return written.getvalue()


def office(kind: str = "xl/workbook.xml", *others: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in ("[Content_Types].xml", kind, *others):
            archive.writestr(name, "<xml/>")
    return written.getvalue()
