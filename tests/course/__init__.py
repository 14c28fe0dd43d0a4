"""The course module: built, handed in forty times, graded."""
