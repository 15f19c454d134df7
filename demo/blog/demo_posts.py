"""The posts that the demo starts with: author, title and body of each, oldest first."""

DEMO_POSTS = (
    (
        "alice",
        "Two tokens, two jobs",
        "The access token goes with every request and lasts five minutes. The refresh token goes"
        " only to the refresh endpoint, which gives a new pair for it.",
    ),
    (
        "bob",
        "A token is not a secret box",
        "Anyone who holds a token can read what is in it: it is signed, not encrypted. Put in it"
        " who you are, never your password.",
    ),
    (
        "alice",
        "Out means out",
        "After logging out, neither the refresh token nor the access token of that session works"
        " any more. Other devices stay signed in.",
    ),
    (
        "bob",
        "This one is mine",
        "Only I can change this post. Alice gets a 403, and staff can change it all the same.",
    ),
)
