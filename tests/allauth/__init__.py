"""Real allauth over its headless API, and our sessions. Their settings want their own process."""
