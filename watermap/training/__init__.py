"""Training of networks on patches."""
