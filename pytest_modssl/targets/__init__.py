"""Where a server runs: the protocol, local processes, their lifetime and clean-up."""
