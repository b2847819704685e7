"""One lap of a peer in its own environment: start, change and stop of a container, written as its documents say."""
