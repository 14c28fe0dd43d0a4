"""List every claim: `python -m toyutils.claims`."""

from toyutils import claims

for number in claims.numbers():
    for claim in claims.of(number).all.values():
        words = " · ".join(f"“{word}”" for word in claim.words)
        print(f"{claim.id}: {claim.statement}\n    {words}")
