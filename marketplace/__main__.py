"""`python -m marketplace` is the command `masseflyt`."""

from marketplace.cli import main

if __name__ == "__main__":
    main()
