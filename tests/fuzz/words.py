"""What chance alone would take long to write: the words of JSON, JWT, HTTP and the contract."""

DEEP = 600  # deeper than verified claims can be frozen, and short enough for a token
DEEPER = 1500  # deeper than Python's JSON parser goes
DEEPEST = 5000  # … also under Hypothesis, which raises the limit

#: Put into inputs by both engines.
WORDS = [
    *(b"{}", b"[]", b'""', b"null", b"true", b"NaN", b"Infinity", b"1e999", b"-0", b"9" * 30),
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\xed\xa0\x80"),
    *(b"\xff", b"\x00", b"\xc3\xa9", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\r", b"\n", b"\t", b" "),
    *(b".", b"..", b"=", b"-", b"_", b"+", b"/", b"&", b"%00", b"%ff", b";", b"@"),
    *(b'"alg"', b'"typ"', b'"kid"', b'"crit"', b'"b64"', b'"jwk"', b'"jku"', b'"zip"', b'"x5u"'),
    *(b"none", b"HS256", b"ES256", b"at+jwt", b"rt+jwt", b"application/at+jwt", b"JWT"),
    *(b'"iss"', b'"sub"', b'"aud"', b'"exp"', b'"nbf"', b'"iat"', b'"jti"', b'"sid"', b'"gen"'),
    *(b'"auth_time"', b'"token_type"', b'"access"', b'"refresh"', b'"us"', b'"blog"'),
    *(b"Bearer ", b"bearer", b"Basic ", b"username", b"password", b"refresh", b"token"),
    *(b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data"),
    *(b"; charset=", b"utf-16", b"utf-7", b"punycode", b"idna", b"rot13", b"; boundary=x", b"--x"),
    *(b"Content-Disposition: form-data; name=", b"\r\n\r\n", b"text/html", b"*/*"),
    # See `Site.filled`: each stands for something that is true of the site.
    *(b"@ACCESS", b"@REFRESH", b"@PASSWORD", b"@SESSION", b"@NOW", b"@LATER", b"@USER"),
]

#: Too long for a dictionary of libFuzzer's.
LONG_WORDS = [
    b"[" * DEEP + b"]" * DEEP,
    b"[" * DEEPEST + b"]" * DEEPEST,
    b'{"a":' * DEEPER + b"1" + b"}" * DEEPER,
    b"9" * 5000,
    b"x" * 17_000,
]
