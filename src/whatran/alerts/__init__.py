"""Alerts on their way to those who are to know: thinned out here, handed over by processes of their own."""
