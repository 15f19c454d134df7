"""simplejwt's lists of tokens, read out of our sessions."""
