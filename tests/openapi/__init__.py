"""The description of the API: complete, true, and of use to a client."""
