"""Claims of notebook 18: what it means at scale."""

import torch

from toyutils.claims import Claims, number, share, true

CLAIMS = Claims("18", definitions=())
