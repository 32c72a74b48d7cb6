"""What a map is worth: areas and accuracies with their uncertainty, from a sample that somebody interpreted."""
