"""Networks, in Keras 3 alone; one architecture a file, `build.build` the one door."""
