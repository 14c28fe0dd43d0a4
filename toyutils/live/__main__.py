"""Write the page with both apps: `python -m toyutils.live live.html`."""

import sys
from pathlib import Path

from toyutils.live import page

if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
    sys.exit(__doc__)
Path(sys.argv[1]).write_text(page(), encoding="utf-8")
print(f"wrote {sys.argv[1]}")
