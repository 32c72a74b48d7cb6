"""Water maps once they are made: what goes with them, and what several of them say together."""
