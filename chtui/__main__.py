"""`python -m chtui`."""

import sys

from chtui.cli import entry

if __name__ == "__main__":
    sys.exit(entry())
