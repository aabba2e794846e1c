"""Copy the few files the browser gets from node_modules to marketplace/static/vendor, each package with its licence."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "marketplace" / "static" / "vendor"

# Folder under vendor/ -> package -> its files, as (path in the package, name in the folder). A trailing /* takes a
# whole folder, since stylesheets name their pictures by relative path.
ASSETS: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "designsystemet": {
        "@digdir/designsystemet-css": (("dist/src/index.css", "designsystemet.css"),),
        "@digdir/designsystemet-theme": (("src/themes/designsystemet.css", "theme.css"),),
    },
    "fonts": {
        "@fontsource-variable/inter": (
            ("files/inter-latin-wght-normal.woff2", "inter-latin-wght-normal.woff2"),
            ("files/inter-latin-ext-wght-normal.woff2", "inter-latin-ext-wght-normal.woff2"),
        ),
        "@fontsource-variable/schibsted-grotesk": (
            ("files/schibsted-grotesk-latin-wght-normal.woff2", "schibsted-grotesk-latin-wght-normal.woff2"),
            ("files/schibsted-grotesk-latin-ext-wght-normal.woff2", "schibsted-grotesk-latin-ext-wght-normal.woff2"),
        ),
    },
    "geoman": {
        "@geoman-io/leaflet-geoman-free": (
            ("dist/leaflet-geoman.min.js", "leaflet-geoman.min.js"),
            ("dist/leaflet-geoman.css", "leaflet-geoman.css"),
        ),
    },
    "htmx": {"htmx.org": (("dist/htmx.min.js", "htmx.min.js"),)},
    "leaflet": {
        "leaflet": (
            ("dist/leaflet.js", "leaflet.js"),
            ("dist/leaflet.css", "leaflet.css"),
            ("dist/images/*", "images"),
        ),
    },
    # As whole TrueType files, since what sets the printed papers (marketplace/printing.py) reads no WOFF2.
    "print-fonts": {
        "@expo-google-fonts/inter": (
            ("400Regular/Inter_400Regular.ttf", "Inter-Regular.ttf"),
            ("600SemiBold/Inter_600SemiBold.ttf", "Inter-SemiBold.ttf"),
            ("LICENSE_FONT", "LICENSE-inter-font.txt"),
        ),
        "@expo-google-fonts/schibsted-grotesk": (
            ("700Bold/SchibstedGrotesk_700Bold.ttf", "SchibstedGrotesk-Bold.ttf"),
            ("LICENSE_FONT", "LICENSE-schibsted-grotesk-font.txt"),
        ),
    },
    "protomaps": {"protomaps-leaflet": (("dist/protomaps-leaflet.js", "protomaps-leaflet.js"),)},
}


def copy_assets() -> int:
    """How many files were copied; what was in vendor/ before is gone."""
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    copied = 0
    for folder, packages in ASSETS.items():
        target = fresh / folder
        target.mkdir(parents=True)
        for package, files in packages.items():
            shutil.copy(_licence(package), target / f"LICENSE-{package.rpartition('/')[2]}.txt")
            for source, name in files:
                copied += _copy(PACKAGES / package, source, target / name)
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    return copied


def _copy(package: Path, source: str, target: Path) -> int:
    if source.endswith("/*"):
        shutil.copytree(package / source.removesuffix("/*"), target)
        return sum(1 for path in target.rglob("*") if path.is_file())
    shutil.copy(package / source, target)
    return 1


def _licence(package: str) -> Path:
    found = sorted((PACKAGES / package).glob("LICENSE*"))
    if not found:
        sys.exit(f"{package} has no licence file any more; look before shipping it")
    return found[0]


if __name__ == "__main__":
    print(f"{copy_assets()} files in {VENDOR.relative_to(ROOT)}")
