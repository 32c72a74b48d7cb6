"""What runs a bundle's model: Keras with its backend, or OpenVINO with a converted copy."""
