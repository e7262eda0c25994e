"""One page of HTML that shows all that ran, without a network or a server."""
