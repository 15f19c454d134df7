"""A service that verifies tokens, without Django."""

from ratchet_tokens.verifier import Claims, Reason, TokenRefused, Verifier

verifier = Verifier("https://blog.example", audience="orders", auth=("orders", "the secret"))


def subject(token: str) -> str:
    try:
        claims: Claims = verifier.verify(token)
    except TokenRefused as refused:
        reason: Reason = refused.reason
        return f"refused: {reason}"
    return str(claims["sub"])


async def subject_of(token: str) -> str:
    return str((await verifier.verify_async(token))["sub"])


def mistakes(token: str) -> None:
    Verifier(issuer=7)  # type: ignore[arg-type]
    Verifier("https://blog.example", auth="the secret")  # type: ignore[arg-type]
    verifier.verify(token)["sub"] = "2"  # type: ignore[index]
    verifier.verify()  # type: ignore[call-arg]
