"""What a learner's Colab does: run the notebooks, alone, among the versions that Colab has."""
