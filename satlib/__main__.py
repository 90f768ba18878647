"""`python -m satlib`: the command line."""

from satlib.cli import main

if __name__ == "__main__":
    main()
