"""Training samples: cut from scenes, filtered, split by ground and stored."""
