"""The gettext marker, kept apart so that layers without Flask can mark their messages."""


def N_(message: str) -> str:  # noqa: N802 - the gettext convention's own name
    """Mark an English message id for translation where it will be shown."""
    return message
