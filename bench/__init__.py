"""Side-by-side timings of `toyutils` against published recipes; see README.md here."""
