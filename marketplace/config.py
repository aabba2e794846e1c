"""Settings from the environment, checked once at the start."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from marketplace.errors import DomainError

ROOT = Path(__file__).resolve().parent.parent
MEBIBYTE = 1024 * 1024
SHORTEST_SECRET_KEY = 32


class BadSettings(DomainError):
    """The environment holds a setting the program cannot start with."""


class Settings(BaseSettings):
    """Every setting of the program; the name in the environment is the field's name in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    # Database
    database_url: str | None = Field(None, description="PostgreSQL with PostGIS; unset: a private cluster in var/")
    database_pool_size: int = Field(10, ge=1, le=200)
    database_statement_timeout_ms: int = Field(15_000, ge=100)

    # Web
    secret_key: SecretStr = Field(SecretStr(""), description="Signs cookies and mailed links; 32 characters or more")
    base_url: str = Field(
        "http://127.0.0.1:5000", description="The address people reach the program at, for mailed links"
    )
    trusted_proxies: int = Field(0, ge=0, le=5, description="How many proxies in front set X-Forwarded-*")
    max_request_bytes: int = Field(4 * MEBIBYTE, ge=1024)
    rate_limits: bool = Field(True, description="Limit log-in, sign-up and lookups per address")

    # Maps and registers
    basemap_url: str = Field(
        "https://cache.kartverket.no/v1/wmts/1.0.0/topograatone/default/webmercator/{z}/{y}/{x}.png",
        description="Raster tiles laid over the program's own basemap; empty: none",
    )
    basemap_attribution: str = "© Kartverket"
    basemap_pmtiles: Path | None = Field(None, description="A vector basemap file to use instead of the program's own")
    geocoder_online: bool = Field(
        True, description="Ask Kartverket's address register as well as the offline gazetteer"
    )
    registers_online: bool = Field(True, description="Look organisation numbers up in Enhetsregisteret")

    # Roads
    roads_dir: Path = Field(
        ROOT / "var" / "roads",
        description="Where `masseflyt roads build` keeps the road network; none there: distances are estimates",
    )

    # Documents and photos
    documents_url: str = Field(
        (ROOT / "var" / "documents").as_uri(),
        description="Where uploaded files lie: file:///folder, or s3://bucket/prefix with the usual AWS_* variables",
    )

    # Mail
    smtp_url: SecretStr | None = Field(
        None, description="smtp://user:password@host:587 (STARTTLS) or smtps://; unset: the outbox page only"
    )
    mail_from: str = "Masseflyt <ikke-svar@masseflyt.example>"

    # Logs
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str | None) -> str | None:
        if not value:
            return None
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("is not a database address such as postgresql://user@host/name") from None
        if url.get_backend_name() != "postgresql":
            raise ValueError("must be a PostgreSQL address, since PostGIS is what finds who is near")
        return value

    @field_validator("basemap_pmtiles")
    @classmethod
    def _is_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"names no file: {value}")
        return value

    @field_validator("documents_url")
    @classmethod
    def _is_place_for_documents(cls, value: str) -> str:
        parts = urlsplit(value)
        in_folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
        if not (in_folder or (parts.scheme == "s3" and parts.netloc) or value == "memory:"):
            raise ValueError("must be a folder (file:///folder) or a bucket (s3://bucket/prefix)")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _has_secret_key(self) -> "Settings":
        if self.database_url and len(self.secret_key.get_secret_value()) < SHORTEST_SECRET_KEY:
            raise ValueError(
                f"SECRET_KEY must be given, {SHORTEST_SECRET_KEY} characters or more, when DATABASE_URL is set"
                " (make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))')"
            )
        return self

    @property
    def is_served_over_tls(self) -> bool:
        return self.base_url.startswith("https://")


def load_settings(**overrides: object) -> Settings:
    """The settings of the environment with `overrides` on top.

    Raises:
        BadSettings: one sentence a setting that cannot be used.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates what comes
    except ValidationError as error:
        raise BadSettings("; ".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: object) -> str:
    assert isinstance(problem, dict)
    name = "_".join(str(part) for part in problem["loc"]).upper()
    reason = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name} {reason}" if name else reason
