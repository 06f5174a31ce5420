"""`python -m tfq` is `tfq`."""

from tfq.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
