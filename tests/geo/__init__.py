"""Everything in `geo`, without a database."""
